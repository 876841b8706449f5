//! The functions, the state machine's definition and the world in one process and in virtual time, decided by a seed.

pub mod machine;
