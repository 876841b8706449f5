//! A case while it runs: on a terminal one line that is drawn again and again, elsewhere a line for each step.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use stack::minutes;
use world::Report;

/// Real milliseconds between two moves of a line's spinner.
const TICK_MILLISECONDS: u64 = 200;

/// Shows how far a case is.
pub enum Progress {
    Line(ProgressBar),
    Lines { shown: usize },
}

impl Progress {
    /// A line on standard error if that is a terminal; otherwise lines on standard output.
    ///
    /// `speed` is world seconds a real second; `None` for the simulation.
    pub fn start(case: &str, speed: Option<f64>) -> Self {
        if std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
            let style = ProgressStyle::with_template("{spinner} {prefix}  {msg}").expect("a template that can be read");
            let line = ProgressBar::no_length().with_style(style).with_prefix(case.to_owned());
            line.enable_steady_tick(std::time::Duration::from_millis(TICK_MILLISECONDS));
            Self::Line(line)
        } else {
            match speed {
                Some(speed) => println!("{case}, at {speed} world seconds a second"),
                None => println!("{case}, simulated"),
            }
            Self::Lines { shown: 0 }
        }
    }

    /// Shows the text. Where lines are printed, the text is left out unless there are more steps than before.
    pub fn show(&mut self, steps: usize, text: String) {
        match self {
            Self::Line(line) => line.set_message(text),
            Self::Lines { shown } if steps > *shown => {
                *shown = steps;
                println!("  {text}");
            }
            Self::Lines { .. } => {}
        }
    }

    /// Leaves on the screen what was shown last.
    pub fn end(self) {
        if let Self::Line(line) = self {
            line.abandon();
        }
    }
}

/// How far a burst of `instances` launches is at world time `now`.
pub fn of_a_burst(instances: usize, report: &Report, now: f64) -> String {
    let in_service = report.instances.iter().filter(|instance| instance.lifecycle_state == "InService").count();
    let deployments = report.deployments.len();
    format!("{:>6}  {in_service} of {instances} in service, deployments: {deployments}", minutes(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::two_instances;

    #[test]
    fn a_line_shows_how_far_a_case_is() {
        let mut report = two_instances().report;
        report.instances[1].lifecycle_state = "Pending:Wait";
        assert_eq!(of_a_burst(2, &report, 185.0), "  3:05  1 of 2 in service, deployments: 1");
    }
}
