//! The Lambda function `start-rollout`.

fn main() -> std::process::ExitCode {
    aws::function::run::<start_rollout::StartRollout>()
}
