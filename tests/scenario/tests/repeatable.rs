//! A seed decides a run: two processes come to the same trace hash.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// The report of chaos over a few seeds, in a process of its own.
fn report(name: &str, jobs: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let chaos = Command::new(env!("CARGO_BIN_EXE_scenario"))
        .args(["chaos", "--seed", "2003", "--count", "6", "--shrink", "0", "--jobs", jobs, "--output"])
        .arg(&folder)
        .output()
        .expect("it runs");
    assert!(matches!(chaos.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&chaos.stderr));
    let report = std::fs::read(folder.join("report.json")).expect("it leaves a report");
    serde_json::from_slice(&report).expect("JSON")
}

#[test]
fn the_same_seeds_have_the_same_trace_hash_in_two_processes() {
    let (one, other) = (report("one", "1"), report("other", "3"));
    assert_eq!(one["seeds"], 6);
    assert_eq!(one["traceHash"].as_str().map(str::len), Some(64));
    assert_eq!((&one["traceHash"], &one["violations"]), (&other["traceHash"], &other["violations"]));
}
