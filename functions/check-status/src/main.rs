//! The Lambda function `check-status`.

fn main() -> Result<(), aws::function::StartError> {
    aws::function::run::<check_status::CheckStatus>()
}
