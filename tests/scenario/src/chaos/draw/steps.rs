//! What happens in the scenario.

use fastrand::Rng;
use serde_json::json;
use world::HookResult;

use super::{Theme, one_in, pick, seconds};
use crate::format::{
    Completion, Condition, Deploy, GROUP, Launch, LaunchNumber, Object, RolloutIn, Start, Step, World,
};

/// Launches and disturbances, in order. If a rollout may let its instance in after a failure, the groups require no applications.
pub(super) fn draw(world: &mut World, theme: Theme, random: &mut Rng) -> Vec<Step> {
    let mut launches = launches(world, random);
    if matches!(theme, Theme::Rush | Theme::Neighbour) {
        let at = launches[0].at;
        launches.splice(..1, in_each_group(world, if theme == Theme::Rush { 2 } else { 1 }, at));
    }
    let mut disturbances: Vec<Step> = (0..random.usize(0..4)).map(|_| disturbance(world, &launches, random)).collect();
    // What a call brings that is under way cannot be changed any more. Whoever deletes the turns deletes the record of such a call.
    if theme == Theme::LateCreation {
        disturbances.retain(|step| !step.delete_turns);
        disturbances.iter_mut().filter_map(|step| step.deploy.as_mut()).for_each(|deploy| deploy.revision = None);
    }
    disturbances.extend(of_theme(theme, world, &launches, random));
    let lets_in = |step: &Step| step.start_rollout.as_ref().is_some_and(|start| start.input.contains_key("onFailure"));
    if disturbances.iter().any(lets_in) {
        world.groups.iter_mut().for_each(|group| group.required_applications = Some(Vec::new()));
    }
    let mut steps = [launches, disturbances].concat();
    steps.sort_by(|a, b| a.at.total_cmp(&b.at));
    steps
}

/// One to three launches of one to three instances, in order. In some of them the one instance has an agent that never answers.
fn launches(world: &World, random: &mut Rng) -> Vec<Step> {
    let mut launches: Vec<Step> = (0..random.usize(1..=3))
        .map(|_| {
            let over = if random.bool() { 0.0 } else { seconds(1..90, random) };
            let usual = Launch { count: *pick(&[1, 1, 2, 3], random), over, ..Launch::default() };
            let launch = match one_in(10, random) {
                true => Launch { agent_seconds: Some(None), ..Launch::default() },
                false => usual,
            };
            let group = pick(&world.groups, random).name.clone();
            let launch = Launch { group: (group != GROUP).then_some(group), ..launch };
            Step { at: seconds(0..240, random), launch: Some(launch), ..Step::default() }
        })
        .collect();
    launches.sort_by(|a, b| a.at.total_cmp(&b.at));
    launches
}

/// So many instances of each group at once. Launch 1 is the first group's.
fn in_each_group(world: &World, count: usize, at: f64) -> impl Iterator<Item = Step> {
    world.groups.iter().map(move |group| {
        let group = (group.name != GROUP).then(|| group.name.clone());
        Step { at, launch: Some(Launch { count, group, ..Launch::default() }), ..Step::default() }
    })
}

/// What the scenario is about, if it has a theme.
fn of_theme(theme: Theme, world: &World, launches: &[Step], random: &mut Rng) -> Option<Step> {
    match theme {
        Theme::Usual | Theme::Rush | Theme::LateTurn => None,
        // The rollout's last call makes a deployment, when it is over.
        Theme::LateCreation => {
            let victim = victim(world, launches, random);
            Some(match random.bool() {
                true => abort_in("StartDeployment", victim),
                false => let_in_during("WaitForSlot", victim),
            })
        }
        Theme::LateCompletion => {
            let state = *pick(&["CompleteLifecycleHook", "CompleteAfterFailure"], random);
            Some(abort_in(state, victim(world, launches, random)))
        }
        Theme::Neighbour => Some(abort_in("WaitForDeployment", Victim { launch: 1, launched: 1, at: launches[0].at })),
    }
}

/// An instance to which something happens.
struct Victim {
    launch: LaunchNumber,
    /// The number of launched instances when it is there.
    launched: usize,
    /// When its launch begins.
    at: f64,
}

/// An instance of any launch. A warm pool's instances are launched first, and a launch may take one of them instead of a new one.
fn victim(world: &World, launches: &[Step], random: &mut Rng) -> Victim {
    let pool = world.groups.iter().filter_map(|group| group.warm_pool.as_ref()).map(|pool| pool.size).sum();
    if pool > 0 {
        return Victim { launch: random.usize(1..=pool), launched: pool, at: 0.0 };
    }
    let chosen = random.usize(..launches.len());
    let count = |step: &Step| step.launch.as_ref().map_or(0, |launch| launch.count);
    let before: usize = launches[..chosen].iter().map(count).sum();
    let launched = before + count(&launches[chosen]);
    Victim { launch: random.usize(before + 1..=launched), launched, at: launches[chosen].at }
}

/// An application that a person deploys. A rollout looks at the deployments of its own list only: where two groups share one application, and
/// not the others, somebody's deployment of another one is met unseen.
fn deployable(world: &World, random: &mut Rng) -> String {
    let shared = world.groups.iter().find_map(|group| group.applications.as_ref()?.first());
    shared.unwrap_or(&pick(&world.applications, random).name).clone()
}

/// States of a rollout in which something may happen to it.
const STATES: [&str; 9] = [
    "PlanRollout",
    "WaitForTurn",
    "StartDeployment",
    "StartDeployment",
    "WaitForDeployment",
    "CheckStatus",
    "CompleteLifecycleHook",
    "BackOff",
    "WaitBeforeAbandon",
];

/// A person aborts an instance's rollout the next time that it is in a state.
fn abort_in(state: &str, Victim { launch, launched, at }: Victim) -> Step {
    let rollout = Some(RolloutIn { launch, state: state.to_owned() });
    let when = Some(Condition { launched: Some(launched), rollout, ..Condition::default() });
    Step { at, when, if_possible: true, abort: Some(launch), ..Step::default() }
}

/// A person completes an instance's hook the next time that its rollout is in a state.
fn let_in_during(state: &str, victim: Victim) -> Step {
    let completion = Completion { launch: victim.launch, result: HookResult::Continue };
    Step { abort: None, complete_hook: Some(completion), ..abort_in(state, victim) }
}

/// When something happens to an instance: once so many are launched, and in half of all cases while its rollout is in a certain state.
fn moment(launch: LaunchNumber, launched: usize, random: &mut Rng) -> Condition {
    let rollout = random.bool().then(|| RolloutIn { launch, state: (*pick(&STATES, random)).to_owned() });
    Condition { launched: Some(launched), rollout, ..Condition::default() }
}

/// Something that a person does to an instance that has been launched, or to all. The step is skipped if it comes too late.
fn disturbance(world: &World, launches: &[Step], random: &mut Rng) -> Step {
    let Victim { launch, launched, at } = victim(world, launches, random);
    // The schedule covers one group, and it is not known beforehand in which group a launch is. Nor do rollouts of other lists know, without
    // their turns, where one was deploying.
    let is_in_the_only_group = world.groups.len() == 1;
    let step = Step {
        at: at + seconds(1..300, random),
        when: Some(moment(launch, launched, random)),
        if_possible: true,
        ..Step::default()
    };
    match random.u32(0..9) {
        0 => Step { terminate: Some(launch), ..step },
        1 => Step { silence_agent: Some(launch), ..step },
        2 if is_in_the_only_group => Step { abort: Some(launch), ..step },
        2 | 3 if is_in_the_only_group => Step { delete_turns: true, ..step },
        4 => {
            let application = deployable(world, random);
            let revision = random.bool().then(|| format!("{application}-2.zip"));
            Step {
                deploy: Some(Deploy { application, revision, restart: false, times: 1, every_seconds: 0.0 }),
                ..step
            }
        }
        5 => {
            let input = [("autoScalingGroupName".to_owned(), json!(GROUP))];
            Step { start_rollout: Some(Start { name: None, input: input.into() }), ..step }
        }
        6 if is_in_the_only_group => {
            let id = json!(format!("{{launch {launch}}}"));
            let mut input =
                Object::from([("autoScalingGroupName".to_owned(), json!(GROUP)), ("instanceId".to_owned(), id)]);
            if one_in(3, random) {
                input.insert("onFailure".to_owned(), json!("CONTINUE"));
            }
            Step { start_rollout: Some(Start { name: None, input }), ..step }
        }
        7 if world.groups.iter().any(|group| group.warm_pool.as_ref().is_some_and(|pool| pool.reuse_on_scale_in)) => {
            Step { return_to_pool: Some(launch), ..step }
        }
        _ => {
            let result = *pick(&[HookResult::Abandon, HookResult::Abandon, HookResult::Continue], random);
            Step { complete_hook: Some(Completion { launch, result }), ..step }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::STATES;
    use serde_json::Value;

    #[test]
    fn the_states_are_the_definition_s() {
        let definition: Value =
            serde_json::from_str(include_str!("../../../../../statemachine/rollout.asl.json")).expect("the definition");
        for state in STATES {
            assert!(definition["States"][state].is_object(), "{state}");
        }
    }
}
