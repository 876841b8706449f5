//! A function for the stack's own tests, which does what its event says.

use std::time::Duration;

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if let Ok(milliseconds) = std::env::var("START") {
        tokio::time::sleep(Duration::from_millis(milliseconds.parse()?)).await;
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let (event, context) = event.into_parts();
    if let Some(milliseconds) = event["sleep"].as_u64() {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    if let Some(code) = event["exit"].as_i64() {
        std::process::exit(code as i32);
    }
    if let Some(path) = event["count"].as_str().map(str::to_owned).or_else(|| std::env::var("COUNT").ok()) {
        append(&path, "x");
    }
    if let Ok(path) = std::env::var("EVENTS") {
        append(&path, &format!("{event}\n"));
    }
    if let Some(error) = event["error"].as_str() {
        return Err(Diagnostic { error_type: error.to_owned(), error_message: "as asked \"for\"".to_owned() });
    }
    Ok(json!({
        "echo": event,
        "pid": std::process::id(),
        "requestId": context.request_id,
        "deadline": context.deadline,
        "arn": context.invoked_function_arn,
        "endpoint": std::env::var("AWS_ENDPOINT_URL").ok(),
        "accessKeyId": std::env::var("AWS_ACCESS_KEY_ID").ok(),
        "variable": std::env::var("VARIABLE").ok(),
        "stateMachine": std::env::var("STATE_MACHINE_ARN").ok(),
        "groups": (["AUTO_SCALING_GROUP_NAME", "SERVED_AUTO_SCALING_GROUPS"].map(|name| std::env::var(name).ok())),
        "hook": std::env::var("LIFECYCLE_HOOK_NAME").ok(),
    }))
}

fn append(path: &str, text: &str) {
    use std::io::Write;
    let file = std::fs::File::options().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the test's folder is writable");
}
