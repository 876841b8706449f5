//! The rollout while it runs: a bar for each application on a terminal, a line for each event elsewhere.

use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use stack::minutes;
use world::Report;

use crate::setting::{self, APPLICATIONS};
use crate::story;

/// How an application's deployment on the instance is going.
#[derive(Debug, PartialEq)]
enum Stage {
    /// Its turn has not come.
    Waiting,
    /// For so many world seconds, at a lifecycle event if the agent has begun.
    Deploying { seconds: f64, event: Option<&'static str> },
    /// Its last deployment ended.
    Over { status: &'static str, seconds: f64 },
}

/// Shows reports of one instance, one after the other.
pub enum Progress {
    Bars { instance: ProgressBar, applications: Vec<ProgressBar> },
    Lines { told: usize },
}

impl Progress {
    /// Bars if standard error is a terminal, where they are drawn; otherwise lines on standard output.
    pub fn start() -> Self {
        if std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
            Self::bars()
        } else {
            Self::Lines { told: 0 }
        }
    }

    fn bars() -> Self {
        let bars = MultiProgress::new();
        let instance = bars.add(ProgressBar::no_length().with_style(template("  {msg}")));
        let applications = APPLICATIONS.iter().map(|name| {
            let bar = ProgressBar::new(setting::previous_seconds(name) as u64).with_prefix(*name);
            bars.add(bar.with_style(bar_style("green")))
        });
        Self::Bars { applications: applications.collect(), instance }
    }

    /// Shows how things stand at world time `now`.
    pub fn show(&mut self, instance_id: &str, report: &Report, now: f64) {
        match self {
            Self::Bars { instance, applications } => {
                let state = report.instances.iter().find(|i| i.instance_id == instance_id).map(|i| i.lifecycle_state);
                instance.set_message(format!("{}  {instance_id}  {}", minutes(now), state.unwrap_or_default()));
                for (bar, name) in applications.iter().zip(APPLICATIONS) {
                    draw(bar, &stage(name, instance_id, report, now), setting::previous_seconds(name));
                }
            }
            Self::Lines { told } => {
                let story = story::of(instance_id, report);
                for moment in &story[*told..] {
                    println!("  {:>6}  {}", minutes(moment.at), moment.text);
                }
                *told = story.len();
            }
        }
    }

    /// Leaves what was shown last on the screen.
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
            // It may be another attempt, after one that failed.
            bar.set_style(bar_style("green"));
            // A deployment that takes longer than the last one is not over yet.
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
    use world::{Clock, World};

    #[test]
    fn an_application_waits_is_deployed_and_is_over() {
        let world = World::new(setting::tests::by_hand(), Clock::Manual).unwrap();
        let id = world.launch(setting::GROUP).unwrap();
        world.advance(30.0);
        let now = |name| stage(name, &id, &world.report(), world.now());
        assert_eq!(now("Orders"), Stage::Waiting);

        world.deploy("Orders", setting::DEPLOYMENT_GROUP, None).unwrap();
        world.advance(7.0);
        assert_eq!(now("Orders"), Stage::Deploying { seconds: 5.0, event: None }, "the agent does not answer yet");
        world.advance(20.0);
        assert_eq!(now("Orders"), Stage::Deploying { seconds: 25.0, event: Some("DownloadBundle") });
        assert_eq!(now("Search"), Stage::Waiting);

        world.advance(400.0);
        let Stage::Over { status: "Succeeded", seconds } = now("Orders") else { panic!("{:?}", now("Orders")) };
        let expected = setting::previous_seconds("Orders");
        assert!((expected * 0.9..expected * 1.2).contains(&seconds), "{seconds} s, the last one took {expected} s");
    }
}
