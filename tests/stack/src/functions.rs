//! The Lambda service: runs the functions' bootstraps, a process for each invocation at work.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use account::{Variables, versions};
use axum::body::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Error;
use crate::delayed_call::{DelayedCall, Delays};
use crate::engine::Lifeline;
use crate::environment::{Environment, Outcome};

/// How long Lambda waits before the first and the second retry of an asynchronous invocation.
///
/// Source: Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation".
const ASYNCHRONOUS_RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// How long Lambda waits before it tries a throttled asynchronous invocation again, for the first time (same source).
const ASYNCHRONOUS_THROTTLED: Duration = Duration::from_secs(1);

/// A function that the stack runs.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name, the last part of its ARN.
    pub name: String,
    /// The program that speaks the Runtime API.
    pub bootstrap: PathBuf,
    /// Environment variables besides those that Lambda defines.
    pub environment: Vec<(String, String)>,
    /// How long an invocation may take, in real time.
    pub timeout: Duration,
    /// How many invocations may be at work at once. Any more are throttled.
    pub concurrency: usize,
}

impl Function {
    /// The function with template.yaml's variables. One that it brings along comes later, and wins.
    pub(crate) fn with(mut self, variables: &Variables) -> Self {
        let own = variables.of(&self.name).into_iter().map(|(name, value)| (name.to_owned(), value));
        self.environment.splice(..0, own);
        self
    }
}

/// A process of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The function's name.
    pub function: String,
    /// The process's id.
    pub pid: u32,
}

/// The functions and their processes.
pub(crate) struct Functions {
    functions: HashMap<String, Arc<Pool>>,
    endpoint: String,
    lifeline: Lifeline,
    log_dir: PathBuf,
    speed: f64,
    delays: Delays,
    /// The functions' newest version.
    version: AtomicUsize,
}

struct Pool {
    function: Function,
    environments: Mutex<Environments>,
}

#[derive(Default)]
struct Environments {
    /// The running processes.
    all: Vec<Arc<Environment>>,
    /// The processes that wait for an invocation, the last used last.
    idle: Vec<Arc<Environment>>,
    stopped: bool,
}

impl Functions {
    /// The functions, without a process yet. Each must have been built.
    ///
    /// `endpoint` is the functions' AWS endpoint. It serves their Runtime API too.
    pub(crate) fn new(
        functions: Vec<Function>,
        endpoint: String,
        lifeline: Lifeline,
        log_dir: PathBuf,
        speed: f64,
    ) -> Result<Self, Error> {
        if let Some(missing) = functions.iter().find(|function| !function.bootstrap.exists()) {
            return Err(Error::MissingBootstrap(missing.bootstrap.clone()));
        }
        let functions = functions
            .into_iter()
            .map(|function| (function.name.clone(), Arc::new(Pool { function, environments: Mutex::default() })))
            .collect();
        let (delays, version) = (Delays::default(), AtomicUsize::new(versions::FIRST));
        Ok(Self { functions, endpoint, lifeline, log_dir, speed, delays, version })
    }

    /// Delays the next call of a function until it is released.
    pub(crate) fn delay_next_call(&self, function: &str) -> DelayedCall {
        self.delays.delay_next(function)
    }

    /// Publishes a version of every function, and gives its number.
    pub(crate) fn publish(&self) -> usize {
        self.version.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Invokes a function, given by name or ARN, with or without a version, and waits for its answer. The flag says whether the function
    /// failed.
    ///
    /// The invocation goes on when the caller waits no longer.
    pub(crate) async fn invoke(self: &Arc<Self>, function: &str, payload: Bytes) -> Result<(Bytes, bool), Error> {
        let pool = self.pool(function)?.clone();
        let version = version_of(function).unwrap_or_else(|| self.version.load(Ordering::SeqCst));
        let payload = match serde_json::from_slice::<Value>(&payload) {
            // The version's code is the present one; what it reads is its own.
            Ok(value) if version > versions::FIRST || !value["version"].is_null() => {
                match versions::request(&pool.function.name, version, value) {
                    Ok(request) => request.to_string().into(),
                    Err(error) => return Ok((error.to_string().into(), true)),
                }
            }
            _ => payload,
        };
        let environment = self.environment(&pool)?;
        let request_id = Uuid::new_v4().to_string();
        let timeout = pool.function.timeout;
        let invocation = tokio::spawn({
            let (functions, request_id) = (self.clone(), request_id.clone());
            async move {
                functions.delays.pass(&pool.function.name).await;
                let outcome = environment.invoke(request_id, payload, timeout).await;
                pool.release(environment);
                outcome
            }
        });
        Ok(match invocation.await.map_err(std::io::Error::from)? {
            Outcome::Response(answer) => (answer, false),
            Outcome::Error(error) => (error, true),
            Outcome::Exited(status) => (exit_error(&request_id, status), true),
            Outcome::TimedOut => (timeout_error(&request_id, timeout), true),
        })
    }

    /// Invokes a function in the background, as Lambda does for events: a failed invocation is retried twice.
    pub(crate) fn invoke_asynchronously(self: &Arc<Self>, function: &str, payload: Bytes) -> Result<(), Error> {
        self.pool(function)?;
        let (functions, function) = (self.clone(), function.to_owned());
        tokio::spawn(async move {
            let mut retries = ASYNCHRONOUS_RETRIES.iter();
            loop {
                let pause = match functions.invoke(&function, payload.clone()).await {
                    Ok((_, false)) => return,
                    Err(Error::Stopped) => return,
                    Err(Error::TooManyRequests(_)) => ASYNCHRONOUS_THROTTLED,
                    Ok((_, true)) | Err(_) => match retries.next() {
                        Some(pause) => *pause,
                        None => return,
                    },
                };
                tokio::time::sleep(pause.div_f64(functions.speed)).await;
            }
        });
        Ok(())
    }

    /// Whether there is a function of this name.
    pub(crate) fn has(&self, function: &str) -> bool {
        self.functions.contains_key(function)
    }

    /// The running environment `id` of a function, for its Runtime API.
    pub(crate) fn find(&self, function: &str, id: &str) -> Option<Arc<Environment>> {
        let environments = self.functions.get(function)?.environments.lock().unwrap();
        environments.all.iter().find(|environment| environment.id == id).cloned()
    }

    /// The running processes.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let of = |(name, pool): (&String, &Arc<Pool>)| {
            let environments = pool.environments.lock().unwrap();
            let running = environments.all.iter().filter(|environment| environment.is_running());
            running.map(|environment| Process { function: name.clone(), pid: environment.pid }).collect::<Vec<_>>()
        };
        self.functions.iter().flat_map(of).collect()
    }

    /// Kills every process and starts no other. The caller waits for their end with [`Environment::ended`].
    pub(crate) fn close(&self) -> Vec<Arc<Environment>> {
        let mut closed = Vec::new();
        for pool in self.functions.values() {
            let mut environments = pool.environments.lock().unwrap();
            environments.stopped = true;
            environments.idle.clear();
            closed.append(&mut environments.all);
        }
        closed.iter().for_each(|environment| environment.kill());
        closed
    }

    /// Whether [`Functions::close`] was called.
    pub(crate) fn closed(&self) -> bool {
        self.functions.values().any(|pool| pool.environments.lock().unwrap().stopped)
    }

    fn pool(&self, function: &str) -> Result<&Arc<Pool>, Error> {
        let name = name_of(function);
        self.functions.get(name).ok_or_else(|| Error::UnknownFunction(name.to_owned()))
    }

    /// A warm environment, else a new one.
    fn environment(&self, pool: &Pool) -> Result<Arc<Environment>, Error> {
        let name = &pool.function.name;
        let mut environments = pool.environments.lock().unwrap();
        environments.all.retain(|environment| environment.is_running());
        while let Some(environment) = environments.idle.pop() {
            if environment.is_running() {
                return Ok(environment);
            }
        }
        if environments.stopped {
            return Err(Error::Stopped);
        }
        if environments.all.len() >= pool.function.concurrency {
            return Err(Error::TooManyRequests(name.clone()));
        }
        let id = Uuid::new_v4().simple().to_string();
        let path = self.log_dir.join(format!("{name}.log"));
        let log =
            File::options().create(true).append(true).open(&path).map_err(|source| Error::File { path, source })?;
        let runtime_api = format!("{}/.rt/{name}/{id}", self.endpoint);
        let environment =
            Environment::start(id, &pool.function, &runtime_api, &self.endpoint, log, self.lifeline.clone())?;
        let environment = Arc::new(environment);
        environments.all.push(environment.clone());
        Ok(environment)
    }
}

impl Pool {
    fn release(&self, environment: Arc<Environment>) {
        let mut environments = self.environments.lock().unwrap();
        if environment.is_running() && !environments.stopped {
            environments.idle.push(environment);
        }
    }
}

/// The name in a function's name, partial ARN or ARN, without qualifier.
pub(crate) fn name_of(function: &str) -> &str {
    let mut parts = function.split(':');
    match parts.by_ref().find(|part| *part == "function") {
        Some(_) => parts.next().unwrap_or(function),
        None => function.split(':').next().unwrap_or(function),
    }
}

/// The version in a function's ARN; `None` when it has none, or another qualifier.
fn version_of(function: &str) -> Option<usize> {
    function.rsplit_once(':').and_then(|(_, qualifier)| qualifier.parse().ok())
}

/// Lambda's answer for a process that ended: `Runtime.ExitError`.
fn exit_error(request_id: &str, status: std::process::ExitStatus) -> Bytes {
    let reason = match status.code() {
        Some(code) => format!("exit status {code}"),
        None => format!("{status}"),
    };
    error("Runtime.ExitError", format!("RequestId: {request_id} Error: Runtime exited with error: {reason}"))
}

/// Lambda's answer for a function that took too long.
fn timeout_error(request_id: &str, timeout: Duration) -> Bytes {
    let seconds = timeout.as_secs_f64();
    error("Sandbox.Timedout", format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds"))
}

fn error(error_type: &str, message: String) -> Bytes {
    json!({"errorType": error_type, "errorMessage": message}).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_s_version_is_its_qualifier() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:check-status";
        for (given, version) in
            [("check-status", None), (arn, None), (&format!("{arn}:$LATEST"), None), (&format!("{arn}:3"), Some(3))]
        {
            assert_eq!(version_of(given), version, "{given}");
        }
    }

    #[test]
    fn a_function_is_named_in_several_ways() {
        for given in [
            "check-status",
            "check-status:live",
            "arn:aws:lambda:us-east-1:123456789012:function:check-status",
            "arn:aws:lambda:us-east-1:123456789012:function:check-status:3",
            "123456789012:function:check-status",
        ] {
            assert_eq!(name_of(given), "check-status", "{given}");
        }
    }

    #[test]
    fn errors_have_lambda_s_texts() {
        let body: Value = serde_json::from_slice(&timeout_error("r-1", Duration::from_secs(30))).unwrap();
        assert_eq!(body["errorType"], "Sandbox.Timedout");
        assert_eq!(body["errorMessage"], "RequestId: r-1 Error: Task timed out after 30.00 seconds");
    }
}
