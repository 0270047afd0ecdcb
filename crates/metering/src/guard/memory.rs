//! What the guard remembers of a holder of limits beyond a restart: what was told, what is stopped, what went beyond.
//!
//! Everything else follows from the state and is computed again: curves, looks, timers.

use std::collections::BTreeMap;

use kopeck_guard::decide::Cause;
use kopeck_ledger::amount::Amount;
use kopeck_rating::calendar::Second;
use serde::{Deserialize, Serialize};

/// See the module. By the names of limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The highest threshold that was told, and in which time.
    pub told: BTreeMap<String, Told>,
    /// What is stopped.
    pub stopped: BTreeMap<String, Stopped>,
    /// What was spent beyond.
    pub beyond: BTreeMap<String, Beyond>,
    /// How much each limit allowed when it was last kept: one that allows less now was lowered since.
    pub kept_at: BTreeMap<String, Amount>,
    /// What rate-limited cost had come to at some instants.
    pub paces: BTreeMap<String, Pace>,
}

/// Thresholds that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The first second of the month that it was told in; none for a lifetime.
    pub month: Option<Second>,
    /// The highest of them.
    pub percent: u16,
}

/// A limit has stopped what it looks at, and nothing has lifted that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Since when.
    pub since: Second,
    /// The month whose limit it is; none for a lifetime and a wallet.
    pub month: Option<Second>,
    /// What the limit allowed at the least meanwhile; of a wallet what was available.
    pub allowed: Amount,
}

/// What was spent beyond a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beyond {
    /// Since when.
    pub since: Second,
    /// The month whose cap it is; none for a lifetime and a wallet.
    pub month: Option<Second>,
    /// How much it is now.
    pub amount: Amount,
    /// Why.
    #[serde(with = "cause")]
    pub cause: Cause,
}

/// What a project's rate-limited cost has come to since ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// At instants of the last hours, ascending.
    pub samples: Vec<(Second, Amount)>,
    /// What each full hour has cost, the newest last: a week of them.
    pub hours: Vec<Amount>,
    /// The hour that the next one follows, and what all had come to at its end.
    pub hour: Option<(Second, Amount)>,
}

/// The words of causes.
mod cause {
    use kopeck_guard::decide::Cause;
    use serde::{Deserialize, Deserializer, Serializer};

    const WORDS: [(Cause, &str); 4] = [
        (Cause::LateReport, "late_report"),
        (Cause::SlowCloud, "slow_cloud"),
        (Cause::Unauthorised, "unauthorised"),
        (Cause::LimitSetBelow, "limit_set_below"),
    ];

    pub fn word(cause: Cause) -> &'static str {
        WORDS.iter().find(|(known, _)| *known == cause).map_or("", |(_, word)| word)
    }

    pub fn serialize<S: Serializer>(cause: &Cause, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(word(*cause))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cause, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = WORDS.iter().find(|(_, word)| *word == text);
        known.map(|(cause, _)| *cause).ok_or_else(|| serde::de::Error::custom("no cause"))
    }
}

/// The word of a cause.
#[must_use]
pub fn word_of(cause: Cause) -> &'static str {
    cause::word(cause)
}
