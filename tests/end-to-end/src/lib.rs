//! What the end-to-end tests share: the usual world, and a stack that runs it.
//!
//! Every test runs on the local stack: the Lambda binaries, the state machine's own definition, and the services' wire protocols. It asserts
//! what happened in the world, not how.

mod interruption;

use std::time::Duration;

use serde_json::Value;
use stack::six_applications::{self, SixApplications};
use stack::{Execution, Options, Stack, history};
use world::{ClosedBy, Delivery, DeploymentReport, HookActionReport, Report, Setting};

pub use interruption::{Interruption, interrupted, second_beside};
pub use stack::six_applications::{APPLICATIONS as SIX, DEPLOYMENT_GROUP, GROUP, HOOK, revision, short_form};

/// World seconds a real second. A faster world would make the stack's own time too large a part of the world's.
const SPEED: f64 = 50.0;
/// Real time after which a test that still waits has failed.
const PATIENCE: Duration = Duration::from_secs(240);
/// The pause between two looks at the stack, in real time.
const PAUSE: Duration = Duration::from_millis(50);
/// The pause between two looks at an execution's state, which may last a fraction of a second.
const BRIEF_PAUSE: Duration = Duration::from_millis(20);

/// The six applications. Each takes half a minute.
const APPLICATIONS: SixApplications = SixApplications {
    seed: 0,
    agent_seconds: 20.0,
    event_seconds: [[5.0, 2.0, 5.0, 2.0, 10.0, 5.0]; 6],
    deployment_config_name: "CodeDeployDefault.OneAtATime",
};

/// An Auto Scaling group with Turnstile's hook, and six applications whose deployment groups select its instances by tag.
pub fn six_applications() -> Setting {
    APPLICATIONS.under_turnstile(600)
}

/// The same with the first `count` applications, where more would only take longer.
pub fn applications(count: usize) -> Setting {
    let mut setting = six_applications();
    setting.applications.truncate(count);
    setting.auto_scaling_groups[0].required_applications.truncate(count);
    setting
}

/// The setting with applications that take ten minutes to start, so that a test has time to act during a deployment.
pub fn slow(mut setting: Setting) -> Setting {
    for application in &mut setting.applications {
        application.lifecycle_event_seconds.application_start = 600.0;
    }
    setting
}

/// Reads a part of a setting from JSON.
pub fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a setting")
}

/// The setting with its first two applications only, for a test that waits in real time until a whole launch is over.
pub fn two_of(mut setting: Setting) -> Setting {
    setting.applications.truncate(2);
    setting.auto_scaling_groups.iter_mut().for_each(|group| group.required_applications.truncate(2));
    setting
}

/// A stack whose list of applications is the setting's, and whose launch events are delivered `deliveries` times.
pub async fn start(setting: Setting, deliveries: u32) -> Stack {
    start_with(setting, deliveries, SPEED).await
}

/// A stack at another speed, for many rollouts at once.
pub async fn start_at(setting: Setting, speed: f64) -> Stack {
    start_with(setting, 1, speed).await
}

async fn start_with(setting: Setting, deliveries: u32, speed: f64) -> Stack {
    Stack::start(options(setting, deliveries, speed)).await.expect("a stack")
}

/// What such a stack is started with.
pub fn options(setting: Setting, deliveries: u32, speed: f64) -> Options {
    Options { events: Delivery::of(deliveries), ..six_applications::options(setting, speed) }
}

/// Stops the stack after a test in which nothing may have gone wrong: no rule was violated, every hook of these instances was completed,
/// template.yaml permits every call, and the description of every deployment that was created by a call names its execution.
pub async fn finish(stack: Stack, instances: &[&str]) -> Report {
    let report = stack.world().report();
    assert_eq!(report.violations, []);
    for action in report.hook_actions.iter().filter(|action| instances.contains(&action.instance_id.as_str())) {
        assert_eq!(action.closed_by, Some(ClosedBy::Completion), "{action:#?}");
    }
    let calls = stack.calls();
    let forbidden = stack::permissions::forbidden(report.calls.iter().chain(&calls), &report.instances, stack.served());
    assert_eq!(forbidden, [] as [&str; 0]);
    for call in report.calls.iter().filter(|call| call.operation == "CreateDeployment") {
        let description = call.parameters["description"].as_str().unwrap_or_default();
        assert!(description.starts_with("Turnstile arn:aws:states:"), "{call:#?}");
    }
    stack.stop().await;
    report
}

/// Looks again and again, with pauses of real time, until there is something to give. `what` says what the test waited for.
async fn poll<T>(pause: Duration, what: impl FnOnce() -> String, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(pause).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for {}", what()))
}

/// Waits until the world is as wanted, and gives its report.
pub async fn until(stack: &Stack, wanted: impl Fn(&Report) -> bool) -> Report {
    let what = || format!("the world to be as wanted: {:#?}", stack.world().report());
    poll(PAUSE, what, async || Some(stack.world().report()).filter(&wanted)).await
}

/// A person deploys a build, and tries again while the deployment group is busy.
pub async fn deploy_as_a_person(stack: &Stack, application: &str, build: u32) {
    let deploy = async || stack.world().deploy(application, DEPLOYMENT_GROUP, Some(revision(application, build))).ok();
    poll(PAUSE, || format!("the deployment group of {application} to be free"), deploy).await;
}

/// Waits until the instance has come to the hook.
pub async fn until_waiting(stack: &Stack, instance: &str) {
    until(stack, |report| report.hook_actions.iter().any(|action| action.instance_id == instance)).await;
}

/// Waits until the instance has an execution, and gives that.
pub async fn until_execution(stack: &Stack, instance: &str) -> Execution {
    let of_it = async || {
        let executions = stack.executions().await.expect("the executions");
        executions.into_iter().find(|execution| execution.name.contains(instance))
    };
    poll(PAUSE, || format!("an execution of {instance}"), of_it).await
}

/// Waits until an execution is in a state, which has to last a while to be noticed.
pub async fn until_in(stack: &Stack, execution: &str, state: &str) {
    let is_in_it = async || {
        let history = stack.history(execution).await.expect("the history");
        (history::states_entered(&history).next_back() == Some(state)).then_some(())
    };
    poll(BRIEF_PAUSE, || format!("{execution} to be in {state}"), is_in_it).await;
}

/// Waits until every execution has ended, and gives them, the oldest first. None of them may hold a turn then.
pub async fn all_ended(stack: &Stack) -> Vec<Execution> {
    let ended = async || {
        let executions = stack.executions().await.expect("the executions");
        let all_ended = !executions.is_empty() && executions.iter().all(|execution| !execution.is_running());
        all_ended.then_some(executions)
    };
    let executions = poll(PAUSE, || "every execution to end".to_owned(), ended).await;
    let turns = stack.turns().await.expect("the turns");
    assert!(turns.iter().all(|turn| turn.holder.is_none()), "a turn was not returned: {turns:#?}");
    executions
}

/// Starts a rollout by hand and waits for its end.
pub async fn roll_out(stack: &Stack, input: Value) -> Execution {
    let arn = stack.start_execution(None, &input).await.expect("an execution");
    tokio::time::timeout(PATIENCE, stack.wait_for(&arn)).await.expect("the execution ends").expect("the execution")
}

/// The deployments' applications in the order in which they started.
pub fn order(report: &Report) -> Vec<&str> {
    report.deployments.iter().map(|deployment| deployment.application_name.as_str()).collect()
}

/// Whether each deployment started after the one before it had ended.
pub fn one_at_a_time(deployments: &[DeploymentReport]) -> bool {
    deployments.windows(2).all(|pair| pair[0].ended_at.is_some_and(|end| end <= pair[1].created_at))
}

/// The hook's one action.
pub fn hook_action(report: &Report) -> &HookActionReport {
    let [action] = report.hook_actions.as_slice() else { panic!("one hook action: {:#?}", report.hook_actions) };
    action
}

/// The cause of a failed execution, which is JSON.
pub fn cause(execution: &Execution) -> Value {
    let cause = execution.cause.as_deref().unwrap_or_else(|| panic!("a cause: {execution:#?}"));
    serde_json::from_str(cause).unwrap_or_else(|_| panic!("a cause in JSON: {cause}"))
}
