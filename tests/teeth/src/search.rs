//! Lets chaos search for a planted fault.

use std::fs;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::copy::Copy;
use crate::fault::Fault;
use crate::{Arguments, Error};

/// The first thing that chaos found.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// The expectation or the rule that was not met.
    pub expectation: String,
    /// What was observed.
    pub problem: String,
}

/// What is needed of chaos's report.json.
#[derive(Deserialize)]
struct Report {
    violations: Vec<Found>,
}

impl Copy {
    /// Plants the fault and draws seeds until one fails. `None` if none does.
    pub fn search(&self, fault: &Fault, arguments: &Arguments) -> Result<Option<Found>, Error> {
        let output = self.folder.join(&fault.name);
        let mut originals = Vec::new();
        for edit in fault.edits.iter().filter(|edit| edit.is_in_definition()) {
            let path = self.file(&edit.file);
            let original = fs::read_to_string(&path)?;
            fs::write(&path, edit.apply(&original)?)?;
            originals.push((path, original));
        }
        let ran = Command::new(&self.program)
            .args(["chaos", "--stop-at-first", "--shrink", "0"])
            .args(["--count", &arguments.count.to_string(), "--seed", &arguments.seed.to_string()])
            .args(["--jobs", &arguments.jobs.to_string()])
            .arg("--output")
            .arg(&output)
            .env("PLANTED_FAULT", &fault.name)
            .stdout(Stdio::null())
            .status();
        for (path, original) in originals.into_iter().rev() {
            fs::write(path, original)?;
        }
        let status = ran?;
        if !matches!(status.code(), Some(0 | 1)) {
            return Err(format!("chaos could not be run with {}: {status}", fault.name).into());
        }
        let report: Report = serde_json::from_slice(&fs::read(output.join("report.json"))?)?;
        Ok(report.violations.into_iter().next())
    }
}
