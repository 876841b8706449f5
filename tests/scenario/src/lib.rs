//! **Scenarios**: files that describe a world, what goes wrong in it, and what is expected of Turnstile.
//!
//! [`format::read`] reads a file, [`run::run`] runs it on a [`bed::Bed`] and gives what was [observed](observed::Observed), and
//! [`judge::unmet`] names the expectations that were not met. `tests/scenarios/README.md` documents the format. [`chaos`] draws scenarios from a
//! seed.

mod condition;
mod instance;
mod metrics;
mod perform;
mod setting;
mod snapshot;

/// A simulated run allocates much and keeps little: of its time a fifth went into the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod bed;
pub mod chaos;
pub mod cross_check;
pub mod files;
pub mod format;
pub mod judge;
pub mod observed;
pub mod record;
pub mod run;
pub mod story;
pub mod variant;
pub mod verdict;
