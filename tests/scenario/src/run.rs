//! Runs a scenario.

use std::collections::BTreeMap;

use account::Execution;
use world::Report;

use crate::bed::{self, Bed, Place};
use crate::condition::holds;
use crate::format::{LaunchNumber, Scenario, Step};
use crate::observed::{Ended, Observed, Rollout};
use crate::perform::{Performed, perform};
use crate::setting;
use crate::snapshot::Snapshot;
use crate::variant::Variant;

/// Why a scenario could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bed could not start, or did not answer.
    #[error(transparent)]
    Bed(#[from] bed::Error),
    /// A step was refused.
    #[error("steps[{step}]: {problem}")]
    Step {
        /// The step's index.
        step: usize,
        /// Why it was refused.
        problem: String,
    },
}

/// Runs a scenario with the open facts of a variant, and gives what was observed. The run has a runtime of its own: a bed may be bound to its
/// thread and to its clock.
///
/// # Errors
/// When the scenario could not be run. An expectation that is not met is no error.
///
/// # Panics
/// Inside a Tokio runtime: a run has one of its own.
pub fn run(scenario: &Scenario, variant: Variant, place: Place) -> Result<Observed, Error> {
    let options = setting::options(scenario, variant.facts(&scenario.world.open_facts));
    match place {
        Place::Simulation { keeps_trace } => simulation::block_on(async || {
            let bed = Bed::simulation(options, keeps_trace)?;
            Run::new(scenario, &bed).finish().await
        }),
        Place::Stack => tokio::runtime::Runtime::new().map_err(bed::Error::Runtime)?.block_on(async {
            let bed = Bed::stack(options).await?;
            let observed = Run::new(scenario, &bed).finish().await;
            bed.stop().await;
            observed
        }),
    }
}

/// How long a step that may be skipped waits for what it names, in seconds.
const PATIENCE: f64 = 900.0;

struct Run<'a> {
    scenario: &'a Scenario,
    bed: &'a Bed,
    /// The instances that were in service at the start. Those of a warm pool have still to be deployed to, and count as launched.
    in_service_at_start: Vec<String>,
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, bed: &'a Bed) -> Self {
        let instances = bed.world().report_without_calls().instances.into_iter();
        let in_service = instances.filter(|instance| instance.lifecycle_state == "InService");
        Self { scenario, bed, in_service_at_start: in_service.map(|instance| instance.instance_id).collect() }
    }

    async fn finish(self) -> Result<Observed, Error> {
        let ended = match self.take_steps().await? {
            Some(given_up) => given_up,
            None => self.wait_for_end().await?,
        };
        let over = self.bed.executions().await?.iter().filter(|execution| !execution.is_running()).count();
        self.bed.ends_are_told(over).await;
        self.observe(ended).await
    }

    /// Takes the steps in order; how the run ended, if it was given up before a step.
    async fn take_steps(&self) -> Result<Option<Ended>, Error> {
        for (i, step) in self.scenario.steps.iter().enumerate() {
            if let Some(given_up) = self.take_step(i, step).await? {
                return Ok(Some(given_up));
            }
        }
        Ok(None)
    }

    async fn take_step(&self, i: usize, step: &Step) -> Result<Option<Ended>, Error> {
        let refused = |problem: String| Error::Step { step: i, problem };
        let action = step.action().map_err(refused)?;
        let deadline = self.scenario.give_up_seconds;
        self.bed.until(step.at.min(deadline)).await;
        loop {
            let snapshot = self.look().await?;
            if snapshot.at >= step.at && holds(step.when.as_ref(), &snapshot) {
                let performed = perform(action, self.bed, &snapshot, self.scenario).await;
                if step.if_possible || performed.map_err(refused)? == Performed::Done {
                    return Ok(None);
                }
            }
            if step.if_possible && (snapshot.is_quiet() || snapshot.at > step.at + PATIENCE) {
                return Ok(None);
            }
            if snapshot.at > deadline {
                let activity = snapshot.activity();
                return Ok(Some(Ended::GivenUp(format!("steps[{i}] could not be taken: {activity}"))));
            }
            self.bed.next_change(after(deadline)).await;
        }
    }

    /// Waits for the run's end after its last step.
    async fn wait_for_end(&self) -> Result<Ended, Error> {
        let deadline = self.scenario.give_up_seconds;
        // What a scenario waits for may come after a quiet time, unless any end is right.
        let ends_when_quiet = self.scenario.until.is_none() || self.scenario.expect.any_end_with_a_reason;
        let mut quiet_since = None;
        loop {
            if !self.may_be_over() && self.bed.now() <= deadline {
                quiet_since = None;
                self.bed.next_change(after(deadline)).await;
                continue;
            }
            let snapshot = self.look().await?;
            if let Some(until) = &self.scenario.until
                && holds(Some(until), &snapshot)
                && !snapshot.is_letting_in()
            {
                return Ok(Ended::Cut);
            }
            quiet_since = snapshot.is_quiet().then(|| quiet_since.unwrap_or(snapshot.at));
            let over_at = quiet_since.map(|since| since + self.bed.settling_seconds()).filter(|_| ends_when_quiet);
            if over_at.is_some_and(|at| snapshot.at >= at) {
                return Ok(Ended::Quiet);
            }
            if snapshot.at > deadline {
                // A random scenario whose group launches for ever need not come to its condition.
                let is_cut = self.scenario.until.is_some() && self.scenario.expect.any_end_with_a_reason;
                return Ok(if is_cut { Ended::Cut } else { Ended::GivenUp(snapshot.activity()) });
            }
            self.bed.next_change(over_at.unwrap_or_else(|| after(deadline))).await;
        }
    }

    /// Whether the run's end may have come, as far as the executions alone tell: a look takes time, and there are very many.
    fn may_be_over(&self) -> bool {
        let Some((running, ended)) = self.bed.execution_counts() else { return true };
        let is_over = match &self.scenario.until {
            None => false,
            Some(until) => until.ended.is_none_or(|awaited| ended >= awaited),
        };
        running == 0 || is_over
    }

    async fn look(&self) -> Result<Snapshot, Error> {
        let (at, report) = (self.bed.now(), self.bed.world().report_without_calls());
        let executions = self.bed.executions().await?;
        let launched = self.launched(&report);
        let mut states = BTreeMap::new();
        if self.scenario.waits_for_states() {
            for execution in executions.iter().filter(|execution| execution.is_running()) {
                if let Some(launch) = launch_of(execution, &launched)
                    && let Some(state) = self.bed.current_state(&execution.arn).await?
                {
                    states.insert(launch, state);
                }
            }
        }
        Ok(Snapshot { at, report, launched, executions, states })
    }

    /// The ids of the launched instances, in order.
    fn launched(&self, report: &Report) -> Vec<String> {
        let ids = report.instances.iter().map(|instance| &instance.instance_id);
        ids.filter(|id| !self.in_service_at_start.contains(id)).cloned().collect()
    }

    async fn observe(&self, ended: Ended) -> Result<Observed, Error> {
        // The report comes before the histories, whose reading takes time.
        let (at, mut report) = (self.bed.now(), self.bed.world().report());
        let turns = self.bed.turns().await?;
        let executions = self.bed.executions().await?;
        let launched = self.launched(&report);
        let mut rollouts = Vec::with_capacity(executions.len());
        for execution in executions {
            let states = self.bed.state_counts(&execution.arn).await?;
            rollouts.push(Rollout { launch: launch_of(&execution, &launched), states, execution });
        }
        report.violations = self.bed.violations(&report);
        report.calls.extend(self.bed.calls());
        report.calls.sort_by(|a, b| a.at.total_cmp(&b.at));
        let forbidden =
            account::permissions::forbidden(&report.calls, &report.instances, &setting::served(self.scenario));
        let (fault_hits, trace_hash, trace) = (self.bed.fault_hits(), self.bed.trace_hash(), self.bed.trace());
        let (untold, metrics) = (self.bed.untold(), self.bed.metrics());
        Ok(Observed {
            report,
            launched,
            rollouts,
            turns,
            ended,
            at,
            forbidden,
            fault_hits,
            trace_hash,
            untold,
            metrics,
            trace,
        })
    }
}

/// A time at which the deadline has passed.
fn after(deadline: f64) -> f64 {
    deadline + 1.0
}

/// The launch whose instance an execution is about.
fn launch_of(execution: &Execution, launched: &[String]) -> Option<LaunchNumber> {
    launched.iter().position(|id| execution.names_instance(id)).map(|i| i + 1)
}
