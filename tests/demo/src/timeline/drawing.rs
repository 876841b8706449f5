//! The picture as SVG. It brings its own background, so that it reads the same in light and dark viewers.

use svg::Document;
use svg::node::element::{Definitions, Description, Group, Line, Path, Pattern, Rectangle, Style, Text, Title};

use super::{Bar, LABEL_SIZE, LANE_HEIGHT, Look, Mark, MarkKind, PLOT, Panel, Timeline, WIDTH, text_width};

const MARGIN: f64 = 32.0;
const HEADER_HEIGHT: f64 = 92.0;
/// Height of a panel's title and of the labels of its marks.
const PANEL_HEADER_HEIGHT: f64 = 74.0;
/// Height of a panel's axis and of the space below it.
const PANEL_FOOTER_HEIGHT: f64 = 44.0;
const FOOTER_HEIGHT: f64 = 88.0;
const BAR_HEIGHT: f64 = 20.0;
const SWATCH: f64 = 22.0;

const TEXT: &str = "#1f2328";
const MUTED: &str = "#59636e";
const GOOD: &str = "#1a7f37";
const BAD: &str = "#cf222e";

const STYLE: &str = "text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', \
                     sans-serif; font-variant-numeric: tabular-nums; }";

/// Draws a timeline below `title` and `subtitle`, with two lines of `notes` at the bottom.
pub fn draw(timeline: &Timeline, title: &str, subtitle: &str, notes: [&str; 2]) -> Document {
    let panel_heights: Vec<f64> = timeline.panels.iter().map(panel_height).collect();
    let height = HEADER_HEIGHT + panel_heights.iter().sum::<f64>() + FOOTER_HEIGHT;
    let background = Rectangle::new()
        .set("x", 0.5)
        .set("y", 0.5)
        .set("width", WIDTH - 1.0)
        .set("height", height - 1.0)
        .set("rx", 10)
        .set("fill", "#ffffff")
        .set("stroke", "#d1d9e0");
    let document = Document::new()
        .set("viewBox", (0.0, 0.0, WIDTH, height))
        .set("width", WIDTH)
        .set("height", height)
        .set("role", "img")
        .add(Title::new(title))
        .add(Description::new().add(svg::node::Text::new(description(timeline))))
        .add(Style::new(STYLE))
        .add(Definitions::new().add(hatching()))
        .add(background)
        .add(text(title, MARGIN, 44.0, 22.0, TEXT).set("font-weight", 600))
        .add(text(subtitle, MARGIN, 68.0, 14.0, MUTED));
    let tops = panel_heights.iter().scan(HEADER_HEIGHT, |next, height| {
        let top = *next;
        *next += height;
        Some(top)
    });
    timeline
        .panels
        .iter()
        .zip(tops)
        .fold(document, |document, (drawn, top)| document.add(panel(drawn, &timeline.ticks, top)))
        .add(legend(height - FOOTER_HEIGHT + 4.0))
        .add(text(notes[0], MARGIN, height - 40.0, 12.5, MUTED))
        .add(text(notes[1], MARGIN, height - 22.0, 12.5, MUTED))
}

fn description(timeline: &Timeline) -> String {
    let panels = timeline.panels.iter().map(|panel| format!("{}: {}.", panel.title, panel.verdict));
    panels.collect::<Vec<_>>().join(" ")
}

fn panel_height(panel: &Panel) -> f64 {
    PANEL_HEADER_HEIGHT + panel.lanes.len() as f64 * LANE_HEIGHT + PANEL_FOOTER_HEIGHT
}

fn panel(panel: &Panel, ticks: &[(f64, String)], top: f64) -> Group {
    let (first_lane, last_lane) = (top + PANEL_HEADER_HEIGHT, top + panel_height(panel) - PANEL_FOOTER_HEIGHT);
    let verdict_color = if panel.good { GOOD } else { BAD };
    let verdict = text(&panel.verdict, PLOT.1, top + 18.0, 14.0, verdict_color);
    let mut group = Group::new()
        .add(text(panel.title, MARGIN, top + 18.0, 16.0, TEXT).set("font-weight", 600))
        .add(verdict.set("text-anchor", "end").set("font-weight", 600))
        .add(text(panel.subtitle, MARGIN, top + 38.0, 13.0, MUTED));
    for (index, name) in panel.lanes.iter().enumerate() {
        let y = first_lane + index as f64 * LANE_HEIGHT;
        if index % 2 == 0 {
            group = group.add(rectangle((PLOT.0, y), (PLOT.1 - PLOT.0, LANE_HEIGHT)).set("fill", "#f6f8fa"));
        }
        let color = if index == 0 { MUTED } else { TEXT };
        group =
            group.add(text(name, PLOT.0 - 12.0, y + LANE_HEIGHT / 2.0 + 4.5, 13.0, color).set("text-anchor", "end"));
    }
    for (x, label) in ticks {
        group = group.add(vertical(*x, first_lane, last_lane + 5.0).set("stroke", "#d1d9e0"));
        group = group.add(text(label, *x, last_lane + 20.0, 12.0, MUTED).set("text-anchor", "middle"));
    }
    group = group.add(text("minutes", PLOT.0 - 12.0, last_lane + 20.0, 12.0, MUTED).set("text-anchor", "end"));
    let bars = panel.bars.iter().map(|drawn| bar(drawn, first_lane));
    let marks = panel.marks.iter().map(|drawn| mark(drawn, first_lane, last_lane));
    bars.chain(marks).fold(group, Group::add)
}

fn bar(bar: &Bar, first_lane: f64) -> Group {
    let top = first_lane + bar.lane as f64 * LANE_HEIGHT + (LANE_HEIGHT - BAR_HEIGHT) / 2.0;
    let shape = looks(rectangle((bar.x, top), (bar.width, BAR_HEIGHT)), bar.look);
    let middle = (bar.x + bar.width / 2.0, top + BAR_HEIGHT / 2.0 + 4.0);
    let label = bar.label.iter().flat_map(|label| {
        // On the hatching a text needs a background of its own.
        let background = (bar.look == Look::Failed).then(|| {
            let width = text_width(label, LABEL_SIZE) + 4.0;
            rectangle((middle.0 - width / 2.0, top + 2.0), (width, BAR_HEIGHT - 4.0))
                .set("fill", "#ffffff")
                .set("rx", 2)
        });
        let label = text(label, middle.0, middle.1, LABEL_SIZE, ink(bar.look)).set("text-anchor", "middle");
        background.map(svg::node::element::Element::from).into_iter().chain([label.into()])
    });
    label.fold(Group::new().add(shape), Group::add)
}

fn looks(shape: Rectangle, look: Look) -> Rectangle {
    let (fill, stroke) = match look {
        Look::Launching => ("#e6eaef", "#818b98"),
        Look::Terminating => ("#ffffff", "#818b98"),
        Look::InService => ("#dafbe1", GOOD),
        Look::Succeeded => (GOOD, GOOD),
        Look::Failed => ("url(#failed)", BAD),
        Look::UnderWay => ("#ddf4ff", "#0969da"),
        Look::Elsewhere => ("#fbefff", "#8250df"),
    };
    shape.set("rx", 3).set("fill", fill).set("stroke", stroke)
}

fn ink(look: Look) -> &'static str {
    match look {
        Look::Launching | Look::Terminating => MUTED,
        Look::InService => GOOD,
        Look::Succeeded => "#ffffff",
        Look::Failed => "#a40e26",
        Look::UnderWay => "#0550ae",
        Look::Elsewhere => "#6639ba",
    }
}

fn hatching() -> Pattern {
    Pattern::new()
        .set("id", "failed")
        .set("width", 7)
        .set("height", 7)
        .set("patternUnits", "userSpaceOnUse")
        .set("patternTransform", "rotate(45)")
        .add(rectangle((0.0, 0.0), (7.0, 7.0)).set("fill", "#ffebe9"))
        .add(rectangle((0.0, 0.0), (2.5, 7.0)).set("fill", "#ff8182"))
}

/// A decision's line through the lanes, or a launch's arrow down to the instance's beginning, with the mark's name above.
fn mark(mark: &Mark, first_lane: f64, last_lane: f64) -> Group {
    let (color, weight) = match mark.kind {
        MarkKind::Launch | MarkKind::Relaunch => (MUTED, 400),
        MarkKind::Abandon => (BAD, 600),
        MarkKind::Continue => (GOOD, 600),
    };
    let group = if mark.kind.is_launch() {
        let (x, y) = (rounded(mark.x), rounded(first_lane - 4.0));
        Group::new().add(Path::new().set("d", format!("M{x} {y} l-4.5 -9 h9 z")).set("fill", color))
    } else {
        Group::new().add(decision_line(mark.kind, mark.x, first_lane - 18.0, last_lane))
    };
    if !mark.is_named {
        return group;
    }
    let (begin, end) = mark.name_span();
    let (x, anchor) = if mark.kind.is_launch() { (begin, "start") } else { (end, "end") };
    let name = text(mark.kind.name(), x, first_lane - 8.0, LABEL_SIZE, color);
    group.add(name.set("text-anchor", anchor).set("font-weight", weight))
}

fn decision_line(kind: MarkKind, x: f64, from: f64, to: f64) -> Line {
    let line = vertical(x, from, to).set("stroke-width", 2);
    if kind == MarkKind::Abandon {
        line.set("stroke", BAD).set("stroke-dasharray", "5 3")
    } else {
        line.set("stroke", GOOD)
    }
}

/// What the bars stand for, in one row.
fn legend(top: f64) -> Group {
    let bars: [(&str, &[(Look, &str)]); 2] = [
        (
            "Instance",
            &[(Look::Launching, "launching"), (Look::InService, "in service"), (Look::Terminating, "terminating")],
        ),
        (
            "Deployment",
            &[
                (Look::UnderWay, "under way"),
                (Look::Succeeded, "Succeeded"),
                (Look::Failed, "Failed"),
                (Look::Elsewhere, "a pipeline's"),
            ],
        ),
    ];
    let mut group = Group::new();
    let mut x = MARGIN;
    for (caption, entries) in bars {
        group = group.add(text(caption, x, top + 10.5, 12.0, TEXT).set("font-weight", 600));
        x += 1.1 * text_width(caption, 12.0) + 10.0;
        for (look, name) in entries {
            group = group.add(looks(rectangle((x, top), (SWATCH, 12.0)), *look));
            group = group.add(text(name, x + SWATCH + 6.0, top + 10.5, 12.0, TEXT));
            x += SWATCH + 6.0 + text_width(name, 12.0) + 12.0;
        }
        x += 12.0;
    }
    group
}

fn text(content: &str, x: f64, y: f64, size: f64, color: &str) -> Text {
    Text::new(content).set("x", rounded(x)).set("y", rounded(y)).set("font-size", size).set("fill", color)
}

fn rectangle((x, y): (f64, f64), (width, height): (f64, f64)) -> Rectangle {
    Rectangle::new()
        .set("x", rounded(x))
        .set("y", rounded(y))
        .set("width", rounded(width))
        .set("height", rounded(height))
}

fn vertical(x: f64, from: f64, to: f64) -> Line {
    Line::new().set("x1", rounded(x)).set("x2", rounded(x)).set("y1", rounded(from)).set("y2", rounded(to))
}

/// Rounded to a tenth of a pixel.
fn rounded(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own_hooks;
    use crate::rollout::Rollout;
    use crate::timeline::tests::{beside_a_pipeline, one_at_a_time};
    use svg::node::element::tag;
    use svg::parser::Event;

    fn picture() -> String {
        let report = one_at_a_time();
        let instance_id = report.instances[0].instance_id.clone();
        let rollout =
            Rollout { instance_id, report, execution: None, transitions: 0, watched_until: 2460.0, released: None };
        let (report, instance_id, released) = beside_a_pipeline();
        let gated = Rollout {
            instance_id,
            report,
            execution: None,
            transitions: 0,
            watched_until: 2460.0,
            released: Some(released),
        };
        crate::picture::of(&own_hooks::run().unwrap(), &rollout, Some(&gated)).to_string()
    }

    #[test]
    fn the_picture_is_well_formed_and_has_its_texts() {
        let picture = picture();
        let mut open = Vec::new();
        let mut texts = Vec::new();
        for event in svg::read(&picture).unwrap() {
            match event {
                Event::Tag(name, tag::Type::Start, _) => open.push(name),
                Event::Tag(name, tag::Type::End, _) => assert_eq!(open.pop(), Some(name)),
                Event::Text(content) => texts.push(content),
                Event::Error(error) => panic!("{error}"),
                _ => {}
            }
        }
        assert!(open.is_empty(), "{open:?}");
        for expected in
            ["Turnstile: one at a time", "Storefront", "ABANDON", "relaunch", "minutes", "30", "Failed", "under way"]
        {
            assert!(texts.contains(&expected), "{expected} in {texts:?}");
        }
        assert_eq!(texts.iter().filter(|text| **text == "Gateway").count(), 3, "one lane in each run");
        assert!(texts.contains(&"a pipeline's"), "{texts:?}");
    }

    /// Every text with its baseline, and where it begins and ends.
    fn texts(picture: &str) -> Vec<(f64, f64, f64, String)> {
        let mut texts = Vec::new();
        let mut place = None;
        for event in svg::read(picture).unwrap() {
            match event {
                Event::Tag("text", tag::Type::Start, attributes) => place = Some(attributes),
                Event::Text(content) => {
                    let Some(attributes) = place.take() else { continue };
                    let number = |name: &str| attributes[name].parse::<f64>().unwrap();
                    let width = text_width(content, number("font-size"));
                    let begin = match attributes.get("text-anchor").map(|anchor| &**anchor) {
                        Some("end") => number("x") - width,
                        Some("middle") => number("x") - width / 2.0,
                        _ => number("x"),
                    };
                    texts.push((number("y"), begin, begin + width, content.to_owned()));
                }
                _ => {}
            }
        }
        texts
    }

    #[test]
    fn no_text_leaves_the_picture_or_covers_another() {
        let texts = texts(&picture());
        assert!(texts.len() > 60, "{texts:?}");
        for (index, (y, begin, end, content)) in texts.iter().enumerate() {
            assert!(*begin >= 0.0 && *end <= WIDTH, "{content} from {begin} to {end}");
            let covered =
                texts[..index].iter().find(|other| (other.0 - y).abs() < 10.0 && other.1 < *end && *begin < other.2);
            assert_eq!(covered, None, "{content} from {begin} to {end}");
        }
    }
}
