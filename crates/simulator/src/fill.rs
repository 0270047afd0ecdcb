//! A ledger full of random work, for the tests of others: exports, statements, migrations.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kopeck_ledger::name::Moment;
use kopeck_ledger::record::Reply;
use kopeck_store::Store;
use kopeck_store::sqlite::{Options, SqliteStore, SyncMode};

use crate::bank::{START, told};
use crate::draw::Draw;
use crate::past::Past;
use crate::work::{Maker, SECOND, opening};

/// Requests that are sent at one instant.
const TOGETHER: usize = 10;
/// Requests in a chain.
const CHAINED: usize = 2;

/// Makes a ledger in a folder and sends it so many random requests over some days from 2026-10-01 on. The same seed
/// makes the same ledger. Gives all replies, of a chain its one.
///
/// # Errors
/// What the store could not do, in words.
pub fn fill(folder: &Path, seed: u64, requests: usize) -> Result<Vec<Reply>, String> {
    SqliteStore::create(folder).map_err(told("making the ledger"))?;
    let now = Arc::new(AtomicI64::new(START));
    let moment =
        |now: &AtomicI64| Moment::from_nanoseconds(now.load(Ordering::Relaxed)).unwrap_or(Moment::LAST);
    let read = Arc::clone(&now);
    let options = Options { sync: SyncMode::Never, ..Options::at(Arc::new(move || moment(&read))) };
    let store = SqliteStore::open(folder, options).map_err(told("opening the ledger"))?;
    let (mut draw, mut past) = (Draw::new(seed), Past::default());
    let mut replies = store.perform(opening(&mut past, &mut draw)).map_err(told("opening accounts"))?;
    for _ in 0..requests.div_ceil(TOGETHER) {
        now.fetch_add(draw.between(1, 7_200) * SECOND, Ordering::Relaxed);
        let now = moment(&now);
        let batch: Vec<_> =
            (0..TOGETHER).map(|_| Maker { draw: &mut draw, past: &mut past, now }.request()).collect();
        past.note(&batch);
        if draw.percent(70) {
            let answered = store.perform(batch.clone()).map_err(told("sending requests"))?;
            past.learn(&batch, &answered, &mut draw);
            replies.extend(answered);
            continue;
        }
        for chain in batch.chunks(CHAINED) {
            let answered = store.perform_chain(chain.to_vec()).map_err(told("sending a chain"))?;
            past.learn(chain, std::slice::from_ref(&answered), &mut draw);
            replies.push(answered);
        }
    }
    store.close();
    Ok(replies)
}
