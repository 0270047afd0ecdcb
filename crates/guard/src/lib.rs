//! The pure guard.

pub mod authorisation;
pub mod crossing;
pub mod curve;
pub mod decide;
pub mod forecast;
pub mod limit;
mod piece;
pub mod pricing;
pub mod stopping;
pub mod within;
