//! The Lambda function `complete-lifecycle-hook`.

fn main() -> std::process::ExitCode {
    aws::function::run::<complete_lifecycle_hook::CompleteLifecycleHook>()
}
