//! The rollout while it runs: on a terminal a bar for each application, elsewhere a line for each event.

use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use stack::minutes;
use stack::six_applications::APPLICATIONS;
use world::Report;

use crate::{event_log, setting};

/// How far an application's deployment on the instance is.
#[derive(Debug, PartialEq)]
enum Stage {
    /// There has been no deployment.
    Waiting,
    /// A deployment has been under way for these world seconds, and is at this lifecycle event if the agent has begun one.
    Deploying { seconds: f64, event: Option<&'static str> },
    /// The last deployment has ended.
    Over { status: &'static str, seconds: f64 },
}

/// Shows the reports of one instance, one after the other.
pub enum Progress {
    Bars { instance: ProgressBar, applications: Vec<ProgressBar> },
    Lines { printed: usize },
}

impl Progress {
    /// Bars if standard error is a terminal, where they are drawn; otherwise lines on standard output.
    pub fn start() -> Self {
        if std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
            Self::bars()
        } else {
            Self::Lines { printed: 0 }
        }
    }

    fn bars() -> Self {
        let bars = MultiProgress::new();
        let instance = bars.add(ProgressBar::no_length().with_style(template("  {msg}")));
        let applications = APPLICATIONS.iter().map(|name| {
            let bar = ProgressBar::new(setting::APPLICATIONS.deployment_seconds(name) as u64).with_prefix(*name);
            bars.add(bar.with_style(bar_style("green")))
        });
        Self::Bars { applications: applications.collect(), instance }
    }

    /// Shows the report of world time `now`.
    pub fn show(&mut self, instance_id: &str, report: &Report, now: f64) {
        match self {
            Self::Bars { instance, applications } => {
                let state = report.instances.iter().find(|i| i.instance_id == instance_id).map(|i| i.lifecycle_state);
                instance.set_message(format!("{}  {instance_id}  {}", minutes(now), state.unwrap_or_default()));
                for (bar, name) in applications.iter().zip(APPLICATIONS) {
                    draw(bar, &stage(name, instance_id, report, now), setting::APPLICATIONS.deployment_seconds(name));
                }
            }
            Self::Lines { printed } => {
                let events = event_log::of(instance_id, report);
                for event in &events[*printed..] {
                    println!("  {:>6}  {}", minutes(event.at), event.text);
                }
                *printed = events.len();
            }
        }
    }

    /// Leaves on the screen what was shown last.
    pub fn end(self) {
        if let Self::Bars { instance, applications } = self {
            applications.iter().chain([&instance]).for_each(ProgressBar::abandon);
        }
    }
}

fn bar_style(color: &str) -> ProgressStyle {
    template(&format!("  {{prefix:<11}} {{bar:30.{color}/dim}} {{msg}}")).progress_chars("━━╌")
}

fn template(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a template that can be read")
}

fn draw(bar: &ProgressBar, stage: &Stage, expected: f64) {
    match stage {
        Stage::Waiting => bar.set_message("waits"),
        Stage::Deploying { seconds, event } => {
            // It may be red from an attempt that failed.
            bar.set_style(bar_style("green"));
            // A deployment that takes longer than expected has not ended.
            bar.set_position((*seconds as u64).min(expected as u64 - 1));
            let event = event.unwrap_or("waits for the agent");
            bar.set_message(format!("{} of about {}  {event}", minutes(*seconds), minutes(expected)));
        }
        Stage::Over { status, seconds } => {
            if *status == "Succeeded" {
                bar.set_position(expected as u64);
            } else {
                bar.set_style(bar_style("red"));
            }
            bar.set_message(format!("{status} after {}", minutes(*seconds)));
        }
    }
}

fn stage(application: &str, instance_id: &str, report: &Report, now: f64) -> Stage {
    let concerns = |d: &&world::DeploymentReport| {
        d.application_name == application && d.targets.iter().any(|target| target.instance_id == instance_id)
    };
    let Some(last) = report.deployments.iter().rev().find(concerns) else { return Stage::Waiting };
    let began = last.started_at.unwrap_or(last.created_at);
    match last.ended_at {
        Some(ended) => Stage::Over { status: last.status, seconds: ended - began },
        None => {
            let mut events =
                last.targets.iter().filter(|t| t.instance_id == instance_id).flat_map(|t| &t.lifecycle_events);
            let event = events.rfind(|event| event.started_at.is_some());
            Stage::Deploying { seconds: now - began, event: event.map(|event| event.name) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stack::six_applications::{DEPLOYMENT_GROUP, GROUP};

    #[test]
    fn an_application_waits_is_deployed_and_is_over() {
        let world = setting::tests::world();
        let id = world.launch(GROUP).unwrap();
        world.advance(30.0);
        let now = |name| stage(name, &id, &world.report(), world.now());
        assert_eq!(now("Orders"), Stage::Waiting);

        world.deploy("Orders", DEPLOYMENT_GROUP, None).unwrap();
        world.advance(7.0);
        assert_eq!(now("Orders"), Stage::Deploying { seconds: 5.0, event: None }, "the agent does not answer yet");
        world.advance(20.0);
        assert_eq!(now("Orders"), Stage::Deploying { seconds: 25.0, event: Some("DownloadBundle") });
        assert_eq!(now("Search"), Stage::Waiting);

        world.advance(400.0);
        let Stage::Over { status: "Succeeded", seconds } = now("Orders") else { panic!("{:?}", now("Orders")) };
        let expected = setting::APPLICATIONS.deployment_seconds("Orders");
        assert!((expected * 0.9..expected * 1.2).contains(&seconds), "{seconds} s, the last one took {expected} s");
    }
}
