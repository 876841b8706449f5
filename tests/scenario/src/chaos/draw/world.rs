//! What is there at the start.

use fastrand::Rng;
use serde_json::json;
use world::{
    CallRate, DeploymentConfigSetting, LifecycleEventSeconds, MinimumHealthyHostsSetting, NothingOutdated,
    OutdatedInstancesStrategy, Throttling, WarmPoolSetting,
};

use super::{one_in, pick, seconds};
use crate::format::{Application, Failure, Group, Hook, OpenFacts, SelectedBy, World};

/// Deployment configurations: first those that a group whose instances are all new can always meet, then those that it cannot.
const CONFIGS: [&str; 5] = [
    "CodeDeployDefault.AllAtOnce",
    "CodeDeployDefault.OneAtATime",
    "CodeDeployDefault.HalfAtATime",
    "OneStays",
    "AQuarterStays",
];
/// The number of the former.
const FOR_NEW: usize = 2;

/// Sets the numbers of gates apart from those of the rest.
const GATES: u64 = 0x6a_7e;

pub(super) fn draw(seed: u64, random: &mut Rng) -> World {
    let names = ["Orders", "Search", "Mail"];
    let capacity = random.usize(0..=2);
    let names = names.iter().take(random.usize(1..=3));
    let mut applications: Vec<Application> = names.map(|name| application(name, capacity == 0, random)).collect();
    let mut groups = vec![Group { desired_capacity: capacity, ..group(random) }];
    if one_in(5, random) {
        let mut shared: Vec<String> = applications.iter().map(|application| application.name.clone()).collect();
        random.shuffle(&mut shared);
        shared.truncate(random.usize(1..=2));
        // Rollouts of the second group look at its own list only: what CodeDeploy itself deploys of others is met unseen.
        for application in applications.iter_mut().filter(|application| !shared.contains(&application.name)) {
            application.outdated_instances_strategy = OutdatedInstancesStrategy::Ignore;
        }
        groups.push(Group { name: "api".to_owned(), applications: Some(shared), ..group(random) });
    } else if one_in(6, random) {
        groups[0].warm_pool = Some(WarmPoolSetting { size: random.usize(1..=2), reuse_on_scale_in: random.bool() });
    }
    let rate = |random: &mut Rng| CallRate { calls_per_second: seconds(2..6, random), burst: Some(5.0) };
    let throttling = Throttling {
        codedeploy: one_in(6, random).then(|| rate(random)),
        autoscaling: one_in(6, random).then(|| rate(random)),
        tagging: None,
    };
    let mut world = World {
        tag_read_lag_seconds: 0.0,
        seed,
        applications,
        groups,
        deployment_configs: deployment_configs(),
        throttling,
        max_concurrent_deployments: None,
        read_lag_seconds: if one_in(4, random) { *pick(&[2.0, 5.0, 10.0], random) } else { 0.0 },
        open_facts: open_facts(random),
    };
    // What is drawn for gates changes nothing else of a seed.
    draw_gates(&mut world, &mut Rng::with_seed(seed ^ GATES));
    world
}

/// Lists that are gated, lists that mix, and lists that know no gate.
fn draw_gates(world: &mut World, random: &mut Rng) {
    let gated_in_four = *pick(&[4, 2, 0], random);
    for application in &mut world.applications {
        if random.u32(0..4) < gated_in_four {
            application.selected_by = SelectedBy::Gate;
        }
    }
    for group in &mut world.groups {
        group.gates_open = !one_in(5, random);
    }
    world.open_facts.tags_seen_after_seconds = Some(*pick(&[0.0, 0.0, 5.0, 45.0], random));
    world.tag_read_lag_seconds = *pick(&[0.0, 0.0, 5.0], random);
}

/// Two groups become ready for their applications at the same moment, and have them in opposite order: they would wait for each other for
/// ever if they took their claims one by one.
pub(super) fn rush(world: &mut World) {
    let opposite = world.applications.iter().rev().map(|application| application.name.clone()).collect();
    let [web, api] = world.groups.as_mut_slice() else { unreachable!("a rush is one of two groups") };
    *api = Group { name: api.name.clone(), applications: Some(opposite), ..web.clone() };
}

/// Deployments are over so soon that what follows them overtakes calls that were made before them.
pub(super) fn quick(world: &mut World, random: &mut Rng) {
    for application in &mut world.applications {
        let each = *pick(&[0.2, 1.0, 3.0], random);
        application.seconds = LifecycleEventSeconds {
            application_stop: each,
            download_bundle: each,
            before_install: each,
            install: each,
            after_install: each,
            application_start: each,
            validate_service: each,
        };
    }
    for group in &mut world.groups {
        group.agent_seconds = Some(1.0);
    }
}

/// In half of all cases an application always fails.
pub(super) fn fail_always(world: &mut World, random: &mut Rng) {
    if let Some(application) = world.applications.first_mut().filter(|_| random.bool()) {
        application.failure = Some(Failure { times: None, ..failure(random) });
    }
}

/// The second group has the last application only. The first group's rollouts deploy the others to its instances, too, and take long for it.
pub(super) fn neighbour(world: &mut World, random: &mut Rng) {
    let Some((last, others)) = world.applications.split_last_mut() else { return };
    for application in others {
        application.seconds.application_start = seconds(150..400, random);
        application.outdated_instances_strategy = OutdatedInstancesStrategy::Ignore;
    }
    world.groups[1].applications = Some(vec![last.name.clone()]);
}

fn deployment_configs() -> Vec<DeploymentConfigSetting> {
    let config = |name: &str, minimum_healthy_hosts| DeploymentConfigSetting {
        deployment_config_name: name.to_owned(),
        minimum_healthy_hosts,
    };
    vec![
        config("OneStays", MinimumHealthyHostsSetting::HostCount(1)),
        config("AQuarterStays", MinimumHealthyHostsSetting::FleetPercent(25)),
    ]
}

fn group(random: &mut Rng) -> Group {
    Group {
        hook: Some(Hook {
            heartbeat_timeout: *pick(&[300, 600, 1_800, 3_600], random),
            opens_seconds_after_event: *pick(&[0.0, 0.0, 5.0], random),
            ..Hook::default()
        }),
        boot_seconds: seconds(5..60, random),
        agent_seconds: Some(seconds(1..60, random)),
        ..Group::default()
    }
}

/// `new`: no instance has the application.
fn application(name: &str, new: bool, random: &mut Rng) -> Application {
    // The other configurations need a healthy instance besides the one that is deployed to.
    let configs = &CONFIGS[..if new { FOR_NEW } else { CONFIGS.len() }];
    let mut application = Application::named(name);
    application.deployment_config_name = Some((*pick(configs, random)).to_owned());
    application.seconds = LifecycleEventSeconds {
        application_start: seconds(1..120, random),
        validate_service: seconds(1..20, random),
        ..LifecycleEventSeconds::default()
    };
    // Instances that have the application got it from a deployment.
    // One that was held up by a dead instance took much longer than the next one will.
    let range = if one_in(6, random) { 1_500..3_000 } else { 10..200 };
    application.previous_deployment_seconds = (!new || random.bool()).then(|| seconds(range, random));
    if one_in(5, random) {
        application.outdated_instances_strategy = OutdatedInstancesStrategy::Update;
    }
    if one_in(3, random) {
        application.failure = Some(failure(random));
    }
    if one_in(3, random) {
        application.options.insert("maxAttempts".to_owned(), json!(random.u32(1..=3)));
    }
    // A rollout waits so long for an agent that is silent; the default is an hour.
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
        outdated_by_last_success: Some(random.bool()),
        restart_names_revision: None,
        root_volume_hook: None,
        stop_is_immediate: Some(random.bool()),
        tags_seen_after_seconds: None,
    }
}
