//! Random scenarios: drawn from a seed, held against "any end with a reason", and made smaller where they fall short.

mod draw;
mod shrink;

use crate::format::Scenario;
use crate::outcome::Came;
use crate::variant::Variant;
use crate::{judge, run};

pub use draw::draw;
pub use shrink::shrink;

/// Runs a random scenario, whose open facts are all fixed. What came out, and where it fell short.
///
/// # Errors
/// When it could not be run.
pub async fn try_out(scenario: &Scenario) -> Result<(Came, Vec<String>), run::Error> {
    let came = run::run(scenario, Variant::Default).await?;
    let shortfalls = judge::shortfalls(scenario, &came);
    Ok((came, shortfalls))
}
