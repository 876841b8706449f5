//! A dozen scenarios, one of each kind, through the real bootstraps and the real engine: what the simulation shows of all holds there, too.
//! `make scenarios OPTIONS=--stack` sends all of them through it, and `make cross-check` compares the two.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use scenario::bed::Place;
use scenario::judge::run_and_judge;
use scenario::variant::Variant;
use scenario::{files, format, verdict};

/// How many stacks run at the same time. The dozen processes of a stack mostly wait, but a world's time goes on whether they get theirs or
/// not.
const AT_ONCE: usize = 3;

/// Each shows a part that is real only here, or a way through the state machine that the others do not take.
const DOZEN: [&str; 12] = [
    // The whole way, and a turn that another rollout has served.
    "one-launch",
    "three-at-once-one-at-a-time",
    // A failure's cause, and the back-off behind it.
    "failing-script",
    "back-off",
    // The other ways in: SNS, the schedule, a person, an event that is delivered twice.
    "sns-notification",
    "lost-event",
    "by-hand-for-the-group",
    "duplicate-events",
    // Answers that are lost between real processes.
    "create-deployment-s-answer-is-lost",
    "functions-answers-are-lost",
    // A dead holder's turn, and an instance that is gone.
    "holder-is-aborted",
    "terminated-midway",
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(AT_ONCE).min(AT_ONCE));
    let files = files::all().expect("tests/scenarios");
    let trials = DOZEN.map(|name| {
        let path = files.iter().find(|path| files::name(path) == name).unwrap_or_else(|| panic!("there is no {name}"));
        let path: PathBuf = path.clone();
        Trial::test(name, move || passes(name, &path))
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn passes(name: &str, path: &Path) -> Result<(), Failed> {
    let scenario = format::read(path)?;
    let (observed, unmet) = run_and_judge(&scenario, Variant::Default, Place::Stack)?;
    match unmet.as_slice() {
        [] => Ok(()),
        unmet => Err(Failed::from(verdict::text(name, &scenario, &observed, unmet))),
    }
}
