//! The report of a chaos run: report.json.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

/// What a chaos run found.
#[derive(Debug, Default)]
pub struct Report {
    /// The trace hash of each seed that could be run.
    hashes: BTreeMap<u64, String>,
    violations: Vec<Violation>,
    seeds: u64,
}

/// An expectation that the run of a seed did not meet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// The expectation or the rule; `run` when the scenario could not be run.
    pub expectation: String,
    /// What was observed.
    pub problem: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    seeds: u64,
    seconds: f64,
    violations: &'a [Violation],
    trace_hash: String,
}

impl Report {
    /// Adds a seed's run: the hash of its trace, if it could be run, and what it did not meet.
    pub fn add(&mut self, seed: u64, trace_hash: Option<String>, violations: impl IntoIterator<Item = Violation>) {
        self.seeds += 1;
        self.hashes.extend(trace_hash.map(|hash| (seed, hash)));
        self.violations.extend(violations);
        // Seeds end in the order of the machine.
        self.violations.sort_by_key(|violation| violation.seed);
    }

    /// The number of seeds that were run.
    pub fn seeds(&self) -> u64 {
        self.seeds
    }

    /// The seeds that fell short, in order.
    pub fn failed(&self) -> Vec<u64> {
        let mut seeds: Vec<u64> = self.violations.iter().map(|violation| violation.seed).collect();
        seeds.dedup();
        seeds
    }

    /// SHA-256 of all runs in the order of their seeds, whatever the order in which they ended.
    pub fn trace_hash(&self) -> String {
        let hash = self
            .hashes
            .iter()
            .fold(Sha256::new(), |hash, (seed, trace)| hash.chain_update(format!("{seed} {trace}\n")));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes report.json into a folder, which is created. `seconds`: how long all took. The file's path.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, folder: &Path, seconds: f64) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let file = File { seeds: self.seeds, seconds, violations: &self.violations, trace_hash: self.trace_hash() };
        let path = folder.join("report.json");
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&file)?))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(seed: u64) -> Violation {
        Violation { seed, expectation: "turn".to_owned(), problem: "it is held".to_owned() }
    }

    #[test]
    fn the_order_in_which_runs_end_is_nothing() {
        let (mut one, mut other) = (Report::default(), Report::default());
        one.add(1, Some("a".to_owned()), [violation(1)]);
        one.add(2, Some("b".to_owned()), [violation(2), violation(2)]);
        other.add(2, Some("b".to_owned()), [violation(2), violation(2)]);
        other.add(1, Some("a".to_owned()), [violation(1)]);
        assert_eq!(one.trace_hash(), other.trace_hash());
        assert_eq!((one.failed(), other.failed(), one.seeds()), (vec![1, 2], vec![1, 2], 2));
        other.add(3, Some("c".to_owned()), []);
        assert_ne!(one.trace_hash(), other.trace_hash());
    }
}
