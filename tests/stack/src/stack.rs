//! The stack: what it starts, in which order, and how it stops.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use account::calls::Calls;
use account::{Execution, Invoked, STATE_MACHINE, Served, Turn, Variables, versions};
use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use world::{Call, Clock, Faults, Running, World};

use crate::api::{Api, DYNAMODB, STEP_FUNCTIONS};
use crate::clock::WorldClock;
use crate::connection::{Connection, Listener};
use crate::engine::{Engine, Lifeline};
use crate::executions::StateMachine;
use crate::front_door::FrontDoor;
use crate::functions::Functions;
use crate::launch_rule::LaunchRule;
use crate::options::is_own_log_dir;
use crate::turns::Turns;
use crate::{DelayedCall, Error, Options, Process, definition, end_rule, schedule};

/// The engine's API answers at once. After this time it hangs.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// The environment variable with which the logs of a stack are kept after its end.
const KEEP_LOGS: &str = "TURNSTILE_KEEP_LOGS";

/// A running stack. [`Stack::stop`] ends it and waits until its processes are gone. Dropping it ends it without waiting.
pub struct Stack {
    world: World,
    clock: WorldClock,
    functions: Arc<Functions>,
    state_machine: Arc<StateMachine>,
    turns: Turns,
    calls: Arc<Calls>,
    faults: Arc<Faults>,
    engine: Engine,
    endpoint: String,
    variables: Variables,
    definition: PathBuf,
    tasks: Vec<JoinHandle<()>>,
    /// The folder for logs, if it is the stack's own.
    own_log_dir: Option<PathBuf>,
    _running: Running,
}

impl Stack {
    /// Starts the world, the functions' service and the engine, and creates the state machine and the table of turns in it.
    ///
    /// # Errors
    ///
    /// What is missing to start it: a bootstrap, the Python environment, a substitution of the definition, a setting that makes sense.
    pub async fn start(options: Options) -> Result<Self, Error> {
        options.check()?;
        let (variables, served) = (options.variables(), options.served());
        let definition = definition::read(&options.definition, &variables, versions::FIRST)?;
        let own_log_dir = is_own_log_dir(&options.log_dir).then(|| options.log_dir.clone());
        let failed = |source| Error::File { path: options.log_dir.clone(), source };
        if own_log_dir.is_some() && options.log_dir.exists() {
            // An earlier process with the same id has left the folder.
            std::fs::remove_dir_all(&options.log_dir).map_err(failed)?;
        }
        std::fs::create_dir_all(&options.log_dir).map_err(failed)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let endpoint = format!("http://{address}");
        let (lifeline, dependants) = Lifeline::new();
        let functions = options.functions.into_iter().map(|function| function.with(&variables)).collect();
        let functions =
            Functions::new(functions, endpoint.clone(), lifeline.clone(), options.log_dir.clone(), options.speed)?;
        let functions = Arc::new(functions);

        let log = options.log_dir.join("engine.log");
        let engine = Engine::start(&options.python, address.port(), options.speed, dependants, log).await?;
        // A proxy does not lead to this machine's own ports.
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWERS_WITHIN).build()?;
        let url = format!("http://127.0.0.1:{}", engine.port);
        let api = |service| Api::new(client.clone(), url.clone(), service);
        let state_machine = StateMachine::create(api(STEP_FUNCTIONS), STATE_MACHINE, &definition).await?;
        let state_machine = Arc::new(state_machine);
        let turns = Turns::create(api(DYNAMODB)).await?;

        // The world's time begins here, after everything that has to start first and takes time.
        let (seed, speed) = (options.setting.seed, options.speed);
        let world = World::new(options.setting, Clock::Scaled(speed))?;
        let clock = WorldClock::start(speed);
        let (lifecycle_hook_name, delivery) = (options.lifecycle_hook_name, options.events);
        let rule = LaunchRule { functions: functions.clone(), lifecycle_hook_name, served, delivery, seed, speed };
        let calls = Arc::new(Calls::default());
        let faults = Arc::new(Faults::new(options.faults, seed));
        let door = FrontDoor::new(functions.clone(), &world, calls.clone(), faults.clone(), client, url);
        let mut tasks = vec![tokio::spawn(rule.deliver(world.events())), tokio::spawn(serve(listener, door.router()))];
        tasks.push(tokio::spawn(end_rule::deliver(world.clone(), clock, state_machine.clone(), functions.clone())));
        if let Some(seconds) = options.schedule_seconds {
            tasks.push(tokio::spawn(schedule::run(world.clone(), functions.clone(), seconds, speed)));
        }
        let running = world.run();
        lifeline.world_starts();
        Ok(Self {
            world,
            clock,
            functions,
            state_machine,
            turns,
            calls,
            faults,
            engine,
            endpoint,
            variables,
            definition: options.definition,
            tasks,
            own_log_dir,
            _running: running,
        })
    }

    /// The AWS endpoint's URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// CodeDeploy, Auto Scaling, and the instances with their tags.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The Auto Scaling groups that the stack may serve.
    pub fn served(&self) -> &Served {
        &self.variables.served
    }

    /// World seconds at a time of the wall clock, such as a history event's `timestamp`, which is in seconds since 1970.
    pub fn world_seconds(&self, date: f64) -> f64 {
        self.clock.world_seconds(date)
    }

    /// The state machine's ARN.
    pub fn state_machine_arn(&self) -> &str {
        &self.state_machine.arn
    }

    /// Updates the stack to a version whose requests have another form ([`versions`]), as SAM does it: publishes a version of every function,
    /// and then replaces the definition by one that calls those.
    pub async fn update_stack(&self) -> Result<(), Error> {
        let version = self.functions.publish();
        let definition = definition::read(&self.definition, &self.variables, version)?;
        self.state_machine.update(&definition).await
    }

    /// Starts an execution, as a person does in the console, and gives its ARN.
    pub async fn start_execution(&self, name: Option<&str>, input: &Value) -> Result<String, Error> {
        self.state_machine.start(name, input).await
    }

    /// Aborts an execution.
    pub async fn stop_execution(&self, arn: &str) -> Result<(), Error> {
        self.state_machine.stop(arn).await
    }

    /// Describes an execution.
    pub async fn describe(&self, arn: &str) -> Result<Execution, Error> {
        self.state_machine.describe(arn, self.clock).await
    }

    /// Waits until an execution has ended. There is no time limit.
    pub async fn wait_for(&self, arn: &str) -> Result<Execution, Error> {
        self.state_machine.wait_for(arn, self.clock).await
    }

    /// Every execution, the oldest first.
    pub async fn executions(&self) -> Result<Vec<Execution>, Error> {
        self.state_machine.executions(self.clock).await
    }

    /// An execution's history events, as GetExecutionHistory gives them, the oldest first. [`history`](crate::history) reads them.
    pub async fn history(&self, arn: &str) -> Result<Vec<Value>, Error> {
        self.state_machine.history(arn).await
    }

    /// Every claim in the table of turns, sorted by the claims' names.
    pub async fn turns(&self) -> Result<Vec<Turn>, Error> {
        self.turns.all().await
    }

    /// Deletes every item of the table of turns, as a person does in the console.
    pub async fn delete_turns(&self) -> Result<(), Error> {
        self.turns.delete().await
    }

    /// Holds an Auto Scaling group or releases it, as a person does with the AWS CLI.
    pub async fn hold(&self, group: &str, held: bool) -> Result<(), Error> {
        self.turns.hold(group, held).await
    }

    /// The functions' calls that the engine has answered: those of Step Functions (`states`) and of DynamoDB. The calls of CodeDeploy,
    /// Auto Scaling and the Resource Groups Tagging API are in the world's report. The state machine's calls of functions (service `lambda`, the function's name as the operation,
    /// the caller `engine`) are here only where a fault has hit them.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.all()
    }

    /// The number of calls that each of [`Options::faults`] has hit.
    pub fn fault_hits(&self) -> Vec<u32> {
        self.faults.hits()
    }

    /// Invokes a function and waits for its answer.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Invoked, Error> {
        let (answer, failed) = self.functions.invoke(function, payload.to_string().into()).await?;
        let payload = serde_json::from_slice(&answer)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&answer).into_owned()));
        Ok(Invoked { payload, function_error: failed.then(|| "Unhandled".to_owned()) })
    }

    /// Invokes a function in the background, as an event does. A failed invocation is retried twice.
    pub fn invoke_asynchronously(&self, function: &str, payload: &Value) -> Result<(), Error> {
        self.functions.invoke_asynchronously(function, payload.to_string().into())
    }

    /// Delays the next call of a function on its way, until it is released. The caller's time-out runs meanwhile; the function's begins
    /// when the call arrives.
    pub fn delay_next_call(&self, function: &str) -> DelayedCall {
        self.functions.delay_next_call(function)
    }

    /// The running processes of the functions.
    pub fn environments(&self) -> Vec<Process> {
        self.functions.processes()
    }

    /// The engine's process id, while it runs.
    pub fn engine_pid(&self) -> Option<u32> {
        self.engine.pid()
    }

    /// Stops everything and waits until every process is gone. Removes the folder for logs if it is the stack's own ([`Options::log_dir`]).
    pub async fn stop(mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        for environment in self.functions.close() {
            environment.ended().await;
        }
        self.engine.stop().await;
        if let Some(folder) = self.own_log_dir.take().filter(|_| std::env::var_os(KEEP_LOGS).is_none()) {
            // If it cannot be removed, it is left in target/.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.functions.close();
        self.engine.release();
    }
}

async fn serve(listener: TcpListener, router: Router) {
    // Serving a bound listener ends only when its task is aborted.
    let _ = axum::serve(Listener(listener), router.into_make_service_with_connect_info::<Connection>()).await;
}
