//! The texts of the picture.

use stack::six_applications::APPLICATIONS;
use svg::Document;
use world::Report;

use crate::rollout::Rollout;
use crate::timeline::{Run, Timeline, drawing};
use crate::{own_hooks, print};

/// The picture of a launch under CodeDeploy's own hooks, one under Turnstile, and one with gates beside a pipeline.
pub fn of(own_hooks: &Report, rollout: &Rollout, gated: Option<&Rollout>) -> Document {
    let hooks = Run {
        title: "CodeDeploy's own hooks: all at once",
        subtitle: "Each deployment group has a launch hook. Deployments at the same time fail, and the launch with them.",
        verdict: print::own_hooks_verdict(own_hooks),
        report: own_hooks,
        instance_id: None,
        until: own_hooks::WATCHED_SECONDS,
    };
    let turnstile = Run {
        title: "Turnstile: one at a time",
        subtitle: "One launch hook, one rollout. A deployment starts when the one before it has succeeded on the instance.",
        verdict: print::verdict(rollout),
        report: &rollout.report,
        instance_id: Some(&rollout.instance_id),
        until: rollout.watched_until,
    };
    let gated = gated.map(|gated| Run {
        title: "Turnstile with gates, beside a pipeline",
        subtitle: "A pipeline deploys to the instance in service meanwhile. Neither waits for the other, nor reaches the other's instance.",
        verdict: print::verdict(gated),
        report: &gated.report,
        instance_id: Some(&gated.instance_id),
        until: gated.watched_until,
    });
    let fixed = print::FIXED_SLEEP_SECONDS * APPLICATIONS.len() as f64 / 60.0;
    drawing::draw(
        &Timeline::of([hooks, turnstile].into_iter().chain(gated)),
        "The same launch, again and again",
        "Six CodeDeploy applications on one instance that its Auto Scaling group has launched",
        [
            &format!(
                "A boot script that sleeps 600 seconds for each application takes {fixed} minutes, whatever becomes of the deployments."
            ),
            "CodeDeploy, Auto Scaling and time are simulated; Turnstile's Lambdas and state machine are not.",
        ],
    )
}
