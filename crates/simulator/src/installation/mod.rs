//! Lives of whole installations: metering over the real ledger, event log and directory, with one clock, killed at any
//! write of any of them, and judged by the reference.
//!
//! ```text
//! draw ─▶ operation ─▶ site (three stores, metering) ─▶ journal, log          ─▶ `judge`
//!      (`life`)    │     └ camera: the folder at points of commits            ┌▶ the same
//!                  │           └▶ another site: opened, asked again, settled ─┘
//!                  └▶ truth (accepted events; `kopeck_reference::gross`)  ─▶ what they must be
//! ```
//!
//! A crash is a picture of the whole folder, taken when a store comes to a point of a commit, so it falls between the
//! writes of one store as well as between two stores. Opened again and asked the same once more, it must come to the
//! same money as the installation that nothing happened to. Operations meet disks that are full or do not answer, too:
//! what they answer then must be so. Some lives have a machine's clock, which jumps ahead and back.
//! Deliberately absent: HTTP, and torn pages, which each store's own crash tests have.

mod camera;
mod cast;
mod cloud;
mod holds;
mod judge;
mod life;
mod operation;
mod site;
mod truth;

pub use life::{OPERATIONS, Summary, live};
