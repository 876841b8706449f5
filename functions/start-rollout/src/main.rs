//! Takes the events of launching instances, and starts their rollouts.

mod handler;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let config = turnstile::aws::config().await;
    let handler =
        Handler { sfn: aws_sdk_sfn::Client::new(&config), state_machine_arn: std::env::var("STATE_MACHINE_ARN")? };
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| handler.handle(event.payload))).await
}
