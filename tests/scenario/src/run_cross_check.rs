//! Runs scenarios on the stack and in the simulation, and compares the two.

use std::fs;
use std::path::PathBuf;

use scenario::bed::Place;
use scenario::cross_check::{Course, explained};
use scenario::format::{self, Scenario};
use scenario::variant::Variant;
use scenario::{files, run};
use serde_json::json;

use crate::arguments::CrossCheckArguments;
use crate::{Error, parallel};

/// Compares the files. True if every difference is explained.
pub fn run(arguments: &CrossCheckArguments) -> Result<bool, Error> {
    let files: Vec<PathBuf> = if arguments.files.is_empty() { files::all()? } else { arguments.files.clone() };
    let scenarios = files.iter().map(|path| Ok((files::name(path), format::read(path)?)));
    let scenarios = scenarios.collect::<Result<Vec<_>, Error>>()?;
    let (all, explained) = (scenarios.len(), explained()?);
    let mut agree = 0;
    let mut rows = Vec::new();
    parallel::for_each(
        scenarios,
        arguments.jobs.into(),
        |(_, scenario)| differences(scenario),
        |(name, _), found| {
            let (known, new): (Vec<String>, Vec<String>) = found?.into_iter().partition(|difference| {
                explained.iter().any(|known| known.scenario == name && difference.contains(&known.difference))
            });
            println!("{}  {name}", if new.is_empty() { "ok  " } else { "DIFF" });
            new.iter().for_each(|difference| println!("        {difference}"));
            agree += usize::from(new.is_empty());
            rows.push(json!({"scenario": name, "differences": new, "explained": known}));
            Ok::<(), Error>(())
        },
    )?;
    rows.sort_by_key(|row| row["scenario"].to_string());
    fs::create_dir_all(&arguments.output)?;
    let path = arguments.output.join("report.json");
    fs::write(&path, format!("{:#}\n", json!({"scenarios": rows})))?;
    println!("{agree} of {all} agree; {}", path.display());
    Ok(agree == all)
}

fn differences(scenario: &Scenario) -> Result<Vec<String>, run::Error> {
    let course = |place| Ok::<Course, run::Error>(Course::of(&run::run(scenario, Variant::Default, place)?));
    Ok(Course::differences(&course(Place::Stack)?, &course(Place::SIMULATION)?))
}
