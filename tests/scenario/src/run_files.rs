//! Runs scenario files.

use std::path::PathBuf;

use scenario::bed::Place;
use scenario::format::{self, Scenario};
use scenario::judge::{Unmet, run_and_judge};
use scenario::observed::Observed;
use scenario::variant::Variant;
use scenario::{files, record, run, story, verdict};

use crate::arguments::{Gates, RunArguments};
use crate::{Error, parallel};

/// A scenario to be run with the open facts of a variant.
struct Job {
    name: String,
    scenario: Scenario,
    variant: Variant,
}

impl Job {
    fn judged(&self, place: Place) -> Result<(Observed, Vec<Unmet>), run::Error> {
        run_and_judge(&self.scenario, self.variant, place)
    }
}

/// Runs the files, each with the open facts that were asked for. True if all met their expectations.
pub fn run(arguments: &RunArguments) -> Result<bool, Error> {
    let jobs = jobs(arguments)?;
    if let [job] = jobs.as_slice() {
        return run_one(job, arguments);
    }
    let all = jobs.len();
    let failed = run_all(jobs, arguments)?;
    println!("{} of {all} as expected", all - failed.len());
    for name in &failed {
        println!("  not as expected: {name}");
    }
    Ok(failed.is_empty())
}

/// Reads every file before the first is run.
fn jobs(arguments: &RunArguments) -> Result<Vec<Job>, Error> {
    let files: Vec<PathBuf> = if arguments.files.is_empty() { files::all()? } else { arguments.files.clone() };
    let mut jobs = Vec::new();
    for path in files {
        let scenario = format::read(&path)?;
        let gated = scenario.gated().filter(|_| arguments.gates != Gates::AsWritten);
        let as_written = Some(scenario).filter(|_| arguments.gates != Gates::Every);
        let names = [(files::name(&path), as_written), (format!("{}, gated", files::name(&path)), gated)];
        for (name, scenario) in names.into_iter().filter_map(|(name, scenario)| Some((name, scenario?))) {
            for variant in Variant::distinct(&arguments.open_facts.variants(), &scenario.fixed_open_facts()) {
                jobs.push(Job { name: name.clone(), scenario: scenario.clone(), variant });
            }
        }
    }
    Ok(jobs)
}

/// Runs one scenario and prints its whole verdict.
fn run_one(job: &Job, arguments: &RunArguments) -> Result<bool, Error> {
    let output = &arguments.output;
    let (observed, unmet) = match job.judged(arguments.place()) {
        Err(error @ run::Error::Step { .. }) => {
            println!("{}: NOT AS EXPECTED\n  - {error}", job.name);
            return Ok(false);
        }
        judged => judged?,
    };
    println!("{}", verdict::text(&job.name, &job.scenario, &observed, &unmet));
    record::write(output, &job.name, &job.scenario, job.variant, &observed, &unmet)?;
    println!("\n{} and calls.jsonl beside it", output.join("report.json").display());
    if !observed.trace.is_empty() {
        println!("{}", story::write(output, &observed.trace)?.display());
    }
    Ok(unmet.is_empty())
}

/// Runs scenarios, prints a line for each, and writes the files of those that are not as expected. Their names.
fn run_all(jobs: Vec<Job>, arguments: &RunArguments) -> Result<Vec<String>, Error> {
    let (output, place) = (&arguments.output, arguments.place());
    let mut failed = Vec::new();
    parallel::for_each(
        jobs,
        arguments.jobs.into(),
        |job| job.judged(place),
        |job, judged| -> Result<(), Error> {
            let name = format!("{} ({})", job.name, job.variant);
            match judged {
                Ok((_, unmet)) if unmet.is_empty() => {
                    println!("ok    {name}");
                    return Ok(());
                }
                Ok((observed, unmet)) => {
                    println!("FAIL  {name}");
                    unmet.iter().for_each(|unmet| println!("        {unmet}"));
                    record::write(&output.join(&job.name), &job.name, &job.scenario, job.variant, &observed, &unmet)?;
                }
                Err(error) => println!("FAIL  {name}\n        it could not be run: {error}"),
            }
            failed.push(name);
            Ok(())
        },
    )?;
    Ok(failed)
}
