//! Draws and simulates random scenarios.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use scenario::bed::Place;
use scenario::chaos::{Report, Violation, draw, shrink};
use scenario::format::Scenario;
use scenario::judge::{Unmet, run_and_judge};
use scenario::observed::Observed;
use scenario::variant::Variant;
use scenario::{run, story};

use crate::arguments::ChaosArguments;
use crate::{Error, parallel};

/// How many of the seeds that fall short are shrunk. The first ones mostly show what the others would.
const MOST_SHRUNK: usize = 5;
/// After how many seeds the progress is told.
const TELLS_EACH: u64 = 500;

/// Draws and simulates scenarios. True if all met their expectations.
pub fn run(arguments: &ChaosArguments) -> Result<bool, Error> {
    // Short enough to be typed again.
    let first = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("SEED={first} N={}", arguments.count);
    let began = Instant::now();
    let is_enough = AtomicBool::new(false);
    let seeds = (first..first + arguments.count).take_while(|_| !is_enough.load(Ordering::Relaxed));
    let mut report = Report::default();
    let simulate = |seed: &u64| simulated(&draw(*seed), arguments.trace);
    parallel::for_each(seeds, arguments.jobs.into(), simulate, |seed, ran| -> Result<(), Error> {
        let violations = violations(seed, &ran);
        if !violations.is_empty() {
            println!("FAIL  {seed}");
            violations
                .iter()
                .for_each(|violation| println!("        {}: {}", violation.expectation, violation.problem));
            is_enough.store(arguments.stop_at_first, Ordering::Relaxed);
        }
        let observed = ran.ok().map(|(observed, _)| observed);
        if let Some(observed) = observed.as_ref().filter(|observed| !observed.trace.is_empty()) {
            story::write(&arguments.output.join(seed.to_string()), &observed.trace)?;
        }
        report.add(seed, observed.and_then(|observed| observed.trace_hash), violations);
        if report.seeds().is_multiple_of(TELLS_EACH) {
            println!("      {} seeds in {:.0} s", report.seeds(), began.elapsed().as_secs_f64());
        }
        Ok(())
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let path = report.write(&arguments.output, seconds)?;
    let failed = report.failed();
    println!(
        "{} of {} as expected, in {seconds:.0} s; {}",
        report.seeds() - failed.len() as u64,
        report.seeds(),
        path.display()
    );
    for (i, seed) in failed.iter().enumerate() {
        let path = save(&arguments.output, *seed, &draw(*seed))?;
        if i < MOST_SHRUNK && arguments.shrink > 0 {
            save(&arguments.output, *seed, &shrunk(*seed, arguments.shrink))?;
        }
        println!("  make scenario FILE={}   (whole: make chaos SEED={seed} N=1 OPTIONS=--trace)", path.display());
    }
    Ok(failed.is_empty())
}

type Ran = Result<(Observed, Vec<Unmet>), run::Error>;

/// Simulates a random scenario, which fixes every open fact.
fn simulated(scenario: &Scenario, keeps_trace: bool) -> Ran {
    run_and_judge(scenario, Variant::Default, Place::Simulation { keeps_trace })
}

fn violations(seed: u64, ran: &Ran) -> Vec<Violation> {
    match ran {
        Ok((_, unmet)) => unmet
            .iter()
            .map(|unmet| Violation { seed, expectation: unmet.expectation.clone(), problem: unmet.problem.clone() })
            .collect(),
        Err(error) => vec![Violation { seed, expectation: "run".to_owned(), problem: error.to_string() }],
    }
}

/// The scenario of a seed without what it falls short without as well, in the same way.
fn shrunk(seed: u64, tries: usize) -> Scenario {
    let ways = |scenario: &Scenario| {
        violations(seed, &simulated(scenario, false)).into_iter().map(|violation| violation.expectation)
    };
    let whole = draw(seed);
    let first = ways(&whole).next();
    shrink(whole, tries, |smaller| ways(smaller).any(|way| Some(&way) == first.as_ref()))
}

fn save(folder: &Path, seed: u64, scenario: &Scenario) -> Result<PathBuf, Error> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{seed}.json"));
    fs::write(&path, format!("{}\n", serde_json::to_string_pretty(scenario)?))?;
    Ok(path)
}
