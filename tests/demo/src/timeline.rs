//! The layout of the picture of the runs. [`drawing`] makes an SVG of it.
//!
//! The runs share one axis, so that the same width is the same time. A run has a lane for its instances and one for each application.

pub mod drawing;

use stack::minutes;
use stack::six_applications::APPLICATIONS;
use world::{DeploymentReport, HookResult, InstanceReport, Report};

/// The picture's width in its own units, which are pixels at full size.
pub const WIDTH: f64 = 980.0;
/// The x coordinates at which the axis begins and ends.
pub const PLOT: (f64, f64) = (128.0, 948.0);
/// The distance from one lane to the next.
pub const LANE_HEIGHT: f64 = 28.0;
/// The space between a bar's ends and its label.
const LABEL_MARGIN: f64 = 4.0;
/// Seconds that the axis goes on after an instance came into service, so that this can be seen.
const SECONDS_AFTER: f64 = 150.0;
/// Seconds between two ticks of the axis.
const TICK_SECONDS: f64 = 300.0;
/// Font size of the labels in bars.
pub const LABEL_SIZE: f64 = 12.0;

/// A run to be drawn.
pub struct Run<'a> {
    /// The run's name.
    pub title: &'a str,
    /// How the run goes, in a line.
    pub subtitle: &'a str,
    /// What became of the launch.
    pub verdict: String,
    /// Everything that happened.
    pub report: &'a Report,
    /// The instance that is drawn; `None`: all.
    pub instance_id: Option<&'a str>,
    /// When the run was last looked at, in world seconds.
    pub until: f64,
}

/// The runs with the places of everything in them; x grows with time.
#[derive(Debug)]
pub struct Timeline<'a> {
    /// The axis' ticks and their labels, in minutes.
    pub ticks: Vec<(f64, String)>,
    /// The runs, from the top.
    pub panels: Vec<Panel<'a>>,
}

/// A run with the places of everything in it.
#[derive(Debug)]
pub struct Panel<'a> {
    /// See [`Run::title`].
    pub title: &'a str,
    /// See [`Run::subtitle`].
    pub subtitle: &'a str,
    /// See [`Run::verdict`].
    pub verdict: String,
    /// Whether an instance is in service at the end.
    pub good: bool,
    /// The lanes' names, from the top.
    pub lanes: Vec<&'static str>,
    /// The instances and their deployments.
    pub bars: Vec<Bar>,
    /// The instances' launches and ends.
    pub marks: Vec<Mark>,
}

/// A stretch of time in a lane.
#[derive(Debug, PartialEq)]
pub struct Bar {
    /// The lane's index.
    pub lane: usize,
    /// The left end.
    pub x: f64,
    /// The length.
    pub width: f64,
    /// What the bar stands for.
    pub look: Look,
    /// The label, if there is room for it.
    pub label: Option<String>,
}

/// What a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// An instance on its way into service.
    Launching,
    /// An instance whose launch was abandoned.
    Terminating,
    /// An instance in service.
    InService,
    /// A deployment that succeeded.
    Succeeded,
    /// A deployment that failed.
    Failed,
    /// A deployment that had not ended when the run was last looked at.
    UnderWay,
    /// A deployment to other instances than the one that is drawn.
    Elsewhere,
}

/// A point in time of a run.
#[derive(Debug, PartialEq)]
pub struct Mark {
    /// The place.
    pub x: f64,
    /// What happened.
    pub kind: MarkKind,
    /// Whether there is room for the name.
    pub is_named: bool,
}

/// What a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// The first instance is launched.
    Launch,
    /// The group launches another one.
    Relaunch,
    /// A hook ended with ABANDON, and with it the launch.
    Abandon,
    /// The last hook ended with CONTINUE.
    Continue,
}

impl MarkKind {
    /// The name that is written at the mark.
    pub fn name(self) -> &'static str {
        match self {
            MarkKind::Launch => "launch",
            MarkKind::Relaunch => "relaunch",
            MarkKind::Abandon => "ABANDON",
            MarkKind::Continue => "CONTINUE",
        }
    }

    /// Whether the mark begins a launch; otherwise it decides one.
    pub fn is_launch(self) -> bool {
        matches!(self, MarkKind::Launch | MarkKind::Relaunch)
    }
}

impl Mark {
    /// Where the name begins and ends: behind the mark of a launch, before the mark of a decision.
    pub fn name_span(&self) -> (f64, f64) {
        let width = text_width(self.kind.name(), LABEL_SIZE);
        if self.kind.is_launch() { (self.x + 8.0, self.x + 8.0 + width) } else { (self.x - 6.0 - width, self.x - 6.0) }
    }
}

/// Names the marks that have room for a name; decisions come before launches.
fn name(marks: &mut [Mark]) {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for launches in [false, true] {
        for mark in marks.iter_mut().filter(|mark| mark.kind.is_launch() == launches) {
            let (begin, end) = mark.name_span();
            let is_free = taken.iter().all(|(other_begin, other_end)| end <= *other_begin || *other_end <= begin);
            mark.is_named = is_free && end <= WIDTH;
            if mark.is_named {
                taken.push((begin, end));
            }
        }
    }
}

/// The scale of the axis.
#[derive(Clone, Copy)]
struct Scale {
    end: f64,
}

impl Scale {
    fn x(self, seconds: f64) -> f64 {
        PLOT.0 + (PLOT.1 - PLOT.0) * (seconds / self.end).clamp(0.0, 1.0)
    }

    fn bar(self, lane: usize, from: f64, to: f64, look: Look, label: &str) -> Bar {
        let (x, width) = (self.x(from), self.x(to) - self.x(from));
        let fits = !label.is_empty() && text_width(label, LABEL_SIZE) + 2.0 * LABEL_MARGIN <= width;
        Bar { lane, x, width, look, label: fits.then(|| label.to_owned()) }
    }
}

/// The approximate width of a text in the widest of the usual sans-serif fonts.
pub fn text_width(text: &str, size: f64) -> f64 {
    let ems = text.chars().map(|letter| match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | ' ' => 0.32,
        'f' | 'r' | 't' | '-' => 0.41,
        'm' | 'w' | 'M' | 'W' => 0.92,
        'A'..='Z' => 0.71,
        _ => 0.62,
    });
    ems.sum::<f64>() * size
}

impl<'a> Timeline<'a> {
    /// Lays out runs, one below the other.
    pub fn of(runs: impl IntoIterator<Item = Run<'a>>) -> Self {
        let runs: Vec<Run> = runs.into_iter().collect();
        let end = runs.iter().map(needed_seconds).fold(TICK_SECONDS, f64::max);
        let scale = Scale { end: (end / 60.0).ceil() * 60.0 };
        let count = (scale.end / TICK_SECONDS).floor() as u32;
        let tick = |index: u32| {
            let seconds = f64::from(index) * TICK_SECONDS;
            (scale.x(seconds), format!("{:.0}", seconds / 60.0))
        };
        Timeline {
            ticks: (0..=count).map(tick).collect(),
            panels: runs.into_iter().map(|run| panel(run, scale)).collect(),
        }
    }
}

fn needed_seconds(run: &Run) -> f64 {
    let in_service = run.report.instances.iter().filter_map(|instance| instance.in_service_at);
    in_service.map(|at| at + SECONDS_AFTER).fold(run.until, f64::max)
}

fn panel(run: Run, scale: Scale) -> Panel {
    let Run { title, subtitle, verdict, report, instance_id, until } = run;
    let is_drawn = |id: &str| instance_id.is_none_or(|drawn| drawn == id);
    let drawn = || report.instances.iter().filter(|instance| is_drawn(&instance.instance_id));
    let instances = drawn().flat_map(|instance| instance_bars(instance, report, until, scale));
    let deployments = report.deployments.iter().filter_map(|deployment| {
        let bar = deployment_bar(deployment, until, scale)?;
        let is_elsewhere = !deployment.instance_ids.iter().any(|id| is_drawn(id));
        Some(if is_elsewhere { Bar { look: Look::Elsewhere, ..bar } } else { bar })
    });
    let marks = drawn().enumerate().flat_map(|(index, instance)| {
        let launch = if index == 0 { MarkKind::Launch } else { MarkKind::Relaunch };
        let decision = decision(&instance.instance_id, report);
        [Some((instance.launched_at, launch)), decision].into_iter().flatten()
    });
    let mut marks: Vec<Mark> = marks.map(|(at, kind)| Mark { x: scale.x(at), kind, is_named: false }).collect();
    name(&mut marks);
    Panel {
        title,
        subtitle,
        verdict,
        good: drawn().any(|instance| instance.lifecycle_state == "InService"),
        lanes: ["Instance"].into_iter().chain(APPLICATIONS).collect(),
        bars: instances.chain(deployments).collect(),
        marks,
    }
}

fn instance_bars(instance: &InstanceReport, report: &Report, until: f64, scale: Scale) -> Vec<Bar> {
    let id = &instance.instance_id;
    let gone_at = instance.terminated_at.unwrap_or(until);
    let (launched_until, then) = match (instance.in_service_at, decision(id, report)) {
        (Some(at), _) => {
            let end = instance.terminated_at.unwrap_or(scale.end);
            (at, Some(scale.bar(0, at, end, Look::InService, "InService")))
        }
        (None, Some((at, MarkKind::Abandon))) => (at, Some(scale.bar(0, at, gone_at, Look::Terminating, ""))),
        (None, _) => (gone_at, None),
    };
    let launching = scale.bar(0, instance.launched_at, launched_until, Look::Launching, id);
    [launching].into_iter().chain(then).collect()
}

fn deployment_bar(deployment: &DeploymentReport, until: f64, scale: Scale) -> Option<Bar> {
    let lane = 1 + APPLICATIONS.iter().position(|name| *name == deployment.application_name)?;
    let started_at = deployment.started_at?;
    Some(match deployment.ended_at {
        None => scale.bar(lane, started_at, until, Look::UnderWay, "under way"),
        Some(ended_at) if deployment.status == "Succeeded" => {
            scale.bar(lane, started_at, ended_at, Look::Succeeded, &minutes(ended_at - started_at))
        }
        Some(ended_at) => scale.bar(lane, started_at, ended_at, Look::Failed, deployment.status),
    })
}

/// What decided a launch, and when: the first ABANDON, or the last CONTINUE.
fn decision(instance_id: &str, report: &Report) -> Option<(f64, MarkKind)> {
    let actions = || report.hook_actions.iter().filter(|action| action.instance_id == instance_id);
    let abandoned = actions().filter(|action| action.result == Some(HookResult::Abandon)).filter_map(|a| a.closed_at);
    if let Some(at) = abandoned.min_by(f64::total_cmp) {
        return Some((at, MarkKind::Abandon));
    }
    let continued: Option<Vec<f64>> =
        actions().map(|a| a.closed_at.filter(|_| a.result == Some(HookResult::Continue))).collect();
    continued?.into_iter().max_by(f64::total_cmp).map(|at| (at, MarkKind::Continue))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::own_hooks;
    use crate::setting::tests::with_an_instance;
    use stack::six_applications::{DEPLOYMENT_GROUP, GROUP};

    /// The applications are deployed by hand, one after the other. The hook stays open.
    pub fn one_at_a_time() -> Report {
        let (world, _) = with_an_instance();
        for application in APPLICATIONS {
            world.deploy(application, DEPLOYMENT_GROUP, None).unwrap();
            world.advance(400.0);
        }
        world.report()
    }

    /// One instance launches while a pipeline deploys to the one in service: the report, the launched instance and the pipeline's deployment.
    pub fn beside_a_pipeline() -> (Report, String, String) {
        let world = crate::setting::tests::gated_world();
        world.advance(10.0);
        let id = world.launch(GROUP).unwrap();
        world.advance(400.0);
        let released = world.deploy("Reports", DEPLOYMENT_GROUP, None).unwrap();
        world.advance(2_000.0);
        (world.report(), id, released)
    }

    #[test]
    fn what_others_deploy_elsewhere_is_drawn_as_such() {
        let (report, id, _) = beside_a_pipeline();
        let run = |instance_id| Run {
            title: "gated",
            subtitle: "how",
            verdict: "verdict".to_owned(),
            report: &report,
            instance_id,
            until: 2_460.0,
        };
        let timeline = Timeline::of([run(Some(id.as_str())), run(None)]);
        let [one, all] = timeline.panels.as_slice() else { panic!("two panels") };
        let count = |panel: &Panel, look| panel.bars.iter().filter(|bar| bar.look == look).count();
        assert_eq!((count(one, Look::Elsewhere), count(one, Look::Succeeded)), (1, 0));
        assert_eq!((count(all, Look::Elsewhere), count(all, Look::Succeeded)), (0, 1));
        assert_eq!((count(one, Look::InService), count(all, Look::InService)), (0, 1), "the other one is not drawn");
    }

    /// Both runs, laid out.
    pub fn both<'a>(own_hooks: &'a Report, after: &'a Report) -> Timeline<'a> {
        let run = |title, report, until| Run {
            title,
            subtitle: "how",
            verdict: "verdict".to_owned(),
            report,
            instance_id: None,
            until,
        };
        Timeline::of([run("own hooks", own_hooks, own_hooks::WATCHED_SECONDS), run("after", after, 2460.0)])
    }

    #[test]
    fn every_bar_and_mark_is_within_the_axes() {
        let (own_hooks, after) = (own_hooks::run().unwrap(), one_at_a_time());
        for panel in both(&own_hooks, &after).panels {
            assert!(!panel.bars.is_empty() && !panel.marks.is_empty());
            for bar in &panel.bars {
                assert!(bar.x >= PLOT.0 && bar.width > 0.0 && bar.x + bar.width <= PLOT.1 + 1e-6, "{bar:?}");
                assert!(bar.lane < panel.lanes.len());
            }
            assert!(panel.marks.iter().all(|mark| (PLOT.0..=PLOT.1).contains(&mark.x)), "{:?}", panel.marks);
        }
    }

    #[test]
    fn each_application_has_one_lane_and_nothing_overlaps_in_it() {
        let (own_hooks, after) = (own_hooks::run().unwrap(), one_at_a_time());
        for panel in both(&own_hooks, &after).panels {
            assert_eq!(panel.lanes, ["Instance", "Storefront", "Orders", "Invoicing", "Search", "Reports", "Gateway"]);
            for lane in 0..panel.lanes.len() {
                let mut bars: Vec<&Bar> = panel.bars.iter().filter(|bar| bar.lane == lane).collect();
                assert!(!bars.is_empty(), "{}", panel.lanes[lane]);
                bars.sort_by(|a, b| a.x.total_cmp(&b.x));
                for pair in bars.windows(2) {
                    assert!(pair[0].x + pair[0].width <= pair[1].x + 1e-6, "{pair:?}");
                }
            }
        }
    }

    #[test]
    fn failures_abandons_and_relaunches_are_visible() {
        let (own_hooks, after) = (own_hooks::run().unwrap(), one_at_a_time());
        let timeline = both(&own_hooks, &after);
        let [failing, passing] = timeline.panels.as_slice() else { panic!("two panels") };
        let count = |panel: &Panel, look| panel.bars.iter().filter(|bar| bar.look == look).count();
        let marked = |panel: &Panel, kind| panel.marks.iter().filter(|mark| mark.kind == kind).count();
        let abandoned = marked(failing, MarkKind::Abandon);
        assert!(abandoned >= 3 && !failing.good);
        assert_eq!(count(failing, Look::Failed), abandoned * 5);
        assert_eq!((marked(failing, MarkKind::Launch), marked(failing, MarkKind::Relaunch)), (1, abandoned));
        assert_eq!((count(passing, Look::Succeeded), count(passing, Look::Failed)), (6, 0));
        assert_eq!(passing.marks.len(), 1, "its hook is open");
    }

    #[test]
    fn a_launch_is_decided_by_its_last_continue() {
        let mut report = one_at_a_time();
        let id = report.instances[0].instance_id.clone();
        let action = report.hook_actions[0].clone();
        let complete = |action: &world::HookActionReport, at, result| world::HookActionReport {
            closed_at: Some(at),
            result: Some(result),
            ..action.clone()
        };
        let (first, last) =
            (complete(&action, 700.0, HookResult::Continue), complete(&action, 900.0, HookResult::Continue));
        report.hook_actions = vec![last.clone(), first.clone()];
        assert_eq!(decision(&id, &report), Some((900.0, MarkKind::Continue)));
        report.hook_actions = vec![first, complete(&action, 800.0, HookResult::Abandon), last];
        assert_eq!(decision(&id, &report), Some((800.0, MarkKind::Abandon)));
        report.hook_actions.push(action);
        assert_eq!(decision("i-unknown", &report), None);
    }

    #[test]
    fn the_axis_is_in_minutes_and_both_runs_share_it() {
        let (own_hooks, after) = (own_hooks::run().unwrap(), one_at_a_time());
        let timeline = both(&own_hooks, &after);
        let labels: Vec<&str> = timeline.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["0", "5", "10", "15", "20", "25", "30", "35", "40"]);
        let x = |panel: usize| timeline.panels[panel].marks[0].x;
        assert_eq!((x(0), x(1)), (PLOT.0, PLOT.0), "both launches are at 0");
    }

    #[test]
    fn a_launch_that_is_too_near_to_a_decision_is_not_named() {
        let mark = |x, kind| Mark { x, kind, is_named: false };
        let mut marks = [
            mark(130.0, MarkKind::Launch),
            mark(300.0, MarkKind::Abandon),
            mark(310.0, MarkKind::Relaunch),
            mark(400.0, MarkKind::Abandon),
        ];
        name(&mut marks);
        assert_eq!(marks.map(|mark| mark.is_named), [true, true, false, true]);
    }

    #[test]
    fn a_label_that_does_not_fit_is_left_out() {
        let scale = Scale { end: 1800.0 };
        assert_eq!(scale.bar(0, 0.0, 200.0, Look::Succeeded, "3:20").label.as_deref(), Some("3:20"));
        assert_eq!(scale.bar(0, 0.0, 20.0, Look::Succeeded, "0:20").label, None);
    }
}
