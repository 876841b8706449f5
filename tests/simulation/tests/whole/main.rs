//! Whole rollouts in virtual time: the functions, the definition and the world.

mod decisions;
mod fences;
mod ownership;
mod rollouts;
mod rules;
mod schedule;
mod seeds;
mod stage;
mod told;
mod updates;
mod wires;
