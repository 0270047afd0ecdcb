//! Crashes at every write: whatever is on the disk at that instant is opened again, and must be a whole ledger.
//!
//! A store runs random work. At each point of each commit its files are copied, as a killed process would leave them;
//! from the images around a commit those are made that a power cut leaves, with a log that was written up to some byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bank;

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};

use bank::{Bank, done, verified};
use kopeck_ledger::request::Request;
use kopeck_store::faults::{CrashImage, Fate, Faults, Point};
use kopeck_store::sqlite::{DATABASE_FILE, LOG_FILE, Options, SqliteStore};
use kopeck_store::{Store, StoreError};
use proptest::prelude::*;
use proptest::sample::Index;
use rusqlite::Connection;

/// Copies the files at every point.
struct Camera(Sender<(Point, CrashImage)>);

impl Faults for Camera {
    fn at(&mut self, point: Point, folder: &Path) -> Fate {
        self.0.send((point, CrashImage::take(folder).unwrap())).unwrap();
        Fate::GoOn
    }
}

fn with_camera(bank: &Bank, folder: &Path) -> (SqliteStore, Receiver<(Point, CrashImage)>) {
    bank.store_in(folder, 3).close();
    let (camera, images) = mpsc::channel();
    let options = Options { faults: Box::new(Camera(camera)), ..bank.options() };
    (SqliteStore::open(folder, options).unwrap(), images)
}

/// Opens an image, proves it, and goes on with it: the batches up to `whole` are in it, `maybe` whole or not at all.
fn check(bank: &Bank, image: &CrashImage, whole: &[Vec<Request>], maybe: &[Request]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    image.write_to(folder.path()).unwrap();
    let store = bank.open_in(folder.path());
    verified(&store);
    for request in whole.iter().flatten() {
        assert!(store.record(request.id).unwrap().is_some(), "an acknowledged request is lost");
    }
    let found = maybe.iter().filter(|request| store.record(request.id).unwrap().is_some()).count();
    assert!(found == 0 || found == maybe.len(), "{found} of {} requests of one batch", maybe.len());
    let before = store.head().unwrap().sequence.0;
    // Whoever has no answer asks again: then all is there once.
    done(store.perform(whole.iter().flatten().cloned().collect()));
    assert_eq!(store.head().unwrap().sequence.0, before, "a retry has posted again");
    done(store.perform(maybe.to_vec()));
    let missing = if found == 0 { maybe.len() } else { 0 };
    assert_eq!(verified(&store), before + missing as u64);
    store.close();
    verified(&bank.open_in(folder.path()));
    found > 0
}

fn batches(bank: &Bank, sizes: &[usize]) -> Vec<Vec<Request>> {
    let request = |number: usize| bank.transfer(1 + number as u64 % 3, 1 + (number as u64 + 1) % 3, "0.5");
    sizes.iter().map(|size| (0..*size).map(request).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn a_crash_at_any_point_or_byte_loses_nothing_and_doubles_nothing(
        sizes in proptest::collection::vec(1_usize..200, 1..4),
        cuts in proptest::collection::vec(any::<Index>(), 6),
    ) {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        let (store, images) = with_camera(&bank, folder.path());
        let batches = batches(&bank, &sizes);
        for (place, batch) in batches.iter().enumerate() {
            done(store.perform(batch.clone()));
            let [begin, written, committed] = [(); 3].map(|()| images.recv().unwrap());
            prop_assert_eq!([begin.0, written.0, committed.0], [Point::Begin, Point::Written, Point::Committed]);
            let before = &batches[..place];
            prop_assert!(!check(&bank, &begin.1, before, batch));
            prop_assert!(!check(&bank, &written.1, before, batch));
            prop_assert!(check(&bank, &committed.1, before, batch));
            let torn = begin.1.log_written(&committed.1);
            for cut in &cuts {
                check(&bank, &begin.1.torn(&committed.1, torn.start + cut.index(torn.len())), before, batch);
            }
        }
    }
}

#[test]
fn a_log_that_lacks_its_last_byte_lacks_the_whole_commit() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let (store, images) = with_camera(&bank, folder.path());
    let batch = batches(&bank, &[100]).remove(0);
    done(store.perform(batch.clone()));
    let images: Vec<_> = (0..3).map(|_| images.recv().unwrap().1).collect();
    let written = images[0].log_written(&images[2]);
    assert!(written.len() > 10_000, "the commit has written to the log");
    assert!(!check(&bank, &images[0].torn(&images[2], written.end - 1), &[], &batch));
    assert!(check(&bank, &images[0].torn(&images[2], written.end), &[], &batch));
}

#[test]
fn a_crash_while_the_log_is_moved_into_the_database_loses_nothing() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let store = bank.store_in(folder.path(), 3);
    let batches = batches(&bank, &[300, 300]);
    batches.iter().for_each(|batch| drop(done(store.perform(batch.clone()))));
    let before = CrashImage::take(folder.path()).unwrap();
    let mover = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    mover.query_row("PRAGMA wal_checkpoint(FULL)", (), |_| Ok(())).unwrap();
    let after = CrashImage::take(folder.path()).unwrap();
    assert_ne!(before, after);
    for seed in 0..10 {
        check(&bank, &before.moved_partly(&after, seed), &batches, &[]);
    }
}

/// Does the same at one point of every commit, or of the first one only.
struct At {
    point: Point,
    fate: Fate,
    once: bool,
}

impl Faults for At {
    fn at(&mut self, point: Point, _: &Path) -> Fate {
        if point != self.point {
            return Fate::GoOn;
        }
        let next = if self.once { Fate::GoOn } else { self.fate.clone() };
        std::mem::replace(&mut self.fate, next)
    }
}

#[test]
fn who_is_left_in_doubt_asks_again_and_all_goes_on() {
    for point in [Point::Begin, Point::Written, Point::Committed] {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        bank.store_in(folder.path(), 3).close();
        let faults = Box::new(At { point, fate: Fate::Doubt, once: true });
        let store = SqliteStore::open(folder.path(), Options { faults, ..bank.options() }).unwrap();
        let mut batches = batches(&bank, &[10, 20, 30]);
        // Those behind it were decided on what nobody knows: they are void or done as well, never half.
        let tickets: Vec<_> = batches.iter().map(|batch| store.submit(batch.clone()).unwrap()).collect();
        let answers: Vec<_> = tickets.into_iter().map(kopeck_store::Ticket::wait).collect();
        assert!(matches!(answers[0], Err(StoreError::Unknown(_))), "{answers:?}");
        batches.rotate_left(1);
        for batch in &batches {
            done(store.perform(batch.clone()));
        }
        assert_eq!(verified(&store), 7 + 60);
        let accounts = store.accounts(0, 9);
        store.close();
        assert_eq!(bank.open_in(folder.path()).accounts(0, 9), accounts);
    }
}

#[test]
fn who_was_not_answered_before_the_end_asks_again() {
    for (point, is_there) in [(Point::Begin, false), (Point::Written, false), (Point::Committed, true)] {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        bank.store_in(folder.path(), 3).close();
        let options =
            Options { faults: Box::new(At { point, fate: Fate::Die, once: false }), ..bank.options() };
        let store = SqliteStore::open(folder.path(), options).unwrap();
        let batch = batches(&bank, &[10]).remove(0);
        for _ in 0..2 {
            let unknown = store.perform(batch.clone()).unwrap_err();
            assert!(matches!(unknown, StoreError::Unknown(_)), "{unknown}");
        }
        store.close();
        let store = bank.open_in(folder.path());
        assert_eq!(store.record(batch[9].id).unwrap().is_some(), is_there);
        done(store.perform(batch));
        assert_eq!(verified(&store), 7 + 10);
    }
}

#[test]
fn a_log_made_at_its_full_size_is_used_and_survives_a_crash() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    bank.store_in(folder.path(), 3).close();
    let log = folder.path().join(LOG_FILE);
    let options = Options { log_bytes: 1 << 20, ..bank.options() };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    assert_eq!(fs::metadata(&log).unwrap().len(), 1 << 20);
    let batches = batches(&bank, &[100, 100]);
    batches.iter().for_each(|batch| drop(done(store.perform(batch.clone()))));
    assert_eq!(fs::metadata(&log).unwrap().len(), 1 << 20);
    let image = CrashImage::take(folder.path()).unwrap();
    check(&bank, &image, &batches, &[]);
}
