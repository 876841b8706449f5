//! The launch under Turnstile: the whole local stack, with the real Lambdas and the real state machine definition.

use std::path::Path;
use std::time::Duration;

use stack::{Error, Execution, Options, Stack};
use world::{HookActionReport, InstanceReport, Report};

use crate::progress::Progress;
use crate::setting;

/// How often the world is looked at, in real time.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Real time for an execution to end once its instance is in service, or gone.
const EXECUTION_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// What came of a launch.
pub struct Rollout {
    /// The instance that was launched.
    pub instance_id: String,
    /// Everything that happened in the world.
    pub report: Report,
    /// The state machine's execution, if one was started.
    pub execution: Option<Execution>,
    /// The execution's state transitions, as billed.
    pub transitions: usize,
    /// When the world was last looked at, in its seconds.
    pub watched_until: f64,
}

impl Rollout {
    /// The instance.
    pub fn instance(&self) -> &InstanceReport {
        let found = self.report.instances.iter().find(|instance| instance.instance_id == self.instance_id);
        found.expect("an instance that was launched is reported")
    }

    /// Turnstile's hook for the instance, if the instance came to wait at it.
    pub fn hook(&self) -> Option<&HookActionReport> {
        self.report.hook_actions.iter().find(|a| a.instance_id == self.instance_id && a.hook == setting::HOOK)
    }

    /// Whether all went as it must.
    pub fn is_good(&self) -> bool {
        self.instance().lifecycle_state == "InService" && self.report.violations.is_empty()
    }
}

/// A stack in which a launch starts a rollout; a script of the application `failing` fails.
///
/// # Errors
/// What is missing to start it.
pub async fn start(speed: f64, failing: Option<&str>, log_dir: &Path) -> Result<Stack, Error> {
    let options = Options {
        speed,
        applications: Some(setting::parameter()),
        lifecycle_hook_name: setting::HOOK.to_owned(),
        log_dir: log_dir.to_owned(),
        ..Options::new(setting::under_turnstile(failing))
    };
    Stack::start(options).await
}

/// Launches one instance and watches it until it is in service, or on its way out.
///
/// # Errors
/// The engine's, if it does not answer.
pub async fn watch(stack: &Stack) -> Result<Rollout, Error> {
    let world = stack.world();
    let instance_id = world.launch(setting::GROUP).expect("the setting has the group, and room in it");
    let mut progress = Progress::start();
    loop {
        let (now, report) = (world.now(), world.report());
        progress.show(&instance_id, &report, now);
        let instance = report.instances.iter().find(|instance| instance.instance_id == instance_id);
        if instance.is_some_and(|instance| !instance.lifecycle_state.starts_with("Pending")) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    progress.end();

    let (execution, transitions) = match stack.executions().await?.into_iter().next() {
        Some(first) => {
            let ended = tokio::time::timeout(EXECUTION_ENDS_WITHIN, stack.wait_for(&first.arn)).await;
            let transitions = stack.transitions(&first.arn).await?;
            (Some(ended.unwrap_or(Ok(first))?), transitions)
        }
        None => (None, 0),
    };
    Ok(Rollout { instance_id, report: world.report_at_end(), execution, transitions, watched_until: world.now() })
}
