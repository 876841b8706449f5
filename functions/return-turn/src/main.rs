//! The Lambda function `return-turn`.

fn main() -> Result<(), aws::function::StartError> {
    aws::function::run::<return_turn::ReturnTurn>()
}
