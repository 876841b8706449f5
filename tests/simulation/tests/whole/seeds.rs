//! The same seed, the same run, to the byte.

use std::process::Command;

use simulation::{Simulation, block_on};

use crate::stage::{GROUP, rough, until_quiet};

/// In the environment of a child: the seed of the run whose hash it prints.
const SEED: &str = "SIMULATION_SEED";
/// What stands before the hash.
const HASH: &str = "traceHash ";

/// The hash of a rough run with three launches, and its trace.
fn run(seed: u64) -> (String, Vec<String>) {
    block_on(async || {
        let simulation =
            Simulation::start(simulation::Options { keeps_trace: true, ..rough(seed) }).expect("it starts");
        simulation.world().launch_over(GROUP, 3, 100.0).expect("the group exists");
        until_quiet(&simulation).await;
        let lines = simulation.trace().iter().map(ToString::to_string).collect();
        (simulation.trace_hash(), lines)
    })
}

/// The first line in which two runs differ, for a message.
fn difference(one: &[String], other: &[String]) -> String {
    let at = one.iter().zip(other).position(|(a, b)| a != b).unwrap_or(one.len().min(other.len()));
    format!("line {at}:\n{:?}\n{:?}", one.get(at), other.get(at))
}

#[test]
fn a_seed_repeats_a_run_in_any_thread() {
    let (hash, trace) = run(11);
    let (again, trace_again) = std::thread::spawn(|| run(11)).join().expect("no panic");
    assert_eq!(trace, trace_again, "{}", difference(&trace, &trace_again));
    assert_eq!(hash, again);
    assert_ne!(hash, run(12).0, "another seed, another run");
    for word in [
        "calls dynamodb.TransactWriteItems",
        "invokes start-deployment",
        "is answered by codedeploy.",
        "TaskStateEntered",
        "gets EC2 ",
    ] {
        assert!(trace.iter().any(|line| line.contains(word)), "{word}");
    }
}

#[test]
fn a_seed_repeats_a_run_in_any_process() {
    if let Ok(seed) = std::env::var(SEED) {
        println!("{HASH}{}", run(seed.parse().expect("a number")).0);
        return;
    }
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "seeds::a_seed_repeats_a_run_in_any_process", "--nocapture"])
        .env(SEED, "13")
        .output()
        .expect("it runs");
    let output = String::from_utf8(child.stdout).expect("text");
    let hash = output.lines().find_map(|line| line.split_once(HASH)).map(|(_, hash)| hash.to_owned());
    assert_eq!(hash, Some(run(13).0), "{output}");
}
