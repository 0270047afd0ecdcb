//! What projects keep in storages, as their sources measured it last: what a clean-up charges (ledger.md, "Transactions").
//!
//! A usage event of a storage's source says what one bucket, its subject, takes at an instant. The latest of each bucket
//! counts, in the order of events; a clean-up takes the sum of each project's buckets.

use std::collections::BTreeMap;

use kopeck_directory::name::StorageId;
use kopeck_ledger::name::Moment;
use kopeck_rating::number::Number;
use serde::{Deserialize, Serialize};

/// What was measured last, by storage, project and bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volumes(BTreeMap<StorageId, BTreeMap<String, BTreeMap<String, Measured>>>);

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
    /// Takes a measurement; one that is older than what is known changes nothing.
    pub fn take(&mut self, measurement: Measurement<'_>) {
        let Measurement { storage, project, bucket, time, id, megabytes } = measurement;
        let buckets = self.0.entry(storage).or_default().entry(project.to_owned()).or_default();
        let measured = Measured { at: (time, id.to_owned()), megabytes: megabytes.units() };
        match buckets.get_mut(bucket) {
            Some(known) if known.at >= measured.at => (),
            Some(known) => *known = measured,
            None => drop(buckets.insert(bucket.to_owned(), measured)),
        }
    }

    /// What each project keeps in a storage, by the measurements up to an instant; `None` where the sum is no number.
    pub fn of(&self, storage: StorageId, at: Moment) -> impl Iterator<Item = (&str, Option<Number>)> {
        self.0.get(&storage).into_iter().flatten().map(move |(project, buckets)| {
            let known = buckets.values().filter(|measured| measured.at.0 <= at.nanoseconds());
            let sum = known.map(|measured| measured.megabytes).sum();
            (project.as_str(), Number::from_units(sum))
        })
    }
}
