//! What a stack is started with.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use account::{FUNCTIONS, Served, Variables};
use world::{Delivery, Fault};

use crate::{Error, Function, schedule};

/// The functions' time limit, which is longer than any of them takes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The functions' concurrency: enough for a hundred rollouts that call the same function at once, beside as many calls that a state machine
/// has given up.
const CONCURRENCY: usize = 200;

/// Reads a speed from a command line.
///
/// # Errors
/// For anything but a number that is at least 1.
pub fn parse_speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed >= 1.0 => Ok(speed),
        _ => Err("must be at least 1".to_owned()),
    }
}

/// What a stack is started with. [`Options::new`] has the defaults of this workspace.
#[derive(Debug, Clone)]
pub struct Options {
    /// The world's Auto Scaling groups, deployment groups and instances.
    pub setting: world::Setting,
    /// World seconds a real second, at least 1; the state machine's waiting is as much shorter.
    pub speed: f64,
    /// The applications of rollouts whose input and hook name none: plan-rollout's `APPLICATIONS`.
    pub applications: Option<String>,
    /// The launch hook whose events start rollouts, and which the rollouts complete.
    pub lifecycle_hook_name: String,
    /// Whether failures quote the logs of scripts: `QUOTE` or `OMIT`.
    pub script_output: String,
    /// The Auto Scaling groups that the stack may serve. `None`: all of the setting.
    pub served: Option<Served>,
    /// How the hook's events are delivered to start-rollout.
    pub events: Delivery,
    /// World seconds between two events of start-rollout's schedule, at least 1. `None`: there is no schedule.
    pub schedule_seconds: Option<f64>,
    /// What goes wrong with the calls of functions and of the state machine.
    pub faults: Vec<Fault>,
    /// The state machine's definition.
    pub definition: PathBuf,
    /// The functions that run.
    pub functions: Vec<Function>,
    /// The Python interpreter with the engine's packages.
    pub python: PathBuf,
    /// The folder for the logs of each function and of the engine, which is created if it does not exist. The default is a folder of the stack's
    /// own. [`Stack::stop`](crate::Stack::stop) removes that unless `TURNSTILE_KEEP_LOGS` is set; a stack that is dropped leaves it.
    pub log_dir: PathBuf,
}

impl Options {
    /// Turnstile's functions and definition, the Python interpreter of the workspace's `.venv` (or that of `TURNSTILE_PYTHON`), and 20 world
    /// seconds a real second.
    pub fn new(setting: world::Setting) -> Self {
        let workspace = workspace();
        let functions = FUNCTIONS.map(|name| Function {
            name: name.to_owned(),
            bootstrap: workspace.join("target/lambda").join(name).join("bootstrap"),
            environment: Vec::new(),
            timeout: TIMEOUT,
            concurrency: CONCURRENCY,
        });
        Self {
            setting,
            speed: 20.0,
            applications: None,
            lifecycle_hook_name: "turnstile".to_owned(),
            script_output: "QUOTE".to_owned(),
            served: None,
            events: Delivery::default(),
            schedule_seconds: None,
            faults: Vec::new(),
            definition: workspace.join("statemachine/rollout.asl.json"),
            functions: functions.into(),
            python: std::env::var_os("TURNSTILE_PYTHON")
                .map_or_else(|| workspace.join(".venv/bin/python"), PathBuf::from),
            log_dir: own_log_dirs().join(run()),
        }
    }

    /// The Auto Scaling groups that the stack may serve.
    pub(crate) fn served(&self) -> Served {
        self.served.clone().unwrap_or_else(|| Served::all(&self.setting.auto_scaling_groups))
    }

    /// The values of the functions' environment variables.
    pub(crate) fn variables(&self) -> Variables {
        Variables {
            applications: self.applications.clone(),
            served: self.served(),
            gate_tag_key: self.setting.gate_key.clone(),
            lifecycle_hook_name: self.lifecycle_hook_name.clone(),
            script_output: self.script_output.clone(),
        }
    }

    /// Checks the options that a caller may have read from a file; an error names the first field that is wrong.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.events.check()?;
        schedule::check(self.schedule_seconds)?;
        let functions: Vec<&str> = self.functions.iter().map(|function| function.name.as_str()).collect();
        for (index, fault) in self.faults.iter().enumerate() {
            fault.check(index, &functions)?;
        }
        Ok(())
    }
}

/// Whether a folder for logs is the default of [`Options::new`] in this process, and not a caller's.
pub(crate) fn is_own_log_dir(log_dir: &Path) -> bool {
    let name = log_dir.file_name().and_then(|name| name.to_str());
    log_dir.parent() == Some(&own_log_dirs()) && name.is_some_and(|name| name.starts_with(&process()))
}

fn own_log_dirs() -> PathBuf {
    workspace().join("target/stack")
}

/// A name that no other stack has, in this process or in another.
fn run() -> String {
    static STACKS: AtomicUsize = AtomicUsize::new(0);
    format!("{}{}", process(), STACKS.fetch_add(1, Ordering::Relaxed))
}

/// The beginning of the names of this process's stacks.
fn process() -> String {
    format!("{}-", std::process::id())
}

/// The workspace's folder, of which `target/` and `tests/` are parts.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in tests/stack").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_that_is_at_least_1() {
        for (text, speed) in
            [("1", Some(1.0)), ("12.5", Some(12.5)), ("0.5", None), ("inf", None), ("NaN", None), ("x", None)]
        {
            assert_eq!(parse_speed(text).ok(), speed, "{text}");
        }
    }
}
