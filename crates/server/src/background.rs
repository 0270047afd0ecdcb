//! What nobody asks for: work of the clock.

pub mod directory;
pub mod expiry;
pub mod stops;
