//! The Lambda function `start-rollout`.

fn main() -> Result<(), aws::function::StartError> {
    aws::function::run::<start_rollout::StartRollout>()
}
