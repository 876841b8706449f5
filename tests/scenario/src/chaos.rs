//! Random scenarios: drawn from a seed, judged by whether every end has a reason, and shrunk where one has none.

mod draw;
mod report;
mod shrink;

pub use draw::draw;
pub use report::{Report, Violation};
pub use shrink::shrink;
