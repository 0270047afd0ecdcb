//! Notices: what is told to whoever pays and to the operator, each thing once (guard.md).

use kopeck_directory::limit::Holder;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::Moment;
use kopeck_store::events::Kept;
use serde::{Deserialize, Serialize};

/// The list of notices beside the log.
pub const NOTICES: u8 = 2;

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When it was so.
    pub at: Moment,
    /// Whose limit it is about.
    pub holder: Holder,
    /// Which limit, by its name.
    pub limit: String,
    /// What is told.
    pub what: What,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A threshold was reached.
    Threshold {
        /// Per cent of the limit.
        percent: u16,
    },
    /// What it looks at is stopped.
    Stopped,
    /// What had stopped it was lifted; nothing was started.
    Lifted,
    /// More was spent than it allows.
    Beyond {
        /// How much.
        amount: Amount,
        /// Why: see [`word_of`](super::memory::word_of).
        cause: String,
    },
    /// A cloud has not obeyed a stop within its declared latency.
    Disobeyed {
        /// The source.
        source: String,
        /// The resource.
        resource: String,
    },
}

/// What the names of all that is kept of a holder begin with.
#[must_use]
pub fn name_of(holder: &Holder) -> Vec<u8> {
    let kind = match holder {
        Holder::Project(_) => "project",
        Holder::Workspace(_) => "workspace",
    };
    // No name of a project has the byte zero.
    format!("{kind} {holder}\0").into_bytes()
}

impl Notice {
    /// As it is kept beside the log; `place` tells it from others of the same instant.
    ///
    /// # Errors
    /// [`serde_json::Error`], which texts and numbers never cause.
    pub fn kept(&self, place: u64) -> Result<Kept, serde_json::Error> {
        let mut name = name_of(&self.holder);
        // Instants before 1970 come first as well.
        name.extend((self.at.nanoseconds().cast_unsigned() ^ (1 << 63)).to_be_bytes());
        name.extend(place.to_be_bytes());
        Ok(Kept { list: NOTICES, name, is_open: false, bytes: serde_json::to_vec(self)? })
    }
}
