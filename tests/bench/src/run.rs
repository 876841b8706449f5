//! One case through the whole local stack: the launches, and what is to be measured afterwards.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use stack::{Error, Execution, Options, Stack, Turn};
use world::{InstanceReport, Report, Setting, World};

use crate::case::Case;
use crate::lag::Lag;
use crate::progress::{self, Progress};
use crate::setting;

/// How often the world is looked at, in real time.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A case that takes more than so many times the six deployments' own time has hung, or goes round in circles.
const GIVE_UP_AFTER: f64 = 6.0;
/// World seconds for the executions to end, once no instance waits any more: the longest pause between two retries, and another.
const EXECUTIONS_END_WITHIN: f64 = 120.0;

/// What a case left behind.
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
    /// The launched instances, in order, and what became of them; nothing of one that never was launched.
    pub fn instances(&self) -> impl Iterator<Item = (&str, Option<&InstanceReport>)> {
        let of = |id: &str| self.report.instances.iter().find(|instance| instance.instance_id == id);
        self.instance_ids.iter().map(move |id| (id.as_str(), of(id)))
    }

    /// World seconds from the first launch until the last instance was in service; `None` unless every one was.
    pub fn makespan(&self) -> Option<f64> {
        let times =
            self.instances().map(|(_, instance)| instance.and_then(|i| Some((i.launched_at, i.in_service_at?))));
        let (launched, in_service): (Vec<f64>, Vec<f64>) = times.collect::<Option<Vec<_>>>()?.into_iter().unzip();
        let first = launched.into_iter().min_by(f64::total_cmp)?;
        Some(in_service.into_iter().max_by(f64::total_cmp)? - first)
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
    /// What of its time was the local stack's.
    pub lag: Lag,
}

/// A stack for a world, at `speed` world seconds a real second.
///
/// # Errors
/// What is missing to start it.
pub async fn start(world: Setting, speed: f64) -> Result<Stack, Error> {
    let options = Options {
        speed,
        applications: Some(setting::parameter()),
        lifecycle_hook_name: setting::HOOK.to_owned(),
        ..Options::new(world)
    };
    Stack::start(options).await
}

/// Launches the case's instances and watches until none of them waits any more and every execution has ended.
///
/// # Errors
/// The engine's, if it does not answer.
pub async fn watch(stack: &Stack, case: &Case, speed: f64, progress: &mut Progress) -> Result<Run, Error> {
    let world = stack.world();
    let launched = world.launch_over(setting::GROUP, case.instances, case.launches.seconds());
    let instance_ids = launched.expect("the setting has the group, and room in it");
    let deadline = world.now() + case.launches.seconds() + GIVE_UP_AFTER * setting::own_seconds();
    loop {
        let (now, report) = (world.now(), world.report());
        progress.show(report.deployments.len(), progress::of_a_burst(case.instances, &report, now));
        if now > deadline || instance_ids.iter().all(|id| is_through(id, &report)) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let executions = executions_at_end(stack).await?;
    // Before the histories are read, which takes time: nothing more is going on, and a hook left open would go on to its time-out.
    let (report, turns) = (world.report_at_end(), stack.turns().await?);
    let rollouts = measure(stack, executions, &report, speed).await?;
    Ok(Run { instance_ids, report, rollouts, turns })
}

/// Whether the instance has been launched and does not wait any more, however that ended.
fn is_through(instance_id: &str, report: &Report) -> bool {
    let instance = report.instances.iter().find(|instance| instance.instance_id == instance_id);
    instance.is_some_and(|instance| !instance.lifecycle_state.starts_with("Pending"))
}

/// The executions once all have ended, or as they are when that takes too long.
async fn executions_at_end(stack: &Stack) -> Result<Vec<Execution>, Error> {
    let deadline = stack.world().now() + EXECUTIONS_END_WITHIN;
    loop {
        let executions = stack.executions().await?;
        if stack.world().now() > deadline || !executions.iter().any(Execution::is_running) {
            return Ok(executions);
        }
        tokio::time::sleep(LOOK_EVERY).await;
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
    let clocks = Clocks::of(stack.world(), speed);
    let mut rollouts = Vec::with_capacity(executions.len());
    for execution in executions {
        let (transitions, history) =
            tokio::try_join!(stack.transitions(&execution.arn), stack.history(&execution.arn))?;
        let lag = Lag::of(&history, speed);
        let start = launch_event(&execution, report).map_or(0.0, |at| clocks.world(execution.start_date) - at);
        rollouts.push(Rollout { execution, transitions, states: entered(&history), lag: Lag { start, ..lag } });
    }
    Ok(rollouts)
}

/// How often each state was entered.
fn entered(history: &[Value]) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    for name in history.iter().filter_map(|event| event["stateEnteredEventDetails"]["name"].as_str()) {
        *states.entry(name.to_owned()).or_default() += 1;
    }
    states
}

/// When the launch hook of the execution's instance sent its event, in world seconds.
fn launch_event(execution: &Execution, report: &Report) -> Option<f64> {
    let action = report.hook_actions.iter().find(|action| execution.input["instanceId"] == action.instance_id);
    action.map(|action| action.opened_at)
}

/// The world's clock beside the wall's: where both were at the same moment.
struct Clocks {
    world: f64,
    wall: f64,
    speed: f64,
}

impl Clocks {
    fn of(world: &World, speed: f64) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { world: world.now(), wall: since.as_secs_f64(), speed }
    }

    /// A time of the wall's clock, in seconds since 1970, as world seconds.
    fn world(&self, wall: f64) -> f64 {
        self.world + (wall - self.wall) * self.speed
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;
    use world::{ActionId, Breach, Call, Clock, Violation, World};

    /// A hook of the first instance that was left open.
    pub fn violation() -> Violation {
        let action = ActionId {
            instance_id: "i-1".to_owned(),
            lifecycle_hook_name: "turnstile".to_owned(),
            destination: "AutoScalingGroup",
        };
        Violation { at: 5.0, breach: Breach::HookLeftOpen { action } }
    }

    /// Two instances, launched a minute apart and in service 1,560 s after the first launch. There were one deployment and four calls,
    /// one of them throttled, and each rollout took 30 transitions.
    pub fn two_instances() -> Run {
        let world = World::new(setting::world(None), Clock::Manual).unwrap();
        world.advance(100.0);
        let instance_ids = world.launch_over(setting::GROUP, 2, 60.0).unwrap();
        world.advance(100.0);
        world.deploy("Orders", setting::DEPLOYMENT_GROUP, None).unwrap();
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
            start_date: 0.0,
            stop_date: None,
        };
        let states = BTreeMap::from([("PlanRollout".to_owned(), 1), ("WaitForDeployment".to_owned(), 2)]);
        let lag = Lag { start: 3.0, calls: 8.0, waits: 2.0, steps: 1.0, call_count: 4, latest_wait: 1.5 };
        Rollout { execution, transitions: 30, states, lag }
    }

    #[test]
    fn the_makespan_is_from_the_first_launch_to_the_last_in_service() {
        let mut run = two_instances();
        assert_eq!(run.makespan(), Some(1_560.0));
        run.report.instances[0].in_service_at = None;
        assert_eq!(run.makespan(), None);

        let mut run = two_instances();
        run.instance_ids.push("i-never-launched".to_owned());
        assert_eq!(run.makespan(), None);
    }

    #[test]
    fn an_instance_is_through_when_it_does_not_wait_any_more() {
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

    #[test]
    fn a_time_of_the_wall_is_one_of_the_world() {
        let clocks = Clocks { world: 200.0, wall: 1_000.0, speed: 20.0 };
        assert_eq!((clocks.world(1_000.0), clocks.world(995.0)), (200.0, 100.0));
    }

    #[test]
    fn states_are_counted_as_they_are_entered() {
        let entered_state = |name: &str| json!({"stateEnteredEventDetails": {"name": name}});
        let history = [entered_state("A"), json!({"type": "TaskStateExited"}), entered_state("B"), entered_state("A")];
        assert_eq!(entered(&history), BTreeMap::from([("A".to_owned(), 2), ("B".to_owned(), 1)]));
    }
}
