//! Running scenario files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scenario::format::{self, Scenario};
use scenario::outcome::Came;
use scenario::variant::Variant;
use scenario::{files, judge, record, run, verdict};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::arguments::RunArguments;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A scenario to be run one way.
struct Job {
    name: String,
    scenario: Scenario,
    variant: Variant,
}

/// Runs the files, each in the ways that were asked for. True if all came out as expected.
pub async fn run(arguments: RunArguments) -> Result<bool, Error> {
    let jobs = jobs(&arguments)?;
    if let [job] = jobs.as_slice() {
        return alone(job, &arguments.output).await;
    }
    let all = jobs.len();
    let short = many(jobs, usize::from(arguments.jobs), &arguments.output).await?;
    println!("{} of {all} as expected", all - short.len());
    for name in &short {
        println!("  falls short: {name}");
    }
    Ok(short.is_empty())
}

/// Every file is read before the first is run.
fn jobs(arguments: &RunArguments) -> Result<Vec<Job>, Error> {
    let files: Vec<PathBuf> = if arguments.files.is_empty() { files::all()? } else { arguments.files.clone() };
    let mut jobs = Vec::new();
    for path in files {
        let scenario = format::read(&path)?;
        for variant in Variant::distinct(&arguments.open_facts.variants(), &scenario.world.open_facts) {
            jobs.push(Job { name: files::name(&path), scenario: scenario.clone(), variant });
        }
    }
    Ok(jobs)
}

/// One scenario, with its whole verdict.
async fn alone(job: &Job, output: &Path) -> Result<bool, Error> {
    let (came, shortfalls) = match judged(job).await {
        Err(error @ run::Error::Step { .. }) => {
            println!("{}: FALLS SHORT\n  - {error}", job.name);
            return Ok(false);
        }
        judged => judged?,
    };
    println!("{}", verdict::text(&job.name, &job.scenario, &came, &shortfalls));
    record::leave(output, &job.name, &job.scenario, job.variant, &came, &shortfalls)?;
    println!("\n{} and calls.jsonl beside it", output.join("report.json").display());
    Ok(shortfalls.is_empty())
}

/// Many, a line each; those that fall short leave their files in a folder of their own. Their names.
async fn many(jobs: Vec<Job>, at_once: usize, output: &Path) -> Result<Vec<String>, Error> {
    let places = Arc::new(Semaphore::new(at_once));
    let mut running = JoinSet::new();
    for job in jobs {
        let places = places.clone();
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            let judged = judged(&job).await;
            (job, judged)
        });
    }
    let mut short = Vec::new();
    while let Some(ran) = running.join_next().await {
        let (job, judged) = ran?;
        let name = format!("{} ({})", job.name, job.variant);
        match judged {
            Ok((_, shortfalls)) if shortfalls.is_empty() => {
                println!("ok    {name}");
                continue;
            }
            Ok((came, shortfalls)) => {
                println!("SHORT {name}");
                shortfalls.iter().for_each(|sentence| println!("        {sentence}"));
                record::leave(&output.join(&job.name), &job.name, &job.scenario, job.variant, &came, &shortfalls)?;
            }
            Err(error) => println!("SHORT {name}\n        it could not be run: {error}"),
        }
        short.push(name);
    }
    Ok(short)
}

async fn judged(job: &Job) -> Result<(Came, Vec<String>), run::Error> {
    let came = run::run(&job.scenario, job.variant).await?;
    let shortfalls = judge::shortfalls(&job.scenario, &came);
    Ok((came, shortfalls))
}
