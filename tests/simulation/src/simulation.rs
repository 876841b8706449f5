//! Everything put together.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use account::events::REPORT_OUTCOME;
use account::{Execution, Invoked, Turn, Variables, state_machine_arn, substitutions, versions};
use serde_json::Value;
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::sleep;
use world::rules::{self, Run};
use world::{Claim, Faults, Report, Running, Violation, World};

use crate::clock::Clock;
use crate::dynamodb::DynamoDb;
use crate::event_bridge::{EndRule, LaunchRule, look_for_untold_ends, run_schedule};
use crate::lambda::{Invoked as Invocation, Lambda, Lost, NotInvoked, Outcome, Surroundings};
use crate::machine::{Definition, Stop};
use crate::seed::Seed;
use crate::services::Services;
use crate::step_functions::{Engine, Refusal, StepFunctions};
use crate::trace::{Entry, Trace};
use crate::turns::Turns;
use crate::{Error, Options, functions};

/// How often [`Simulation::wait_for`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Carries out `run` in virtual time, in which a [`Simulation`] can be started: an hour passes as soon as nothing is left to be done
/// in it. Everything happens in this thread.
///
/// # Panics
/// Inside another runtime.
pub fn block_on<T>(run: impl AsyncFnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    LocalSet::new().block_on(&runtime.expect("a runtime without I/O needs nothing of the system"), run())
}

/// A running simulation; see [`block_on`]. Dropped, it ends.
pub struct Simulation {
    world: World,
    step_functions: Rc<StepFunctions>,
    turns: Rc<Turns>,
    pub(crate) lambda: Rc<Lambda>,
    faults: Rc<Faults>,
    trace: Rc<Trace>,
    metrics: Arc<Mutex<Vec<String>>>,
    schedule_is_enabled: Rc<Cell<bool>>,
    variables: Variables,
    definition: PathBuf,
    /// The stack's.
    version: Cell<usize>,
    tasks: Vec<JoinHandle<()>>,
    _running: Running,
}

impl Simulation {
    /// Starts the world and the services, with the functions, the state machine and the table of turns.
    ///
    /// # Errors
    /// A field of the options that is wrong, or a definition that is.
    ///
    /// # Panics
    /// Outside [`block_on`].
    pub fn start(options: Options) -> Result<Self, Error> {
        options.check()?;
        let variables = options.variables();
        let served = options.served();
        let definition = Rc::new(read(&options.definition, &variables, versions::FIRST)?);
        let seed = Seed(options.setting.seed);
        // What the SDK and the functions draw comes from the thread's generator.
        fastrand::seed(options.setting.seed);
        let clock = Clock::start();
        let trace = Rc::new(Trace::new(clock, options.keeps_trace));
        let world = World::new(options.setting, world::Clock::Virtual)?;
        let trails_by = Duration::from_secs_f64(options.dynamodb_trails_seconds);
        let dynamodb = Rc::new(DynamoDb::new(clock, seed.of("dynamodb"), trails_by));
        let turns = Rc::new(Turns::create(dynamodb.clone(), world.clone()));
        let (step_functions, started) =
            StepFunctions::new(clock, seed.of("step-functions"), options.trailing, definition);
        let step_functions = Rc::new(step_functions);
        let faults = Rc::new(Faults::new(options.faults, seed.0));
        let services = Services {
            clock,
            world: world.clone(),
            worlds: world.router(),
            dynamodb,
            turns: turns.clone(),
            step_functions: step_functions.clone(),
            faults: faults.clone(),
            trace: trace.clone(),
            request_ids: seed.of("request-ids"),
        };
        let metrics = Arc::<Mutex<Vec<String>>>::default();
        let surroundings = Surroundings {
            clock,
            seed,
            services: Rc::new(services),
            network: Rc::new(options.network),
            faults: faults.clone(),
            trace: trace.clone(),
            metrics: metrics.clone(),
        };
        let lambda = Rc::new(Lambda::new(surroundings, options.lambda));
        functions::publish(&lambda, &variables, versions::FIRST);
        let engine = Engine { clock, lambda: lambda.clone(), trace: trace.clone(), random: seed.of("engine") };
        let ends = EndRule {
            lambda: lambda.clone(),
            trace: trace.clone(),
            world: world.clone(),
            delivery: options.ends,
            random: seed.of("ends"),
            seed: seed.0,
        };
        let rule = LaunchRule {
            lambda: lambda.clone(),
            trace: trace.clone(),
            lifecycle_hook_name: options.lifecycle_hook_name,
            served,
            delivery: options.events,
            seed: seed.0,
        };
        let mut tasks = vec![
            spawn_local(engine.run(started)),
            spawn_local(rule.deliver(world.events())),
            spawn_local(ends.deliver(step_functions.ends())),
        ];
        let schedule_is_enabled = Rc::new(Cell::new(true));
        if let Some(seconds) = options.schedule_seconds {
            let (lambda, trace, ids) = (lambda.clone(), trace.clone(), seed.of("schedule"));
            tasks.push(spawn_local(run_schedule(
                world.clone(),
                lambda.clone(),
                trace.clone(),
                ids,
                (seconds, schedule_is_enabled.clone()),
            )));
            tasks.push(spawn_local(look_for_untold_ends(world.clone(), lambda, trace, seed.of("untold"))));
        }
        let running = world.run();
        Ok(Self {
            world,
            step_functions,
            turns,
            lambda,
            faults,
            trace,
            metrics,
            schedule_is_enabled,
            variables,
            definition: options.definition,
            version: Cell::new(versions::FIRST),
            tasks,
            _running: running,
        })
    }

    /// CodeDeploy, Auto Scaling and the instances. Its report also has the calls of Step Functions (`states`) and of DynamoDB, and those calls of
    /// functions by the state machine that a fault has hit (service `lambda`, the function's name as the operation, the caller `engine`).
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The state machine's ARN.
    pub fn state_machine_arn(&self) -> String {
        state_machine_arn()
    }

    /// Replaces the definition by the one in a file, as an update of the stack does. An execution that runs keeps its own.
    ///
    /// # Errors
    /// A definition that is wrong.
    pub fn update_state_machine(&self, definition: &Path) -> Result<(), Error> {
        self.step_functions.update(Rc::new(read(definition, &self.variables, self.version.get())?));
        Ok(())
    }

    /// Updates the stack to a version whose requests have another form ([`versions`]), as SAM does it: publishes a version of every function,
    /// and then replaces the definition by one that calls those.
    ///
    /// # Errors
    /// The definition's file cannot be read any more.
    pub fn update_stack(&self) -> Result<(), Error> {
        let version = self.version.get() + 1;
        let definition = read(&self.definition, &self.variables, version)?;
        functions::publish(&self.lambda, &self.variables, version);
        self.version.set(version);
        self.step_functions.update(Rc::new(definition));
        Ok(())
    }

    /// Starts an execution, as a person does in the console, and gives its ARN.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn start_execution(&self, name: Option<&str>, input: &Value) -> Result<String, Error> {
        let started = self.step_functions.start(name.map(str::to_owned), input.to_string());
        Ok(started.map_err(|refusal| refused("StartExecution", refusal))?.arn.clone())
    }

    /// Aborts an execution.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn stop_execution(&self, arn: &str) -> Result<(), Error> {
        let stopped = self.step_functions.stop(arn, Stop::default());
        stopped.map(drop).map_err(|refusal| refused("StopExecution", refusal))
    }

    /// Redrives an execution that has ended without success, as a person does in the console.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn redrive_execution(&self, arn: &str) -> Result<(), Error> {
        self.step_functions.redrive(arn).map_err(|refusal| refused("RedriveExecution", refusal))
    }

    /// An execution as it is now.
    ///
    /// # Errors
    /// When there is none of this ARN.
    pub fn describe(&self, arn: &str) -> Result<Execution, Error> {
        let found = self.step_functions.find(arn).map_err(|refusal| refused("DescribeExecution", refusal))?;
        Ok(found.execution())
    }

    /// Waits until an execution has ended, however long that takes.
    ///
    /// # Errors
    /// When there is none of this ARN.
    pub async fn wait_for(&self, arn: &str) -> Result<Execution, Error> {
        loop {
            let execution = self.describe(arn)?;
            if !execution.is_running() {
                return Ok(execution);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Every execution as it is now, the oldest first.
    pub fn executions(&self) -> Vec<Execution> {
        self.step_functions.executions()
    }

    /// How many executions run, and how many have ended.
    pub fn execution_counts(&self) -> (usize, usize) {
        self.step_functions.counts()
    }

    /// An execution's history events, as GetExecutionHistory gives them, the oldest first.
    ///
    /// # Errors
    /// When there is no execution of this ARN.
    pub fn history(&self, arn: &str) -> Result<Vec<Value>, Error> {
        let record = self.step_functions.find(arn).map_err(|refusal| refused("GetExecutionHistory", refusal))?;
        Ok(record.history.events().iter().map(Value::from).collect())
    }

    /// The state that an execution has entered last; `None` before the first, or when there is no such execution.
    pub fn current_state(&self, arn: &str) -> Option<String> {
        self.step_functions.find(arn).ok()?.history.current_state()
    }

    /// How often an execution has entered each state; empty when there is no such execution.
    pub fn state_counts(&self, arn: &str) -> BTreeMap<String, usize> {
        self.step_functions.find(arn).map_or_else(|_| BTreeMap::new(), |record| record.history.state_counts())
    }

    /// The state transitions that an execution is billed for so far: states entered, and retries.
    ///
    /// # Errors
    /// When there is no execution of this ARN.
    pub fn transitions(&self, arn: &str) -> Result<usize, Error> {
        let record = self.step_functions.find(arn).map_err(|refusal| refused("GetExecutionHistory", refusal))?;
        Ok(record.history.transitions())
    }

    /// Every claim in the table of turns, by its name.
    pub fn turns(&self) -> Vec<Turn> {
        self.turns.all()
    }

    /// A call of DynamoDB by a person, with its answer.
    ///
    /// # Panics
    /// When the call is refused.
    pub fn call_dynamodb(&self, operation: &str, parameters: Value) -> Value {
        self.turns.call(operation, parameters)
    }

    /// Deletes every item of the table of turns, as a person does in the console.
    pub fn delete_turns(&self) {
        self.turns.delete_all();
    }

    /// Holds an Auto Scaling group or releases it, as a person does with the AWS CLI.
    pub fn hold(&self, group: &str, held: bool) {
        self.turns.hold(group, held);
    }

    /// Everything that this run did and must not, in the order of time: the report's violations, and those of the [rules] over a whole run.
    /// [`KnownViolations`](rules::KnownViolations) has those that are known.
    ///
    /// `report` is one of this simulation's world, with its calls.
    pub fn run_violations(&self, report: &Report) -> Vec<Violation> {
        let executions = self.step_functions.for_rules();
        let claims = self.turns().into_iter().map(|Turn { claim, holder }| Claim { claim, holder });
        rules::violations(&Run { report, executions: &executions, claims: &claims.collect::<Vec<_>>() })
    }

    /// The number of calls that each of [`Options::faults`] has hit.
    pub fn fault_hits(&self) -> Vec<u32> {
        self.faults.hits()
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// Lambda's refusal.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Invoked, Error> {
        match self.lambda.invoke(function, payload.clone()).await {
            Ok(Outcome::Answer(payload)) => Ok(Invoked { payload, function_error: None }),
            Ok(Outcome::Error(payload)) => Ok(Invoked { payload, function_error: Some("Unhandled".to_owned()) }),
            Err(NotInvoked::Refused { code, message, .. }) => {
                Err(Error::Service { operation: "Invoke", code, message })
            }
            Err(NotInvoked::Unanswered) => unreachable!("no fault hits the calls of tests"),
        }
    }

    /// Invokes a function in the background, as an event does: a failed invocation is retried twice.
    pub fn invoke_asynchronously(&self, function: &str, payload: &Value) {
        self.lambda.invoke_asynchronously(function, payload.clone());
    }

    /// The events of launches that could not be handled: what is in the queue of lost launches.
    pub fn lost_events(&self) -> Vec<Value> {
        let lost = self.lambda.lost().into_iter().filter(|lost| lost.function != REPORT_OUTCOME);
        lost.map(|lost| lost.event).collect()
    }

    /// Every event that a function could not handle.
    pub fn lost(&self) -> Vec<Lost> {
        self.lambda.lost()
    }

    /// Takes the events out of their queues, as a person does in the console.
    pub fn empty_queues(&self) {
        self.lambda.empty_queues();
    }

    /// Disables the rule that invokes start-rollout on a schedule, or enables it, as a person does in the console.
    pub fn enable_schedule(&self, enabled: bool) {
        self.schedule_is_enabled.set(enabled);
    }

    /// Every invocation of a function so far.
    pub fn invocations(&self) -> Vec<Invocation> {
        self.lambda.invocations()
    }

    /// The lines in CloudWatch's embedded metric format that the functions have written, in order.
    pub fn metrics(&self) -> Vec<String> {
        self.metrics.lock().expect("no panic while a line is written").clone()
    }

    /// Waits until every end of an execution was told, or has gone to the queue, but for so many seconds at the most.
    pub async fn ends_are_told(&self, longest: Duration) {
        let told = async {
            // An execution that has just ended has its event a moment later.
            sleep(LOOK_EVERY).await;
            while self.lambda.ends_untold() > 0 {
                sleep(LOOK_EVERY).await;
            }
        };
        // Whoever judges the run finds what is untold.
        let _ = tokio::time::timeout(longest, told).await;
    }

    /// Waits until something has happened since the last time that this was called, or until the world's time is `latest`. What happens
    /// in the same millisecond counts as one.
    pub async fn next_change(&self, latest: f64) {
        let at = self.world.next_happening_at().map_or(latest, |next| next.min(latest));
        // Rounded up: a pause that is too short by a fraction of a nanosecond would be repeated for ever.
        let pause = Duration::try_from_secs_f64(at - self.world.now()).unwrap_or_default() + Duration::from_nanos(1);
        tokio::select! {
            biased;
            () = self.trace.added() => sleep(Duration::from_millis(1)).await,
            () = sleep(pause) => {}
        }
    }

    /// What happened so far, in order; empty unless [`Options::keeps_trace`].
    pub fn trace(&self) -> Vec<Entry> {
        self.trace.entries()
    }

    /// SHA-256 of what happened so far, in hexadecimal digits: the same for the same options, on any machine and in any process.
    pub fn trace_hash(&self) -> String {
        self.trace.hash()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The definition in a file, as a version of the stack has it.
fn read(path: &Path, variables: &Variables, version: usize) -> Result<Definition, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let substitutions: BTreeMap<String, String> = substitutions(variables, version).collect();
    Definition::parse(&versions::definition(&text, version), &substitutions)
        .map_err(|source| Error::Definition { path: path.to_owned(), source })
}

fn refused(operation: &'static str, Refusal(code, message): Refusal) -> Error {
    Error::Service { operation, code: code.to_owned(), message }
}
