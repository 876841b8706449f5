//! One case in the simulation: the same launches as on the stack, in virtual time.

use std::time::Duration;

use simulation::{Error, Options, Simulation, block_on};
use stack::six_applications::{self, DEPLOYMENT_GROUP, HOOK};
use world::World;

use crate::case::{Beside, Case};
use crate::run::{Rollout, Run, deadline, is_through, launch};
use crate::setting;

/// World seconds between two events of start-rollout's schedule, as in template.yaml.
const SCHEDULE_SECONDS: f64 = 60.0;

/// Launches the case's instances and lets time pass until none of them waits and every execution has ended.
///
/// # Errors
/// The field of the options that is wrong.
pub fn run(case: &Case) -> Result<Run, Error> {
    block_on(async || {
        let simulation = Simulation::start(options(case))?;
        let world = simulation.world();
        let releases = (case.beside == Beside::Pipeline).then(|| tokio::task::spawn_local(release(world.clone())));
        let instance_ids = launch(world, case);
        let deadline = deadline(world, case);
        while world.now() < deadline && !is_over(&simulation, &instance_ids) {
            simulation.next_change(deadline).await;
        }
        releases.inspect(|releases| releases.abort());
        let report = world.report_at_end();
        let of_the_case = |execution: &account::Execution| instance_ids.iter().any(|id| execution.names_instance(id));
        let executions = simulation.executions().into_iter().filter(of_the_case);
        let rollouts = executions.map(|execution| {
            let transitions = simulation.transitions(&execution.arn)?;
            let states = simulation.state_counts(&execution.arn);
            Ok(Rollout { execution, transitions, states, lag: None })
        });
        let rollouts = rollouts.collect::<Result<_, Error>>()?;
        Ok(Run { instance_ids, report, rollouts, turns: simulation.turns() })
    })
}

fn options(case: &Case) -> Options {
    let setting = setting::under_turnstile(case);
    let applications = six_applications::applications(&setting);
    Options {
        applications: Some(applications),
        lifecycle_hook_name: HOOK.to_owned(),
        schedule_seconds: Some(SCHEDULE_SECONDS),
        ..Options::new(setting)
    }
}

/// Whether the instances and whatever was launched beside them are through, and no execution runs.
fn is_over(simulation: &Simulation, instance_ids: &[String]) -> bool {
    // A report of a hundred instances is not made after each event.
    if simulation.execution_counts().0 > 0 {
        return false;
    }
    let report = simulation.world().report_without_calls();
    let waits = report.hook_actions.iter().any(|action| action.closed_at.is_none());
    !waits && instance_ids.iter().all(|id| is_through(id, &report))
}

/// Makes the pipeline's releases, each at its time.
async fn release(world: World) {
    for (application, at) in setting::RELEASES {
        tokio::time::sleep(Duration::from_secs_f64((at - world.now()).max(0.0))).await;
        let build = six_applications::revision(application, 2);
        world.deploy(application, DEPLOYMENT_GROUP, Some(build)).expect("nothing else deploys to the group now");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CASES;
    use crate::case::Place;
    use crate::row::Row;

    fn row(name: &str) -> Row {
        let case = CASES.iter().find(|case| case.name == name).expect("a case of this name");
        Row::of(case, Place::Simulation, &run(case).unwrap())
    }

    #[test]
    fn a_pipeline_at_work_on_other_groups_costs_a_launch_nothing() {
        let (alone, beside) = (row("1 alone, gated"), row("1 beside a pipeline, gated"));
        assert_eq!((alone.deployments, beside.deployments), (6, 6 + setting::RELEASES.len()));
        let (alone, beside) = (alone.makespan_ratio.unwrap(), beside.makespan_ratio.unwrap());
        assert!(beside < 1.02 * alone, "{beside} beside a pipeline, {alone} alone");
    }

    #[test]
    fn a_dead_instance_costs_its_five_minutes_once() {
        let (alone, beside) = (row("1 alone, gated"), row("1 beside a dead instance, gated"));
        let lost = (beside.makespan_ratio.unwrap() - alone.makespan_ratio.unwrap()) * setting::own_seconds();
        // And the looks until that is noticed. Once for each application it would be six times as much.
        assert!(lost < 1.5 * 300.0, "{lost} s");
    }

    #[test]
    fn a_row_is_the_same_again() {
        assert_eq!(row("5 at once"), row("5 at once"));
    }
}
