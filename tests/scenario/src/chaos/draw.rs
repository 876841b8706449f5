//! Draws a scenario from a seed.

use fastrand::Rng;
use serde_json::json;
use stack::{Delivery, Fault, FaultKind, FaultService};
use world::{CallRate, HookResult, LifecycleEventSeconds, NothingOutdated, Throttling};

use crate::format::{
    Application, Completion, Condition, Deploy, Expect, Failure, GROUP, Group, Hook, Launch, OpenFacts, Scenario,
    Start, Step, World,
};

/// Applications that fail for good keep their group launching; so many executions are enough to see.
const ENOUGH_EXECUTIONS: usize = 4;

/// The scenario of a seed: always the same one.
pub fn draw(seed: u64) -> Scenario {
    let random = &mut Rng::with_seed(seed);
    let world = world(seed, random);
    let fails_for_good =
        world.applications.iter().filter_map(|one| one.failure.as_ref()).any(|one| one.times.is_none());
    let launches = launches(random);
    let disturbances: Vec<Step> = (0..random.usize(0..4)).map(|_| disturbance(&world, &launches, random)).collect();
    let mut steps = [launches, disturbances].concat();
    steps.sort_by(|a, b| a.at.total_cmp(&b.at));
    Scenario {
        about: format!("Drawn from the seed {seed}."),
        world,
        events: events(random),
        // Without it, an event that is lost or an execution that is aborted leaves a hook to its time-out.
        schedule_seconds: Some(random.f64().mul_add(120.0, 45.0).round()),
        faults: (0..random.usize(0..4)).map(|_| fault(random)).collect(),
        steps,
        speed: 80.0,
        until: fails_for_good.then(|| Condition { ended: Some(ENOUGH_EXECUTIONS), ..Condition::default() }),
        give_up_seconds: 14_400.0,
        expect: Expect { any_end_with_a_reason: true, ..Expect::default() },
        ..Scenario::default()
    }
}

fn world(seed: u64, random: &mut Rng) -> World {
    let names = ["Orders", "Search", "Mail"];
    let capacity = random.usize(0..=2);
    let names = names.iter().take(random.usize(1..=3));
    let applications = names.map(|name| application(name, capacity == 0, random)).collect();
    let group = Group {
        hook: Some(Hook {
            heartbeat_timeout: *pick(&[600, 1_800, 3_600], random),
            opens_seconds_after_event: *pick(&[0.0, 0.0, 5.0], random),
            ..Hook::default()
        }),
        desired_capacity: capacity,
        boot_seconds: seconds(5..60, random),
        agent_seconds: Some(seconds(1..60, random)),
        ..Group::default()
    };
    let rate = |random: &mut Rng| CallRate { calls_per_second: seconds(2..6, random), burst: Some(5.0) };
    let throttling = Throttling {
        codedeploy: one_in(6, random).then(|| rate(random)),
        autoscaling: one_in(6, random).then(|| rate(random)),
    };
    World { seed, applications, groups: vec![group], throttling, open_facts: open_facts(random), ..World::default() }
}

/// `new`: no instance has it yet.
fn application(name: &str, new: bool, random: &mut Rng) -> Application {
    // Half at a time is more than a single instance can do without.
    let configs = ["CodeDeployDefault.AllAtOnce", "CodeDeployDefault.OneAtATime", "CodeDeployDefault.HalfAtATime"];
    let configs = &configs[..if new { 2 } else { 3 }];
    let mut application = Application::named(name);
    application.deployment_config_name = Some((*pick(configs, random)).to_owned());
    application.seconds = LifecycleEventSeconds {
        application_start: seconds(1..120, random),
        validate_service: seconds(1..20, random),
        ..LifecycleEventSeconds::default()
    };
    // Instances that have it got it from a deployment.
    application.previous_deployment_seconds = (!new || random.bool()).then(|| seconds(10..200, random));
    if one_in(3, random) {
        application.failure = Some(failure(random));
    }
    if one_in(3, random) {
        application.options.insert("maxAttempts".to_owned(), json!(random.u32(1..=3)));
    }
    // An agent that has fallen silent is found out after it, and the default is an hour.
    application.options.insert("timeoutSeconds".to_owned(), json!(900));
    application
}

fn failure(random: &mut Rng) -> Failure {
    let events = ["DownloadBundle", "BeforeInstall", "Install", "AfterInstall", "ApplicationStart", "ValidateService"];
    Failure {
        event: (*pick(&events, random)).to_owned(),
        script: random.bool().then(|| "run.sh".to_owned()),
        times: (!one_in(4, random)).then(|| random.u32(1..=3)),
        ..Failure::default()
    }
}

fn open_facts(random: &mut Rng) -> OpenFacts {
    use NothingOutdated::{Exception, FailedNoInstances, SucceededWithoutTargets, TargetsSkipped};
    let nothing_outdated = [Exception, FailedNoInstances, SucceededWithoutTargets, TargetsSkipped];
    OpenFacts {
        nothing_outdated: Some(*pick(&nothing_outdated, random)),
        nothing_outdated_exception: None,
        target_revision_moves_on_failure: Some(random.bool()),
        auto_scaling_selection_reaches_pending_wait: Some(random.bool()),
        limit_message_names_deployment: Some(random.bool()),
        stop_is_immediate: Some(random.bool()),
    }
}

fn events(random: &mut Rng) -> Delivery {
    Delivery {
        copies: *pick(&[1, 1, 2, 3], random),
        lose_rate: if one_in(4, random) { 0.4 } else { 0.0 },
        delay_seconds: if one_in(4, random) { seconds(1..60, random) } else { 0.0 },
        spread_seconds: if one_in(3, random) { seconds(1..90, random) } else { 0.0 },
        ..Delivery::default()
    }
}

/// One to three launches of one to three instances, in order.
fn launches(random: &mut Rng) -> Vec<Step> {
    let mut launches: Vec<Step> = (0..random.usize(1..=3))
        .map(|_| {
            let count = *pick(&[1, 1, 2, 3], random);
            let over = if random.bool() { 0.0 } else { seconds(1..90, random) };
            let launch = Some(Launch { count, over, ..Launch::default() });
            Step { at: seconds(0..240, random), launch, ..Step::default() }
        })
        .collect();
    launches.sort_by(|a, b| a.at.total_cmp(&b.at));
    launches
}

/// Something that somebody does to an instance, when it has been launched, or to all. It is left out if it comes too late.
fn disturbance(world: &World, launches: &[Step], random: &mut Rng) -> Step {
    let (mut launch, mut launched_at) = (0, 0.0);
    for step in &launches[..=random.usize(..launches.len())] {
        (launch, launched_at) = (launch + step.launch.as_ref().map_or(0, |launch| launch.count), step.at);
    }
    let step = Step {
        at: launched_at + seconds(1..300, random),
        when: Some(Condition { launched: Some(launch), ..Condition::default() }),
        if_possible: true,
        ..Step::default()
    };
    match random.u32(0..7) {
        0 => Step { terminate: Some(launch), ..step },
        1 => Step { silence_agent: Some(launch), ..step },
        2 => Step { abort: Some(launch), ..step },
        3 => Step { delete_turns: true, ..step },
        4 => {
            let application = pick(&world.applications, random).name.clone();
            let revision = random.bool().then(|| format!("{application}-2.zip"));
            Step { deploy: Some(Deploy { application, revision }), ..step }
        }
        5 => {
            let input = [("autoScalingGroupName".to_owned(), json!(GROUP))];
            Step { start_rollout: Some(Start { name: None, input: input.into() }), ..step }
        }
        _ => Step { complete_hook: Some(Completion { launch, result: HookResult::Abandon }), ..step },
    }
}

fn fault(random: &mut Rng) -> Fault {
    use FaultService::{AutoScaling, CodeDeploy, DynamoDb, Lambda, States};
    let of = [
        (CodeDeploy, None),
        (CodeDeploy, Some("CreateDeployment")),
        (CodeDeploy, Some("StopDeployment")),
        (AutoScaling, None),
        (AutoScaling, Some("CompleteLifecycleAction")),
        (AutoScaling, Some("RecordLifecycleActionHeartbeat")),
        (DynamoDb, None),
        (DynamoDb, Some("TransactWriteItems")),
        (States, None),
        (Lambda, None),
        (Lambda, Some("start-deployment")),
        (Lambda, Some("complete-lifecycle-hook")),
    ];
    let (service, operation) = *pick(&of, random);
    let kind = *pick(&[FaultKind::Error, FaultKind::Reset, FaultKind::LostAnswer, FaultKind::Slow], random);
    Fault {
        service,
        operation: operation.map(str::to_owned),
        kind,
        rate: *pick(&[0.05, 0.15, 0.3], random),
        times: random.bool().then(|| random.u32(1..=5)),
        code: None,
        status: None,
        seconds: (kind == FaultKind::Slow).then_some(0.5),
    }
}

/// A whole number of seconds.
fn seconds(range: std::ops::Range<u32>, random: &mut Rng) -> f64 {
    f64::from(random.u32(range))
}

fn one_in(number: u32, random: &mut Rng) -> bool {
    random.u32(0..number) == 0
}

fn pick<'a, T>(choices: &'a [T], random: &mut Rng) -> &'a T {
    &choices[random.usize(..choices.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Action;

    #[test]
    fn a_seed_is_always_the_same_scenario_and_a_scenario_file() {
        for seed in 0..200 {
            let scenario = draw(seed);
            assert_eq!(scenario, draw(seed));
            let written = serde_json::to_string(&scenario).unwrap();
            let read: Scenario = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
            assert_eq!(read, scenario);
        }
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn no_step_waits_for_a_launch_after_it() {
        for scenario in (0..300).map(draw) {
            let mut launched = 0;
            for step in &scenario.steps {
                launched += step.launch.as_ref().map_or(0, |launch| launch.count);
                let awaited = step.when.as_ref().and_then(|when| when.launched).unwrap_or_default();
                assert!(awaited <= launched, "{scenario:#?}");
            }
        }
    }

    #[test]
    fn everything_is_drawn_now_and_then() {
        let scenarios: Vec<Scenario> = (0..300).map(draw).collect();
        let some = |is: &dyn Fn(&Scenario) -> bool| scenarios.iter().filter(|scenario| is(scenario)).count() > 5;
        let does = |is: &dyn Fn(Action) -> bool| some(&|s| s.steps.iter().any(|step| is(step.action().unwrap())));
        assert!(does(&|action| matches!(action, Action::Abort(_))));
        assert!(does(&|action| matches!(action, Action::Terminate(_))));
        assert!(does(&|action| matches!(action, Action::SilenceAgent(_))));
        assert!(does(&|action| matches!(action, Action::Deploy(_))));
        assert!(does(&|action| matches!(action, Action::CompleteHook(_))));
        assert!(some(&|s| s.faults.iter().any(|fault| fault.kind == FaultKind::LostAnswer)));
        assert!(some(&|s| s.events.lose_rate > 0.0));
        assert!(some(&|s| s.until.is_some()));
        assert!(some(&|s| s.faults.is_empty() && s.world.applications.iter().all(|one| one.failure.is_none())));
    }
}
