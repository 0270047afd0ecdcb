//! Crashes at every write of an event log: whatever is on the disk at that instant is opened again, and must be a whole
//! log that has lost nothing and doubled nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod event_bank;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};

use event_bank::{Bank, group, hash, line, lines, positions, step, verified};
use kopeck_store::events::{EventReader, LoggedEvent, NewSnapshot, Outcome, Position};
use kopeck_store::faults::{Fate, Faults, Point};
use kopeck_store::sqlite::events::{EVENTS_FILE, EVENTS_LOG_FILE, EventOptions, SqliteEvents};
use kopeck_store::{EventLog, StoreError};
use proptest::prelude::*;
use proptest::sample::Index;
use rusqlite::Connection;

/// The files of a log at one instant, as a crash then would leave them.
#[derive(Clone)]
struct Picture(BTreeMap<PathBuf, Vec<u8>>);

impl Picture {
    fn take(folder: &Path) -> Picture {
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = fs::read(&path) {
                    // Runs of keys come and go while others are read.
                    files.insert(path.strip_prefix(folder).unwrap().to_path_buf(), bytes);
                }
            }
        }
        files.retain(|path, _| !path.to_string_lossy().ends_with("-shm"));
        Picture(files)
    }

    fn log(&self) -> &[u8] {
        self.0.get(Path::new(EVENTS_LOG_FILE)).map_or(&[], Vec::as_slice)
    }

    /// The picture in which the log has come only so many bytes from here towards a later one.
    fn torn(&self, later: &Picture, bytes: usize) -> Picture {
        let mut log = later.log()[..bytes.min(later.log().len())].to_vec();
        log.extend_from_slice(self.log().get(bytes..).unwrap_or(&[]));
        let mut torn = self.clone();
        torn.0.insert(PathBuf::from(EVENTS_LOG_FILE), log);
        torn
    }

    /// Where the logs of two pictures begin to differ, and the length of the later one.
    fn written(&self, later: &Picture) -> std::ops::Range<usize> {
        let same = self.log().iter().zip(later.log()).take_while(|(one, other)| one == other).count();
        same..later.log().len().max(same + 1)
    }

    fn write_to(&self, folder: &Path) {
        for (path, bytes) in &self.0 {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

/// Takes a picture at every point.
struct Camera(Sender<(Point, Picture)>);

impl Faults for Camera {
    fn at(&mut self, point: Point, folder: &Path) -> Fate {
        // Whoever looks at pictures may have seen enough.
        let _ = self.0.send((point, Picture::take(folder)));
        Fate::GoOn
    }
}

fn with_faults(bank: &Bank, folder: &Path, faults: impl Faults + 'static) -> SqliteEvents<u64> {
    SqliteEvents::<u64>::create(folder).unwrap();
    let mut options: EventOptions = bank.options();
    options.store.faults = Box::new(faults);
    bank.try_open_with(folder, options).unwrap()
}

fn with_camera(bank: &Bank, folder: &Path) -> (SqliteEvents<u64>, Receiver<(Point, Picture)>) {
    let (camera, pictures) = mpsc::channel();
    (with_faults(bank, folder, Camera(camera)), pictures)
}

type Batch = Vec<(u64, u64)>;

/// Opens a picture, proves it, and goes on with it: the batches `whole` are in it, `maybe` whole or not at all.
fn check(bank: &Bank, picture: &Picture, whole: &[Batch], maybe: &Batch) -> bool {
    let folder = tempfile::tempdir().unwrap();
    picture.write_to(folder.path());
    let log = bank.open_in(folder.path());
    let before = verified(&log);
    let acknowledged: Vec<_> =
        whole.iter().flatten().map(|(number, content)| line(*number, *content)).collect();
    let mut found: Vec<_> = lines(&log, 0).into_iter().map(|(_, line)| line).collect();
    let more = found.split_off(acknowledged.len());
    assert_eq!(found, acknowledged, "an acknowledged event is lost or another one");
    assert!(
        more.is_empty() || more.len() == maybe.len(),
        "{} of {} events of one commit",
        more.len(),
        maybe.len()
    );
    // Whoever has no answer sends again: then all is there once.
    for batch in whole {
        let again = log.append(group(0, batch)).unwrap();
        assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate), "a retry was taken again");
    }
    let again = positions(&log.append(group(0, maybe)).unwrap());
    let end = acknowledged.len() as u64 + maybe.len() as u64;
    assert_eq!(again.iter().any(|place| *place > 0), more.is_empty() && !maybe.is_empty());
    assert_eq!(log.end(), Position(end));
    assert_eq!(before, acknowledged.len() as u64 + more.len() as u64);
    log.close();
    assert_eq!(verified(&bank.open_in(folder.path())), end);
    !more.is_empty()
}

/// Batches of new events, so many in each.
fn batches(sizes: &[usize]) -> Vec<Batch> {
    let mut numbers = 0..;
    sizes.iter().map(|size| numbers.by_ref().take(*size).map(|number| (number, number)).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn a_crash_at_any_point_or_byte_loses_nothing_and_doubles_nothing(
        sizes in proptest::collection::vec(1_usize..200, 1..5),
        cuts in proptest::collection::vec(any::<Index>(), 6),
    ) {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        let (log, pictures) = with_camera(&bank, folder.path());
        let batches = batches(&sizes);
        for (place, batch) in batches.iter().enumerate() {
            log.append(group(0, batch)).unwrap();
            let [begin, written, committed] = [(); 3].map(|()| pictures.recv().unwrap());
            prop_assert_eq!([begin.0, written.0, committed.0], [Point::Begin, Point::Written, Point::Committed]);
            let before = &batches[..place];
            prop_assert!(!check(&bank, &begin.1, before, batch));
            prop_assert!(!check(&bank, &written.1, before, batch));
            prop_assert!(check(&bank, &committed.1, before, batch));
            let torn = begin.1.written(&committed.1);
            for cut in &cuts {
                check(&bank, &begin.1.torn(&committed.1, torn.start + cut.index(torn.len())), before, batch);
            }
        }
    }
}

#[test]
fn a_crash_while_a_snapshot_is_written_leaves_the_one_before() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let (log, pictures) = with_camera(&bank, folder.path());
    let save = |text: &str| {
        let mut parts = (0..3).map(|part| format!("{text} {part}").into_bytes());
        log.save_snapshot(NewSnapshot { through: Position::NONE, step: 0, parts: &mut parts }).unwrap();
    };
    save("first");
    let before = pictures.try_iter().count();
    save("second");
    let pictures: Vec<_> = pictures.try_iter().collect();
    assert_eq!((before, pictures.len()), (12, 12));
    for (place, (_, picture)) in pictures.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        picture.write_to(folder.path());
        let log = bank.open_in(folder.path());
        verified(&log);
        let snapshot = log.snapshot().unwrap().unwrap();
        let expected = if place + 1 == pictures.len() { "second 2" } else { "first 2" };
        assert_eq!(log.snapshot_part(&snapshot, 2).unwrap(), expected.as_bytes());
    }
}

#[test]
fn a_crash_while_the_log_is_moved_into_the_database_loses_nothing() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let log = bank.log_in(folder.path());
    let batches = batches(&[300, 300]);
    batches.iter().for_each(|batch| drop(log.append(group(0, batch)).unwrap()));
    let before = Picture::take(folder.path());
    let mover = Connection::open(folder.path().join(EVENTS_FILE)).unwrap();
    mover.query_row("PRAGMA wal_checkpoint(FULL)", (), |_| Ok(())).unwrap();
    let after = Picture::take(folder.path());
    let database = |picture: &Picture| picture.0[Path::new(EVENTS_FILE)].clone();
    let (old, new) = (database(&before), database(&after));
    assert_ne!(old, new);
    for seed in 0_usize..10 {
        let mut pages = new.clone();
        for (number, page) in pages.chunks_mut(4_096).enumerate() {
            if (number * 31 + seed * 17) % 7 < 3 {
                let start = number * 4_096;
                let kept = old.get(start..start + page.len()).map_or(vec![0; page.len()], <[u8]>::to_vec);
                page.copy_from_slice(&kept);
            }
        }
        let mut moved = before.clone();
        moved.0.insert(PathBuf::from(EVENTS_FILE), pages);
        check(&bank, &moved, &batches, &Vec::new());
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
fn who_is_left_in_doubt_sends_again_and_whoever_settles_misses_nothing() {
    for point in [Point::Begin, Point::Written, Point::Committed] {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        let log = with_faults(&bank, folder.path(), At { point, fate: Fate::Doubt, once: true });
        let batches = batches(&[60, 20, 30]);
        let unknown = log.append(group(0, &batches[0])).unwrap_err();
        assert!(matches!(unknown, StoreError::Unknown(_)), "{unknown}");
        for (payload, batch) in (1..).zip([&batches[1], &batches[0], &batches[2]]) {
            log.append(group(payload, batch)).unwrap();
        }
        assert_eq!(verified(&log), 110);
        // Told of each event once, in the order of the log, whether it was in doubt or not.
        let told = bank.told.lock().unwrap().clone();
        let places: Vec<_> =
            told.iter().flat_map(|(_, outcomes)| positions(outcomes)).filter(|place| *place > 0).collect();
        assert!(places.into_iter().eq(1..=110), "{point:?}: {told:?}");
        let all = lines(&log, 0);
        log.close();
        assert_eq!(lines(&bank.open_in(folder.path()), 0), all);
    }
}

#[test]
fn a_step_in_doubt_is_recorded_again_and_is_there_once() {
    for point in [Point::Begin, Point::Written, Point::Committed] {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        let log = with_faults(&bank, folder.path(), At { point, fate: Fate::Doubt, once: true });
        let unknown = log.record_step(step(1, 0), &[]).unwrap_err();
        assert!(matches!(unknown, StoreError::Unknown(_)), "{unknown}");
        assert_eq!(log.record_step(step(1, 0), &[]), Ok(()));
        assert_eq!(log.record_step(step(2, 0), &[]), Ok(()));
        assert_eq!(log.unconfirmed().unwrap(), [step(1, 0), step(2, 0)]);
        verified(&log);
    }
}

#[test]
fn who_was_not_answered_before_the_end_sends_again() {
    for (point, is_there) in [(Point::Begin, false), (Point::Written, false), (Point::Committed, true)] {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        let log = with_faults(&bank, folder.path(), At { point, fate: Fate::Die, once: false });
        let batch = batches(&[10]).remove(0);
        for _ in 0..2 {
            let unknown = log.append(group(0, &batch)).unwrap_err();
            assert!(matches!(unknown, StoreError::Unknown(_)), "{unknown}");
        }
        assert_eq!(*bank.told.lock().unwrap(), []);
        log.close();
        let log = bank.open_in(folder.path());
        assert_eq!(log.end(), Position(if is_there { 10 } else { 0 }));
        log.append(group(0, &batch)).unwrap();
        assert_eq!(verified(&log), 10);
    }
}

#[test]
fn a_full_disk_refuses_clearly_and_all_goes_on_when_there_is_room() {
    for point in [Point::Begin, Point::Written] {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        let log = with_faults(&bank, folder.path(), At { point, fate: Fate::Full, once: true });
        let batch = batches(&[70]).remove(0);
        assert_eq!(log.append(group(0, &batch)), Err(StoreError::Full));
        assert_eq!((log.end(), bank.told.lock().unwrap().len()), (Position::NONE, 0));
        assert_eq!(positions(&log.append(group(1, &batch)).unwrap()), (1..=70).collect::<Vec<_>>());
        assert_eq!(verified(&log), 70);
    }
}

#[test]
fn a_log_made_at_its_full_size_is_used_and_survives_a_crash() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    SqliteEvents::<u64>::create(folder.path()).unwrap();
    let mut options = bank.options();
    options.store.log_bytes = 1 << 20;
    let log = bank.try_open_with(folder.path(), options).unwrap();
    let batches = batches(&[100, 100]);
    batches.iter().for_each(|batch| drop(log.append(group(0, batch)).unwrap()));
    assert_eq!(fs::metadata(folder.path().join(EVENTS_LOG_FILE)).unwrap().len(), 1 << 20);
    check(&bank, &Picture::take(folder.path()), &batches, &Vec::new());
}

#[test]
fn a_crash_before_runs_of_keys_are_listed_costs_nothing_but_their_files() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let log = bank.log_in(folder.path());
    let batches = batches(&[500, 500, 1]);
    batches.iter().for_each(|batch| drop(log.append(group(0, batch)).unwrap()));
    let mut picture = Picture::take(folder.path());
    picture.0.insert(PathBuf::from("events.keys/00009999.run"), b"half a run".to_vec());
    picture.0.insert(PathBuf::from("events.keys/notes.txt"), b"not ours".to_vec());
    let copy = tempfile::tempdir().unwrap();
    picture.write_to(copy.path());
    let again = bank.open_in(copy.path());
    assert!(!copy.path().join("events.keys/00009999.run").exists());
    assert!(copy.path().join("events.keys/notes.txt").exists());
    assert_eq!(verified(&again), 1_001);
    let mut keys = Vec::new();
    let mut take = |event: LoggedEvent<'_>| {
        keys.push(event.key);
        Ok(true)
    };
    again.read(Position::NONE, &mut take).unwrap();
    assert!(keys.into_iter().eq((0..1_001).map(hash)));
}
