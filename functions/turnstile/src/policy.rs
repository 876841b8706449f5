//! The decisions of a rollout, as pure functions over its words.

pub mod abandoned;
pub mod alarm;
pub mod back_off;
pub mod cause;
pub mod cohort;
pub mod console;
pub mod deployment_tag;
pub mod dry_run;
pub mod fleet;
pub mod gate;
pub mod hook_state;
pub mod observations;
pub mod owner;
pub mod pending_hook;
pub mod plain_text;
pub mod preflight;
pub mod reason;
pub mod retry;
pub mod stall;
pub mod sweep;
pub mod turn;
pub mod up_to_date;
pub mod verdict;
pub mod waits;
