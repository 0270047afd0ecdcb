//! An installation under test: the three stores in one folder, metering over them, and their clock.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use kopeck_directory::act::Act;
use kopeck_directory::directory::Expected;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, Moment, TransactionId};
use kopeck_ledger::request::{NewAccount, Request, Work};
use kopeck_metering::judge::{Arrived, HORIZON_DAYS, Judge, Memory, Verdict};
use kopeck_metering::placement::{Placement, ShardNumber};
use kopeck_metering::{Metering, MeteringError, Parts, Time, mail};
use kopeck_store::events::{EventLog, EventReader, EventTicket, Outcome as Fate, Position};
use kopeck_store::sqlite::directory::{DirectoryOptions, SqliteDirectory};
use kopeck_store::sqlite::events::{EventOptions, SqliteEvents};
use kopeck_store::sqlite::{Options, SqliteStore, SyncMode};
use kopeck_store::{DirectoryStore, Store, StoreError, Ticket};
use tempfile::TempDir;
use uuid::Uuid;

use super::camera::{Camera, Picture};
use super::cast;
use crate::bank::{Outcome, folder, told};

/// See the module.
pub struct Site {
    /// Takes pictures of the folder.
    pub camera: Camera,
    /// Where money moves.
    pub ledger: Arc<SqliteStore>,
    /// Where events are.
    pub log: Arc<SqliteEvents<Arrived>>,
    /// Who there is.
    pub directory: Arc<SqliteDirectory>,
    /// Ends before the stores do.
    metering: Option<Metering>,
    clock: Arc<AtomicI64>,
    is_machine: bool,
    folder: Option<TempDir>,
}

impl Site {
    /// An installation without anybody in it, at an instant. It lives by the machine's clock, which moves by itself, or by
    /// a simulated one, which is set.
    pub fn new(now: i64, is_machine: bool) -> Outcome<Site> {
        let folder = folder()?;
        SqliteStore::create(folder.path()).map_err(told("making the ledger"))?;
        SqliteEvents::<Arrived>::create(folder.path()).map_err(told("making the event log"))?;
        Site::open(folder, now, is_machine)
    }

    /// What a process that was killed has left, opened in another place.
    pub fn after(&self, picture: &Picture) -> Outcome<Site> {
        let folder = folder()?;
        picture.write_to(folder.path())?;
        Site::open(folder, picture.clock, self.is_machine)
    }

    /// Opens all parts, and brings the ledger up to the directory, as a start of the server does.
    fn open(folder: TempDir, now: i64, is_machine: bool) -> Outcome<Site> {
        let clock = Arc::new(AtomicI64::new(now));
        let camera = Camera::new(Arc::clone(&clock));
        let ledger = SqliteStore::open(folder.path(), options(&clock, &camera, "ledger"));
        let ledger = Arc::new(ledger.map_err(told("opening the ledger"))?);
        let at = DirectoryOptions {
            sync: SyncMode::Never,
            faults: camera.lens("directory"),
            ..DirectoryOptions::at(reader(&clock))
        };
        let directory =
            Arc::new(SqliteDirectory::open(folder.path(), at).map_err(told("opening the directory"))?);
        reconcile(&ledger, &directory)?;
        let time = Time { now: reader(&clock), set: (!is_machine).then(|| setter(&clock)) };
        let (log, metering) = meter(folder.path(), (&clock, &camera, time), (&ledger, &directory))?;
        let (metering, folder) = (Some(metering), Some(folder));
        Ok(Site { camera, ledger, log, directory, metering, clock, is_machine, folder })
    }

    /// A stop, clean as far as its disk allows, and a new start with a disk that is well.
    pub fn reopen(mut self) -> Outcome<Site> {
        let (folder, now, is_machine) = (self.folder.take(), self.now(), self.is_machine);
        drop(self);
        Site::open(folder.ok_or("the installation has no folder")?, now.nanoseconds(), is_machine)
    }

    /// What time it is.
    pub fn now(&self) -> Moment {
        Moment::from_nanoseconds(self.clock.load(Ordering::Relaxed)).unwrap_or(Moment::LAST)
    }

    /// The open metering.
    pub fn metering(&self) -> Outcome<&Metering> {
        self.metering.as_ref().ok_or_else(|| "metering is closed".to_owned())
    }

    /// Does acts, each of which must be allowed.
    pub fn act(&self, acts: &[Act]) -> Outcome<()> {
        for act in acts {
            let done = self.directory.perform(act.clone(), &cast::operator());
            done.map_err(told("acting"))?.map_err(|refusal| format!("{act:?}: {refusal}"))?;
        }
        reconcile(&self.ledger, &self.directory)
    }

    /// Sends events; answers what became of each, `None` of one that was rejected.
    pub fn send(&self, lines: &[String]) -> Outcome<Result<Vec<Option<Fate>>, StoreError>> {
        let metering = self.metering()?;
        let judge = Judge {
            directory: self.directory.snapshot(),
            now: self.now(),
            horizon_days: Some(HORIZON_DAYS),
            placement: Placement::WHOLE,
        };
        let judged = judge.judge(lines.join("\n").into_bytes(), &Memory::default(), |_| true);
        let mut fates = Vec::new().into_iter();
        if let Some((_, group)) = judged.groups.into_iter().next() {
            match metering.submit(group).and_then(EventTicket::wait) {
                Ok(told) => fates = told.into_iter(),
                Err(error) => return Ok(Err(error)),
            }
        }
        let fate = |verdict| match verdict {
            Verdict::Passed(_) => fates.next(),
            Verdict::Rejected(_) => None,
        };
        Ok(Ok(judged.verdicts.into_iter().map(fate).collect()))
    }

    /// Settles what is there.
    pub fn settle(&self) -> Outcome<()> {
        wait(self.metering()?.settle()).map_err(failed("settling"))
    }

    /// The clock shows that, and nobody is told.
    pub fn set_clock(&self, to: Moment) {
        self.clock.store(to.nanoseconds(), Ordering::Relaxed);
    }

    /// Time passes until then, and all is done that is due. A simulated clock looks at everything last; a machine's does
    /// where an hour was full.
    pub fn advance(&self, to: Moment) -> Outcome<()> {
        if self.is_machine {
            self.set_clock(to);
            let expired = self.ledger.expire_holds().and_then(Ticket::wait);
            expired.map_err(told("letting holds expire"))?;
            return self.settle();
        }
        wait(self.metering()?.advance(to)).map_err(failed("advancing the clock"))
    }

    /// All lines of the log, in its order.
    pub fn lines(&self) -> Outcome<Vec<String>> {
        let mut lines = Vec::new();
        let read = self.log.read(Position::NONE, &mut |event| {
            lines.push(String::from_utf8_lossy(event.line).into_owned());
            Ok(true)
        });
        read.map_err(told("reading the event log"))?;
        Ok(lines)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Metering writes its state down when it ends, and that needs the log.
        self.metering = None;
    }
}

fn reader(clock: &Arc<AtomicI64>) -> Arc<dyn Fn() -> Moment + Send + Sync> {
    let clock = Arc::clone(clock);
    Arc::new(move || Moment::from_nanoseconds(clock.load(Ordering::Relaxed)).unwrap_or(Moment::LAST))
}

fn setter(clock: &Arc<AtomicI64>) -> Arc<dyn Fn(Moment) + Send + Sync> {
    let clock = Arc::clone(clock);
    Arc::new(move |to| clock.store(to.nanoseconds(), Ordering::Relaxed))
}

fn options(clock: &Arc<AtomicI64>, camera: &Camera, store: &'static str) -> Options {
    Options { sync: SyncMode::Never, faults: camera.lens(store), ..Options::at(reader(clock)) }
}

fn meter(
    folder: &Path,
    (clock, camera, time): (&Arc<AtomicI64>, &Camera, Time),
    (ledger, directory): (&Arc<SqliteStore>, &Arc<SqliteDirectory>),
) -> Outcome<(Arc<SqliteEvents<Arrived>>, Metering)> {
    let (inbox, mailbox) = mail();
    let options = EventOptions { store: options(clock, camera, "events"), table_keys: 1_000 };
    let log = SqliteEvents::open(folder, options, move |durable| inbox.tell(durable));
    let log = Arc::new(log.map_err(told("opening the event log"))?);
    let entities = Arc::clone(directory);
    let ledger: Arc<dyn Store> = Arc::<SqliteStore>::clone(ledger);
    let events: Arc<dyn EventLog<Arrived>> = Arc::<SqliteEvents<Arrived>>::clone(&log);
    let metering = Metering::start(Parts {
        shard: ShardNumber::ONLY,
        ledger,
        log: events,
        directory: Arc::new(move || entities.snapshot()),
        time,
        horizon_days: HORIZON_DAYS,
        mailbox,
    });
    Ok((log, metering.map_err(failed("starting metering"))?))
}

/// Opens the accounts that the ledger lacks.
fn reconcile(ledger: &SqliteStore, directory: &SqliteDirectory) -> Outcome<()> {
    let singles = AccountKind::ALL.iter().filter(|kind| kind.is_single()).map(|kind| NewAccount {
        id: AccountId(Uuid::from_u128(0xf00 + u128::from(kind.code()))),
        kind: *kind,
        name: cast::text(&kind.to_string()),
        owner: None,
        currency: Currency::RUB,
        zone: None,
        credit_limit: Amount::ZERO,
        coefficient: Coefficient::ONE,
    });
    let snapshot = directory.snapshot();
    let others = snapshot.expected_accounts().map(Expected::opening);
    for account in singles.chain(others).filter(|account| ledger.account(account.id).is_none()) {
        let id = TransactionId(account.id.0);
        let request = Request { id, actor: Some(cast::text("directory")), work: Work::Open(account) };
        let replies = ledger.perform(vec![request]).map_err(told("opening an account"))?;
        replies[0].clone().map_err(|refusal| format!("opening an account: {refusal:?}"))?;
    }
    Ok(())
}

/// Words for an error of metering.
pub fn failed(doing: &'static str) -> impl Fn(MeteringError) -> String {
    move |error| match error {
        MeteringError::Store(error @ StoreError::Closed) => format!("{doing}: a store is closed: {error}"),
        error => format!("{doing}: {error}"),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for what another thread answers.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use jiff::civil::date;
    use kopeck_ledger::name::Sequence;
    use kopeck_ledger::record::Body;
    use kopeck_store::faults::{self, Point};

    use super::super::camera::Trouble;
    use super::*;
    use crate::bank::START;

    /// The journal's payments.
    fn payments(site: &Site) -> usize {
        let mut payments = 0;
        let mut count = |record: kopeck_ledger::record::Record| {
            payments += usize::from(matches!(record.body, Body::Posted(_)));
            Ok(true)
        };
        site.ledger.records(Sequence(1), &mut count).unwrap();
        payments
    }

    /// A job is acknowledged and a store's disk is full; the server is stopped and started with a disk that has room.
    fn check(store: &'static str, is_machine: bool) {
        let site = Site::new(START, is_machine).unwrap();
        site.act(&cast::acts("Europe/Moscow", date(2026, 10, 1))).unwrap();
        let job = r#"{"specversion":"1.0","type":"kopeck.usage.v1","source":"executor://1","id":"e","time":"2026-10-01T00:00:00Z","subject":"j","project":"acme","data":{"kind":"job","attributes":{"cores":1,"gpus":0,"ram_mb":0,"duration_s":60}}}"#;
        let fates = site.send(&[job.to_owned()]).unwrap().unwrap();
        assert!(matches!(fates[..], [Some(Fate::Accepted(_))]));
        // It counts when its second has passed, and that is when the disk is full.
        site.camera.trouble(Some(Trouble { store, point: Point::Begin, fate: faults::Fate::Full }));
        site.set_clock(Moment::from_nanoseconds(START + 2_000_000_000).unwrap());
        assert!(site.settle().unwrap_err().contains("full"), "{store}");
        let begun = Instant::now();
        let site = site.reopen().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20), "{store}");
        site.settle().unwrap();
        assert_eq!(payments(&site), 1, "{store}");
    }

    #[test]
    fn a_stop_on_a_full_disk_ends_and_the_next_start_settles_what_was_acknowledged() {
        for store in ["ledger", "events"] {
            check(store, false);
            check(store, true);
        }
    }
}
