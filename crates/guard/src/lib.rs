//! The pure guard.

pub mod crossing;
pub mod curve;
pub mod decide;
pub mod limit;
mod piece;
pub mod stopping;
pub mod within;
