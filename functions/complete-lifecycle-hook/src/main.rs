//! The Lambda function `complete-lifecycle-hook`.

fn main() -> Result<(), aws::function::StartError> {
    aws::function::run::<complete_lifecycle_hook::CompleteLifecycleHook>()
}
