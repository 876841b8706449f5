//! Whole rollouts on the local stack. The tests are one program: they mostly wait, and cargo runs only the tests of one program side by side.

mod back_off;
mod bad_input;
mod by_hand;
mod forgotten;
mod launch;
mod log_lines;
mod lost_turns;
mod many;
mod reasons;
mod repeated_calls;
mod set_up;
