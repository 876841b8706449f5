//! The Lambda function `start-deployment`.

fn main() -> std::process::ExitCode {
    aws::function::run::<start_deployment::StartDeployment>()
}
