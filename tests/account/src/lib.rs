//! The AWS account that the stack and the simulation both play: its names and ARNs, its calls, executions and turns as tests see
//! them, and the settings and permissions of its functions.

pub mod alarms;
pub mod calls;
pub mod events;
mod execution;
pub mod history;
mod invoked;
pub mod permissions;
mod served;
mod template;
mod turn;
mod variables;
pub mod versions;

pub use execution::Execution;
pub use invoked::Invoked;
pub use served::Served;
pub use turn::{Turn, hold};
pub use variables::Variables;

/// The account's number.
pub const ACCOUNT: &str = "123456789012";
/// The Region of everything in the account.
pub const REGION: &str = "us-east-1";

/// The state machine's name.
pub const STATE_MACHINE: &str = "turnstile";

/// The name of the table of turns.
pub const TURNS_TABLE: &str = "turnstile-turns";
/// The table's key, as template.yaml has it.
pub const TURNS_KEY: &str = "claim";

/// Turnstile's functions.
pub const FUNCTIONS: [&str; 7] = [
    "start-rollout",
    "plan-rollout",
    "start-deployment",
    "check-status",
    "back-off",
    "complete-lifecycle-hook",
    "report-outcome",
];

/// The ARN of the topic on which the ends of rollouts are told.
pub fn topic_arn() -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT}:turnstile")
}

/// The ARN of a function, without a version.
pub fn function_arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}

/// The ARN of the state machine.
pub fn state_machine_arn() -> String {
    format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STATE_MACHINE}")
}

/// The ARN of the execution of this name.
pub fn execution_arn(name: &str) -> String {
    format!("arn:aws:states:{REGION}:{ACCOUNT}:execution:{STATE_MACHINE}:{name}")
}

/// The ARN of the state machine's role.
pub fn role_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{STATE_MACHINE}")
}

/// What SAM's `DefinitionSubstitutions` puts into the definition of this version of the stack: each placeholder's name and what takes its
/// place. These are the ARNs of the functions' versions, and the stack's settings.
pub fn substitutions(variables: &Variables, version: usize) -> impl Iterator<Item = (String, String)> {
    let functions = [
        ("PlanRolloutFunction", "plan-rollout"),
        ("StartDeploymentFunction", "start-deployment"),
        ("CheckStatusFunction", "check-status"),
        ("BackOffFunction", "back-off"),
        ("CompleteLifecycleHookFunction", "complete-lifecycle-hook"),
    ];
    let versions =
        functions.map(|(placeholder, function)| (placeholder, format!("{}:{version}", function_arn(function))));
    // Fn::Base64, so that a list in JSON, or a name with an apostrophe, can stand inside a text.
    let encoded = aws_smithy_types::base64::encode;
    let settings = [
        ("Applications", encoded(variables.applications.as_deref().unwrap_or_default())),
        ("AutoScalingGroupName", encoded(&variables.served.auto_scaling_group_name)),
        ("ServedAutoScalingGroups", variables.served.served_auto_scaling_groups.clone()),
        ("LifecycleHookName", variables.lifecycle_hook_name.clone()),
        ("GateTagKey", variables.gate_tag_key.clone()),
        ("ScriptOutput", variables.script_output.clone()),
        ("TurnsTable", TURNS_TABLE.to_owned()),
    ];
    versions.into_iter().chain(settings).map(|(placeholder, value)| (placeholder.to_owned(), value))
}

/// The request of DynamoDB's CreateTable that makes the table of turns.
pub fn turns_table() -> serde_json::Value {
    serde_json::json!({
        "TableName": TURNS_TABLE,
        "AttributeDefinitions": [{"AttributeName": TURNS_KEY, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": TURNS_KEY, "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    })
}
