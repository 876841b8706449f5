//! Updates of the stack while rollouts run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use account::{Execution, function_arn};
use serde_json::{Value, json};
use simulation::{Options, Simulation, block_on};
use tokio::time::sleep;
use world::rules::KnownViolations;
use world::{ClosedBy, HookResult};

use crate::ownership::{WEB, options, web};
use crate::stage::until_quiet;

/// The definition of the version before. A release replaces it by the one that it is released with.
const BEFORE: &str = include_str!("before.asl.json");

/// A stack whose executions call the newest functions, because its definition names no versions.
struct WithoutVersions {
    simulation: Simulation,
    definition: PathBuf,
}

impl WithoutVersions {
    fn start(definition: &str, options: Options) -> Self {
        let placeholders = [
            ("PlanRollout", "plan-rollout"),
            ("StartDeployment", "start-deployment"),
            ("CheckStatus", "check-status"),
            ("BackOff", "back-off"),
            ("CompleteLifecycleHook", "complete-lifecycle-hook"),
        ];
        let text = placeholders.iter().fold(definition.to_owned(), |text, (placeholder, function)| {
            text.replace(&format!("${{{placeholder}Function}}"), &function_arn(function))
        });
        let thread = format!("{:?}", std::thread::current().id()).replace(|c: char| !c.is_ascii_digit(), "");
        let definition =
            std::env::temp_dir().join(format!("without-versions-{}-{thread}.asl.json", std::process::id()));
        std::fs::write(&definition, text).expect("a file");
        let simulation = Simulation::start(Options { definition: definition.clone(), ..options }).expect("it starts");
        Self { simulation, definition }
    }
}

impl Drop for WithoutVersions {
    fn drop(&mut self) {
        // If it cannot be removed, it is left in the folder for such files.
        let _ = std::fs::remove_file(&self.definition);
    }
}

/// The functions' versions that an execution has called.
fn versions(simulation: &Simulation, execution: &Execution) -> Vec<String> {
    let history = simulation.history(&execution.arn).expect("it exists");
    let resources =
        history.iter().filter_map(|event| event["lambdaFunctionScheduledEventDetails"]["resource"].as_str());
    let mut versions: Vec<String> = resources.filter_map(|arn| arn.rsplit(':').next()).map(str::to_owned).collect();
    versions.sort();
    versions.dedup();
    versions
}

#[test]
fn an_execution_keeps_the_functions_that_it_began_with() {
    block_on(async || {
        let simulation = Simulation::start(options(web(600, &["Orders", "Search"]))).expect("it starts");
        for version in 1..=3 {
            simulation.world().launch(WEB).expect("it launches");
            while simulation.executions().len() < version {
                sleep(Duration::from_secs(1)).await;
            }
            simulation.update_stack().expect("the definition is there");
        }
        until_quiet(&simulation).await;
        for (i, execution) in simulation.executions().iter().enumerate() {
            assert_eq!(execution.status, "SUCCEEDED", "{execution:#?}");
            assert_eq!(versions(&simulation, execution), [(i + 1).to_string()]);
        }
    });
}

/// That is what the versions are for.
#[test]
fn an_execution_without_versions_does_not_survive_an_update() {
    block_on(async || {
        let definition =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../statemachine/rollout.asl.json"))
                .expect("Turnstile's definition");
        let stack = WithoutVersions::start(&definition, options(web(600, &["Orders", "Search"])));
        let simulation = &stack.simulation;
        simulation.world().launch(WEB).expect("it launches");
        while simulation.world().report_without_calls().deployments.is_empty() {
            sleep(Duration::from_secs(1)).await;
        }
        simulation.update_stack().expect("the definition is there");
        while simulation.executions()[0].is_running() {
            sleep(Duration::from_secs(60)).await;
        }
        assert_eq!(simulation.executions()[0].error.as_deref(), Some("Turnstile.InvalidInput"));
    });
}

/// An execution of the version before may call the functions of this one: versions were named by none, and a person can redrive it later.
#[test]
fn requests_of_the_version_before_are_read() {
    let fails = |times: u32| json!({"event": "AfterInstall", "scriptName": "x.sh", "times": times});
    let with = |pointer: &str, value: Value| {
        let mut setting = web(600, &["Orders", "Search"]);
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
        setting.pointer_mut(parent).expect("it is there")[key] = value;
        setting
    };
    for (setting, launches, silent, abandoned) in [
        (web(600, &["Orders", "Search", "Mail"]), 3, false, 0),
        (with("/applications/1/failure", fails(1)), 1, false, 0),
        (with("/applications/0/failure", fails(2)), 1, false, 1),
        (with("/autoScalingGroups/0/hooks/0/heartbeatTimeout", 120.into()), 1, false, 0),
        (web(600, &["Orders"]), 1, true, 1),
    ] {
        block_on(async || {
            let stack = WithoutVersions::start(BEFORE, options(setting.clone()));
            let simulation = &stack.simulation;
            let instances = simulation.world().launch_over(WEB, launches, 60.0).expect("they launch");
            if silent {
                sleep(Duration::from_secs(1)).await;
                simulation.world().silence_agent(&instances[0]).expect("it has one");
            }
            until_quiet(simulation).await;
            // Until what was abandoned is terminated, and what replaces it is launched.
            sleep(Duration::from_secs(600)).await;
            until_quiet(simulation).await;
            for execution in simulation.executions() {
                let history = simulation.history(&execution.arn).expect("it exists");
                let errors = history.iter().map(|event| &event["lambdaFunctionFailedEventDetails"]["error"]);
                assert!(errors.into_iter().all(|error| error != "Turnstile.InvalidInput"), "{history:#?}");
            }
            let report = simulation.world().report_at_end();
            let violations = simulation.run_violations(&report);
            let unknown = KnownViolations::listed();
            let unknown: Vec<String> = unknown.unknown(&violations).iter().map(ToString::to_string).collect();
            assert_eq!(unknown, [] as [&str; 0], "{setting:#}");
            let completed = |result| {
                let actions =
                    report.hook_actions.iter().filter(|action| action.closed_by == Some(ClosedBy::Completion));
                actions.filter(|action| action.result == Some(result)).count()
            };
            // Whatever is abandoned is replaced.
            assert_eq!(
                (completed(HookResult::Continue), completed(HookResult::Abandon)),
                (launches, abandoned),
                "{setting:#}"
            );
        });
    }
}
