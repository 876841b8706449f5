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
    /// Plants the fault and draws seeds until one fails that does not without it. `None` if none does.
    pub fn search(&self, fault: &Fault, arguments: &Arguments) -> Result<Option<Found>, Error> {
        let after = arguments.seed + arguments.count;
        let mut next = arguments.seed;
        while next < after {
            let Some(found) = self.planted(fault, next, after - next, arguments.jobs)? else { return Ok(None) };
            if self.chaos(None, &fault.name, found.seed, 1, 1)?.is_none() {
                return Ok(Some(found));
            }
            next = found.seed + 1;
        }
        Ok(None)
    }

    /// Draws seeds until one fails, with the fault in its place.
    fn planted(&self, fault: &Fault, first: u64, count: u64, jobs: u8) -> Result<Option<Found>, Error> {
        let mut originals = Vec::new();
        for edit in fault.edits.iter().filter(|edit| edit.is_in_definition()) {
            let path = self.file(&edit.file);
            let original = fs::read_to_string(&path)?;
            fs::write(&path, edit.apply(&original)?)?;
            originals.push((path, original));
        }
        let found = self.chaos(Some(&fault.name), &fault.name, first, count, jobs);
        for (path, original) in originals.into_iter().rev() {
            fs::write(path, original)?;
        }
        found
    }

    /// Draws seeds until one fails; the first that does.
    fn chaos(
        &self,
        planted: Option<&str>,
        folder: &str,
        first: u64,
        count: u64,
        jobs: u8,
    ) -> Result<Option<Found>, Error> {
        let output = self.folder.join(folder);
        let status = Command::new(&self.program)
            .args(["chaos", "--stop-at-first", "--shrink", "0"])
            .args(["--count", &count.to_string(), "--seed", &first.to_string(), "--jobs", &jobs.to_string()])
            .arg("--output")
            .arg(&output)
            .env("PLANTED_FAULT", planted.unwrap_or_default())
            .stdout(Stdio::null())
            .status()?;
        if !matches!(status.code(), Some(0 | 1)) {
            return Err(format!("chaos could not be run with {planted:?}: {status}").into());
        }
        let report: Report = serde_json::from_slice(&fs::read(output.join("report.json"))?)?;
        Ok(report.violations.into_iter().next())
    }
}
