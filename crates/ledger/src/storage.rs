//! What storages have charged their projects, day by day.
//!
//! A clean-up charges a project at most once per local day; a second one on that day charges only what the volume
//! has grown (ledger.md). So the volume that is charged is kept for each storage, project and day.

use std::collections::BTreeMap;

use kopeck_rating::number::Number;

/// Days before the last one whose volumes are kept; a clean-up that is reported later than that is refused.
pub const DAYS_KEPT: i32 = 62;

/// A local day, as days since 1970-01-01.
pub type Day = i32;

/// The day and volume that a storage payment charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageDay {
    /// The local day of the clean-up, in the workspace's zone.
    pub day: Day,
    /// What the volume has grown since it was last charged on that day, in MB: above zero.
    pub grown: Number,
}

/// The volumes that one storage has charged one project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Charged {
    days: BTreeMap<Day, Number>,
}
