//! The Lambda function `plan-rollout`.

fn main() -> Result<(), aws::function::StartError> {
    aws::function::run::<plan_rollout::PlanRollout>()
}
