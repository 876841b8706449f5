//! How EventBridge delivers the events of launches.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::setting::SettingError;

/// How EventBridge delivers the launch hook's events, which Auto Scaling sends on a best-effort basis: late, twice, or not at all.
/// Unknown fields are refused. What is random is drawn from the seed of the world's setting.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Delivery {
    /// How many times each event is delivered. Default 1.
    pub copies: u32,
    /// The events that are never delivered, by their index: 0 is the hook's first event. Default none.
    pub lose: Vec<usize>,
    /// The fraction of the other events that is never delivered, 0 to 1. Default 0.
    pub lose_rate: f64,
    /// World seconds from an event to its delivery. Default 0.
    pub delay_seconds: f64,
    /// The longest further delay of a copy, in world seconds. It is drawn for each copy, so that copies may overtake each other. Default 0.
    pub spread_seconds: f64,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { copies: 1, lose: Vec::new(), lose_rate: 0.0, delay_seconds: 0.0, spread_seconds: 0.0 }
    }
}

impl Delivery {
    /// Delivers each event `copies` times, at once.
    pub fn of(copies: u32) -> Self {
        Self { copies, ..Self::default() }
    }

    /// Checks the delivery, which is `events` of a scenario.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), SettingError> {
        let wrong = |field: &str, problem: &str| {
            Err(SettingError { field: format!("events.{field}"), problem: problem.to_owned() })
        };
        if !(0.0..=1.0).contains(&self.lose_rate) {
            return wrong("loseRate", "must be 0 to 1");
        }
        for (field, seconds) in [("delaySeconds", self.delay_seconds), ("spreadSeconds", self.spread_seconds)] {
            if Duration::try_from_secs_f64(seconds).is_err() {
                return wrong(field, "must be 0 or more");
            }
        }
        Ok(())
    }

    /// World seconds until each copy of the event at `index` is delivered; none for an event that is lost.
    pub fn delays(&self, index: usize, random: &mut fastrand::Rng) -> Vec<f64> {
        let is_lost = random.f64() < self.lose_rate || self.lose.contains(&index);
        let copies = if is_lost { 0 } else { self.copies };
        (0..copies).map(|_| self.delay_seconds + self.spread_seconds * random.f64()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn delivery(value: Value) -> Delivery {
        serde_json::from_value(value).unwrap()
    }

    /// The delays of the first `events` events.
    fn delays(value: Value, events: usize) -> Vec<Vec<f64>> {
        let mut random = fastrand::Rng::with_seed(1);
        let delivery = delivery(value);
        (0..events).map(|index| delivery.delays(index, &mut random)).collect()
    }

    #[test]
    fn by_default_each_event_is_delivered_once_at_once() {
        assert_eq!(delays(json!({}), 3), [[0.0]; 3]);
        assert_eq!(delivery(json!({"copies": 2})), Delivery::of(2));
        assert!(serde_json::from_value::<Delivery>(json!({"copy": 2})).is_err());
    }

    #[test]
    fn events_are_lost_by_index_or_by_chance() {
        assert_eq!(delays(json!({"lose": [0, 2], "copies": 2}), 3), [vec![], vec![0.0, 0.0], vec![]]);
        let lost = |rate: f64| {
            let all = delays(json!({"loseRate": rate}), 1000);
            all.iter().filter(|copies| copies.is_empty()).count()
        };
        assert_eq!((lost(0.0), lost(1.0)), (0, 1000));
        assert!((200..400).contains(&lost(0.3)), "{}", lost(0.3));
    }

    #[test]
    fn each_copy_has_a_delay_of_its_own() {
        let all = delays(json!({"copies": 2, "delaySeconds": 10, "spreadSeconds": 5}), 100).concat();
        assert!(all.iter().all(|delay| (10.0..15.0).contains(delay)), "{all:?}");
        let (least, most) = all.iter().fold((f64::MAX, 0.0_f64), |(a, b), delay| (a.min(*delay), b.max(*delay)));
        assert!(least < 11.0 && most > 14.0, "{least} {most}");
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (given, message) in [
            (json!({"loseRate": 1.1}), "events.loseRate: must be 0 to 1"),
            (json!({"delaySeconds": -1}), "events.delaySeconds: must be 0 or more"),
            (json!({"spreadSeconds": -1}), "events.spreadSeconds: must be 0 or more"),
        ] {
            assert_eq!(delivery(given).check().unwrap_err().to_string(), message);
        }
        delivery(json!({"loseRate": 1, "delaySeconds": 0.5})).check().unwrap();
    }
}
