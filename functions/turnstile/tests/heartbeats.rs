//! How long a hook is without a heartbeat while something fails, by the state machine's definition and the waits of its states.
//!
//! Every function begins with a heartbeat. So the longest time without one is what passes from the heartbeat before: a wait, a try that
//! fails before its heartbeat, and the pause before the next try. A failure that goes on for longer is met by the tries that follow, at
//! most [`LONGEST_PAUSE`] after it has passed.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value};
use turnstile::limits::{LONGEST_PAUSE, LONGEST_TASK, SHORTEST_HEARTBEAT_TIMEOUT, SHORTEST_OWN_HEARTBEAT_TIMEOUT};
use turnstile::policy::waits;
use turnstile::words::hook::Hook;
use turnstile::words::ids::HookName;

const DEFINITION: &str = include_str!("../../../statemachine/rollout.asl.json");
const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The states that make room for others, and must not stand in their own rollout's way.
const COURTESIES: [&str; 1] = ["EndWithoutInstance"];

/// Lambda's way to say that too much runs at once (Lambda API reference, Invoke).
const LAMBDA_THROTTLED: &str = "Lambda.TooManyRequestsException";

fn states() -> Map<String, Value> {
    let mut definition: Value = serde_json::from_str(DEFINITION).expect("the definition is JSON");
    serde_json::from_value(definition["States"].take()).expect("states")
}

/// The states that call a function.
fn tasks() -> Vec<(String, Value)> {
    let tasks: Vec<_> = states().into_iter().filter(|(_, state)| state["Type"] == "Task").collect();
    assert!(tasks.len() >= 7, "{tasks:#?}");
    tasks
}

fn retriers(task: &Value) -> Vec<Retrier> {
    let retriers = task["Retry"].as_array().expect("every call is retried").iter();
    retriers.cloned().map(|retrier| serde_json::from_value(retrier).expect("a retrier")).collect()
}

/// With Step Functions' defaults (Amazon States Language, "Retrying after an error").
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retrier {
    error_equals: Vec<String>,
    #[serde(default = "one")]
    interval_seconds: u32,
    #[serde(default = "two")]
    backoff_rate: u32,
    #[serde(default = "three")]
    max_attempts: u32,
    max_delay_seconds: Option<u32>,
}

fn one() -> u32 {
    1
}

fn two() -> u32 {
    2
}

fn three() -> u32 {
    3
}

impl Retrier {
    /// The longest pause before each further try, in seconds.
    fn pauses(&self) -> impl Iterator<Item = u32> {
        let most = self.max_delay_seconds.unwrap_or(u32::MAX);
        (0..self.max_attempts)
            .map(move |i| self.interval_seconds.saturating_mul(self.backoff_rate.saturating_pow(i)).min(most))
    }

    fn longest_pause(&self) -> u32 {
        self.pauses().max().unwrap_or(0)
    }
}

/// How long a try can last that fails with this error before it has sent a heartbeat, in seconds.
fn unheard(error: &str) -> u32 {
    /// Lambda refuses a call, or fails on its side, within seconds.
    const REFUSAL: u32 = 5;
    /// A function asks who owns the launch (`LONGEST_QUESTION` of functions/aws/src/owners.rs), and then sends its heartbeat, which the SDK
    /// tries for so long (`OPERATION_TIMEOUT` of functions/aws/src/clients.rs).
    const TWO_CALLS: u32 = 5 + 20;
    match error {
        "Lambda.TooManyRequestsException" | "Lambda.ServiceException" | "Lambda.AWSLambdaException" => REFUSAL,
        "Lambda.ClientExecutionTimeoutException" | "Lambda.SdkClientException" | "States.Timeout" | "States.ALL" => {
            LONGEST_TASK
        }
        _ => TWO_CALLS,
    }
}

/// The longest wait that a state can follow on when the hook has this time-out, in seconds; 0 when it follows on a call alone.
fn longest_wait_before(name: &str, heartbeat_timeout_seconds: u32) -> u32 {
    let hook = Hook {
        lifecycle_hook_name: HookName::try_from("turnstile").unwrap(),
        heartbeat_timeout_seconds,
        default_result: Default::default(),
        notification_metadata: None,
    };
    if follows_on_a_wait(&states(), name) { waits::longest_between_heartbeats(Some(&hook)) } else { 0 }
}

/// Whether a Wait state leads to this one, be it through states that take no time.
fn follows_on_a_wait(states: &Map<String, Value>, name: &str) -> bool {
    let leads_there = |state: &Value| {
        let inner = ["Choices", "Catch"].into_iter().filter_map(|field| state[field].as_array()).flatten();
        let targets = [&state["Next"], &state["Default"]].into_iter().chain(inner.map(|inner| &inner["Next"]));
        targets.into_iter().any(|target| target == name)
    };
    states.iter().filter(|(_, state)| leads_there(state)).any(|(before, state)| match state["Type"].as_str() {
        Some("Wait") => true,
        Some("Choice" | "Pass") => follows_on_a_wait(states, before),
        _ => false,
    })
}

/// The longest time without a heartbeat in a state under a retrier, when the hook has this time-out.
fn longest_silence(name: &str, retrier: &Retrier, heartbeat_timeout_seconds: u32) -> u32 {
    let tries = retrier.error_equals.iter().map(|error| unheard(error)).max().expect("names");
    longest_wait_before(name, heartbeat_timeout_seconds) + tries + retrier.longest_pause()
}

#[test]
fn the_limits_are_those_of_definition_and_template() {
    for (name, task) in tasks() {
        assert_eq!(task["TimeoutSeconds"], LONGEST_TASK, "{name}");
    }
    let longest = tasks().into_iter().flat_map(|(_, task)| retriers(&task)).filter(|retrier| retrier.max_attempts > 4);
    assert_eq!(longest.map(|retrier| retrier.longest_pause()).max(), Some(LONGEST_PAUSE));
    let parameter = TEMPLATE.split("  HeartbeatTimeout:\n").nth(1).expect("the parameter");
    let least = parameter.lines().find_map(|line| line.trim().strip_prefix("MinValue: ")).expect("its MinValue");
    assert_eq!(least.parse(), Ok(SHORTEST_OWN_HEARTBEAT_TIMEOUT));
}

proptest! {
    #[test]
    fn no_failure_that_passes_is_longer_than_the_heartbeat_time_out(
        heartbeat_timeout in SHORTEST_OWN_HEARTBEAT_TIMEOUT..=7_200
    ) {
        for (name, task) in tasks() {
            for retrier in retriers(&task) {
                let silence = longest_silence(&name, &retrier, heartbeat_timeout);
                prop_assert!(silence < heartbeat_timeout, "{name}: {silence} s of {heartbeat_timeout}, {retrier:?}");
            }
        }
    }

    /// A hook of somebody else's may have a shorter time-out than the stack gives its own. A call that is lost on its way is then longer
    /// than the time-out. One that is refused is not.
    #[test]
    fn no_refusal_is_longer_than_any_heartbeat_time_out(
        heartbeat_timeout in SHORTEST_HEARTBEAT_TIMEOUT..SHORTEST_OWN_HEARTBEAT_TIMEOUT
    ) {
        for (name, task) in tasks() {
            for retrier in retriers(&task).into_iter().filter(|retrier| retrier.error_equals.iter().any(|e| e == LAMBDA_THROTTLED)) {
                let refused = Retrier { error_equals: vec![LAMBDA_THROTTLED.into()], ..retrier };
                let silence = longest_silence(&name, &refused, heartbeat_timeout);
                prop_assert!(silence < heartbeat_timeout, "{name}: {silence} s of {heartbeat_timeout}, {refused:?}");
            }
        }
    }
}

/// A wait whose length stands in the definition suits the shortest time-out.
#[test]
fn a_fixed_wait_suits_every_hook() {
    let hook = Hook {
        lifecycle_hook_name: HookName::try_from("turnstile").unwrap(),
        heartbeat_timeout_seconds: SHORTEST_HEARTBEAT_TIMEOUT,
        default_result: Default::default(),
        notification_metadata: None,
    };
    let longest = waits::longest_between_heartbeats(Some(&hook));
    let waits = states().into_iter().filter_map(|(name, state)| Some((name, state["Seconds"].as_u64()?)));
    let caught = states().into_iter().flat_map(|(name, state)| {
        let catchers = state["Catch"].as_array().cloned().unwrap_or_default().into_iter();
        catchers.filter_map(move |catcher| Some((name.clone(), catcher["Output"]["waitSeconds"].as_u64()?)))
    });
    let fixed: Vec<(String, u64)> = waits.chain(caught).collect();
    assert!(!fixed.is_empty());
    for (name, seconds) in fixed {
        assert!(seconds <= u64::from(longest), "{name} waits {seconds} s");
    }
}

#[test]
fn a_courtesy_gets_two_tries() {
    for (name, task) in tasks().into_iter().filter(|(name, _)| COURTESIES.contains(&name.as_str())) {
        let retriers = retriers(&task);
        assert!(
            matches!(retriers.as_slice(), [all] if all.max_attempts == 1 && all.error_equals == ["States.ALL"]),
            "{name}"
        );
    }
}

/// Where the rollout has to go on: what AWS throttles or does not answer is waited out, and so is Lambda's own throttling; a call that is denied
/// and an error of a name that nobody has listed are tried again for some minutes; what another try cannot mend is not.
#[test]
fn every_error_has_its_number_of_tries() {
    let names: BTreeSet<&str> =
        include_str!("../src/words/error.rs").split('"').filter(|text| text.starts_with("Turnstile.")).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| name.len() > "Turnstile.".len()).collect();
    for (name, task) in tasks() {
        if COURTESIES.contains(&name.as_str()) || name == "BackOff" {
            continue;
        }
        let retriers = retriers(&task);
        let tries = |error: &str| {
            let of =
                retriers.iter().find(|retrier| retrier.error_equals.iter().any(|e| e == error || e == "States.ALL"));
            of.unwrap_or_else(|| panic!("{name}: {error}")).max_attempts
        };
        for (error, least, most) in [
            ("Turnstile.Throttled", 300, 400),
            (LAMBDA_THROTTLED, 300, 400),
            ("Turnstile.Unavailable", 300, 400),
            ("Lambda.ServiceException", 30, 50),
            ("States.Timeout", 30, 50),
            ("Lambda.ResourceNotReadyException", 30, 50),
            ("Turnstile.Unexpected", 30, 50),
            ("Turnstile.AccessDenied", 30, 50),
            ("States.TaskFailed", 30, 50),
        ] {
            assert!((least..=most).contains(&tries(error)), "{name}: {} tries after {error}", tries(error));
        }
        for error in &names {
            let is_answered_again = matches!(
                *error,
                "Turnstile.Throttled" | "Turnstile.Unavailable" | "Turnstile.Unexpected" | "Turnstile.AccessDenied"
            );
            let trails = matches!(*error, "Turnstile.HookNotOpen" | "Turnstile.InstanceNotFound") && tries(error) > 0;
            assert_eq!(tries(error) > 0, is_answered_again || trails, "{name}: {error}");
        }
    }
}

/// While back-off cannot be run, a failed rollout still gets to complete its hook in time.
#[test]
fn a_failed_rollout_does_not_wait_for_back_off() {
    let (_, task) = tasks().into_iter().find(|(name, _)| name == "BackOff").expect("the state");
    let retriers = retriers(&task);
    let is_for = |retrier: &&Retrier| retrier.error_equals.iter().any(|e| e == LAMBDA_THROTTLED || e == "States.ALL");
    let retrier = retriers.iter().find(is_for).expect("a retrier for it");
    let total: u32 = retrier.pauses().map(|pause| pause + unheard(LAMBDA_THROTTLED)).sum();
    assert!(total < SHORTEST_OWN_HEARTBEAT_TIMEOUT / 2, "{total} s");
}

/// docs/architecture.md shows what is computed here.
#[test]
fn the_longest_silences_are_documented() {
    let documented = include_str!("../../../docs/architecture.md");
    let states = states();
    let retriers = retriers(&states["CheckStatus"]);
    for (errors, of) in [
        ("`Turnstile.Throttled`, `Turnstile.Unavailable`, `Lambda.TooManyRequestsException`", "Turnstile.Throttled"),
        ("`Lambda.ServiceException`, `Lambda.AWSLambdaException`", "Lambda.ServiceException"),
        ("`Lambda.Unknown`, `Sandbox.Timedout`, `Runtime.ExitError`", "Lambda.Unknown"),
        ("`States.Timeout`, `Lambda.ClientExecutionTimeoutException`, `Lambda.SdkClientException`", "States.Timeout"),
        ("`Turnstile.HookNotOpen`, `Turnstile.InstanceNotFound`", "Turnstile.HookNotOpen"),
        ("any other name", "States.ALL"),
    ] {
        let retrier = retriers.iter().find(|retrier| retrier.error_equals.iter().any(|e| e == of)).expect("a retrier");
        let retrier = Retrier { error_equals: vec![of.into()], ..*retrier };
        let silence = |timeout| longest_silence("CheckStatus", &retrier, timeout);
        let row = format!(
            "| {errors} | {} s | {} | {} s | {} s, {} s |",
            unheard(of),
            retrier.max_attempts + 1,
            retrier.longest_pause(),
            silence(120),
            silence(600)
        );
        assert!(documented.contains(&row), "docs/architecture.md lacks: {row}");
    }
}

/// The same by state, for the shortest time-out that the stack's own hook can have.
#[test]
fn the_longest_silence_of_each_state_is_documented() {
    let documented = include_str!("../../../docs/architecture.md");
    for (name, task) in tasks() {
        let retriers = retriers(&task);
        let not_yet_known = if name == "PlanRollout" { "Turnstile.InstanceNotFound" } else { "Turnstile.HookNotOpen" };
        let errors = [
            "Turnstile.Throttled",
            "Lambda.ServiceException",
            "Turnstile.Unavailable",
            "States.Timeout",
            not_yet_known,
            "States.ALL",
        ];
        let cells = errors.map(|error| {
            let is_for = |retrier: &&Retrier| retrier.error_equals.iter().any(|e| e == error || e == "States.ALL");
            let retrier = retriers.iter().find(is_for).expect("a retrier for it");
            let retrier = Retrier { error_equals: vec![error.into()], ..*retrier };
            match retrier.max_attempts {
                0 => "–".to_owned(),
                _ => format!("{} s", longest_silence(&name, &retrier, SHORTEST_OWN_HEARTBEAT_TIMEOUT)),
            }
        });
        let row = format!("| `{name}` | {} |", cells.join(" | "));
        assert!(documented.contains(&row), "docs/architecture.md lacks: {row}");
    }
}
