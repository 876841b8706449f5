//! An execution environment: a process of a function, which takes one invocation after the other from the Runtime API.

use std::fs::File;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use account::REGION;
use axum::body::Bytes;
use tokio::process::Command;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::Error;
use crate::engine::Lifeline;
use crate::functions::Function;

/// What a function answered, or how it failed to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The handler's answer, JSON.
    Response(Bytes),
    /// The handler's error, `{"errorType", "errorMessage", …}`.
    Error(Bytes),
    /// The process ended instead of answering.
    Exited(ExitStatus),
    /// The process had not answered when its time was over.
    TimedOut,
}

/// How long a process may take to start and ask for its first invocation. Lambda allows 10 seconds, on a less busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// An invocation on its way to a process.
struct Invocation {
    request_id: String,
    payload: Bytes,
    timeout: Duration,
    /// Sent when the process takes the invocation.
    taken: oneshot::Sender<()>,
}

/// An invocation that the process has taken.
pub(crate) struct Taken {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    /// The end of its time limit, as in the Runtime API: milliseconds since 1970.
    pub(crate) deadline_ms: u128,
}

/// A process and its side of the Runtime API.
pub(crate) struct Environment {
    pub(crate) id: String,
    pub(crate) pid: u32,
    to_process: mpsc::Sender<Invocation>,
    /// The invocations for which `GET …/invocation/next` waits.
    next: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    /// The invocation at work, by its request id, and where its outcome goes.
    waiting: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    exit: watch::Receiver<Option<ExitStatus>>,
    kill: Arc<Notify>,
}

impl Environment {
    /// Starts a process of `function` with the Runtime API at `runtime_api` and the AWS endpoint `endpoint`.
    pub(crate) fn start(
        id: String,
        function: &Function,
        runtime_api: &str,
        endpoint: &str,
        log: File,
        lifeline: Lifeline,
    ) -> Result<Self, Error> {
        let mut child = Command::new(&function.bootstrap)
            .env_clear()
            .envs(variables(function, runtime_api, endpoint, &id))
            .envs(function.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal must reach only the stack, which stops its processes in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().expect("the process has not been waited for");
        lifeline.started(pid);
        let kill = Arc::new(Notify::new());
        let (exited, exit) = watch::channel(None);
        let killed = kill.clone();
        tokio::spawn(async move {
            let status = tokio::select! {
                status = child.wait() => status,
                () = killed.notified() => match child.kill().await {
                    Ok(()) => child.wait().await,
                    Err(error) => Err(error),
                },
            };
            lifeline.ended(pid);
            exited.send_replace(Some(status.unwrap_or_default()));
        });
        let (to_process, next) = mpsc::channel(1);
        let next = tokio::sync::Mutex::new(next);
        Ok(Self { id, pid, to_process, next, waiting: Mutex::default(), exit, kill })
    }

    pub(crate) fn is_running(&self) -> bool {
        self.exit.borrow().is_none()
    }

    /// Gives the process an invocation and waits for its outcome. `timeout` begins when the process takes the invocation, after its start, as on
    /// Lambda. A process that exceeds it, or that does not start, is killed.
    pub(crate) async fn invoke(&self, request_id: String, payload: Bytes, timeout: Duration) -> Outcome {
        let (sender, outcome) = oneshot::channel();
        *self.waiting.lock().unwrap() = Some((request_id.clone(), sender));
        let (taken, begins) = oneshot::channel();
        if self.to_process.send(Invocation { request_id, payload, timeout, taken }).await.is_err() {
            return Outcome::Exited(self.ended().await);
        }
        let time_is_over = async {
            if let Ok(Ok(())) = tokio::time::timeout(STARTS_WITHIN, begins).await {
                tokio::time::sleep(timeout).await;
            }
        };
        tokio::select! {
            biased;
            Ok(outcome) = outcome => outcome,
            status = self.ended() => Outcome::Exited(status),
            () = time_is_over => {
                self.kill();
                self.ended().await;
                Outcome::TimedOut
            }
        }
    }

    /// Waits for an invocation and takes it for the process, with which its time limit begins. `None` when there will be no other.
    pub(crate) async fn take(&self) -> Option<Taken> {
        let Invocation { request_id, payload, timeout, taken } = self.next.lock().await.recv().await?;
        let deadline = SystemTime::now() + timeout;
        // The receiver is gone when the process has just ended.
        let _ = taken.send(());
        Some(Taken {
            request_id,
            payload,
            deadline_ms: deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis(),
        })
    }

    /// Hands on the outcome of the invocation at work. False if it has another request id or its time limit is over.
    pub(crate) fn answer(&self, request_id: &str, outcome: Outcome) -> bool {
        let mut waiting = self.waiting.lock().unwrap();
        match waiting.take_if(|(id, _)| id == request_id) {
            Some((_, sender)) => sender.send(outcome).is_ok(),
            None => false,
        }
    }

    /// Hands on an error of the process's start as the outcome of its first invocation.
    pub(crate) fn fail_start(&self, error: Bytes) {
        if let Some((_, sender)) = self.waiting.lock().unwrap().take() {
            // The invocation's time limit may just have ended.
            let _ = sender.send(Outcome::Error(error));
        }
    }

    /// Kills the process; [`Environment::ended`] waits until it is gone.
    pub(crate) fn kill(&self) {
        self.kill.notify_one();
    }

    /// Waits until the process has ended.
    pub(crate) async fn ended(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            // The task that watches it has ended with the runtime and has killed it.
            Err(_) => ExitStatus::default(),
        }
    }
}

/// The variables that Lambda defines for a function on an OS-only runtime.
///
/// Source: Lambda developer guide, "Defined runtime environment variables".
fn variables(function: &Function, runtime_api: &str, endpoint: &str, id: &str) -> Vec<(String, String)> {
    let name = &function.name;
    [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", id),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("_HANDLER", "bootstrap"),
        ("LAMBDA_TASK_ROOT", &function.bootstrap.parent().unwrap_or(&function.bootstrap).display().to_string()),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        // The caller's name: the world knows a caller by the access key id of its signature.
        ("AWS_ACCESS_KEY_ID", name),
        ("AWS_SECRET_ACCESS_KEY", "function"),
        ("AWS_SESSION_TOKEN", "function"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
