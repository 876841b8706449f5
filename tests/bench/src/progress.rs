//! A case while it runs: one line that is drawn again and again on a terminal, a line for each new deployment elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use stack::minutes;
use world::Report;

use crate::case::Case;

/// How often a line's spinner moves, in real milliseconds.
const TICK_MILLISECONDS: u64 = 200;

/// Shows reports of one case, one after the other.
pub struct Progress {
    instances: usize,
    shown: Shown,
}

enum Shown {
    Line(ProgressBar),
    Lines { deployments: usize },
}

impl Progress {
    /// A line on standard error if that is a terminal; otherwise lines on standard output.
    pub fn start(case: &Case, speed: f64) -> Self {
        let shown = if std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
            let style = ProgressStyle::with_template("{spinner} {prefix}  {msg}").expect("a template that can be read");
            let line = ProgressBar::no_length().with_style(style).with_prefix(case.name);
            line.enable_steady_tick(std::time::Duration::from_millis(TICK_MILLISECONDS));
            Shown::Line(line)
        } else {
            println!("{}, at {speed} world seconds a second", case.name);
            Shown::Lines { deployments: 0 }
        };
        Self { instances: case.instances, shown }
    }

    /// Shows how things stand at world time `now`.
    pub fn show(&mut self, report: &Report, now: f64) {
        let text = text(self.instances, report, now);
        match &mut self.shown {
            Shown::Line(line) => line.set_message(text),
            Shown::Lines { deployments } if report.deployments.len() > *deployments => {
                *deployments = report.deployments.len();
                println!("  {text}");
            }
            Shown::Lines { .. } => {}
        }
    }

    /// Leaves what was shown last on the screen.
    pub fn end(self) {
        if let Shown::Line(line) = self.shown {
            line.abandon();
        }
    }
}

fn text(instances: usize, report: &Report, now: f64) -> String {
    let in_service = report.instances.iter().filter(|instance| instance.lifecycle_state == "InService").count();
    let deployments = report.deployments.len();
    format!("{:>6}  {in_service} of {instances} in service, deployments: {deployments}", minutes(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::two_instances;

    #[test]
    fn a_line_tells_how_far_a_case_is() {
        let mut report = two_instances().report;
        report.instances[1].lifecycle_state = "Pending:Wait";
        assert_eq!(text(2, &report, 185.0), "  3:05  1 of 2 in service, deployments: 1");
    }
}
