//! One case on the local stack: the launches, and what is measured afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use stack::six_applications::GROUP;
use stack::{Error, Execution, Stack, Turn, history};
use world::{InstanceReport, Launch, Report, World};

use crate::case::{Beside, Case};
use crate::lag::Lag;
use crate::progress::{self, Progress};
use crate::setting;

/// The pause between two looks at the world, in real time.
pub const PAUSE: Duration = Duration::from_millis(250);
/// A case is given up after this many times the six deployments' own time: it hangs, or goes round in circles.
const GIVE_UP_AFTER: f64 = 6.0;
/// World seconds within which the executions end once no instance waits any more: twice the longest pause between two retries.
const EXECUTIONS_END_WITHIN: f64 = 120.0;

/// What a case has left behind.
pub struct Run {
    /// The launched instances, in order.
    pub instance_ids: Vec<String>,
    /// Everything that happened in the world.
    pub report: Report,
    /// The executions, the oldest first.
    pub rollouts: Vec<Rollout>,
    /// The claims in the turns table.
    pub turns: Vec<Turn>,
}

impl Run {
    /// The launched instances, in order, and what became of them; `None` for one that never was launched.
    pub fn instances(&self) -> impl Iterator<Item = (&str, Option<&InstanceReport>)> {
        let of = |id: &str| self.report.instances.iter().find(|instance| instance.instance_id == id);
        self.instance_ids.iter().map(move |id| (id.as_str(), of(id)))
    }

    /// World seconds from the first launch until the last instance was in service; `None` unless every one was.
    pub fn makespan(&self) -> Option<f64> {
        let (launched, in_service): (Vec<f64>, Vec<f64>) = self.times()?.into_iter().unzip();
        let first = launched.into_iter().min_by(f64::total_cmp)?;
        Some(in_service.into_iter().max_by(f64::total_cmp)? - first)
    }

    /// World seconds from an instance's launch until it was in service, on average; `None` unless every one was.
    pub fn mean_seconds_to_service(&self) -> Option<f64> {
        let seconds = self.seconds_to_service()?;
        (!seconds.is_empty()).then(|| seconds.iter().sum::<f64>() / seconds.len() as f64)
    }

    /// The same of the instance that took the longest.
    pub fn worst_seconds_to_service(&self) -> Option<f64> {
        self.seconds_to_service()?.into_iter().max_by(f64::total_cmp)
    }

    fn seconds_to_service(&self) -> Option<Vec<f64>> {
        Some(self.times()?.into_iter().map(|(launched, in_service)| in_service - launched).collect())
    }

    /// When each instance was launched, and when it was in service.
    fn times(&self) -> Option<Vec<(f64, f64)>> {
        self.instances().map(|(_, instance)| instance.and_then(|i| Some((i.launched_at, i.in_service_at?)))).collect()
    }
}

/// An execution and what it took.
pub struct Rollout {
    /// The execution.
    pub execution: Execution,
    /// Its state transitions, as billed.
    pub transitions: usize,
    /// How often each state was entered.
    pub states: BTreeMap<String, usize>,
    /// The part of its time that was the local stack's; `None` in the simulation.
    pub lag: Option<Lag>,
}

/// Launches the case's instances and watches until none of them waits and every execution has ended.
///
/// # Errors
/// The engine's, if it does not answer.
pub async fn watch(stack: &Stack, case: &Case, speed: f64, progress: &mut Progress) -> Result<Run, Error> {
    let world = stack.world();
    let instance_ids = launch(world, case);
    let deadline = deadline(world, case);
    loop {
        let (now, report) = (world.now(), world.report());
        progress.show(report.deployments.len(), progress::of_a_burst(case.instances, &report, now));
        if now > deadline || instance_ids.iter().all(|id| is_through(id, &report)) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let executions = executions_at_end(stack, usize::MAX, EXECUTIONS_END_WITHIN).await?;
    // The report comes before the histories, whose reading takes time: a hook that was left open would go on to its time-out.
    let (report, turns) = (world.report_at_end(), stack.turns().await?);
    let rollouts = measure(stack, executions, &report, speed).await?;
    Ok(Run { instance_ids, report, rollouts, turns })
}

/// Launches the case's instances, and the dead one beside them if there is one; the ids of the case's own.
pub fn launch(world: &World, case: &Case) -> Vec<String> {
    const FITS: &str = "the setting has the group, and room in it";
    if case.beside == Beside::DeadInstance {
        world.launch_with(GROUP, &Launch { agent_seconds: Some(None), ..Launch::default() }).expect(FITS);
    }
    world.launch_over(GROUP, case.instances, case.launches.seconds()).expect(FITS)
}

/// The world's time at which a case that has just begun is given up.
pub fn deadline(world: &World, case: &Case) -> f64 {
    world.now() + case.launches.seconds() + GIVE_UP_AFTER * setting::own_seconds()
}

/// Whether the instance has been launched and no longer waits, in service or not.
pub fn is_through(instance_id: &str, report: &Report) -> bool {
    let instance = report.instances.iter().find(|instance| instance.instance_id == instance_id);
    instance.is_some_and(|instance| !instance.lifecycle_state.starts_with("Pending"))
}

/// The first `count` executions, or as many as there are, once all of them have ended; as they are when that takes more than `within` world
/// seconds.
///
/// # Errors
/// The engine's, if it does not answer.
pub async fn executions_at_end(stack: &Stack, count: usize, within: f64) -> Result<Vec<Execution>, Error> {
    let deadline = stack.world().now() + within;
    loop {
        let mut executions = stack.executions().await?;
        executions.truncate(count);
        if stack.world().now() > deadline || !executions.iter().any(Execution::is_running) {
            return Ok(executions);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads the executions' histories.
///
/// # Errors
/// The engine's, if it does not answer.
pub async fn measure(
    stack: &Stack,
    executions: Vec<Execution>,
    report: &Report,
    speed: f64,
) -> Result<Vec<Rollout>, Error> {
    let mut rollouts = Vec::with_capacity(executions.len());
    for execution in executions {
        let history = stack.history(&execution.arn).await?;
        let start = launch_event(&execution, report).map_or(0.0, |at| execution.started_at - at);
        rollouts.push(Rollout {
            execution,
            transitions: history::transitions(&history),
            states: history::state_counts(&history),
            lag: Some(Lag { start, ..Lag::of(&history, speed) }),
        });
    }
    Ok(rollouts)
}

/// When the launch hook of the execution's instance sent its event, in world seconds.
fn launch_event(execution: &Execution, report: &Report) -> Option<f64> {
    let action = report.hook_actions.iter().find(|action| execution.input["instanceId"] == action.instance_id);
    action.map(|action| action.opened_at)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;
    use stack::six_applications::DEPLOYMENT_GROUP;
    use world::{ActionId, Breach, Call, Clock, Violation};

    /// A hook of the first instance that was left open.
    pub fn violation() -> Violation {
        let action = ActionId {
            instance_id: "i-1".to_owned(),
            lifecycle_hook_name: "turnstile".to_owned(),
            destination: "AutoScalingGroup",
        };
        Violation { at: 5.0, breach: Breach::HookLeftOpen { action } }
    }

    /// Two instances, launched a minute apart and in service 1,560 s after the first launch, with one deployment and four calls, one of
    /// which was throttled. Each rollout took 30 transitions.
    pub fn two_instances() -> Run {
        let world = World::new(setting::under_turnstile(&crate::case::CASES[0]), Clock::Manual).unwrap();
        world.advance(100.0);
        let instance_ids = world.launch_over(GROUP, 2, 60.0).unwrap();
        world.advance(100.0);
        world.deploy("Orders", DEPLOYMENT_GROUP, None).unwrap();
        let mut report = world.report();
        for (instance, at) in report.instances.iter_mut().zip([1_600.0, 1_660.0]) {
            instance.lifecycle_state = "InService";
            instance.in_service_at = Some(at);
        }
        let call = |service, operation: &str, outcome: &str| Call {
            at: 200.0,
            caller: "check-status".to_owned(),
            service,
            operation: operation.to_owned(),
            parameters: json!({}),
            outcome: outcome.to_owned(),
            ..Call::default()
        };
        report.calls = vec![
            call("autoscaling", "RecordLifecycleActionHeartbeat", "ok"),
            call("codedeploy", "GetDeployment", "ThrottlingException"),
            call("codedeploy", "GetDeployment", "ok"),
            call("codedeploy", "GetDeployment", "DeploymentDoesNotExistException"),
        ];
        let rollouts = instance_ids.iter().map(|id| rollout(id)).collect();
        let claim = "autoScalingGroup:web".to_owned();
        Run { instance_ids, report, rollouts, turns: vec![Turn { claim, holder: None }] }
    }

    fn rollout(instance_id: &str) -> Rollout {
        let execution = Execution {
            arn: format!("arn:{instance_id}"),
            name: format!("web-{instance_id}"),
            status: "SUCCEEDED".to_owned(),
            input: json!({"instanceId": instance_id}),
            output: None,
            error: None,
            cause: None,
            started_at: 0.0,
            ended_at: None,
            redrive_count: 0,
        };
        let states = BTreeMap::from([("PlanRollout".to_owned(), 1), ("WaitForDeployment".to_owned(), 2)]);
        let lag = Some(Lag { start: 3.0, calls: 8.0, waits: 2.0, steps: 1.0, call_count: 4, latest_wait: 1.5 });
        Rollout { execution, transitions: 30, states, lag }
    }

    #[test]
    fn the_makespan_is_from_the_first_launch_to_the_last_in_service() {
        let mut run = two_instances();
        assert_eq!(run.makespan(), Some(1_560.0));
        assert_eq!((run.mean_seconds_to_service(), run.worst_seconds_to_service()), (Some(1_500.0), Some(1_500.0)));
        run.report.instances[0].in_service_at = None;
        assert_eq!(run.makespan(), None);

        let mut run = two_instances();
        run.instance_ids.push("i-never-launched".to_owned());
        assert_eq!(run.makespan(), None);
    }

    #[test]
    fn an_instance_is_through_when_it_no_longer_waits() {
        let mut run = two_instances();
        let id = run.instance_ids[1].clone();
        for (state, through) in [
            ("Pending", false),
            ("Pending:Wait", false),
            ("Pending:Proceed", false),
            ("InService", true),
            ("Terminated", true),
        ] {
            run.report.instances[1].lifecycle_state = state;
            assert_eq!(is_through(&id, &run.report), through, "{state}");
        }
        assert!(!is_through("i-not-launched-yet", &run.report));
    }

    #[test]
    fn an_execution_s_launch_event_is_its_instance_s() {
        let run = two_instances();
        let events: Vec<_> = run.rollouts.iter().map(|rollout| launch_event(&rollout.execution, &run.report)).collect();
        assert_eq!(events, [Some(130.0), Some(190.0)]);
    }
}
