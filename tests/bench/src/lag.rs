//! The local stack's own part of a rollout's time.
//!
//! The world's time runs many times as fast as real time. Therefore what takes a fraction of a second on AWS takes seconds of the world:
//! the interpreter's work, the start and the answer of a function's process, the end of a Wait state.

use serde_json::Value;

/// Where the inputs of Wait states have the seconds they are to take: an answer's wait, or the wait for the launch's owner.
const ASKED: [&str; 2] = ["/waitSeconds", "/owner/waitSeconds"];

/// World seconds that the local stack itself took in a rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lag {
    /// From the launch event to the start of the execution.
    pub start: f64,
    /// Lambda calls, from the scheduling to the answer. They contain the pauses, in real time, after which a function's SDK repeats a call.
    pub calls: f64,
    /// By how much Wait states ended late, all together.
    pub waits: f64,
    /// The interpreter: everything else between two events.
    pub steps: f64,
    /// The number of Lambda calls.
    pub call_count: usize,
    /// The most by which a single Wait state ended late.
    pub latest_wait: f64,
}

impl Lag {
    /// The lag in an execution's history, whose oldest event is the first. `speed` is world seconds a real second.
    ///
    /// The pause before a retry is the definition's own. A Wait state of a fixed time counts as in time.
    pub fn of(history: &[Value], speed: f64) -> Self {
        let mut lag = Self::default();
        for pair in history.windows(2) {
            lag.count(&pair[0], &pair[1], speed);
        }
        lag
    }

    /// The whole lag.
    pub fn total(self) -> f64 {
        self.start + self.calls + self.waits + self.steps
    }

    /// Counts the time from an event to the next one.
    fn count(&mut self, event: &Value, next: &Value, speed: f64) {
        let seconds = (at(next) - at(event)) * speed;
        match Event::of(event) {
            Event::WaitBegins => {
                let late = asked(event).map_or(0.0, |asked| (seconds - asked).max(0.0));
                self.waits += late;
                self.latest_wait = self.latest_wait.max(late);
            }
            Event::CallIsScheduled => {
                self.calls += seconds;
                self.call_count += 1;
            }
            Event::CallStarts => self.calls += seconds,
            Event::CallFails if Event::of(next) == Event::CallIsScheduled => {}
            Event::CallFails | Event::Other => self.steps += seconds,
        }
    }
}

/// A kind of history event.
#[derive(Debug, PartialEq)]
enum Event {
    WaitBegins,
    CallIsScheduled,
    CallStarts,
    CallFails,
    Other,
}

impl Event {
    fn of(event: &Value) -> Self {
        match event["type"].as_str().unwrap_or_default() {
            "WaitStateEntered" => Self::WaitBegins,
            "LambdaFunctionScheduled" => Self::CallIsScheduled,
            "LambdaFunctionStarted" => Self::CallStarts,
            "LambdaFunctionFailed" | "LambdaFunctionTimedOut" => Self::CallFails,
            _ => Self::Other,
        }
    }
}

/// The time of an event, in real seconds since 1970.
fn at(event: &Value) -> f64 {
    event["timestamp"].as_f64().unwrap_or_default()
}

/// The seconds that a Wait state was to take. Its input has them, unless they are fixed in the definition.
fn asked(event: &Value) -> Option<f64> {
    let input: Value = serde_json::from_str(event["stateEnteredEventDetails"]["input"].as_str()?).ok()?;
    ASKED.iter().find_map(|place| input.pointer(place)?.as_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(at: f64, kind: &str) -> Value {
        json!({"timestamp": at, "type": kind})
    }

    fn wait(at: f64, input: &Value) -> Value {
        json!({
            "timestamp": at,
            "type": "WaitStateEntered",
            "stateEnteredEventDetails": {"name": "WaitForTurn", "input": input.to_string()},
        })
    }

    #[test]
    fn every_second_that_is_not_asked_for_is_the_stack_s() {
        let history = [
            event(100.0, "ExecutionStarted"),
            event(100.5, "TaskStateEntered"),
            event(101.0, "LambdaFunctionScheduled"),
            event(101.25, "LambdaFunctionStarted"),
            event(103.0, "LambdaFunctionSucceeded"),
            event(103.5, "TaskStateExited"),
            wait(104.0, &json!({"outcome": "WAIT", "waitSeconds": 40})),
            event(108.5, "WaitStateExited"),
            event(109.0, "ExecutionSucceeded"),
        ];
        let lag = Lag::of(&history, 10.0);
        // At ten world seconds a second, the wait of 40 took 45.
        assert_eq!((lag.calls, lag.waits, lag.steps), (20.0, 5.0, 25.0));
        assert_eq!((lag.call_count, lag.latest_wait), (1, 5.0));
        assert_eq!(lag.total(), 50.0);
        assert_eq!(Lag { start: 7.0, ..lag }.total(), 57.0);
    }

    #[test]
    fn the_pause_before_a_retry_is_the_definition_s() {
        let history = [
            event(0.0, "LambdaFunctionScheduled"),
            event(0.0, "LambdaFunctionStarted"),
            event(1.0, "LambdaFunctionFailed"),
            event(9.0, "LambdaFunctionScheduled"),
            event(9.0, "LambdaFunctionStarted"),
            event(10.0, "LambdaFunctionFailed"),
            event(12.0, "TaskStateExited"),
        ];
        assert_eq!(Lag::of(&history, 1.0), Lag { calls: 2.0, steps: 2.0, call_count: 2, ..Lag::default() });
    }

    #[test]
    fn the_latest_wait_is_the_one_that_is_late_by_most() {
        let asked = json!({"waitSeconds": 10});
        let history = [wait(0.0, &asked), wait(13.0, &asked), wait(24.0, &asked), event(33.9, "WaitStateExited")];
        let lag = Lag::of(&history, 1.0);
        assert_eq!((lag.waits, lag.latest_wait), (4.0, 3.0), "one that ends early makes up for nothing");
    }

    #[test]
    fn a_wait_of_a_fixed_time_is_in_time() {
        let history = [wait(0.0, &json!({})), event(15.0, "WaitStateExited")];
        assert_eq!(Lag::of(&history, 1.0), Lag::default());
        assert_eq!(Lag::of(&[], 1.0), Lag::default());
    }

    /// The Wait states of a definition's states, those of its Maps too.
    fn waits(states: &Value) -> Vec<&Value> {
        let mut found = Vec::new();
        for state in states.as_object().into_iter().flat_map(|states| states.values()) {
            match state["Type"].as_str() {
                Some("Wait") => found.push(state),
                Some("Map") => found.extend(waits(&state["ItemProcessor"]["States"])),
                _ => {}
            }
        }
        found
    }

    #[test]
    fn every_wait_of_the_definition_is_fixed_or_says_how_long() {
        let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/../../statemachine/rollout.asl.json");
        let definition: Value = serde_json::from_str(&std::fs::read_to_string(definition).unwrap()).unwrap();
        let asked = ASKED.map(|place| format!("{{% $states.input{} %}}", place.replace('/', ".")));
        let waits = waits(&definition["States"]);
        assert!(waits.len() >= 3, "{waits:?}");
        for wait in waits {
            let seconds = &wait["Seconds"];
            assert!(seconds.is_number() || asked.iter().any(|asked| seconds == asked), "{wait}");
        }
    }
}
