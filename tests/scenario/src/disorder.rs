//! Running random scenarios.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scenario::chaos::{draw, shrink, try_out};
use scenario::format::Scenario;
use scenario::record;
use scenario::run;
use scenario::variant::Variant;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::arguments::ChaosArguments;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Draws and runs scenarios. True if none fell short.
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
            (seed, try_out(&draw(seed)).await)
        });
    }
    let mut short = Vec::new();
    while let Some(ran) = running.join_next().await {
        let (seed, tried) = ran?;
        match tried {
            Ok((came, shortfalls)) if shortfalls.is_empty() => {
                println!("ok    {seed}: {} executions in {:.0} world seconds", came.rollouts.len(), came.at);
            }
            Ok((came, shortfalls)) => {
                println!("SHORT {seed}");
                shortfalls.iter().for_each(|sentence| println!("        {sentence}"));
                let folder = arguments.output.join(seed.to_string());
                record::leave(&folder, &seed.to_string(), &draw(seed), Variant::Default, &came, &shortfalls)?;
                save(&arguments.output, seed, &draw(seed))?;
                short.push(seed);
            }
            Err(error @ run::Error::Step { .. }) => {
                println!("SHORT {seed}\n        it could not be run: {error}");
                save(&arguments.output, seed, &draw(seed))?;
                short.push(seed);
            }
            Err(error) => return Err(format!("{seed}: {error}").into()),
        }
    }
    println!("{} of {} without a shortfall", arguments.count as usize - short.len(), arguments.count);
    for seed in &short {
        let path = make_smaller(*seed, &arguments).await?;
        println!("  make scenario FILE={}   (whole: SEED={seed} N=1 make chaos)", path.display());
    }
    Ok(short.is_empty())
}

async fn make_smaller(seed: u64, arguments: &ChaosArguments) -> Result<PathBuf, Error> {
    let falls_short =
        |scenario: Scenario| async move { try_out(&scenario).await.is_ok_and(|(_, short)| !short.is_empty()) };
    let small = shrink(draw(seed), arguments.shrink, falls_short).await;
    save(&arguments.output, seed, &small)
}

fn save(folder: &Path, seed: u64, scenario: &Scenario) -> Result<PathBuf, Error> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{seed}.json"));
    fs::write(&path, format!("{}\n", serde_json::to_string_pretty(scenario)?))?;
    Ok(path)
}
