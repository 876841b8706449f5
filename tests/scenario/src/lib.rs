//! **Scenarios**: files that describe a world, its faults and what must come out, and what runs them through the whole local stack.
//!
//! [`format::read`] reads a file, [`run::run`] runs it, [`judge::shortfalls`] says where it fell short. `tests/scenarios/README.md` is the
//! format's documentation. [`chaos`] draws scenarios from a seed.

mod acting;
mod moment;
mod setting;

pub mod chaos;
pub mod files;
pub mod format;
pub mod judge;
pub mod outcome;
pub mod record;
pub mod run;
pub mod variant;
pub mod verdict;
