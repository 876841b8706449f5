//! The launch under Turnstile, on the local stack: with the real Lambdas and the real state machine definition.

use std::time::Duration;

use stack::six_applications::{DEPLOYMENT_GROUP, GROUP, HOOK, revision};
use stack::{Error, Execution, Stack, history};
use world::{DeploymentReport, HookActionReport, InstanceReport, Report};

use crate::progress::Progress;

/// The pause between two looks at the world, in real time.
const PAUSE: Duration = Duration::from_millis(100);
/// Real time for an execution to end once its instance is in service, or gone.
const EXECUTION_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// What a pipeline releases while the instance launches: a new build of an application.
#[derive(Debug, Clone, Copy)]
pub struct Release {
    /// The application.
    pub application: &'static str,
    /// It is released when this one is being deployed to the instance.
    pub during: &'static str,
}

/// What became of a launch.
pub struct Rollout {
    /// The instance that was launched.
    pub instance_id: String,
    /// Everything that happened in the world.
    pub report: Report,
    /// The state machine's execution, if one was started.
    pub execution: Option<Execution>,
    /// The execution's state transitions, as billed.
    pub transitions: usize,
    /// When the launch was last looked at, in world seconds.
    pub watched_until: f64,
    /// The pipeline's deployment, if there was one.
    pub released: Option<String>,
}

impl Rollout {
    /// The instance.
    pub fn instance(&self) -> &InstanceReport {
        let found = self.report.instances.iter().find(|instance| instance.instance_id == self.instance_id);
        found.expect("an instance that was launched is reported")
    }

    /// The action of Turnstile's hook for the instance, if the instance came to wait at the hook.
    pub fn hook(&self) -> Option<&HookActionReport> {
        self.report.hook_actions.iter().find(|a| a.instance_id == self.instance_id && a.hook == HOOK)
    }

    /// The deployments that contained the instance.
    pub fn deployments(&self) -> impl Iterator<Item = &DeploymentReport> {
        self.report.deployments.iter().filter(|deployment| deployment.instance_ids.contains(&self.instance_id))
    }

    /// The pipeline's deployment, if there was one.
    pub fn release(&self) -> Option<&DeploymentReport> {
        let id = self.released.as_ref()?;
        self.report.deployments.iter().find(|deployment| deployment.deployment_id == *id)
    }

    /// Whether the instance is in service, no rule was broken, and a pipeline's deployment succeeded without it.
    pub fn is_good(&self) -> bool {
        let is_apart = |release: &DeploymentReport| {
            release.status == "Succeeded" && !release.instance_ids.contains(&self.instance_id)
        };
        self.instance().lifecycle_state == "InService"
            && self.report.violations.is_empty()
            && self.release().is_none_or(is_apart)
    }
}

/// Launches one instance and watches it until it is in service, or on its way out. A pipeline makes the release, if there is one.
///
/// # Errors
/// The engine's, if it does not answer.
pub async fn watch(stack: &Stack, release: Option<Release>) -> Result<Rollout, Error> {
    let world = stack.world();
    let instance_id = world.launch(GROUP).expect("the setting has the group, and room in it");
    let mut progress = Progress::start();
    let mut released = None;
    loop {
        let (now, report) = (world.now(), world.report());
        if let Some(Release { application, during }) = release
            && released.is_none()
            && report.deployments.iter().any(|one| {
                one.application_name == during && one.instance_ids.contains(&instance_id) && one.started_at.is_some()
            })
        {
            let build = Some(revision(application, 2));
            released =
                Some(world.deploy(application, DEPLOYMENT_GROUP, build).expect("nothing else deploys to the group"));
        }
        progress.show(&instance_id, &report, now);
        let instance = report.instances.iter().find(|instance| instance.instance_id == instance_id);
        if instance.is_some_and(|instance| !instance.lifecycle_state.starts_with("Pending")) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    progress.end();

    let (execution, transitions) = match stack.executions().await?.into_iter().next() {
        Some(first) => {
            let ended = tokio::time::timeout(EXECUTION_ENDS_WITHIN, stack.wait_for(&first.arn)).await;
            let transitions = history::transitions(&stack.history(&first.arn).await?);
            (Some(ended.unwrap_or(Ok(first))?), transitions)
        }
        None => (None, 0),
    };
    Ok(Rollout {
        instance_id,
        report: world.report_at_end(),
        execution,
        transitions,
        watched_until: world.now(),
        released,
    })
}
