//! The AWS account that the stack and the simulation both play: its names and ARNs, its calls, executions and turns as tests see
//! them, and the settings and permissions of its functions.

pub mod calls;
pub mod events;
mod execution;
pub mod history;
mod invoked;
pub mod permissions;
mod turn;
mod variables;

pub use execution::Execution;
pub use invoked::Invoked;
pub use turn::Turn;
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
    "take-turn",
    "start-deployment",
    "check-status",
    "return-turn",
    "complete-lifecycle-hook",
];

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

/// What SAM's `DefinitionSubstitutions` puts into the definition: each placeholder's name and the ARN that takes its place.
pub fn substitutions() -> impl Iterator<Item = (String, String)> {
    let functions = [
        ("PlanRolloutFunction", "plan-rollout"),
        ("TakeTurnFunction", "take-turn"),
        ("StartDeploymentFunction", "start-deployment"),
        ("CheckStatusFunction", "check-status"),
        ("ReturnTurnFunction", "return-turn"),
        ("CompleteLifecycleHookFunction", "complete-lifecycle-hook"),
    ];
    functions.into_iter().map(|(placeholder, function)| (placeholder.to_owned(), function_arn(function)))
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
