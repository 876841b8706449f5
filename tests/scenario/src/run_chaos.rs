//! Draws and runs random scenarios.

use std::fs;
use std::path::{Path, PathBuf};

use scenario::chaos::{draw, shrink};
use scenario::format::Scenario;
use scenario::judge::{Unmet, run_and_judge};
use scenario::observed::Observed;
use scenario::variant::Variant;
use scenario::{record, run};

use crate::arguments::ChaosArguments;
use crate::{Error, parallel};

/// Draws and runs scenarios. True if all met their expectations.
pub fn run(arguments: &ChaosArguments) -> Result<bool, Error> {
    // Short enough to be typed again.
    let first = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("SEED={first} N={}", arguments.count);
    let mut failed = Vec::new();
    let seeds = first..first + arguments.count;
    parallel::for_each(
        seeds,
        arguments.jobs.into(),
        |seed| judged(&draw(*seed)),
        |seed, judged| {
            match judged {
                Ok((observed, unmet)) if unmet.is_empty() => {
                    println!(
                        "ok    {seed}: {} executions in {:.0} world seconds",
                        observed.rollouts.len(),
                        observed.at
                    );
                    return Ok(());
                }
                Ok((observed, unmet)) => {
                    println!("FAIL  {seed}");
                    unmet.iter().for_each(|unmet| println!("        {unmet}"));
                    let folder = arguments.output.join(seed.to_string());
                    record::write(&folder, &seed.to_string(), &draw(seed), Variant::Default, &observed, &unmet)?;
                }
                Err(error @ run::Error::Step { .. }) => println!("FAIL  {seed}\n        it could not be run: {error}"),
                Err(error) => return Err(Error::from(format!("{seed}: {error}"))),
            }
            save(&arguments.output, seed, &draw(seed))?;
            failed.push(seed);
            Ok(())
        },
    )?;
    println!("{} of {} as expected", arguments.count as usize - failed.len(), arguments.count);
    for seed in &failed {
        let path = save_shrunk(*seed, arguments)?;
        println!("  make scenario FILE={}   (whole: SEED={seed} N=1 make chaos)", path.display());
    }
    Ok(failed.is_empty())
}

/// Runs a random scenario, which fixes every open fact.
fn judged(scenario: &Scenario) -> Result<(Observed, Vec<Unmet>), run::Error> {
    run_and_judge(scenario, Variant::Default)
}

/// Shrinks the scenario of a seed and saves it; the file's path.
fn save_shrunk(seed: u64, arguments: &ChaosArguments) -> Result<PathBuf, Error> {
    let fails = |scenario: &Scenario| judged(scenario).is_ok_and(|(_, unmet)| !unmet.is_empty());
    save(&arguments.output, seed, &shrink(draw(seed), arguments.shrink, fails))
}

fn save(folder: &Path, seed: u64, scenario: &Scenario) -> Result<PathBuf, Error> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{seed}.json"));
    fs::write(&path, format!("{}\n", serde_json::to_string_pretty(scenario)?))?;
    Ok(path)
}
