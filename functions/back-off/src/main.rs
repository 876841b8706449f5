//! The Lambda function `back-off`.

fn main() -> Result<(), aws::function::StartError> {
    aws::function::run::<back_off::BackOff>()
}
