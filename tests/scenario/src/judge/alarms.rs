//! Whether alarms went as expected.

use std::collections::BTreeMap;

use account::alarms::{self, Course};

use super::Unmet;
use crate::observed::Observed;

/// The alarms that went another way, and what is wrong with the metrics that they go by.
pub fn unmet(expected: &BTreeMap<String, Course>, observed: &Observed) -> Vec<Unmet> {
    let samples = match &observed.metrics {
        None => return Vec::new(),
        Some(Err(problem)) => return vec![Unmet::new("metrics", problem)],
        Some(Ok(samples)) => samples,
    };
    if expected.is_empty() {
        return Vec::new();
    }
    let listed = alarms::listed();
    let of = |(id, expected): (&String, &Course)| {
        let Some(alarm) = listed.get(id) else {
            return Some(Unmet::new(format!("alarms.{id}"), "template.yaml has no such alarm"));
        };
        let course = alarm.course(samples, observed.at);
        let problem = || format!("expected {expected:?}, got {course:?}");
        (course != *expected).then(|| Unmet::new(format!("alarms.{id}"), problem()))
    };
    expected.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sample;
    use account::alarms::Sample;

    #[test]
    fn an_alarm_is_held_against_what_was_told() {
        let failed = Sample {
            at: 100.0,
            namespace: "Turnstile".to_owned(),
            metric: "FailedRollouts".to_owned(),
            dimensions: BTreeMap::from([("StateMachine".to_owned(), account::STATE_MACHINE.to_owned())]),
            value: 1.0,
        };
        let mut observed = sample::observed();
        let mut problems = |id: &str, course, metrics| {
            observed.metrics = metrics;
            unmet(&BTreeMap::from([(id.to_owned(), course)]), &observed)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let told = || Some(Ok(vec![failed.clone()]));
        assert_eq!(problems("RolloutFailedAlarm", Course::RingsAndStops, told()), [] as [&str; 0]);
        assert_eq!(problems("RolloutFailedAlarm", Course::Silent, None), [] as [&str; 0], "on the stack");
        assert_eq!(
            problems("RolloutFailedAlarm", Course::Silent, told()),
            ["alarms.RolloutFailedAlarm: expected Silent, got RingsAndStops"]
        );
        assert_eq!(problems("Alarm", Course::Silent, told()), ["alarms.Alarm: template.yaml has no such alarm"]);
        assert_eq!(problems("Alarm", Course::Silent, Some(Err("no JSON".to_owned()))), ["metrics: no JSON"]);
    }
}
