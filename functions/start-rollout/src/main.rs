//! Takes the events of launching instances, and the schedule's, and starts rollouts.

mod handler;
mod name;
mod notification;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use turnstile::autoscaling::AutoScaling;
use turnstile::executions::Executions;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let config = turnstile::aws::config().await;
    let handler = Handler {
        executions: Executions::new(aws_sdk_sfn::Client::new(&config)),
        autoscaling: AutoScaling::new(aws_sdk_autoscaling::Client::new(&config)),
        state_machine_arn: std::env::var("STATE_MACHINE_ARN")?,
        auto_scaling_group_name: std::env::var("AUTO_SCALING_GROUP_NAME")?,
        lifecycle_hook_name: std::env::var("LIFECYCLE_HOOK_NAME")?,
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| handler.handle(event.payload))).await
}
