//! However a stack ends, no process and no folder of it is left.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use stack::{Options, Stack};

use crate::fixture::{Folder, LOOP, MUST_COME_WITHIN, client, function, options, start, until};

#[tokio::test]
async fn no_process_stays_after_stopping_or_dropping() {
    for stop in [true, false] {
        let folder = Folder::new();
        let stack = start(&folder, LOOP, vec![function("fixture")]).await;
        stack.invoke("fixture", &json!({})).await.unwrap();
        stack.invoke_asynchronously("fixture", &json!({"sleep": 60_000})).unwrap();
        until(|| stack.environments().len() == 1).await;
        let mut pids: Vec<u32> = stack.environments().into_iter().map(|process| process.pid).collect();
        pids.extend(stack.engine_pid());
        assert!(pids.iter().all(|pid| runs(*pid)), "{pids:?}");
        if stop {
            stack.stop().await;
            assert!(!pids.iter().any(|pid| runs(*pid)), "{pids:?}");
        } else {
            drop(stack);
            until(|| !pids.iter().any(|pid| runs(*pid))).await;
        }
    }
}

#[tokio::test]
async fn a_stack_s_own_logs_go_with_it_and_stay_when_it_failed() {
    let folder = Folder::new();
    let own = || {
        let log_dir = Options::new(serde_json::from_value(json!({})).unwrap()).log_dir;
        Options { log_dir, ..options(&folder, LOOP, vec![function("fixture")]) }
    };

    let options = own();
    let log_dir = options.log_dir.clone();
    // Left by another process that had the same id.
    std::fs::create_dir_all(&log_dir).unwrap();
    std::fs::write(log_dir.join("fixture.log"), "old\n").unwrap();
    let stack = Stack::start(options).await.unwrap();
    stack.invoke("fixture", &json!({})).await.unwrap();
    assert!(!std::fs::read_to_string(log_dir.join("fixture.log")).unwrap().contains("old"));
    stack.stop().await;
    assert_eq!(log_dir.exists(), std::env::var_os("TURNSTILE_KEEP_LOGS").is_some());

    let options = own();
    let dropped = options.log_dir.clone();
    drop(Stack::start(options).await.unwrap());
    assert!(dropped.join("engine.log").exists());
    for log_dir in [log_dir, dropped] {
        // The first one is still there only where logs are kept.
        let _ = std::fs::remove_dir_all(log_dir);
    }

    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    stack.stop().await;
    assert!(folder.path("log").join("engine.log").exists(), "a folder that the caller named");
}

#[tokio::test]
async fn no_process_of_the_program_stays_after_any_signal() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let folder = Folder::new();
        let mut program = Program::start(&folder).await;
        let invoke = format!("{}/2015-03-31/functions/plan-rollout/invocations", program.endpoint);
        client().post(invoke).body("{}").send().await.unwrap();
        let pids = children(program.child.id());
        assert!(pids.len() >= 2, "the engine and an environment of the function: {pids:?}");

        kill_process(Pid::from_raw(program.child.id().cast_signed()).unwrap(), signal).unwrap();
        until(|| !runs(program.child.id())).await;
        let status = program.child.wait().unwrap();
        if signal == Signal::KILL {
            until(|| !pids.iter().any(|pid| runs(*pid))).await;
        } else {
            assert!(status.success(), "{signal:?}: {status}");
            assert!(!pids.iter().any(|pid| runs(*pid)), "{signal:?}: {pids:?}");
            assert!(!program.log_dir.exists(), "{signal:?}");
        }
    }
}

/// The program `stack`, with an environment that must not matter to it.
struct Program {
    child: Child,
    endpoint: String,
    log_dir: PathBuf,
}

impl Program {
    async fn start(folder: &Folder) -> Self {
        std::fs::write(folder.path("moto.py"), "raise ImportError('this is not moto')").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_stack"))
            .env("HTTP_PROXY", "http://127.0.0.1:9")
            .env("http_proxy", "http://127.0.0.1:9")
            .env("AWS_PROFILE", "nobody")
            .env("PYTHONPATH", folder.path(""))
            .env("MOTO_PORT", "9")
            .env_remove("TURNSTILE_KEEP_LOGS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // It ends with the program's output, if not at this line.
        let printed = tokio::task::spawn_blocking(move || {
            let mut printed = Vec::new();
            for line in lines {
                let last = line.starts_with("# Ctrl-C");
                printed.push(line);
                if last {
                    break;
                }
            }
            printed
        });
        let mut program = Self { child, endpoint: String::new(), log_dir: PathBuf::new() };
        let printed = tokio::time::timeout(MUST_COME_WITHIN, printed).await.expect("it did not start").unwrap();
        let after = |start: &str| {
            let found = printed.iter().find_map(|line| line.strip_prefix(start)?.split(' ').next());
            found.unwrap_or_else(|| panic!("no {start} in {printed:?}")).to_owned()
        };
        program.endpoint = after("export AWS_ENDPOINT_URL=");
        program.log_dir = after("# logs: ").into();
        program
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both are gone already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.log_dir);
        }
    }
}

/// The processes that `parent` has started and that run.
fn children(parent: u32) -> Vec<u32> {
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(|pid| stat(*pid).is_some_and(|(_, of)| of == parent)).collect()
}

/// Whether a process runs; one that has ended and has not been waited for does not.
fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z")
}

/// A process's state and its parent.
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // pid (name) state parent …; the name may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}
