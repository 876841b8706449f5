//! Draws and runs random scenarios.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scenario::chaos::{draw, shrink};
use scenario::format::Scenario;
use scenario::judge::{Unmet, run_and_judge};
use scenario::observed::Observed;
use scenario::variant::Variant;
use scenario::{record, run};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::arguments::ChaosArguments;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Draws and runs scenarios. True if all met their expectations.
pub async fn run(arguments: ChaosArguments) -> Result<bool, Error> {
    // Short enough to be typed again.
    let first = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("SEED={first} N={}", arguments.count);
    let places = Arc::new(Semaphore::new(usize::from(arguments.jobs)));
    let mut running = JoinSet::new();
    for seed in first..first + arguments.count {
        let places = places.clone();
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            (seed, judged(&draw(seed)).await)
        });
    }
    let mut failed = Vec::new();
    while let Some(ran) = running.join_next().await {
        let (seed, judged) = ran?;
        match judged {
            Ok((observed, unmet)) if unmet.is_empty() => {
                println!("ok    {seed}: {} executions in {:.0} world seconds", observed.rollouts.len(), observed.at);
            }
            Ok((observed, unmet)) => {
                println!("FAIL  {seed}");
                unmet.iter().for_each(|unmet| println!("        {unmet}"));
                let folder = arguments.output.join(seed.to_string());
                record::write(&folder, &seed.to_string(), &draw(seed), Variant::Default, &observed, &unmet)?;
                save(&arguments.output, seed, &draw(seed))?;
                failed.push(seed);
            }
            Err(error @ run::Error::Step { .. }) => {
                println!("FAIL  {seed}\n        it could not be run: {error}");
                save(&arguments.output, seed, &draw(seed))?;
                failed.push(seed);
            }
            Err(error) => return Err(format!("{seed}: {error}").into()),
        }
    }
    println!("{} of {} as expected", arguments.count as usize - failed.len(), arguments.count);
    for seed in &failed {
        let path = save_shrunk(*seed, &arguments).await?;
        println!("  make scenario FILE={}   (whole: SEED={seed} N=1 make chaos)", path.display());
    }
    Ok(failed.is_empty())
}

/// Runs a random scenario, which fixes every open fact.
async fn judged(scenario: &Scenario) -> Result<(Observed, Vec<Unmet>), run::Error> {
    run_and_judge(scenario, Variant::Default).await
}

/// Shrinks the scenario of a seed and saves it; the file's path.
async fn save_shrunk(seed: u64, arguments: &ChaosArguments) -> Result<PathBuf, Error> {
    let fails = |scenario: Scenario| async move { judged(&scenario).await.is_ok_and(|(_, unmet)| !unmet.is_empty()) };
    let small = shrink(draw(seed), arguments.shrink, fails).await;
    save(&arguments.output, seed, &small)
}

fn save(folder: &Path, seed: u64, scenario: &Scenario) -> Result<PathBuf, Error> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{seed}.json"));
    fs::write(&path, format!("{}\n", serde_json::to_string_pretty(scenario)?))?;
    Ok(path)
}
