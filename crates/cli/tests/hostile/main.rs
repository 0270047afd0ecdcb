//! The real server under clients that mean no good, under sudden deaths, and under the tools of others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not go on should stop"
)]

mod access;
mod access_routes;
mod backups;
mod clients;
mod effects;
mod kills;
mod kills_load;
mod nodes;
#[path = "../../../store/tests/postgres_server/mod.rs"]
mod postgres_server;
mod server;
mod tools;
mod world;
