//! The ledger under test: a real store in a folder of its own, its clock and its faulty disk, and the reference beside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, Moment};
use kopeck_ledger::record::Reply;
use kopeck_ledger::request::Request;
use kopeck_reference::ledger::Model;
use kopeck_store::faults::{CrashImage, Faults, NoFaults};
use kopeck_store::sqlite::{Options, SqliteStore, SyncMode};
use kopeck_store::{Store, StoreError};
use tempfile::TempDir;

use crate::disk::Disk;

/// 2026-10-01T00:00:00Z in nanoseconds.
pub const START: i64 = 1_790_812_800_000_000_000;
/// Where files live in memory, on systems that have it: nothing here is about a real disk.
const MEMORY: &str = "/dev/shm";

/// What went wrong, in words.
pub type Outcome<T> = Result<T, String>;

/// A ledger, its reference, and its clock.
pub struct Bank {
    /// What must be true.
    pub model: Model,
    /// What the disk does.
    pub disk: Disk,
    /// What each account had posted at the end of an instant.
    pub balances: BTreeMap<Moment, BTreeMap<AccountId, Amount>>,
    store: Option<SqliteStore>,
    folder: TempDir,
    now: Arc<AtomicI64>,
}

impl Bank {
    /// An empty ledger.
    pub fn new() -> Outcome<Bank> {
        let folder = folder()?;
        SqliteStore::create(folder.path()).map_err(told("making the ledger"))?;
        let mut bank = Bank {
            model: Model::default(),
            disk: Disk::default(),
            balances: BTreeMap::new(),
            store: None,
            folder,
            now: Arc::new(AtomicI64::new(START)),
        };
        bank.reopen()?;
        Ok(bank)
    }

    /// What time it is.
    pub fn now(&self) -> Moment {
        Moment::from_nanoseconds(self.now.load(Ordering::Relaxed)).unwrap_or(Moment::LAST)
    }

    /// Moves the clock.
    pub fn pass(&self, nanoseconds: i64) {
        self.now.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// The open store.
    pub fn store(&self) -> Outcome<&SqliteStore> {
        self.store.as_ref().ok_or_else(|| "the store is closed".to_owned())
    }

    /// The folder that the store is in.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Closes the store and opens it again.
    pub fn reopen(&mut self) -> Outcome<()> {
        self.store = None;
        self.store = Some(self.open(self.path(), Box::new(self.disk.clone()))?);
        Ok(())
    }

    /// The process has died: what was on its disk is opened in another place.
    pub fn crash(&mut self, image: &CrashImage) -> Outcome<()> {
        self.store = None;
        let folder = folder()?;
        image.write_to(folder.path()).map_err(told("laying out the files of a crash"))?;
        self.folder = folder;
        self.reopen()
    }

    /// Opens a crash's files beside the store, and looks at them.
    pub fn with_image(
        &self,
        image: &CrashImage,
        look: impl FnOnce(&SqliteStore) -> Outcome<()>,
    ) -> Outcome<()> {
        let folder = folder()?;
        image.write_to(folder.path()).map_err(told("laying out the files of a crash"))?;
        look(&self.open(folder.path(), Box::new(NoFaults))?)
    }

    /// Opens a store in a folder at the bank's time.
    pub fn open(&self, folder: &Path, faults: Box<dyn Faults>) -> Outcome<SqliteStore> {
        let now = Arc::clone(&self.now);
        let clock =
            Arc::new(move || Moment::from_nanoseconds(now.load(Ordering::Relaxed)).unwrap_or(Moment::LAST));
        let options = Options { sync: SyncMode::Never, faults, ..Options::at(clock) };
        SqliteStore::open(folder, options).map_err(told("opening the ledger"))
    }

    /// Sends requests to the store, each by itself or as a chain.
    pub fn send(&self, requests: &[Request], is_chain: bool) -> Outcome<Result<Vec<Reply>, StoreError>> {
        let store = self.store()?;
        Ok(if is_chain {
            store.perform_chain(requests.to_vec()).map(|reply| vec![reply])
        } else {
            store.perform(requests.to_vec())
        })
    }

    /// What the reference makes of requests, and its state after.
    pub fn predict(&self, requests: &[Request], is_chain: bool) -> (Vec<Reply>, Model) {
        let (mut after, now) = (self.model.clone(), self.now());
        after.pass(now);
        let replies = if is_chain {
            vec![after.send_chain(requests, now)]
        } else {
            requests.iter().map(|request| after.send(request, now)).collect()
        };
        (replies, after)
    }

    /// Remembers what everybody has at the journal's last instant.
    pub fn remember(&mut self) -> Outcome<()> {
        let at = self.store()?.head().map_err(told("reading the head"))?.at;
        let posted = self.model.accounts().map(|id| (id, self.model.balance(id).posted)).collect();
        self.balances.insert(at, posted);
        Ok(())
    }
}

/// An empty folder, in memory where the system offers it.
pub fn folder() -> Outcome<TempDir> {
    let memory = PathBuf::from(MEMORY);
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.map_err(|error| format!("no folder to work in: {error}"))
}

/// Words for an error of the store.
pub fn told(doing: &'static str) -> impl Fn(StoreError) -> String {
    move |error| format!("{doing}: {error}")
}
