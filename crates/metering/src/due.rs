//! What is due when: the hours at which all running cost is posted, and the clean-ups of storages (ledger.md).
//!
//! Instants are computed, not polled for: whoever lives by the machine's clock sleeps until the next one, and a
//! simulated clock that is set forward meets each of them in its order.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use kopeck_directory::Directory;
use kopeck_directory::entity::Storage;
use kopeck_directory::name::StorageId;
use kopeck_ledger::name::Moment;
use serde::{Deserialize, Serialize};

const HOUR: i64 = 3_600_000_000_000;

/// What is to be done at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// Post what runs.
    Hour,
    /// Charge what a storage keeps.
    CleanUp(StorageId),
}

/// What was done last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The hour, in nanoseconds of Unix time.
    hour: Option<i64>,
    /// The scheduled clean-ups, in nanoseconds of Unix time.
    cleaned: BTreeMap<StorageId, i64>,
}

impl Done {
    /// What is due first after what was done; before the first hour, from an instant on.
    #[must_use]
    pub fn next(&self, directory: &Directory, from: Moment) -> (Moment, Duty) {
        let hour =
            self.hour.unwrap_or(from.nanoseconds()).div_euclid(HOUR).saturating_add(1).saturating_mul(HOUR);
        let hour = (Moment::from_nanoseconds(hour).unwrap_or(Moment::LAST), Duty::Hour);
        let storages = directory.storages().after(None);
        let clean_ups = storages
            .filter_map(|(_, storage)| Some((self.clean_up(storage, directory)?, Duty::CleanUp(storage.id))));
        clean_ups.fold(hour, |first, next| first.min(next))
    }

    /// When a storage is cleaned up next by its schedule. `None` where there is no such storage.
    #[must_use]
    pub fn next_clean_up(&self, storage: StorageId, directory: &Directory) -> Option<Moment> {
        self.clean_up(directory.storages().get(&storage)?, directory)
    }

    /// Notes that something was done, at the instant at which it was due.
    pub fn note(&mut self, at: Moment, duty: Duty) {
        match duty {
            Duty::Hour => self.hour = Some(at.nanoseconds()),
            Duty::CleanUp(storage) => drop(self.cleaned.insert(storage, at.nanoseconds())),
        }
    }

    /// The next scheduled clean-up of a storage: the first that follows its last one, or its beginning.
    fn clean_up(&self, storage: &Storage, directory: &Directory) -> Option<Moment> {
        let zone = &directory.shelf(storage.book.as_str())?.book.zone;
        let zone = TimeZone::get(zone.as_str()).ok()?;
        let last = self.cleaned.get(&storage.id).copied().unwrap_or(storage.created.nanoseconds());
        let last = Timestamp::from_nanosecond(i128::from(last)).ok()?;
        let mut date = last.to_zoned(zone.clone()).date();
        // A local time that a day skips or shows twice stands for the instant that calendars give it.
        loop {
            let at = date.to_datetime(storage.clean_up).to_zoned(zone.clone()).ok()?.timestamp();
            if at > last {
                return Moment::try_from(at).ok();
            }
            date = date.checked_add(1.day()).ok()?;
        }
    }
}
