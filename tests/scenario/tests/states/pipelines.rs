//! A pipeline deploys to the groups of a gated list while a rollout is in a state. Neither notices the other: the instance comes into service with
//! what is current, no deployment but the rollout's reaches it out of order, and none meets another one on it.

use scenario::bed::Place;
use scenario::format::Scenario;
use scenario::judge::run_and_judge;
use scenario::variant::Variant;
use scenario::verdict;
use serde_json::json;

/// The states of a rollout that goes well.
const STATES: [&str; 5] =
    ["PlanRollout", "StartDeployment", "WaitForDeployment", "CheckStatus", "CompleteLifecycleHook"];
const LIST: [&str; 3] = ["Orders", "Search", "Mail"];

/// A launch into a group of two, and a pipeline that brings a build of one application once the rollout is in the state.
fn scenario(state: &str, application: &str, build: u32, tags_seen_after_seconds: f64) -> Scenario {
    let gated = |name: &&str| json!({"name": name, "selectedBy": "gate", "deploymentConfigName": "CodeDeployDefault.AllAtOnce"});
    let deploy = json!({"application": application, "revision": format!("{application}-{build}.zip")});
    let scenario = json!({
        "about": "A pipeline deploys during a launch.",
        "world": {
            "applications": LIST.iter().map(gated).collect::<Vec<_>>(),
            "groups": [{"desiredCapacity": 2}],
            "openFacts": {"tagsSeenAfterSeconds": tags_seen_after_seconds},
        },
        "steps": [{"launch": 1}, {"when": {"rollout": {"launch": 1, "state": state}}, "deploy": deploy, "ifPossible": true}],
        "expect": {"inService": [1], "hooks": {"CONTINUE": 1}},
    });
    serde_json::from_value(scenario).expect("a scenario")
}

#[test]
fn a_pipeline_and_a_launch_do_not_notice_each_other() {
    for state in STATES {
        for application in LIST {
            for (build, seen_after) in [(1, 0.0), (2, 0.0), (2, 45.0)] {
                let scenario = scenario(state, application, build, seen_after);
                let (observed, unmet) = run_and_judge(&scenario, Variant::Default, Place::SIMULATION).expect("it runs");
                let name = format!("{application}-{build} in {state}, tags seen after {seen_after} s");
                assert!(unmet.is_empty(), "{}", verdict::text(&name, &scenario, &observed, &unmet));
            }
        }
    }
}
