//! What a ledger and an event log in PostgreSQL do in a second: `cargo bench -p kopeck-store --bench postgres`. Behind
//! `--`, `ledger` or `events` measures one of them; a number is how many transfers are measured, or keys known.
//!
//! The server is one of the bench's own, as Debian's package sets it up, in a folder where `TMPDIR` says. Beside the
//! ledger, plain tables on the same server do the same work: a row for each transfer with a unique key, inserted many at
//! once, and two balances changed in the same transaction. Beside the event log, a row for each event with a unique key,
//! inserted 1,000 at once from this process, where a key that is there is left out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

#[path = "../tests/bank/mod.rs"]
mod bank;
#[path = "../tests/postgres_server/mod.rs"]
mod postgres_server;

use std::time::{Duration, Instant};

use bank::{Bank, account, done, verified};
use kopeck_ledger::request::Request;
use kopeck_store::event_bench::{self, GROUP_EVENTS};
use kopeck_store::events::EventReader;
use kopeck_store::postgres::events::{EventOptions, PostgresEvents};
use kopeck_store::postgres::{Options, PostgresStore};
use kopeck_store::{Span, Store};
use postgres_server::{Server, name_of};

/// Accounts that money is moved between.
const ACCOUNTS: u64 = 1_000;
/// Transfers in one submission.
const BATCH: u64 = 8_190;
/// Submissions on their way at once.
const AHEAD: usize = 4;

/// What plain SQL does with the same transfers, one transaction for each `BATCH` of them.
const PLAIN: &str = "CREATE TABLE transfer (id UUID PRIMARY KEY, debit BIGINT, credit BIGINT, amount BIGINT, \
                     at TIMESTAMPTZ DEFAULT clock_timestamp()); \
                     CREATE TABLE account (number BIGINT PRIMARY KEY, posted BIGINT); \
                     INSERT INTO account SELECT number, 0 FROM generate_series(1, 1000) AS number";
const PLAIN_BATCH: &str = "BEGIN; \
    WITH moved AS (INSERT INTO transfer (id, debit, credit, amount) \
    SELECT gen_random_uuid(), 1 + n % 1000, 1 + (n * 7 + 1) % 1000, 1 FROM generate_series(1, 8190) AS n \
    RETURNING debit, credit, amount), \
    change AS (SELECT number, sum(amount) AS amount FROM (SELECT debit AS number, -amount AS amount FROM moved \
    UNION ALL SELECT credit, amount FROM moved) AS side GROUP BY number) \
    UPDATE account SET posted = posted + change.amount FROM change WHERE change.number = account.number; COMMIT; ";

/// A row an event.
const PLAIN_EVENTS: &str = "CREATE TABLE event (position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
                            key BYTEA NOT NULL UNIQUE, line BYTEA NOT NULL)";
const PLAIN_EVENT_ROWS: &str = "INSERT INTO event (key, line) SELECT * FROM unnest($1::bytea[], $2::bytea[]) \
                                ON CONFLICT DO NOTHING RETURNING position";

fn main() {
    let arguments = || std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let number: Option<u64> = arguments().find_map(|argument| argument.parse().ok());
    let only = arguments().find(|argument| argument.parse::<u64>().is_err());
    let is_wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let server = Server::start(false);
    if is_wanted("ledger") {
        ledger(&server, number.unwrap_or(1_000_000));
    }
    if is_wanted("events") {
        event_log(&server, number.unwrap_or(2_000_000));
        plain_events(&server, number.unwrap_or(2_000_000));
    }
}

/// Groups of events that are measured.
const GROUPS: u64 = 500;

fn event_log(server: &Server, known: u64) {
    println!("{known} keys known");
    let address = server.database();
    PostgresEvents::<()>::create(&address, 1).unwrap();
    let bank = Bank::new();
    let open = || {
        let options = EventOptions::at(bank.clock(), "the bench");
        PostgresEvents::open(&address, 1, options, drop).unwrap()
    };
    let size = || -> u64 {
        let size = "SELECT pg_database_size(current_database())";
        server.psql(name_of(&address), size).parse().unwrap()
    };
    let log = open();
    let filled = event_bench::fill(&log, 0..known).unwrap();
    tell("short events, filling the log", filled.count, filled.time);
    let before = size();
    let (alone, bytes) = event_bench::append(&log, known, GROUPS, 1).unwrap();
    tell("events in groups of 1000, one group at a time", alone.count, alone.time);
    let (together, more) = event_bench::append(&log, known + GROUPS * GROUP_EVENTS, GROUPS, AHEAD).unwrap();
    tell("events in groups of 1000, four groups on their way", together.count, together.time);
    log.close();
    let events = alone.count + together.count;
    let disk = size().saturating_sub(before) / events;
    println!("  a line of {} bytes takes {disk} on the disk", (bytes + more) / events);
    let begun = Instant::now();
    let log = open();
    println!("  opened in {:?}", begun.elapsed());
    let begun = Instant::now();
    let report = log.verify(&mut |_| {}).unwrap();
    assert_eq!(report.problem, None);
    tell("events proven", report.events, begun.elapsed());
}

fn plain_events(server: &Server, known: u64) {
    let address = server.database();
    server.psql(name_of(&address), PLAIN_EVENTS);
    let fill = format!(
        "INSERT INTO event (key, line) SELECT uuid_send(gen_random_uuid()), '' FROM generate_series(1, {known})"
    );
    server.psql(name_of(&address), &fill);
    let made: Vec<_> = (0..GROUPS).map(|group| event_bench::events(known + group * GROUP_EVENTS)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let took = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let insert = client.prepare(PLAIN_EVENT_ROWS).await.unwrap();
        let begun = Instant::now();
        for group in &made {
            let keys: Vec<[u8; 16]> = group.arrivals.iter().map(|event| event.key.to_be_bytes()).collect();
            let keys: Vec<&[u8]> = keys.iter().map(<[u8; 16]>::as_slice).collect();
            let lines: Vec<&[u8]> =
                group.arrivals.iter().map(|event| &group.bytes[event.line.clone()]).collect();
            assert_eq!(client.query(&insert, &[&keys, &lines]).await.unwrap().len(), keys.len());
        }
        begun.elapsed()
    });
    tell("plain rows with a unique key in groups of 1000", GROUPS * GROUP_EVENTS, took);
}

fn ledger(server: &Server, transfers: u64) {
    let address = server.database();
    let bank = Bank::new();
    PostgresStore::create(&address).unwrap();
    let options = || Options::at(bank.clock());
    let store = PostgresStore::open(&address, options()).unwrap();
    done(store.perform(bank.people(ACCOUNTS)));

    let batches = transfers.div_ceil(BATCH);
    tell("transfers, four batches of 8190 on their way", batches * BATCH, in_batches(&store, &bank, batches));
    let alone = 2_000;
    tell("transfers, one at a time", alone, one_at_a_time(&store, &bank, alone));
    let begun = Instant::now();
    store.history(account(1), Span::last(100)).unwrap();
    println!("the last 100 entries of an account: {:?}", begun.elapsed());
    let begun = Instant::now();
    let records = verified(&store);
    tell("records proven", records, begun.elapsed());
    store.close();
    let begun = Instant::now();
    drop(PostgresStore::open(&address, options()).unwrap());
    println!("opened in {:?}", begun.elapsed());
    let size = server.psql(name_of(&address), "SELECT pg_database_size(current_database())");
    println!("{} bytes on the disk for each transfer", size.parse::<u64>().unwrap() / (batches * BATCH));

    let plain = server.database();
    server.psql(name_of(&plain), PLAIN);
    let few = batches.min(50);
    let work = PLAIN_BATCH.repeat(usize::try_from(few).unwrap());
    let begun = Instant::now();
    server.psql(name_of(&plain), &work);
    tell(
        "plain rows with a key and balances, made by the server itself in batches of 8190",
        few * BATCH,
        begun.elapsed(),
    );
}

fn in_batches(store: &dyn Store, bank: &Bank, batches: u64) -> Duration {
    let batch = |number: u64| -> Vec<Request> {
        let from = |place: u64| 1 + (number * BATCH + place) % ACCOUNTS;
        (0..BATCH)
            .map(|place| bank.transfer(from(place), 1 + (from(place) * 7) % ACCOUNTS, "0.000001"))
            .collect()
    };
    let begun = Instant::now();
    let mut tickets = std::collections::VecDeque::new();
    for number in 0..batches {
        tickets.push_back(store.submit(batch(number)).unwrap());
        if tickets.len() > AHEAD {
            tickets.pop_front().unwrap().wait().unwrap();
        }
    }
    tickets.into_iter().for_each(|ticket| drop(ticket.wait().unwrap()));
    begun.elapsed()
}

fn one_at_a_time(store: &dyn Store, bank: &Bank, count: u64) -> Duration {
    let begun = Instant::now();
    for number in 0..count {
        done(store.perform(vec![bank.transfer(
            1 + number % ACCOUNTS,
            1 + (number + 1) % ACCOUNTS,
            "0.000001",
        )]));
    }
    begun.elapsed()
}

fn tell(what: &str, count: u64, took: Duration) {
    let per_second = u128::from(count) * 1_000_000 / took.as_micros().max(1);
    println!("{what}: {per_second}/s");
}
