//! Which shard meters a project: each has an event log, a state and an owner of its own.
//!
//! A project stays where it began, also when another workspace pays for it: its shard has all of its past. So the events of
//! one source and id are told apart within the projects of a shard, and those of a workspace's own projects are in one.

use std::fmt;
use std::num::NonZeroU32;

use kopeck_directory::entity::Project;
use kopeck_ledger::name::Moment;

/// A shard: 0 for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardNumber(pub u32);

impl ShardNumber {
    /// The only one, where metering is not dealt out.
    pub const ONLY: ShardNumber = ShardNumber(0);
}

impl fmt::Display for ShardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How projects are dealt out over shards. It is fixed when an installation is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    shards: NonZeroU32,
    since: Moment,
}

impl Placement {
    /// All in one.
    pub const WHOLE: Placement = Placement { shards: NonZeroU32::MIN, since: Moment::FIRST };

    /// Over so many shards; projects that were made before an instant stay in the first, which has metered them until
    /// then.
    #[must_use]
    pub fn over(shards: NonZeroU32, since: Moment) -> Placement {
        Placement { shards, since }
    }

    /// All shards, in their order.
    pub fn shards(self) -> impl Iterator<Item = ShardNumber> {
        (0..self.shards.get()).map(ShardNumber)
    }

    /// The shard that meters a project.
    #[must_use]
    pub fn of(self, project: &Project) -> ShardNumber {
        if project.created < self.since {
            return ShardNumber::ONLY;
        }
        // A project always has its first workspace, whose id is random in its low bits.
        let home = project.attachments.first().map_or(0, |first| first.workspace.0.as_u128());
        ShardNumber(u32::try_from(home % u128::from(self.shards.get())).unwrap_or(0))
    }
}
