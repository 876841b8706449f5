//! In an iteration of the rollout: how the deployment of one application is going.

mod handler;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use turnstile::autoscaling::AutoScaling;
use turnstile::codedeploy::CodeDeploy;
use turnstile::turn::Turns;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let config = turnstile::aws::config().await;
    let handler = Handler {
        codedeploy: CodeDeploy::new(aws_sdk_codedeploy::Client::new(&config)),
        autoscaling: AutoScaling::new(aws_sdk_autoscaling::Client::new(&config)),
        turns: Turns::new(aws_sdk_dynamodb::Client::new(&config), std::env::var("TURNS_TABLE")?),
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| handler.handle(event.payload))).await
}
