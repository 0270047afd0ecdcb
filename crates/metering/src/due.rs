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
use uuid::Uuid;

const HOUR: i64 = 3_600_000_000_000;

/// What is to be done at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// Post what runs.
    Hour,
    /// Charge what a storage keeps.
    CleanUp(StorageId),
    /// Look at what is limited.
    Look,
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

    /// Notes that something was done, at the instant at which it was due.
    pub fn note(&mut self, at: Moment, duty: Duty) {
        match duty {
            Duty::Hour => self.hour = Some(at.nanoseconds()),
            Duty::CleanUp(storage) => drop(self.cleaned.insert(storage, at.nanoseconds())),
            // Every start looks at all that is limited.
            Duty::Look => {}
        }
    }

    /// Takes up what is known to have been done: no clean-up is looked for again that was noted since this was written
    /// down.
    pub fn take_up(&mut self, duties: Vec<([u8; 16], Moment)>) {
        for (name, at) in duties {
            let last = self.cleaned.entry(StorageId(Uuid::from_bytes(name))).or_insert(at.nanoseconds());
            *last = (*last).max(at.nanoseconds());
        }
    }

    /// A whole step was decided at an instant: the hours before it have nothing more to post.
    pub fn note_whole(&mut self, at: Moment) {
        let hour = at.nanoseconds().div_euclid(HOUR).saturating_mul(HOUR);
        self.hour = Some(self.hour.map_or(hour, |last| last.max(hour)));
    }

    /// The last clean-up of a storage that was performed, or its beginning, in nanoseconds of Unix time.
    #[must_use]
    pub fn cleaned(&self, storage: &Storage) -> i64 {
        self.cleaned.get(&storage.id).copied().unwrap_or(storage.created.nanoseconds())
    }

    /// The next scheduled clean-up of a storage: the first that follows its last one, or its beginning.
    fn clean_up(&self, storage: &Storage, directory: &Directory) -> Option<Moment> {
        first_after(storage, directory, self.cleaned(storage))
    }
}

/// The first scheduled clean-up of a storage after an instant, in nanoseconds of Unix time.
#[must_use]
pub fn first_after(storage: &Storage, directory: &Directory, last: i64) -> Option<Moment> {
    let zone = &directory.shelf(storage.book.as_str())?.book.zone;
    let zone = TimeZone::get(zone.as_str()).ok()?;
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

#[cfg(test)]
mod tests {
    use kopeck_directory::access::Principal;
    use kopeck_directory::act::{Act, NewStorage, NewUser};
    use kopeck_directory::entity::{InstallationRole, PlanLimits, PlanTerms};
    use kopeck_directory::name::{PlanId, UserId};
    use kopeck_ledger::coefficient::Coefficient;
    use kopeck_ledger::name::{Currency, Text};

    use super::*;

    const STORAGE: StorageId = StorageId(Uuid::from_u128(3));

    fn instant(text: &str) -> Moment {
        Moment::try_from(text.parse::<Timestamp>().unwrap()).unwrap()
    }

    /// A user's storage, which is cleaned up at three in the morning in Moscow: midnight UTC.
    fn with_storage() -> Directory {
        let (plan, owner) = (PlanId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let text = |text| Text::new(text).unwrap();
        let terms = PlanTerms {
            name: text("plan"),
            coefficient: Coefficient::ONE,
            limits: PlanLimits::default(),
            storages: true,
            executors: true,
        };
        let (currency, roles) = (Currency::RUB, std::collections::BTreeSet::new());
        let user = NewUser { id: owner, name: text("Ann"), currency, plan: Some(plan), roles };
        let storage = NewStorage {
            id: STORAGE,
            owner,
            name: text("storage"),
            source: text("s3://one"),
            zone: text("Europe/Moscow"),
            currency,
            clean_up: jiff::civil::time(3, 0, 0, 0),
            price: "0.0001".parse().unwrap(),
        };
        let mut directory = Directory::default();
        let operator = Principal::Installation(InstallationRole::Operator);
        for act in [Act::CreatePlan(plan, terms), Act::CreateUser(user), Act::CreateStorage(storage)] {
            let change = directory.decide(&act, &operator, instant("2026-10-01T12:00:00Z")).unwrap();
            directory.apply(&change);
        }
        directory
    }

    #[test]
    fn what_was_noted_after_the_state_was_written_down_is_not_due_again() {
        let directory = with_storage();
        let mut done = Done::default();
        done.note_whole(instant("2026-11-01T10:20:00Z"));
        let next = |done: &Done| done.next(&directory, Moment::FIRST);
        assert_eq!(next(&done), (instant("2026-10-02T00:00:00Z"), Duty::CleanUp(STORAGE)));
        let noted = |text| (*STORAGE.0.as_bytes(), instant(text));
        done.take_up(vec![noted("2026-10-09T00:00:00Z"), noted("2026-10-08T00:00:00Z")]);
        assert_eq!(next(&done), (instant("2026-10-10T00:00:00Z"), Duty::CleanUp(STORAGE)));
    }

    #[test]
    fn hours_before_a_whole_step_are_not_due_again() {
        let mut done = Done::default();
        done.note_whole(instant("2026-10-01T10:20:00Z"));
        done.note_whole(instant("2026-10-01T09:00:00Z"));
        let due = done.next(&Directory::default(), instant("2026-10-01T00:00:00Z"));
        assert_eq!(due, (instant("2026-10-01T11:00:00Z"), Duty::Hour));
    }
}
