//! The texts of the picture.

use stack::six_applications::APPLICATIONS;
use svg::Document;
use world::Report;

use crate::rollout::Rollout;
use crate::timeline::{Run, Timeline, drawing};
use crate::{own_hooks, print};

/// The picture of a launch under CodeDeploy's own hooks, and one under Turnstile.
pub fn of(own_hooks: &Report, rollout: &Rollout) -> Document {
    let hooks = Run {
        title: "CodeDeploy's own hooks: all at once",
        subtitle: "Each deployment group has a launch hook. Deployments at the same time fail, and the launch with them.",
        verdict: print::own_hooks_verdict(own_hooks),
        report: own_hooks,
        until: own_hooks::WATCHED_SECONDS,
    };
    let turnstile = Run {
        title: "Turnstile: one at a time",
        subtitle: "One launch hook, one rollout. A deployment starts when the one before it has succeeded on the instance.",
        verdict: print::verdict(rollout),
        report: &rollout.report,
        until: rollout.watched_until,
    };
    let fixed = print::FIXED_SLEEP_SECONDS * APPLICATIONS.len() as f64 / 60.0;
    drawing::draw(
        &Timeline::of([hooks, turnstile]),
        "The same launch, twice",
        "Six CodeDeploy applications on one instance that its Auto Scaling group has launched",
        [
            &format!(
                "A boot script that sleeps 600 seconds for each application takes {fixed} minutes, whatever becomes of the deployments."
            ),
            "CodeDeploy, Auto Scaling and time are simulated; Turnstile's Lambdas and state machine are not.",
        ],
    )
}
