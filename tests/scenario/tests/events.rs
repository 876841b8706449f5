//! An execution's events, of which Step Functions allows 25,000, last as long as a rollout may.

use scenario::bed::Place;
use scenario::format::{Outcome, Scenario};
use scenario::judge::run_and_judge;
use scenario::variant::Variant;
use scenario::verdict;
use serde_json::json;

/// The longest time-out that an application can have, in seconds.
const TIMEOUT: u32 = 43_200;

#[test]
fn an_agent_that_is_silent_for_half_a_day_does_not_fill_the_history() {
    let mut applications: Vec<_> =
        (1..30).map(|i| json!({"name": format!("S{i}"), "seconds": {"ApplicationStart": 1}})).collect();
    applications.push(json!({"name": "Last", "options": {"timeoutSeconds": TIMEOUT}}));
    let scenario: Scenario = serde_json::from_value(json!({
        "about": "The agent falls silent before the last of thirty applications, whose timeoutSeconds is 12 hours.",
        "world": {"applications": applications, "groups": [{"hook": {"heartbeatTimeout": 3600}}]},
        "steps": [{"launch": 1}, {"when": {"deployment": {"application": "S29", "is": "over"}}, "silenceAgent": 1}],
        "until": {"ended": 1},
        "giveUpSeconds": 3 * TIMEOUT,
        "expect": {"executions": [{"launch": 1, "outcome": "FAILED", "error": "Turnstile.DeploymentTimedOut"}, {"outcome": "RUNNING", "count": {"max": 1}}]},
    }))
    .expect("a scenario");
    let (observed, unmet) = run_and_judge(&scenario, Variant::Default, Place::SIMULATION).expect("it runs");
    assert!(unmet.is_empty(), "{}", verdict::text("events", &scenario, &observed, &unmet));
    assert!(observed.rollouts.iter().any(|rollout| rollout.outcome() == Outcome::Failed));
}
