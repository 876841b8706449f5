use serde_json::Value;

/// An execution of the state machine. Times are in world seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// The ARN.
    pub arn: String,
    /// The name.
    pub name: String,
    /// RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
    pub status: String,
    /// The input.
    pub input: Value,
    /// The output of an execution that succeeded.
    pub output: Option<Value>,
    /// The error's name, if the execution failed.
    pub error: Option<String>,
    /// The error's cause, if the execution failed.
    pub cause: Option<String>,
    /// When the execution started.
    pub started_at: f64,
    /// When the execution ended, if it has, and was not redriven since.
    pub ended_at: Option<f64>,
    /// How many times it was redriven: each time it had ended before.
    pub redrive_count: usize,
}

impl Execution {
    /// Whether the execution has not ended.
    pub fn is_running(&self) -> bool {
        self.status == "RUNNING"
    }

    /// Whether the input names the instance, whatever the input's shape: fields, an event, or a notification with an event in its text.
    pub fn names_instance(&self, instance_id: &str) -> bool {
        self.input.to_string().contains(instance_id)
    }
}
