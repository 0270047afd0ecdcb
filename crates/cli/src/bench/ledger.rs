//! `kopeck bench ledger`: what the ledger does in a second on this machine, next to what its disk gives in the same run.
//!
//! Every transfer goes through all checks between random accounts, has a time-ordered id and a place in the history of
//! both accounts, and is on the disk before it counts. The raw limit appends and syncs the same number of bytes for each
//! batch, and does nothing else. The baseline inserts bare rows into SQLite: no checks, balances, histories or hashes.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, Moment, Text, TransactionId};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::request::{Deposit, Movement, NewAccount, Request, Transact, Work};
use kopeck_store::sqlite::{DATABASE_FILE, LOG_FILE, Options, SERVED_LOG_BYTES, SqliteStore};
use kopeck_store::{Span, Store, StoreError, Ticket};
use rusqlite::Connection;
use uuid::{Builder, Uuid};

use crate::args::BenchLedgerArgs;
use crate::bench::{folder, load, per_second, quantile, ratio, timed};
use crate::failure::{Done, Failure};
use crate::rate::threads;

/// Requests that a caller hands over at once, and how many such batches are on their way at the same time.
const SCENES: [(u32, usize); 5] = [(8_190, 4), (1_000, 4), (1_000, 1), (1, 256), (1, 1)];
/// Single transfers that are measured: a sync each takes its time.
const SINGLES: u32 = 3_000;
/// The batch in which ledgers are filled.
const FILLING: u32 = 8_190;
/// Accounts whose histories are read.
const READERS: u32 = 1_000;
/// Entries that are read of each.
const ENTRIES: usize = 100;
/// What every account gets to begin with: 1 million.
const FUNDS: Amount = Amount::from_micros(1_000_000_000_000);

/// Runs the command.
pub fn run(args: &BenchLedgerArgs) -> Result<Done, Failure> {
    let folder = folder(args.folder.as_deref())?;
    let mut out = io::stdout().lock();
    writeln!(out, "{} cores, load {}, in {}", threads(), load(), folder.path().display())?;
    let mut bench = Bench::new(&folder.path().join("ledger"), args.accounts)?;
    for (batch, at_once) in SCENES {
        transfers(&mut bench, args, (batch, at_once), &mut out)?;
    }
    grow(&mut bench, args.history, &mut out)?;
    histories(&bench, &mut out)?;
    verifying(&bench, &mut out)?;
    drop(bench);
    opening(&folder.path().join("many"), args.opened, &mut out)?;
    Ok(Done::Whole)
}

/// A ledger that is measured, and what its requests are drawn from.
struct Bench {
    store: SqliteStore,
    draw: Draw,
    accounts: u32,
    transfers: u32,
}

impl Bench {
    fn new(folder: &Path, accounts: u32) -> Result<Bench, Failure> {
        SqliteStore::create(folder).map_err(failed)?;
        let mut bench = Bench { store: open(folder)?, draw: Draw::default(), accounts, transfers: 0 };
        let actor = text("bench")?;
        let mut opened = vec![bench.draw.account(0, AccountKind::External, &actor)];
        opened.extend((1..=accounts).map(|number| bench.draw.account(number, AccountKind::User, &actor)));
        bench.all_done(opened)?;
        let funded = (1..=accounts).map(|number| bench.draw.deposit(number, &actor)).collect();
        bench.all_done(funded)?;
        Ok(bench)
    }

    /// Performs requests of which none may be refused, as fast as they are taken.
    fn all_done(&self, requests: Vec<Request>) -> Result<(), Failure> {
        let mut on_their_way = VecDeque::new();
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let batch = requests.by_ref().take(FILLING as usize).collect();
            on_their_way.push_back(self.store.submit(batch).map_err(failed)?);
            if on_their_way.len() >= 4 {
                answered(on_their_way.pop_front())?;
            }
        }
        on_their_way.into_iter().try_for_each(|ticket| answered(Some(ticket)))
    }

    /// So many transfers in batches, of which so many are on their way at once; how many there were in fact.
    fn transfer(&mut self, count: u32, (batch, at_once): (u32, usize)) -> Result<u32, Failure> {
        let actor = text("bench")?;
        let batches = count.div_ceil(batch);
        let mut on_their_way = VecDeque::with_capacity(at_once);
        for _ in 0..batches {
            let requests = (0..batch).map(|_| self.draw.transfer(self.accounts, &actor)).collect();
            on_their_way.push_back(self.store.submit(requests).map_err(failed)?);
            if on_their_way.len() >= at_once {
                answered(on_their_way.pop_front())?;
            }
        }
        on_their_way.into_iter().try_for_each(|ticket| answered(Some(ticket)))?;
        self.transfers += batches * batch;
        Ok(batches * batch)
    }
}

fn answered(ticket: Option<Ticket>) -> Result<(), Failure> {
    let replies = ticket.map_or(Ok(Vec::new()), Ticket::wait).map_err(failed)?;
    match replies.into_iter().find_map(Result::err) {
        None => Ok(()),
        Some(refusal) => Err(Failure::input(refusal, None, "this request is kopeck's own: report it")),
    }
}

/// Where requests come from: the same ones in every run, but for their ids.
struct Draw {
    state: u64,
    ids: u64,
    millisecond: u64,
}

impl Default for Draw {
    fn default() -> Draw {
        let millisecond = u64::try_from(now().nanoseconds() / 1_000_000).unwrap_or(0);
        Draw { state: 1, ids: 0, millisecond }
    }
}

impl Draw {
    /// Xorshift: quick, and random enough to spread over accounts.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// A UUID of version 7, a thousand to the millisecond.
    fn id(&mut self) -> TransactionId {
        self.ids += 1;
        let mut rest = [0; 10];
        rest[0..2].copy_from_slice(&u16::try_from(self.ids % 1_000).unwrap_or(0).to_be_bytes());
        rest[2..10].copy_from_slice(&self.next().to_be_bytes());
        let millisecond = self.millisecond + self.ids / 1_000;
        TransactionId(Builder::from_unix_timestamp_millis(millisecond, &rest).into_uuid())
    }

    fn request(&mut self, actor: &Text, work: Work) -> Request {
        Request { id: self.id(), actor: Some(actor.clone()), work }
    }

    fn account(&mut self, number: u32, kind: AccountKind, actor: &Text) -> Request {
        let new = NewAccount {
            id: account(number),
            kind,
            name: actor.clone(),
            owner: None,
            currency: Currency::RUB,
            zone: None,
            credit_limit: Amount::ZERO,
            coefficient: Coefficient::ONE,
        };
        self.request(actor, Work::Open(new))
    }

    fn deposit(&mut self, number: u32, actor: &Text) -> Request {
        let deposit = Deposit { account: account(number), amount: FUNDS, reference: None, invoice: None };
        self.request(actor, Work::Deposit(deposit))
    }

    fn transfer(&mut self, accounts: u32, actor: &Text) -> Request {
        let drawn = self.next();
        let accounts = u64::from(accounts);
        let (debit, step) = (drawn % accounts, 1 + (drawn >> 32) % (accounts - 1));
        let [debit, credit] =
            [debit, (debit + step) % accounts].map(|place| account(u32::try_from(place).unwrap_or(0) + 1));
        let amount = Amount::from(1 + (drawn >> 20) % 1_000);
        let movements = vec![Movement { debit, credit, amount, purpose: Purpose::DirectTransfer }];
        self.request(
            actor,
            Work::Transact(Transact { movements, project: None, reference: None, hold: None }),
        )
    }
}

fn account(number: u32) -> AccountId {
    let spread = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    AccountId(Uuid::from_u64_pair(0x0190_0000_0000_7000, spread))
}

fn transfers(
    bench: &mut Bench,
    args: &BenchLedgerArgs,
    (batch, at_once): (u32, usize),
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let count = if batch == 1 { SINGLES.min(args.transfers) } else { args.transfers };
    let record_bytes = bytes_of_a_transfer(bench)?;
    let folder = bench.store.folder().to_path_buf();
    let (mut ours, mut raw, mut rows) = ((Duration::MAX, 0), (Duration::MAX, 0), (Duration::MAX, 0));
    for _ in 0..args.rounds.max(1) {
        let syncs = count.div_ceil(batch).min(500);
        let raw_round = append_and_sync(&folder, batch as usize * record_bytes, syncs)?;
        raw = raw.min((raw_round, syncs * batch));
        let (time, done) = timed(|| bench.transfer(count, (batch, at_once)))?;
        ours = ours.min((time, done));
        rows = rows.min(bare_rows(&folder, count.min(500_000), batch)?);
    }
    let [ours_rate, raw_rate, rows_rate] =
        [ours, raw, rows].map(|(time, count)| per_second(count.into(), time));
    writeln!(out, "batches of {batch}, {at_once} on their way: {ours_rate} transfers/s")?;
    writeln!(out, "  append and sync of the same bytes: {raw_rate}/s; bare rows in SQLite: {rows_rate}/s")?;
    if (batch, at_once) == (1, 1) {
        let [one, sync] = [ours, raw].map(|(time, count)| time / count.max(1));
        writeln!(
            out,
            "  one transfer {} µs, one sync {} µs: {} times",
            one.as_micros(),
            sync.as_micros(),
            ratio(one, sync)
        )?;
    }
    Ok(())
}

/// What a transfer takes in the journal, its share of rows and pages included.
fn bytes_of_a_transfer(bench: &Bench) -> Result<usize, Failure> {
    let reader = Connection::open(bench.store.folder().join(DATABASE_FILE)).map_err(database)?;
    let sum = "SELECT sum(length(records)) / sum(last - first + 1) \
               FROM (SELECT * FROM journal ORDER BY first DESC LIMIT 100)";
    reader
        .query_row(sum, (), |row| row.get::<_, i64>(0))
        .map_err(database)
        .map(|bytes| usize::try_from(bytes).unwrap_or(1))
}

fn append_and_sync(folder: &Path, bytes: usize, times: u32) -> Result<Duration, Failure> {
    let path = folder.join("raw");
    let piece = vec![0x5a; bytes];
    let mut file = File::create(&path)?;
    let (time, ()) = timed(|| {
        for _ in 0..times {
            file.write_all(&piece)?;
            file.sync_data()?;
        }
        Ok(())
    })?;
    fs::remove_file(&path)?;
    Ok(time)
}

fn bare_rows(folder: &Path, count: u32, batch: u32) -> Result<(Duration, u32), Failure> {
    let path = folder.join("rows.db");
    let connection = Connection::open(&path).map_err(database)?;
    let schema = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE transfer \
                  (number INTEGER PRIMARY KEY, id BLOB, debit INTEGER, credit INTEGER, amount INTEGER) STRICT;";
    connection.execute_batch(schema).map_err(database)?;
    let batches = (count / batch).max(1);
    let (time, ()) = timed(|| {
        for _ in 0..batches {
            let transaction = connection.unchecked_transaction().map_err(database)?;
            let insert = "INSERT INTO transfer (id, debit, credit, amount) VALUES (?, ?, ?, ?)";
            let mut insert = transaction.prepare_cached(insert).map_err(database)?;
            for number in 0..batch {
                insert.execute((number.to_be_bytes(), number, number + 1, 5)).map_err(database)?;
            }
            drop(insert);
            transaction.commit().map_err(database)?;
        }
        Ok(())
    })?;
    connection.close().map_err(|(_, error)| database(error))?;
    fs::remove_file(&path)?;
    Ok((time, batches * batch))
}

fn grow(bench: &mut Bench, history: u32, out: &mut dyn Write) -> Result<(), Failure> {
    let missing = history.saturating_sub(bench.transfers);
    let (time, done) = timed(|| bench.transfer(missing, (FILLING, 4)))?;
    let bytes = fs::metadata(bench.store.folder().join(DATABASE_FILE))?.len();
    let (all, rate) = (bench.transfers, per_second(done.into(), time));
    writeln!(out, "{done} more at {rate} transfers/s: {all} transfers, {} MB", bytes / 1_000_000)?;
    Ok(())
}

fn histories(bench: &Bench, out: &mut dyn Write) -> Result<(), Failure> {
    let mut times = Vec::new();
    for reader in 0..READERS.min(bench.accounts) {
        let id = account(1 + reader.wrapping_mul(7_919) % bench.accounts);
        let (time, history) = timed(|| bench.store.history(id, Span::last(ENTRIES)).map_err(failed))?;
        if history.is_some_and(|history| !history.records.is_empty()) {
            times.push(time);
        }
    }
    times.sort_unstable();
    let at = |hundredth| quantile(&times, hundredth).as_micros();
    writeln!(
        out,
        "the last {ENTRIES} entries of an account: median {} µs, 99 of 100 within {} µs, {} accounts read",
        at(50),
        at(99),
        times.len()
    )?;
    Ok(())
}

fn verifying(bench: &Bench, out: &mut dyn Write) -> Result<(), Failure> {
    let (time, report) = timed(|| bench.store.verify(&mut |_| {}).map_err(failed))?;
    if let Some(problem) = report.problem {
        return Err(Failure::input(problem, None, "this ledger is kopeck's own: report it"));
    }
    let rate = per_second(report.transfers, time);
    writeln!(out, "verify: {} records in {} ms, {rate} transfers/s", report.records, time.as_millis())?;
    Ok(())
}

/// Opening a ledger of many accounts: after it was closed, and after its process was killed.
fn opening(folder: &Path, accounts: u32, out: &mut dyn Write) -> Result<(), Failure> {
    let mut bench = Bench::new(folder, accounts)?;
    bench.transfer(500_000, (FILLING, 4))?;
    let killed = folder.join("killed");
    fs::create_dir(&killed)?;
    for name in [DATABASE_FILE, LOG_FILE] {
        fs::copy(folder.join(name), killed.join(name))?;
    }
    bench.store.close();
    for (folder, how) in [(folder, "it was closed"), (&killed, "its process was killed")] {
        let (time, store) = timed(|| open(folder))?;
        let last = store.account(account(accounts)).is_some();
        writeln!(
            out,
            "opening {accounts} accounts after {how}: {} ms{}",
            time.as_millis(),
            if last { "" } else { ", incomplete" }
        )?;
        store.close();
    }
    Ok(())
}

fn open(folder: &Path) -> Result<SqliteStore, Failure> {
    let options = Options { log_bytes: SERVED_LOG_BYTES, ..Options::at(Arc::new(now)) };
    SqliteStore::open(folder, options).map_err(failed)
}

fn now() -> Moment {
    Moment::try_from(jiff::Timestamp::now()).unwrap_or(Moment::FIRST)
}

fn text(words: &str) -> Result<Text, Failure> {
    Text::new(words).map_err(|error| Failure::input(error, None, "this text is kopeck's own: report it"))
}

fn failed(error: StoreError) -> Failure {
    Failure::input(error, None, "`kopeck bench ledger --folder` names another place")
}

fn database(error: rusqlite::Error) -> Failure {
    failed(StoreError::from(error))
}
