//! The stack from outside: needs `.venv`, which `make test` makes.

mod engine;
mod events;
mod faults;
mod fixture;
mod functions;
mod processes;
mod turns;
mod whole;
