//! The Lambda function `plan-rollout`.

fn main() -> std::process::ExitCode {
    aws::function::run::<plan_rollout::PlanRollout>()
}
