//! Metrics in CloudWatch's embedded metric format: a line of JSON on standard output, which CloudWatch Logs takes for figures.
//!
//! Lambda hands on a line that is JSON as it is, and counts one without a `level` as INFO (Lambda developer guide, "Log-level filtering").
//! The library that AWS keeps for the format, metrique-writer-format-emf 0.1, brings 36 crates into every bootstrap, three of them in a second
//! version; the format is the few fields below.

use std::io::Write;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use turnstile::words::metric::Figures;
use turnstile::words::time::Timestamp;

/// The namespace of every metric.
pub const NAMESPACE: &str = "Turnstile";

/// Where lines go.
pub type Output = Arc<dyn Fn(&str) + Send + Sync>;

/// Writes figures down.
#[derive(Clone)]
pub struct Metrics {
    output: Output,
}

impl Metrics {
    /// Metrics that are written to this output.
    pub fn new(output: Output) -> Self {
        Self { output }
    }

    /// Tells figures of the moment `at`.
    pub fn tell(&self, figures: &Figures, at: Timestamp) {
        (self.output)(&line(figures, at).to_string());
    }
}

/// Standard output. A line that cannot be written is lost, and no reason to fail.
pub(crate) fn standard_output() -> Output {
    Arc::new(|line| _ = writeln!(std::io::stdout().lock(), "{line}"))
}

/// The line (CloudWatch user guide, "Specification: Embedded metric format").
fn line(figures: &Figures, at: Timestamp) -> Value {
    let Figures { values, dimensions, of } = figures;
    let metrics: Vec<Value> = values
        .iter()
        .map(|(metric, _)| json!({"Name": metric.to_string(), "Unit": metric.unit().to_string()}))
        .collect();
    let dimensions: Vec<Vec<String>> =
        dimensions.iter().map(|set| set.iter().map(ToString::to_string).collect()).collect();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics});
    let mut line =
        Map::from_iter([("_aws".to_owned(), json!({"Timestamp": at.millis(), "CloudWatchMetrics": [directive]}))]);
    line.extend(of.iter().map(|(name, value)| (name.clone(), json!(value))));
    line.extend(values.iter().map(|(metric, value)| (metric.to_string(), json!(value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use turnstile::words::metric::{Dimension, Metric};

    #[test]
    fn a_line_is_in_the_embedded_metric_format() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = lines.clone();
        let metrics = Metrics::new(Arc::new(move |line| written.lock().unwrap().push(line.to_owned())));
        let dimensions: Vec<&'static [Dimension]> =
            vec![&[Dimension::StateMachine], &[Dimension::StateMachine, Dimension::Error]];
        let figures = Figures::new("turnstile", dimensions)
            .of(Dimension::Error, "Turnstile.OutOfTime")
            .about("instance", "i-1")
            .value(Metric::FailedRollouts, 1.0)
            .value(Metric::OldestLaunchSeconds, 2.0);
        metrics.tell(&figures, Timestamp::from_millis(1_769_850_000_250));
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].contains('\n'));
        let expected = json!({
            "_aws": {
                "Timestamp": 1_769_850_000_250_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "Turnstile",
                    "Dimensions": [["StateMachine"], ["StateMachine", "Error"]],
                    "Metrics": [
                        {"Name": "FailedRollouts", "Unit": "Count"},
                        {"Name": "OldestLaunchSeconds", "Unit": "Seconds"},
                    ],
                }],
            },
            "StateMachine": "turnstile", "Error": "Turnstile.OutOfTime", "instance": "i-1",
            "FailedRollouts": 1.0, "OldestLaunchSeconds": 2.0,
        });
        assert_eq!(serde_json::from_str::<Value>(&lines[0]).unwrap(), expected);
    }
}
