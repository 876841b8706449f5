//! The engine's process: moto, started by `tests/engine`. It ends with this process, however that ends.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Error;

/// The engine starts within a few seconds, which are mostly imports. Several that start on a busy machine share its processors. After this
/// time it hangs.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// The engine closes its sockets at once. After this time it hangs.
const STOPS_WITHIN: Duration = Duration::from_secs(5);

pub(crate) struct Engine {
    child: Child,
    lifeline: JoinHandle<()>,
    /// The loopback port that moto listens on.
    pub(crate) port: u16,
}

/// The environment variables that the engine inherits: those that a program needs to run. Others, such as `AWS_PROFILE`, `HTTP_PROXY` or
/// `PYTHONPATH`, would change what it does.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"];

/// Tells the engine which processes it has to kill when this process is gone, and when the world's clock starts.
#[derive(Clone)]
pub(crate) struct Lifeline(mpsc::UnboundedSender<String>);

impl Lifeline {
    /// A new lifeline, and the lines that are written to the engine.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(crate) fn started(&self, pid: u32) {
        // The engine no longer reads once the stack stops. Every process is ended then anyway.
        let _ = self.0.send(format!("+{pid}\n"));
    }

    pub(crate) fn ended(&self, pid: u32) {
        let _ = self.0.send(format!("-{pid}\n"));
    }

    /// The world's clock starts at this moment.
    pub(crate) fn world_starts(&self) {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let _ = self.0.send(format!("={}\n", epoch.as_secs_f64()));
    }
}

#[derive(Deserialize)]
struct Ready {
    port: u16,
}

impl Engine {
    /// Starts the engine and waits until it accepts connections.
    ///
    /// `speed` is how many seconds of a state machine's time pass in a real second. Calls of Task states go to the loopback port `front_door`.
    pub(crate) async fn start(
        python: &Path,
        front_door: u16,
        speed: f64,
        lifeline: mpsc::UnboundedReceiver<String>,
        log: PathBuf,
    ) -> Result<Self, Error> {
        if !python.exists() {
            return Err(Error::MissingPython(python.to_owned()));
        }
        let stderr = std::fs::File::create(&log).map_err(|source| Error::File { path: log.clone(), source })?;
        let mut child = Command::new(python)
            .args(["-m", "engine", "--front-door", &front_door.to_string(), "--speed", &speed.to_string()])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine"))
            .env_clear()
            .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            // Ctrl-C in a terminal must reach only the stack, which stops its processes in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take().expect("standard input is piped");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        match tokio::time::timeout(STARTS_WITHIN, BufReader::new(stdout).read_line(&mut line)).await {
            Ok(read) => read?,
            Err(_) => return Err(Error::EngineHangs { seconds: STARTS_WITHIN.as_secs(), log }),
        };
        let ready: Ready = serde_json::from_str(&line).map_err(|_| Error::EngineDidNotStart { log })?;
        Ok(Self { child, lifeline: tokio::spawn(write(lifeline, stdin)), port: ready.port })
    }

    /// The engine's process id.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Closes the lifeline, upon which the engine kills the processes that are still on it, and ends.
    pub(crate) fn release(&self) {
        self.lifeline.abort();
    }

    /// Stops the engine and waits until it is gone.
    pub(crate) async fn stop(&mut self) {
        self.release();
        if tokio::time::timeout(STOPS_WITHIN, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

async fn write(mut lines: mpsc::UnboundedReceiver<String>, mut engine: ChildStdin) {
    while let Some(line) = lines.recv().await {
        if engine.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}
