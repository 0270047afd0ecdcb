//! What projects keep in storages, as their sources measured it: what a clean-up charges (ledger.md, "Transactions").
//!
//! A usage event of a storage's source says what one bucket, its subject, takes at an instant. A clean-up takes the sum
//! of each project's buckets, each as it was measured last up to the clean-up's instant. Clean-ups may be performed long
//! after they were due, so of each bucket is kept what those may ask for that were not performed: the last measurement
//! before each of them. That is one, and one more for each day that waits.

use std::collections::BTreeMap;
use std::fmt;

use kopeck_directory::name::StorageId;
use kopeck_ledger::name::Moment;
use kopeck_rating::number::Number;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What was measured, by storage, project and bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volumes(BTreeMap<StorageId, BTreeMap<String, BTreeMap<String, Bucket>>>);

/// The measurements of a bucket that may be asked for, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Bucket(Vec<Measured>);

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Measured {
    /// When, in nanoseconds of Unix time, and by which event: of one instant the last id counts.
    at: (i64, String),
    /// How much, in 10⁻⁹ MB.
    megabytes: i128,
}

impl<'de> Deserialize<'de> for Bucket {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Bucket, D::Error> {
        from.deserialize_any(Written)
    }
}

/// Reads a bucket of a state that was written down, perhaps when only the last measurement was kept.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Bucket;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a measurement or several")
    }

    fn visit_map<A: MapAccess<'de>>(self, last: A) -> Result<Bucket, A::Error> {
        Measured::deserialize(MapAccessDeserializer::new(last)).map(|last| Bucket(vec![last]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, all: A) -> Result<Bucket, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(all)).map(Bucket)
    }
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
    /// Takes a measurement. `cleaned` is the last clean-up of the storage that was performed, `received` when the measurement
    /// came: no clean-up is made as of an instant between them but those on schedule. `due` is the first of these at an
    /// instant or after it. All in nanoseconds of Unix time.
    pub fn take(
        &mut self,
        measurement: Measurement<'_>,
        (cleaned, received): (i64, i64),
        due: impl Fn(i64) -> Option<i64>,
    ) {
        let Measurement { storage, project, bucket, time, id, megabytes } = measurement;
        let buckets = self.0.entry(storage).or_default().entry(project.to_owned()).or_default();
        let measured = Measured { at: (time, id.to_owned()), megabytes: megabytes.units() };
        match buckets.get_mut(bucket) {
            Some(known) => known.take(measured, (cleaned, received), due),
            None => drop(buckets.insert(bucket.to_owned(), Bucket(vec![measured]))),
        }
    }

    /// A clean-up was performed: what only it or those before it could ask for goes.
    pub fn cleaned(&mut self, storage: StorageId, at: i64) {
        let buckets = self.0.get_mut(&storage).into_iter().flat_map(BTreeMap::values_mut);
        buckets.flat_map(BTreeMap::values_mut).for_each(|bucket| bucket.cleaned(at));
    }

    /// What each project keeps in a storage, by the measurements up to an instant; `None` where the sum is no number.
    pub fn of(&self, storage: StorageId, at: Moment) -> impl Iterator<Item = (&str, Option<Number>)> {
        self.0.get(&storage).into_iter().flatten().map(move |(project, buckets)| {
            let known = buckets.values().filter_map(|bucket| bucket.up_to(at.nanoseconds()));
            let sum = known.map(|measured| measured.megabytes).sum();
            (project.as_str(), Number::from_units(sum))
        })
    }
}

impl Bucket {
    fn up_to(&self, at: i64) -> Option<&Measured> {
        self.0.iter().rev().find(|measured| measured.at.0 <= at)
    }

    fn take(
        &mut self,
        measured: Measured,
        (cleaned, received): (i64, i64),
        due: impl Fn(i64) -> Option<i64>,
    ) {
        let Err(place) = self.0.binary_search_by(|known| known.at.cmp(&measured.at)) else { return };
        self.0.insert(place, measured);
        // One that comes later before the same clean-up is the one that counts, once its instant has come.
        let is_superseded = |one: i64, next: i64| {
            next <= received && (next <= cleaned || (one > cleaned && due(one) == due(next)))
        };
        let mut place = 0;
        while let Some(next) = self.0.get(place + 1) {
            if is_superseded(self.0[place].at.0, next.at.0) {
                self.0.remove(place);
            } else {
                place += 1;
            }
        }
    }

    /// Keeps the last one up to an instant, and all after it.
    fn cleaned(&mut self, at: i64) {
        let before = self.0.partition_point(|measured| measured.at.0 <= at).saturating_sub(1);
        self.0.drain(..before);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const DAY: i64 = 100;
    const NOW: i64 = 10_000;
    const STORAGE: StorageId = StorageId(Uuid::nil());

    /// Clean-ups are due at 100, 200 and so on.
    fn take(volumes: &mut Volumes, time: i64, megabytes: i128, cleaned: i64) {
        let (id, megabytes) = (format!("{megabytes}"), Number::from_units(megabytes).unwrap());
        let measurement =
            Measurement { storage: STORAGE, project: "p", bucket: "b", time, id: &id, megabytes };
        volumes.take(measurement, (cleaned, NOW), |time| {
            Some(time.div_euclid(DAY) * DAY + DAY * i64::from(time % DAY != 0))
        });
    }

    fn at(volumes: &Volumes, at: i64) -> i128 {
        let found = volumes.of(STORAGE, Moment::from_nanoseconds(at).unwrap()).next();
        found.unwrap().1.unwrap().units()
    }

    #[test]
    fn a_clean_up_sees_what_was_measured_up_to_its_instant_also_where_more_was_measured_since() {
        let mut volumes = Volumes::default();
        for (time, megabytes) in [(50, 1), (100, 2), (101, 3), (150, 4), (250, 5), (90, 6)] {
            take(&mut volumes, time, megabytes, 0);
        }
        assert_eq!([100, 200, 300].map(|due| at(&volumes, due)), [2, 4, 5]);
        volumes.cleaned(STORAGE, 200);
        assert_eq!([200, 300].map(|due| at(&volumes, due)), [4, 5]);
        assert_eq!(at(&volumes, 100), 0, "and the first is forgotten");
    }

    #[test]
    fn a_state_that_kept_only_the_last_measurement_is_read() {
        let old = r#"{"00000000-0000-0000-0000-000000000000":{"p":{"b":{"at":[50,"x"],"megabytes":7}}}}"#;
        let mut volumes: Volumes = serde_json::from_str(old).unwrap();
        take(&mut volumes, 150, 8, 0);
        assert_eq!([at(&volumes, 100), at(&volumes, 200)], [7, 8]);
        let written = serde_json::to_string(&volumes).unwrap();
        assert_eq!(serde_json::from_str::<Volumes>(&written).unwrap(), volumes);
    }

    #[test]
    fn what_is_measured_ahead_of_the_clock_hides_nothing_before_its_instant() {
        let mut volumes = Volumes::default();
        take(&mut volumes, NOW - 1, 1, 0);
        take(&mut volumes, NOW + 1, 2, 0);
        assert_eq!([NOW, NOW + 1].map(|by_hand| at(&volumes, by_hand)), [1, 2]);
    }

    proptest! {
        #[test]
        fn every_clean_up_that_waits_finds_what_all_measurements_would_tell_it(
            measured in prop::collection::vec((1_i64..1_000, 1_i128..1_000_000), 1..60),
            cleaned in 0_i64..9,
        ) {
            let (mut volumes, cleaned) = (Volumes::default(), cleaned * DAY);
            for (time, megabytes) in &measured {
                take(&mut volumes, *time, *megabytes, cleaned);
            }
            for due in (cleaned..=1_000).step_by(100) {
                let known = measured.iter().filter(|(time, _)| *time <= due);
                let last = known.max_by_key(|(time, megabytes)| (*time, megabytes.to_string()));
                prop_assert_eq!(at(&volumes, due), last.map_or(0, |(_, megabytes)| *megabytes));
            }
            let kept = volumes.0[&STORAGE]["p"]["b"].0.len();
            prop_assert!(kept <= usize::try_from((1_000 - cleaned) / DAY).unwrap() + 1, "{kept}");
        }
    }
}
