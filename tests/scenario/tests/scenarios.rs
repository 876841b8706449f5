//! Every file of tests/scenarios, with the open facts as usual and with all of them the other way, and a few random scenarios, each as a
//! test of its own name: `cargo test -p scenario --test scenarios failing-script`.

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use scenario::format::Scenario;
use scenario::variant::Variant;
use scenario::{chaos, files, format, judge, run, verdict};

/// A stack is a dozen processes that mostly wait; but a world's time goes on whether or not they get theirs.
const AT_ONCE: usize = 3;

/// Random scenarios that do not take long; `make chaos` runs many, and others each time.
const SEEDS: [u64; 5] = [2003, 2009, 2018, 2019, 2021];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(AT_ONCE).min(AT_ONCE));
    let files = files::all().expect("tests/scenarios");
    let mut trials: Vec<Trial> = files.iter().flat_map(|path| of_file(path)).collect();
    trials.extend(SEEDS.into_iter().map(of_seed));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests of a file; a file that cannot be read is a test that fails.
fn of_file(path: &Path) -> Vec<Trial> {
    let name = files::name(path);
    let scenario = match format::read(path) {
        Ok(scenario) => scenario,
        Err(error) => return vec![Trial::test(name, move || Err(Failed::from(error.to_string())))],
    };
    let variants = Variant::distinct(&Variant::BOTH, &scenario.world.open_facts);
    let trial = |variant: Variant| {
        let (name, scenario) = (format!("{name}, {variant}"), scenario.clone());
        Trial::test(name.clone(), move || comes_out(&name, &scenario, variant))
    };
    variants.into_iter().map(trial).collect()
}

/// `SEED=<seed> N=1 make chaos` runs the same.
fn of_seed(seed: u64) -> Trial {
    let name = format!("chaos, seed {seed}");
    Trial::test(name.clone(), move || comes_out(&name, &chaos::draw(seed), Variant::Default))
}

fn comes_out(name: &str, scenario: &Scenario, variant: Variant) -> Result<(), Failed> {
    let runtime = tokio::runtime::Runtime::new()?;
    let came = runtime.block_on(run::run(scenario, variant))?;
    match judge::shortfalls(scenario, &came).as_slice() {
        [] => Ok(()),
        short => Err(Failed::from(verdict::text(name, scenario, &came, short))),
    }
}
