//! The alarms of template.yaml: what each goes by, and when it rings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{STATE_MACHINE, template};

/// An alarm, as far as its course goes by it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are CloudFormation's")]
pub struct Alarm {
    pub alarm_description: String,
    pub namespace: String,
    pub metric_name: String,
    pub dimensions: Vec<Dimension>,
    pub statistic: Statistic,
    /// In seconds.
    pub period: u32,
    pub evaluation_periods: usize,
    pub datapoints_to_alarm: usize,
    pub comparison_operator: Comparison,
    pub threshold: f64,
    pub treat_missing_data: MissingData,
}

/// A dimension of a metric.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are CloudFormation's")]
pub struct Dimension {
    pub name: String,
    pub value: String,
}

/// What the values of a period become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the names are CloudWatch's")]
pub enum Statistic {
    Sum,
    Maximum,
    SampleCount,
}

/// How a period's value is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the names are CloudWatch's")]
pub enum Comparison {
    GreaterThanOrEqualToThreshold,
    LessThanThreshold,
}

/// What a period without a value counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are CloudWatch's")]
pub enum MissingData {
    Breaching,
    NotBreaching,
    /// As the period before it.
    Ignore,
}

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Seconds since the start.
    pub at: f64,
    /// Such as `Turnstile` or `AWS/Lambda`.
    pub namespace: String,
    /// The metric's name.
    pub metric: String,
    /// By name.
    pub dimensions: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// How an alarm went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Course {
    /// It never rang.
    Silent,
    /// It rang, and still does.
    Rings,
    /// It rang, and does not any more.
    RingsAndStops,
    /// It rings, stops, and rings once more.
    RingsAgain,
}

/// The alarms of template.yaml, by their logical ids.
pub fn listed() -> BTreeMap<String, Alarm> {
    let alarms = template::resources().into_iter().filter(|(_, resource)| resource.kind == "AWS::CloudWatch::Alarm");
    alarms
        .map(|(id, resource)| {
            let mut alarm: Alarm = serde_json::from_value(resource.properties)
                .unwrap_or_else(|error| panic!("template.yaml: {id}: {error}"));
            alarm.dimensions.iter_mut().for_each(resolve);
            (id, alarm)
        })
        .collect()
}

/// Puts what a resource is called here in the place of a reference to it.
fn resolve(dimension: &mut Dimension) {
    dimension.value = match dimension.value.as_str() {
        "RolloutStateMachine.Name" => STATE_MACHINE.to_owned(),
        "StartRolloutFunction" => "start-rollout".to_owned(),
        other => other.to_owned(),
    };
}

/// The values in a line of CloudWatch's embedded metric format, by its specification. `epoch` is the start, in seconds since 1970.
///
/// # Errors
/// What is wrong with the line: CloudWatch would ignore it.
pub fn samples(line: &str, epoch: f64) -> Result<Vec<Sample>, String> {
    let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let at = line["_aws"]["Timestamp"].as_f64().ok_or("_aws.Timestamp: expected milliseconds")? / 1000.0 - epoch;
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().ok_or("_aws.CloudWatchMetrics: expected a list")?;
    let list = |value: &Value, field: &str| -> Result<Vec<Value>, String> {
        let list = value[field].as_array().filter(|list| !list.is_empty());
        list.cloned().ok_or_else(|| format!("{field}: expected a list"))
    };
    let mut samples = Vec::new();
    for directive in directives {
        let namespace = directive["Namespace"].as_str().ok_or("Namespace: expected a text")?;
        for metric in list(directive, "Metrics")? {
            let name = metric["Name"].as_str().ok_or("Name: expected a text")?;
            let value = line[name].as_f64().ok_or_else(|| format!("{name}: expected a number"))?;
            for set in list(directive, "Dimensions")? {
                let set = set.as_array().ok_or("Dimensions: expected a list of lists")?;
                let dimensions = set.iter().map(|dimension| {
                    let dimension = dimension.as_str().unwrap_or_default();
                    let of = line[dimension].as_str().filter(|value| (1..=1024).contains(&value.len()));
                    of.map(|of| (dimension.to_owned(), of.to_owned()))
                        .ok_or_else(|| format!("{dimension}: expected a text"))
                });
                let dimensions = dimensions.collect::<Result<_, String>>()?;
                samples.push(Sample {
                    at,
                    namespace: namespace.to_owned(),
                    metric: name.to_owned(),
                    dimensions,
                    value,
                });
            }
        }
    }
    Ok(samples)
}

impl Alarm {
    /// How the alarm goes from the start until `end`, and on, when nothing more comes, until it could have stopped. One for which no value
    /// is bad does not go on: after the end nothing runs.
    ///
    /// It is looked at when a period is over, by the values of the last periods; CloudWatch, which looks more often and knows of late values, rings
    /// no later. (CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".)
    pub fn course(&self, samples: &[Sample], end: f64) -> Course {
        let own: Vec<&Sample> = samples.iter().filter(|sample| self.goes_by(sample)).collect();
        let period = f64::from(self.period);
        let over = (end / period).floor() as usize;
        let periods = match self.treat_missing_data {
            MissingData::Breaching => over,
            MissingData::NotBreaching => over + 1 + self.evaluation_periods,
            MissingData::Ignore => over + 1,
        };
        let mut breaching = Vec::with_capacity(periods);
        for n in 0..periods {
            let before = breaching.last().copied().unwrap_or_default();
            breaching.push(self.is_breaching(&own, n).unwrap_or(match self.treat_missing_data {
                MissingData::Breaching => true,
                MissingData::NotBreaching => false,
                MissingData::Ignore => before,
            }));
        }
        let rings = breaching
            .windows(self.evaluation_periods)
            .map(|last| last.iter().filter(|is_breaching| **is_breaching).count() >= self.datapoints_to_alarm);
        let (times, rings) =
            rings.fold((0, false), |(times, rang), rings| (times + usize::from(rings && !rang), rings));
        match (times, rings) {
            (0, _) => Course::Silent,
            (1, true) => Course::Rings,
            (1, false) => Course::RingsAndStops,
            _ => Course::RingsAgain,
        }
    }

    fn goes_by(&self, sample: &Sample) -> bool {
        let dimensions = self.dimensions.iter().map(|dimension| (dimension.name.clone(), dimension.value.clone()));
        sample.namespace == self.namespace
            && sample.metric == self.metric_name
            && sample.dimensions == dimensions.collect::<BTreeMap<_, _>>()
    }

    /// `None`: the period has no value.
    fn is_breaching(&self, own: &[&Sample], period: usize) -> Option<bool> {
        let within = |sample: &&&Sample| (sample.at / f64::from(self.period)).floor() == period as f64;
        let values: Vec<f64> = own.iter().filter(within).map(|sample| sample.value).collect();
        if values.is_empty() {
            return None;
        }
        let value = match self.statistic {
            Statistic::Sum => values.iter().sum(),
            Statistic::Maximum => values.iter().copied().fold(f64::MIN, f64::max),
            Statistic::SampleCount => values.len() as f64,
        };
        Some(match self.comparison_operator {
            Comparison::GreaterThanOrEqualToThreshold => value >= self.threshold,
            Comparison::LessThanThreshold => value < self.threshold,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample(alarm: &Alarm, at: f64, value: f64) -> Sample {
        let dimensions = alarm.dimensions.iter().map(|one| (one.name.clone(), one.value.clone())).collect();
        Sample { at, namespace: alarm.namespace.clone(), metric: alarm.metric_name.clone(), dimensions, value }
    }

    #[test]
    fn every_alarm_of_the_template_has_a_page() {
        let documented = include_str!("../../../docs/operating.md");
        let alarms = listed();
        assert_eq!(alarms.len(), 10);
        for (id, alarm) in alarms {
            let (_, page) = alarm.alarm_description.split_once("See \"").expect("it names its page");
            let (page, _) = page.split_once('"').expect("it names its page");
            assert!(documented.contains(&format!("\n### {page}\n")), "{id}: docs/operating.md has no page {page:?}");
            assert!(documented.contains(&format!("`{id}`")), "docs/operating.md does not name {id}");
        }
    }

    #[test]
    fn an_alarm_rings_at_its_threshold_and_stops_when_nothing_more_comes() {
        for (id, alarm) in listed() {
            let often = |value: f64, until: u32| -> Vec<Sample> {
                (0..until).step_by(30).map(|at| sample(&alarm, f64::from(at), value)).collect()
            };
            if alarm.treat_missing_data == MissingData::Breaching {
                assert_eq!(alarm.course(&often(0.0, 6_000), 6_000.0), Course::Silent, "{id}");
                assert_eq!(alarm.course(&often(0.0, 3_000), 6_000.0), Course::Rings, "{id}");
                let again = [often(0.0, 3_000), (5_400..6_000).map(|at| sample(&alarm, f64::from(at), 0.0)).collect()];
                assert_eq!(alarm.course(&again.concat(), 6_000.0), Course::RingsAndStops, "{id}");
                continue;
            }
            assert_eq!(alarm.course(&[], 6_000.0), Course::Silent, "{id}");
            assert_eq!(alarm.course(&often(0.0, 6_000), 6_000.0), Course::Silent, "{id}");
            let stops = match alarm.treat_missing_data {
                MissingData::Ignore => Course::Rings,
                _ => Course::RingsAndStops,
            };
            assert_eq!(alarm.course(&often(alarm.threshold, 6_000), 6_000.0), stops, "{id}");
            let mut others = often(alarm.threshold, 6_000);
            others.iter_mut().for_each(|sample| _ = sample.dimensions.insert("Other".to_owned(), "x".to_owned()));
            assert_eq!(alarm.course(&others, 6_000.0), Course::Silent, "{id}");
        }
    }

    #[test]
    fn a_group_s_vanished_hook_rings() {
        let alarm = &listed()["HookVanishedAlarm"];
        let of = |values: [f64; 4]| {
            let samples = values.iter().zip([30.0, 330.0, 630.0, 930.0]);
            alarm.course(&samples.map(|(value, at)| sample(alarm, at, *value)).collect::<Vec<_>>(), 1_000.0)
        };
        assert_eq!(of([0.0; 4]), Course::Silent);
        assert_eq!(of([0.0, 1.0, 1.0, 0.0]), Course::RingsAndStops);
        let for_a_while = [(30.0, 1.0), (2_430.0, 1.0)].map(|(at, value)| sample(alarm, at, value));
        assert_eq!(alarm.course(&for_a_while, 3_000.0), Course::Rings, "it goes on while nobody can look");
    }

    #[test]
    fn a_line_is_read_by_the_specification() {
        let line = json!({
            "_aws": {"Timestamp": 1_500, "CloudWatchMetrics": [{
                "Namespace": "Turnstile", "Dimensions": [["A"], ["A", "B"]], "Metrics": [{"Name": "M", "Unit": "Count"}],
            }]},
            "A": "a", "B": "b", "M": 2.0,
        });
        let read = samples(&line.to_string(), 1.0).unwrap();
        assert_eq!(
            read.iter().map(|one| (one.at, one.value, one.dimensions.len())).collect::<Vec<_>>(),
            [(0.5, 2.0, 1), (0.5, 2.0, 2)]
        );
        for (pointer, problem) in
            [("/M", "M: expected a number"), ("/B", "B: expected a text"), ("/_aws/Timestamp", "_aws.Timestamp")]
        {
            let mut wrong = line.clone();
            *wrong.pointer_mut(pointer).unwrap() = Value::Null;
            assert!(samples(&wrong.to_string(), 1.0).unwrap_err().starts_with(problem), "{pointer}");
        }
        assert!(samples("no JSON", 0.0).is_err());
    }
}
