//! The first state of a rollout: makes a plan of the input, and checks that it can be carried out.

mod handler;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use turnstile::autoscaling::AutoScaling;
use turnstile::codedeploy::CodeDeploy;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let config = turnstile::aws::config().await;
    let handler = Handler {
        codedeploy: CodeDeploy::new(aws_sdk_codedeploy::Client::new(&config)),
        autoscaling: AutoScaling::new(aws_sdk_autoscaling::Client::new(&config)),
        default_applications: std::env::var("APPLICATIONS").unwrap_or_default(),
        own_hook: std::env::var("LIFECYCLE_HOOK_NAME")?,
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| handler.handle(event.payload))).await
}
