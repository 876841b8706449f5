//! The Lambda function `take-turn`.

fn main() -> Result<(), aws::function::StartError> {
    aws::function::run::<take_turn::TakeTurn>()
}
