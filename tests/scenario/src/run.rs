//! A run of a scenario through the whole stack.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use stack::{Execution, Stack};
use world::Report;

use crate::acting::act;
use crate::format::{LaunchNumber, Scenario};
use crate::moment::{Seen, is_quiet, is_so, what_goes_on};
use crate::outcome::{Came, Ended, Rollout};
use crate::setting;
use crate::variant::Variant;

/// How often the world is looked at, in real time.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// So many looks in a row have to find nothing going on: an event may be on its way to start-rollout.
const QUIET_LOOKS: usize = 6;

/// Why a scenario could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack could not start, or did not answer.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// A step was refused.
    #[error("steps[{step}]: {problem}")]
    Step {
        /// Its index.
        step: usize,
        /// Why.
        problem: String,
    },
}

/// Runs a scenario and gives what came out.
///
/// # Errors
/// When it could not be run; what came out wrong is no error.
pub async fn run(scenario: &Scenario, variant: Variant) -> Result<Came, Error> {
    let options = setting::options(scenario, variant.facts(&scenario.world.open_facts));
    let stack = Stack::start(options).await?;
    let came = Run::new(scenario, &stack).finish().await;
    stack.stop().await;
    came
}

struct Run<'a> {
    scenario: &'a Scenario,
    stack: &'a Stack,
    /// The instances that were in service at the start.
    there: Vec<String>,
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, stack: &'a Stack) -> Self {
        let there = stack.world().report_without_calls().instances.into_iter();
        // Those of a warm pool have still to be served, and count as launched.
        let there = there.filter(|instance| instance.lifecycle_state == "InService");
        Self { scenario, stack, there: there.map(|instance| instance.instance_id).collect() }
    }

    async fn finish(self) -> Result<Came, Error> {
        let deadline = self.scenario.give_up_seconds;
        let mut ended = None;
        for (i, step) in self.scenario.steps.iter().enumerate() {
            let failed = |problem: String| Error::Step { step: i, problem };
            let action = step.action().map_err(failed)?;
            loop {
                let seen = self.look().await?;
                let due = seen.at >= step.at && is_so(step.when.as_ref(), &seen);
                if due {
                    let happened = act(action, self.stack, &seen, self.scenario).await;
                    if step.if_possible || happened.map_err(failed)? {
                        break;
                    }
                }
                if seen.at > deadline {
                    ended = Some(Ended::GivenUp(format!("steps[{i}] has not come: {}", what_goes_on(&seen))));
                    break;
                }
                self.pause(step.at - seen.at).await;
            }
            if ended.is_some() {
                break;
            }
        }
        let ended = match ended {
            Some(ended) => ended,
            None => self.until(deadline).await?,
        };
        self.what_came(ended).await
    }

    /// Waits for the run's end after its last step.
    async fn until(&self, deadline: f64) -> Result<Ended, Error> {
        // What is awaited may still come when all is quiet, but not where any end is right.
        let may_be_quiet = self.scenario.until.is_none() || self.scenario.expect.any_end_with_a_reason;
        let mut quiet = 0;
        loop {
            let seen = self.look().await?;
            if let Some(until) = &self.scenario.until
                && is_so(Some(until), &seen)
            {
                return Ok(Ended::Cut);
            }
            quiet = if is_quiet(&seen) { quiet + 1 } else { 0 };
            if quiet >= QUIET_LOOKS && may_be_quiet {
                return Ok(Ended::Quiet);
            }
            if seen.at > deadline {
                return Ok(Ended::GivenUp(what_goes_on(&seen)));
            }
            self.pause(0.0).await;
        }
    }

    async fn look(&self) -> Result<Seen, Error> {
        let (at, report) = (self.stack.world().now(), self.stack.world().report_without_calls());
        let executions = self.stack.executions().await?;
        let launched = self.launched(&report);
        let mut states = BTreeMap::new();
        if self.asks_for_states() {
            for execution in executions.iter().filter(|execution| execution.is_running()) {
                if let Some(launch) = launch_of(execution, &launched) {
                    states.insert(launch, current_state(&self.stack.history(&execution.arn).await?));
                }
            }
        }
        Ok(Seen { at, report, launched, executions, states })
    }

    /// Histories are long to read: only for a scenario that waits for a state.
    fn asks_for_states(&self) -> bool {
        let whens = self.scenario.steps.iter().filter_map(|step| step.when.as_ref());
        whens.chain(self.scenario.until.as_ref()).any(|condition| condition.rollout.is_some())
    }

    /// Sleeps until the world has gone on by so many seconds, or for a look's time.
    async fn pause(&self, world_seconds: f64) {
        let real = Duration::from_secs_f64((world_seconds / self.scenario.speed).max(0.0));
        tokio::time::sleep(if self.asks_for_states() { LOOK_EVERY / 2 } else { real.max(LOOK_EVERY) }).await;
    }

    /// The launched instances, in order.
    fn launched(&self, report: &Report) -> Vec<String> {
        let ids = report.instances.iter().map(|instance| &instance.instance_id);
        ids.filter(|id| !self.there.contains(id)).cloned().collect()
    }

    async fn what_came(&self, ended: Ended) -> Result<Came, Error> {
        // Before the histories are read, which takes time.
        let (at, mut report) = (self.stack.world().now(), self.stack.world().report());
        let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let in_world = |date: f64| at - (real - date) * self.scenario.speed;
        let turns = self.stack.turns().await?;
        let executions = self.stack.executions().await?;
        let launched = self.launched(&report);
        let mut rollouts = Vec::with_capacity(executions.len());
        for execution in executions {
            let states = entered(&self.stack.history(&execution.arn).await?);
            rollouts.push(Rollout {
                launch: launch_of(&execution, &launched),
                started_at: in_world(execution.start_date),
                ended_at: execution.stop_date.map(in_world),
                states,
                execution,
            });
        }
        report.calls.extend(self.stack.calls());
        report.calls.sort_by(|a, b| a.at.total_cmp(&b.at));
        let forbidden = stack::permissions::forbidden(&report.calls);
        let fault_hits = self.stack.fault_hits();
        Ok(Came { report, launched, rollouts, turns, ended, at, forbidden, fault_hits })
    }
}

/// The launch whose instance an execution is about: its input names the instance, whatever shape it has.
fn launch_of(execution: &Execution, launched: &[String]) -> Option<LaunchNumber> {
    let input = execution.input.to_string();
    launched.iter().position(|id| input.contains(id.as_str())).map(|i| i + 1)
}

/// The state that an execution has entered last.
fn current_state(history: &[Value]) -> String {
    let name = |event: &Value| event["stateEnteredEventDetails"]["name"].as_str().map(str::to_owned);
    history.iter().rev().find_map(name).unwrap_or_default()
}

/// How often each state was entered.
fn entered(history: &[Value]) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    for name in history.iter().filter_map(|event| event["stateEnteredEventDetails"]["name"].as_str()) {
        *states.entry(name.to_owned()).or_default() += 1;
    }
    states
}
