//! End-to-end tests: the real binary, its files, its output and its exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on should stop")]

mod bad_input;
mod bench;
mod cases;
mod demo;
mod desk;
mod estimate;
mod guard;
mod ledger;
mod prices;
mod rate;
mod remote;
mod serve;
