//! The seeded simulator: the real ledger and the real store under random work, crashes and clock jumps, judged after
//! every operation by the slow truth of `kopeck-reference`.
//!
//! ```text
//! draw ─▶ operation ─▶ bank (the store on its faulty disk) ─▶ replies, state, images of the files
//!      (`operation`)  └▶ Model (the reference)             ─▶ what they must be      ─▶ `judge`
//! ```
//!
//! One seed is one life of a ledger; the same seed is the same life. What may happen is a list of operations
//! ([`operation::Operation`]); a part of kopeck that is simulated later (rating, the guard, clouds) adds its
//! operations there, its truth beside the model in [`bank::Bank`], and its rules to `judge`.
//! Deliberately absent: real time, real randomness, and expectations that are written down anywhere but in the reference.
#![allow(
    clippy::unwrap_used,
    reason = "what is made of constants is valid; a panic is told with its seed, like any failure"
)]

pub mod bank;
mod crash;
mod disk;
mod draw;
mod fill;
pub mod installation;
mod judge;
mod life;
pub mod operation;
mod past;
mod work;

pub use fill::fill;
pub use life::{Failure, OPERATIONS, Summary, live};
