//! A stack whose functions are the example `fixture`, with a state machine of the test's own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use stack::{Error, Execution, Function, Options, Stack};

/// World seconds a real second.
pub const SPEED: f64 = 200.0;

/// The time after which a test that still waits has failed.
pub const MUST_COME_WITHIN: Duration = Duration::from_secs(60);

/// A state machine that hands its input to the function `fixture` until that answers.
pub const LOOP: &str = r#"{
  "QueryLanguage": "JSONata",
  "StartAt": "Invoke",
  "States": {
    "Invoke": {
      "Type": "Task",
      "Resource": "arn:aws:states:::lambda:invoke",
      "Arguments": {"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:fixture", "Payload": "{% $states.input %}"},
      "Output": "{% $states.result.Payload.echo %}",
      "Retry": [{"ErrorEquals": ["Unlucky"], "IntervalSeconds": 20, "MaxAttempts": 2, "JitterStrategy": "FULL"}],
      "End": true
    }
  }
}"#;

/// A folder of the test's own, removed when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(uuid::Uuid::new_v4().to_string());
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in target/ anyway.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The example `fixture`, which Cargo builds beside the tests, as the function `name`.
pub fn function(name: &str) -> Function {
    let tests = std::env::current_exe().unwrap();
    Function {
        name: name.to_owned(),
        bootstrap: tests.ancestors().nth(2).unwrap().join("examples/fixture"),
        environment: Vec::new(),
        timeout: Duration::from_secs(30),
        concurrency: 10,
    }
}

/// The number of calls of a function that counts them in this file.
pub fn calls_in(path: &Path) -> usize {
    std::fs::read(path).map_or(0, |calls| calls.len())
}

pub fn options(folder: &Folder, definition: &str, functions: Vec<Function>) -> Options {
    let path = folder.path("definition.json");
    std::fs::write(&path, definition).unwrap();
    Options { speed: SPEED, definition: path, functions, log_dir: folder.path("log"), ..Options::new(setting()) }
}

pub async fn start(folder: &Folder, definition: &str, functions: Vec<Function>) -> Stack {
    try_start(folder, definition, functions).await.unwrap()
}

pub async fn try_start(folder: &Folder, definition: &str, functions: Vec<Function>) -> Result<Stack, Error> {
    Stack::start(options(folder, definition, functions)).await
}

/// Waits until the condition holds; fails when that takes too long.
pub async fn until(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(MUST_COME_WITHIN, holds).await.expect("the condition never held");
}

/// Waits for an execution's end; fails when that takes too long.
pub async fn end_of(stack: &Stack, arn: &str) -> Execution {
    let end = tokio::time::timeout(MUST_COME_WITHIN, stack.wait_for(arn)).await;
    end.expect("the execution did not end").unwrap()
}

/// A client that ignores the machine's proxies and does not wait for ever.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(MUST_COME_WITHIN).build().unwrap()
}

/// An empty world.
fn setting() -> world::Setting {
    serde_json::from_value(serde_json::json!({})).unwrap()
}
