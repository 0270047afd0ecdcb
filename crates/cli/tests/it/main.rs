//! End-to-end tests: the real binary, its files, its output and its exit codes.

mod bad_input;
mod cases;
mod desk;
mod rate;
