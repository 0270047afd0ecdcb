//! The marketplace's routes: who may ask which, and what strangers are told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod access;
mod guard;
mod market;
mod usage;
mod world;
