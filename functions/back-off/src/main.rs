//! The Lambda function `back-off`.

fn main() -> std::process::ExitCode {
    aws::function::run::<back_off::BackOff>()
}
