//! Draws a scenario from a seed.

mod faults;
mod services;
mod steps;
mod world;

use ::world::Delivery;
use fastrand::Rng;

use crate::format::{Condition, Expect, Scenario, World};

/// The number of ended executions after which a run ends whose group launches for ever, because an application always fails.
const ENOUGH_EXECUTIONS: usize = 2;
/// The number where every rollout tries for half an hour: CodeDeploy is down.
const ENOUGH_IN_AN_OUTAGE: usize = 1;

/// The seconds between two looks of a schedule that finds a hook before a late call completes it.
const SOON: f64 = 10.0;

/// The scenario of a seed, which is always the same.
pub fn draw(seed: u64) -> Scenario {
    let random = &mut Rng::with_seed(seed);
    let mut world = world::draw(seed, random);
    let theme = theme(&world, random);
    match theme {
        Theme::Usual => {}
        Theme::LateCreation | Theme::LateTurn => world::quick(&mut world, random),
        Theme::LateCompletion => {
            world::quick(&mut world, random);
            world::fail_always(&mut world, random);
        }
        Theme::Rush => world::rush(&mut world),
        Theme::Neighbour => world::neighbour(&mut world, random),
    }
    let steps = steps::draw(&mut world, theme, random);
    let faults = faults::draw(random);
    let has_outage = faults.iter().any(faults::is_outage);
    let fails_for_good =
        world.applications.iter().filter_map(|one| one.failure.as_ref()).any(|one| one.times.is_none()) || has_outage;
    let enough = if has_outage { ENOUGH_IN_AN_OUTAGE } else { ENOUGH_EXECUTIONS };
    Scenario {
        about: format!("Drawn from the seed {seed}."),
        events: if matches!(theme, Theme::Rush | Theme::Neighbour) {
            Delivery::default()
        } else {
            events(&world, random)
        },
        // Without a schedule, a lost event or an aborted execution leaves a hook to its time-out.
        schedule_seconds: Some(if theme == Theme::LateCompletion { SOON } else { schedule(&world, random) }),
        faults,
        services: services::draw(theme, has_outage, random),
        steps,
        speed: 80.0,
        until: fails_for_good.then(|| Condition { ended: Some(enough), ..Condition::default() }),
        // Where every call of CreateDeployment outlasts its caller, several rollouts one after the other take hours.
        give_up_seconds: 28_800.0,
        expect: Expect { any_end_with_a_reason: true, ..Expect::default() },
        world,
        ..Scenario::default()
    }
}

/// What a scenario is about, where chance alone would seldom bring it together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Theme {
    Usual,
    /// Calls that make deployments outlast their rollouts, or their rollouts' turns.
    LateCreation,
    /// Calls that complete hooks outlast their rollouts.
    LateCompletion,
    /// Calls that take turns are faster the second time.
    LateTurn,
    /// The rollouts of two groups ask for their turns at the same moment.
    Rush,
    /// A rollout is aborted while it deploys an application to another group's instances, which that group does not list.
    Neighbour,
}

/// Those that are harder to meet come more often.
const ON_ONE_GROUP: [Theme; 4] = [Theme::LateCreation, Theme::LateCreation, Theme::LateCompletion, Theme::LateTurn];

fn theme(world: &World, random: &mut Rng) -> Theme {
    match world.groups.len() {
        1 if one_in(4, random) => *pick(&ON_ONE_GROUP, random),
        2 if one_in(2, random) => *pick(&[Theme::Rush, Theme::Neighbour], random),
        _ => Theme::Usual,
    }
}

/// The real one comes once a minute, and the stack's own hook lasts for two minutes at least: one sweep may fail.
fn schedule(world: &World, random: &mut Rng) -> f64 {
    let hooks = world.groups.iter().filter_map(|group| group.hook.as_ref());
    let shortest = hooks.map(|hook| hook.heartbeat_timeout).min().map_or(f64::INFINITY, f64::from);
    random.f64().mul_add(120.0, 45.0).round().min((shortest / 3.0).floor())
}

/// The schedule covers only the first group: with a second group no event is lost.
fn events(world: &World, random: &mut Rng) -> Delivery {
    let lose_rate = if one_in(4, random) { 0.4 } else { 0.0 };
    Delivery {
        copies: *pick(&[1, 1, 2, 3], random),
        lose_rate: if world.groups.len() == 1 { lose_rate } else { 0.0 },
        delay_seconds: if one_in(4, random) { seconds(1..60, random) } else { 0.0 },
        spread_seconds: if one_in(3, random) { seconds(1..90, random) } else { 0.0 },
        ..Delivery::default()
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
    use crate::chaos::shrink::is_possible;
    use crate::format::{Action, Group, SelectedBy};
    use ::world::{FaultKind, HookResult, OutdatedInstancesStrategy};

    #[test]
    fn a_seed_is_always_the_same_valid_scenario() {
        for seed in 0..200 {
            let scenario = draw(seed);
            assert_eq!(scenario, draw(seed));
            let written = serde_json::to_string(&scenario).unwrap();
            let read = crate::format::parse(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
            assert_eq!(read, scenario);
        }
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn no_step_waits_for_a_launch_after_it() {
        for scenario in (0..300).map(draw) {
            assert!(is_possible(&scenario), "{scenario:#?}");
        }
    }

    #[test]
    fn everything_is_drawn_now_and_then() {
        let scenarios: Vec<Scenario> = (0..400).map(draw).collect();
        let some = |is: &dyn Fn(&Scenario) -> bool| scenarios.iter().filter(|scenario| is(scenario)).count() > 5;
        let does = |is: &dyn Fn(Action) -> bool| some(&|s| s.steps.iter().any(|step| is(step.action().unwrap())));
        let has_a_group = |is: &dyn Fn(&Group) -> bool| some(&|s| s.world.groups.iter().any(is));
        assert!(does(&|action| matches!(action, Action::Abort(_))));
        assert!(does(&|action| matches!(action, Action::Terminate(_))));
        assert!(does(&|action| matches!(action, Action::SilenceAgent(_))));
        assert!(does(&|action| matches!(action, Action::ReturnToPool(_))));
        assert!(does(&|action| matches!(action, Action::Deploy(_))));
        for result in [HookResult::Continue, HookResult::Abandon] {
            assert!(does(&|action| matches!(action, Action::CompleteHook(completion) if completion.result == result)));
        }
        assert!(does(&|action| matches!(action, Action::Launch(launch) if launch.agent_seconds == Some(None))));
        assert!(does(
            &|action| matches!(action, Action::StartRollout(start) if start.input.contains_key("instanceId"))
        ));
        assert!(does(&|action| matches!(action, Action::StartRollout(start) if start.input.contains_key("onFailure"))));
        assert!(some(&|s| s.faults.iter().any(|fault| fault.kind == FaultKind::LostAnswer)));
        assert!(some(&|s| s.faults.iter().any(|fault| fault.kind == FaultKind::Slow)));
        assert!(some(&|s| s.faults.iter().any(faults::is_outage)));
        assert!(some(&|s| s.events.lose_rate > 0.0));
        assert!(some(&|s| s.until.is_some()));
        assert!(some(&|s| s.faults.is_empty() && s.world.applications.iter().all(|one| one.failure.is_none())));
        assert!(some(&|s| s.world.read_lag_seconds > 0.0));
        assert!(some(&|s| s.world.groups.len() > 1));
        assert!(has_a_group(&|group| group.warm_pool.as_ref().is_some_and(|pool| pool.reuse_on_scale_in)));
        let gated =
            |s: &Scenario| s.world.applications.iter().filter(|one| one.selected_by == SelectedBy::Gate).count();
        assert!(some(&|s| gated(s) == s.world.applications.len()));
        assert!(some(&|s| gated(s) == 0));
        assert!(some(&|s| gated(s) > 0 && gated(s) < s.world.applications.len()));
        assert!(some(&|s| s.world.open_facts.tags_seen_after_seconds == Some(45.0)));
        assert!(has_a_group(&|group| !group.gates_open));
        let updates = |s: &Scenario| {
            s.world.applications.iter().any(|one| one.outdated_instances_strategy == OutdatedInstancesStrategy::Update)
        };
        assert!(some(&updates));
        for config in [
            "CodeDeployDefault.OneAtATime",
            "CodeDeployDefault.HalfAtATime",
            "CodeDeployDefault.AllAtOnce",
            "OneStays",
            "AQuarterStays",
        ] {
            assert!(
                some(&|s| s.world.applications.iter().any(|one| one.deployment_config_name.as_deref() == Some(config))),
                "{config}"
            );
        }
    }
}
