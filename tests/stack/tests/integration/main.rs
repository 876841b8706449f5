//! The stack from outside: needs `.venv`, which `make test` makes.

mod engine;
mod fixture;
mod functions;
mod processes;
mod whole;
