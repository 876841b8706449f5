//! The Lambda function `check-status`.

fn main() -> std::process::ExitCode {
    aws::function::run::<check_status::CheckStatus>()
}
