//! The API in process: the whole router over a real store, without a socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not go on should stop"
)]

mod accounts;
mod bodies;
mod conventions;
mod description;
mod desk;
mod holds;
mod journal;
mod roles;
mod transactions;
