//! The Lambda function `start-deployment`.

fn main() -> Result<(), aws::function::StartError> {
    aws::function::run::<start_deployment::StartDeployment>()
}
