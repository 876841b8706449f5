//! Every file of tests/scenarios in the simulation, and a few random scenarios, each as a test of its own name: `cargo test -p scenario --test scenarios
//! failing-script`. A file is played each way of the open facts; with gates besides, both ways of all of them together. `make scenarios` plays it with gates
//! each way, too.

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use scenario::bed::Place;
use scenario::format::Scenario;
use scenario::judge::run_and_judge;
use scenario::variant::Variant;
use scenario::{chaos, files, format, verdict};

/// The seeds of a few random scenarios. `make chaos` runs many, and others each time.
const SEEDS: [u64; 5] = [2003, 2009, 2018, 2019, 2021];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let files = files::all().expect("tests/scenarios");
    let mut trials: Vec<Trial> = files.iter().flat_map(|path| of_file(path)).collect();
    trials.extend(SEEDS.into_iter().map(of_seed));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests of a file. A file that cannot be read is a test that fails.
fn of_file(path: &Path) -> Vec<Trial> {
    let name = files::name(path);
    let scenario = match format::read(path) {
        Ok(scenario) => scenario,
        Err(error) => return vec![Trial::test(name, move || Err(Failed::from(error.to_string())))],
    };
    let mut trials = of_variants(&name, &scenario, &Variant::every());
    if let Some(gated) = scenario.gated() {
        trials.extend(of_variants(&format!("{name}, gated"), &gated, &Variant::BOTH));
    }
    trials
}

/// A test for each of the variants that differ.
fn of_variants(name: &str, scenario: &Scenario, variants: &[Variant]) -> Vec<Trial> {
    let trial = |variant: Variant| {
        let (name, scenario) = (format!("{name}, {variant}"), scenario.clone());
        Trial::test(name.clone(), move || passes(&name, &scenario, variant))
    };
    Variant::distinct(variants, &scenario.fixed_open_facts()).into_iter().map(trial).collect()
}

/// The test of a random scenario, which `SEED=<seed> N=1 make chaos` runs too.
fn of_seed(seed: u64) -> Trial {
    let name = format!("chaos, seed {seed}");
    Trial::test(name.clone(), move || passes(&name, &chaos::draw(seed), Variant::Default))
}

fn passes(name: &str, scenario: &Scenario, variant: Variant) -> Result<(), Failed> {
    let (observed, unmet) = run_and_judge(scenario, variant, Place::SIMULATION)?;
    match unmet.as_slice() {
        [] => Ok(()),
        unmet => Err(Failed::from(verdict::text(name, scenario, &observed, unmet))),
    }
}
