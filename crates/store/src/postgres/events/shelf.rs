//! Runs of keys in rows: 64 pages to a row, then the last part in pieces of that size.
//!
//! Whoever writes or removes says its epoch, and the row of `owner` that has it is locked meanwhile: one that was replaced
//! writes nothing. That row is not the one of the log's commits, which do not wait for a run. Only the last part of a run
//! waits for the disk, and brings there all that came before it; a run is written on one connection, so that where the
//! server has lost a part of it the rest is not written either.

use std::sync::Arc;

use tokio_postgres::types::ToSql;

use crate::error::StoreError;
use crate::log::keys::run::PAGE_BYTES;
use crate::log::keys::shelf::{NewRun, PageOf, Shelf};
use crate::number::{signed, unsigned};
use crate::pool::Pool;
use crate::postgres::connect::{Address, Session};
use crate::postgres::error::failed;
use crate::postgres::owner::{Part, fenced};

/// Pages in a row.
const BLOCK_PAGES: usize = 64;
/// Bytes of a row: 256 KiB.
const BLOCK_BYTES: usize = BLOCK_PAGES * PAGE_BYTES;
/// Rows that are written together.
const BLOCKS_TOGETHER: usize = 4;

/// Begins a transaction that need not be on the disk when it ends.
const BEGIN_NO_WAITING: &str = "BEGIN; SET LOCAL synchronous_commit = off";

const BLOCKS: &str = "SELECT bytes FROM key_block WHERE shard = $1 AND run = $2 AND block >= $3 AND block <= $4 \
                      ORDER BY block";
const SCATTERED: &str = "SELECT substring(bytes FROM start::int FOR 4096) \
                         FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY \
                         AS wanted (run, block, start, place) \
                         JOIN key_block ON key_block.shard = $1 AND key_block.run = wanted.run \
                         AND key_block.block = wanted.block ORDER BY place";
const INSERT: &str = "WITH mine AS (SELECT shard FROM owner WHERE shard = $1 AND part = 'keys' AND epoch = $2 FOR SHARE) \
                      INSERT INTO key_block (shard, run, block, bytes) \
                      SELECT mine.shard, $3, block, bytes \
                      FROM mine, unnest($4::bigint[], $5::bytea[]) AS new (block, bytes) RETURNING block";
const REMOVE: &str = "WITH mine AS (SELECT shard FROM owner WHERE shard = $1 AND part = 'keys' AND epoch = $2 FOR SHARE) \
                      DELETE FROM key_block USING mine WHERE key_block.shard = mine.shard AND run = $3 RETURNING block";
const GREATEST: &str = "SELECT coalesce(max(run), 0) FROM key_block WHERE shard = $1";
const REMOVE_OTHERS: &str = "WITH mine AS (SELECT shard FROM owner WHERE shard = $1 AND part = 'keys' AND epoch = $2 \
                             FOR SHARE) \
                             DELETE FROM key_block USING mine \
                             WHERE key_block.shard = mine.shard AND run <> ALL ($3) RETURNING block";

/// The runs of a shard.
#[derive(Debug, Clone)]
pub struct Rows {
    shard: i64,
    sessions: Arc<Sessions>,
}

/// How the runs are asked for.
#[derive(Debug)]
enum Sessions {
    /// By the shard's owner in this epoch, at any time.
    Own { epoch: i64, address: Box<Address>, pool: Pool<Session> },
    /// By somebody who reads as of one instant.
    One(Arc<Session>),
}

impl Rows {
    /// Those of a shard that this node owns.
    pub fn own(address: Address, shard: i64, epoch: i64) -> Rows {
        Rows {
            shard,
            sessions: Arc::new(Sessions::Own { epoch, address: Box::new(address), pool: Pool::default() }),
        }
    }

    /// Those that a session sees.
    pub fn seen_by(session: Arc<Session>, shard: i64) -> Rows {
        Rows { shard, sessions: Arc::new(Sessions::One(session)) }
    }

    fn ask<T>(&self, work: impl FnOnce(&Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match &*self.sessions {
            Sessions::One(session) => work(session),
            Sessions::Own { address, pool, .. } => {
                pool.with(|| address.connect(), |session| !session.is_closed(), work)
            }
        }
    }

    /// Does something as the owner; answers how many rows it was done to.
    fn change(
        &self,
        session: &Session,
        sql: &'static str,
        more: &[&(dyn ToSql + Sync)],
    ) -> Result<usize, StoreError> {
        let Sessions::Own { epoch, .. } = &*self.sessions else { return Err(not_owned()) };
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&self.shard, epoch];
        values.extend(more);
        let changed = session.rows(sql, &values).map_err(|error| failed(&error))?.len();
        if changed == 0 {
            // Nothing was to be done, or this is the owner no more.
            match fenced(session, Part::keys(self.shard), *epoch)? {
                StoreError::Fenced { own, current } if own == current => {}
                error => return Err(error),
            }
        }
        Ok(changed)
    }

    /// The bytes of some rows, one after the other.
    fn blocks(&self, run: u64, first: usize, last: usize) -> Result<Vec<u8>, StoreError> {
        let [run, first, last] = [run, first as u64, last as u64].map(signed);
        let rows = self.ask(|session| {
            session.rows(BLOCKS, &[&self.shard, &run, &first, &last]).map_err(|error| failed(&error))
        })?;
        Ok(rows.iter().map(|row| row.get::<_, &[u8]>(0)).collect::<Vec<_>>().concat())
    }

    /// Rows are not there: damage, or another owner has removed what it does not need.
    fn missing(&self, run: u64) -> StoreError {
        if let Sessions::Own { epoch, .. } = &*self.sessions
            && let Ok(StoreError::Fenced { own, current }) =
                self.ask(|session| fenced(session, Part::keys(self.shard), *epoch))
            && own != current
        {
            return StoreError::Fenced { own, current };
        }
        StoreError::Corrupt(format!("{} has lost rows: {}", self.name_of(run), self.remedy()))
    }
}

impl Shelf for Rows {
    fn last_part(&self, run: u64, pages: usize) -> Result<Vec<u8>, StoreError> {
        self.blocks(run, pages.div_ceil(BLOCK_PAGES), usize::MAX)
    }

    fn pages(&self, run: u64, first: usize, count: usize) -> Result<Vec<u8>, StoreError> {
        let (from, to) = (first / BLOCK_PAGES, (first + count).saturating_sub(1) / BLOCK_PAGES);
        let blocks = self.blocks(run, from, to)?;
        let start = (first - from * BLOCK_PAGES) * PAGE_BYTES;
        let pages = blocks.get(start..start + count * PAGE_BYTES);
        pages.map(<[u8]>::to_vec).ok_or_else(|| self.missing(run))
    }

    fn scattered(&self, wanted: &[PageOf]) -> Result<Vec<Vec<u8>>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let numbers =
            |number: fn(&PageOf) -> u64| wanted.iter().map(|page| signed(number(page))).collect::<Vec<i64>>();
        let (runs, blocks) = (numbers(|page| page.run), numbers(|page| (page.page / BLOCK_PAGES) as u64));
        // SQL counts bytes from 1.
        let starts = numbers(|page| (page.page % BLOCK_PAGES * PAGE_BYTES + 1) as u64);
        let rows = self.ask(|session| {
            let values: [&(dyn ToSql + Sync); 4] = [&self.shard, &runs, &blocks, &starts];
            session.rows(SCATTERED, &values).map_err(|error| failed(&error))
        })?;
        if rows.len() != wanted.len() {
            return Err(self.missing(wanted.first().map_or(0, |page| page.run)));
        }
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    fn begin(&self, run: u64) -> Result<Box<dyn NewRun>, StoreError> {
        let Sessions::Own { address, .. } = &*self.sessions else { return Err(not_owned()) };
        let session = address.connect()?;
        Ok(Box::new(NewRows { shelf: self.clone(), session, run, next: 0, waiting: Vec::new() }))
    }

    fn remove(&self, run: u64) -> Result<(), StoreError> {
        self.ask(|session| self.change(session, REMOVE, &[&signed(run)])).map(|_| ())
    }

    fn remove_others(&self, kept: &[u64]) -> Result<u64, StoreError> {
        let greatest = self.ask(|session| {
            let row = session.row(GREATEST, &[&self.shard]).map_err(|error| failed(&error))?;
            Ok(row.map_or(0, |row| unsigned(row.get(0))))
        })?;
        let kept: Vec<i64> = kept.iter().copied().map(signed).collect();
        self.ask(|session| self.change(session, REMOVE_OTHERS, &[&kept]))?;
        Ok(greatest)
    }

    fn name_of(&self, run: u64) -> String {
        format!("run {run} of the keys of shard {}", self.shard)
    }

    fn remedy(&self) -> &'static str {
        "remove that run from key_block, and opening the log makes all anew"
    }

    fn remedy_for_all(&self) -> &'static str {
        "remove the shard's rows of key_run, and opening the log makes them anew"
    }
}

fn not_owned() -> StoreError {
    StoreError::Database("runs of keys are read here and not written".to_owned())
}

/// A run that is being written.
#[derive(Debug)]
struct NewRows {
    shelf: Rows,
    session: Session,
    run: u64,
    /// The number of the next row.
    next: usize,
    /// Pages that are not written yet, less than a row and some whole ones.
    waiting: Vec<u8>,
}

impl NewRows {
    fn write_without_waiting(&mut self) -> Result<(), StoreError> {
        self.session.run(BEGIN_NO_WAITING).map_err(|error| failed(&error))?;
        let written = self.write();
        let end = if written.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = self.session.run(end).map_err(|error| failed(&error));
        written.and(ended)
    }

    fn write(&mut self) -> Result<(), StoreError> {
        for blocks in std::mem::take(&mut self.waiting).chunks(BLOCKS_TOGETHER * BLOCK_BYTES) {
            let bytes: Vec<&[u8]> = blocks.chunks(BLOCK_BYTES).collect();
            let numbers: Vec<i64> =
                (self.next..).take(bytes.len()).map(|number| signed(number as u64)).collect();
            let written = self.shelf.change(&self.session, INSERT, &[&signed(self.run), &numbers, &bytes])?;
            if written != bytes.len() {
                let reason = format!("{written} rows of {} of a run were inserted", bytes.len());
                return Err(StoreError::Database(reason));
            }
            self.next += bytes.len();
        }
        Ok(())
    }
}

impl NewRun for NewRows {
    fn page(&mut self, page: &[u8]) -> Result<(), StoreError> {
        self.waiting.extend_from_slice(page);
        if self.waiting.len() >= BLOCKS_TOGETHER * BLOCK_BYTES {
            self.write_without_waiting()
        } else {
            Ok(())
        }
    }

    fn finish(mut self: Box<Self>, last: &[u8]) -> Result<(), StoreError> {
        // The last part begins a row of its own.
        self.write_without_waiting()?;
        self.waiting.extend_from_slice(last);
        self.write()
    }
}
