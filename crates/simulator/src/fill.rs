//! A ledger full of random work, for the tests of others: exports, statements, migrations.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kopeck_ledger::name::Moment;
use kopeck_store::Store;
use kopeck_store::sqlite::{Options, SqliteStore, SyncMode};

use crate::bank::{START, told};
use crate::draw::Draw;
use crate::past::Past;
use crate::work::{Maker, SECOND, opening};

/// Requests that are sent at one instant.
const TOGETHER: usize = 10;

/// Makes a ledger in a folder and sends it so many random requests over some days from 2026-10-01 on. The same seed
/// makes the same ledger.
///
/// # Errors
/// What the store could not do, in words.
pub fn fill(folder: &Path, seed: u64, requests: usize) -> Result<(), String> {
    SqliteStore::create(folder).map_err(told("making the ledger"))?;
    let now = Arc::new(AtomicI64::new(START));
    let moment =
        |now: &AtomicI64| Moment::from_nanoseconds(now.load(Ordering::Relaxed)).unwrap_or(Moment::LAST);
    let read = Arc::clone(&now);
    let options = Options { sync: SyncMode::Never, ..Options::at(Arc::new(move || moment(&read))) };
    let store = SqliteStore::open(folder, options).map_err(told("opening the ledger"))?;
    let (mut draw, mut past) = (Draw::new(seed), Past::default());
    store.perform(opening(&mut past, &mut draw)).map_err(told("opening accounts"))?;
    for _ in 0..requests.div_ceil(TOGETHER) {
        now.fetch_add(draw.between(1, 7_200) * SECOND, Ordering::Relaxed);
        let now = moment(&now);
        let batch: Vec<_> =
            (0..TOGETHER).map(|_| Maker { draw: &mut draw, past: &mut past, now }.request()).collect();
        past.note(&batch);
        store.perform(batch).map_err(told("sending requests"))?;
    }
    store.close();
    Ok(())
}
