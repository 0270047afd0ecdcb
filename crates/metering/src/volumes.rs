//! What projects keep in storages, as their sources measured it last: what a clean-up charges (ledger.md, "Transactions").
//!
//! A usage event of a storage's source says what one bucket, its subject, takes at an instant. Of each bucket the latest
//! before a clean-up counts, in the order of events; a clean-up takes the sum of each project's buckets. Measurements that
//! come before a clean-up is made, and were made after it was due, are kept beside the one that counts for it.

use std::collections::BTreeMap;

use kopeck_directory::name::StorageId;
use kopeck_ledger::name::Moment;
use kopeck_rating::number::Number;
use serde::{Deserialize, Serialize};

/// What was measured, by storage, project and bucket: in the order of events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volumes(BTreeMap<StorageId, BTreeMap<String, BTreeMap<String, Vec<Measured>>>>);

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Measured {
    /// When, in nanoseconds of Unix time, and by which event: of one instant the last id counts.
    at: (i64, String),
    /// How much, in 10⁻⁹ MB.
    megabytes: i128,
}

/// An event that tells of a bucket.
#[derive(Debug, Clone, Copy)]
pub struct Measurement<'e> {
    /// Where it is.
    pub storage: StorageId,
    /// Whose it is.
    pub project: &'e str,
    /// The source's name for it.
    pub bucket: &'e str,
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// The event's id.
    pub id: &'e str,
    /// What it takes.
    pub megabytes: Number,
}

impl Volumes {
    /// Takes a measurement. No clean-up is to come as of an instant before `settled`, in nanoseconds of Unix time: of what
    /// was measured up to then the latest is kept.
    pub fn take(&mut self, measurement: Measurement<'_>, settled: i64) {
        let Measurement { storage, project, bucket, time, id, megabytes } = measurement;
        let buckets = self.0.entry(storage).or_default().entry(project.to_owned()).or_default();
        let measured = Measured { at: (time, id.to_owned()), megabytes: megabytes.units() };
        let known = buckets.entry(bucket.to_owned()).or_default();
        known.insert(known.partition_point(|known| known.at <= measured.at), measured);
        let superseded = known.partition_point(|known| known.at.0 <= settled).saturating_sub(1);
        known.drain(..superseded);
    }

    /// What each project keeps in a storage, by the measurements up to an instant; `None` where the sum is no number.
    pub fn of(&self, storage: StorageId, at: Moment) -> impl Iterator<Item = (&str, Option<Number>)> {
        self.0.get(&storage).into_iter().flatten().map(move |(project, buckets)| {
            let until = |known: &&Measured| known.at.0 <= at.nanoseconds();
            let counts = buckets.values().filter_map(|known| known.iter().rev().find(until));
            let sum = counts.map(|measured| measured.megabytes).sum();
            (project.as_str(), Number::from_units(sum))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// What a bucket takes by measurements (second, MB) that come in this order, where clean-ups up to `settled` are
    /// made, as of `at`; and how many measurements are kept.
    fn check(measured: &[(i64, &str)], settled: i64, at: i64) -> (String, usize) {
        let (storage, mut volumes) = (StorageId(Uuid::nil()), Volumes::default());
        for (time, megabytes) in measured {
            let megabytes = Number::from_json(megabytes).unwrap();
            let (project, bucket, time) = ("p", "b", *time);
            volumes.take(Measurement { storage, project, bucket, time, id: "e", megabytes }, settled);
        }
        let at = Moment::from_nanoseconds(at).unwrap();
        let volume = volumes.of(storage, at).next().unwrap().1.unwrap().to_string();
        (volume, volumes.0[&storage]["p"]["b"].len())
    }

    #[test]
    fn a_clean_up_counts_what_was_measured_last_before_it_was_due_also_where_more_came_since() {
        assert_eq!(check(&[(10, "7"), (20, "9")], 10, 15), ("7".to_owned(), 2));
        assert_eq!(check(&[(20, "9"), (10, "7")], 10, 15), ("7".to_owned(), 2));
        assert_eq!(check(&[(10, "7"), (20, "9")], 10, 20), ("9".to_owned(), 2));
    }

    #[test]
    fn of_what_no_clean_up_can_ask_for_the_latest_is_kept() {
        assert_eq!(check(&[(10, "7"), (20, "9"), (5, "1"), (15, "3")], 20, 30), ("9".to_owned(), 1));
    }
}
