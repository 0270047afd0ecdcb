//! The life of one installation, from one seed.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use kopeck_directory::act::Act;
use kopeck_directory::name::{BookId, StorageId};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, Moment, TransactionId};
use kopeck_ledger::request::{Deposit, Request, Withdraw, Work};
use kopeck_store::Store;
use uuid::Uuid;

use super::camera::Picture;
use super::cloud::{Cloud, SECOND};
use super::site::{Site, failed, wait};
use super::truth::{Posted, Truth};
use super::{cast, judge};
use crate::bank::{Outcome, START, told};
use crate::draw::Draw;
use crate::life::Failure;

/// Operations in a life, where nothing else is asked for.
pub const OPERATIONS: u64 = 24;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// What a life has come through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Operations.
    pub operations: u64,
    /// Events that were sent.
    pub events: u64,
    /// Points of commits, of all stores.
    pub points: u64,
    /// Folders of killed processes that were opened, finished and judged.
    pub pictures: u64,
    /// Of these, those that the life went on with.
    pub crashes: u64,
    /// Clean-ups that charged somebody.
    pub clean_ups: u64,
}

impl Summary {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Summary) -> Summary {
        Summary {
            operations: self.operations + other.operations,
            events: self.events + other.events,
            points: self.points + other.points,
            pictures: self.pictures + other.pictures,
            crashes: self.crashes + other.crashes,
            clean_ups: self.clean_ups + other.clean_ups,
        }
    }
}

/// One thing that is done; done again after a crash it changes nothing twice.
enum Operation {
    /// Events come.
    Send(Vec<String>),
    /// The clock is set forward, and all is done that is due until then.
    Pass(Moment),
    /// The storage's owner starts a clean-up.
    CleanUp(Uuid),
    /// Money comes in, or goes out.
    Pay(Request),
    /// The operator announces a version of the list prices.
    Announce(String),
    /// The server is stopped and started again.
    Restart,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Send(lines) => write!(f, "Send:\n    {}", lines.join("\n    ")),
            Operation::Pass(to) => write!(f, "Pass to {to}"),
            Operation::CleanUp(id) => write!(f, "CleanUp {id}"),
            Operation::Pay(request) => write!(f, "Pay {request:?}"),
            Operation::Announce(text) => write!(f, "Announce {text}"),
            Operation::Restart => f.write_str("Restart"),
        }
    }
}

/// Lives through a number of operations.
///
/// # Errors
/// [`Failure`]: the first rule that does not hold.
pub fn live(seed: u64, operations: u64) -> Result<Summary, Failure> {
    let fail = |step, operation: String, what| Failure {
        seed,
        step,
        operation,
        what,
        operations,
        is_installation: true,
    };
    let mut life = Life::new(seed).map_err(|what| fail(0, "the opening".to_owned(), what))?;
    for step in 1..=operations {
        let operation = life.draw();
        life.take(&operation).map_err(|what| fail(step, format!("{operation:?}"), what))?;
    }
    life.summary.operations = operations;
    life.summary.clean_ups = life.truth.clean_ups.len() as u64;
    Ok(life.summary)
}

struct Life {
    draw: Draw,
    zone: TimeZone,
    cloud: Cloud,
    truth: Truth,
    /// `None` while it is opened again.
    site: Option<Site>,
    /// How often the clock may still jump by weeks: every hour of them is settled.
    jumps: u32,
    /// Versions that were announced.
    announced: u32,
    summary: Summary,
}

impl Life {
    fn new(seed: u64) -> Outcome<Life> {
        let mut draw = Draw::new(seed);
        let zone = draw.pick(["Europe/Moscow", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]);
        let now = START + draw.between(0, 31 * 24) * HOUR + draw.between(0, 3_600) * SECOND;
        let site = Site::new(now)?;
        let time_zone = TimeZone::get(zone).map_err(|error| error.to_string())?;
        let today = date(&time_zone, site.now());
        site.act(&cast::acts(zone, today))?;
        let cloud = Cloud::since(now);
        let truth = Truth::new(site.now());
        let summary = Summary::default();
        let jumps = draw.pick([0, 0, 1, 2]);
        Ok(Life { draw, zone: time_zone, cloud, truth, site: Some(site), jumps, announced: 0, summary })
    }

    fn site(&self) -> Outcome<&Site> {
        self.site.as_ref().ok_or_else(|| "the installation is closed".to_owned())
    }

    fn draw(&mut self) -> Operation {
        let now = self.site.as_ref().map_or(Moment::FIRST, Site::now);
        match self.draw.below(100) {
            0..55 => Operation::Send(self.cloud.lines(&mut self.draw, now)),
            55..80 => {
                let by = match self.draw.below(10) {
                    0..5 => self.draw.between(1, 3 * 3_600) * SECOND,
                    5..8 => self.draw.between(1, 30) * HOUR,
                    _ if self.jumps == 0 => self.draw.between(1, 3) * DAY,
                    _ => {
                        self.jumps -= 1;
                        self.draw.between(4, 34) * DAY
                    }
                };
                Operation::Pass(Moment::from_nanoseconds(now.nanoseconds() + by).unwrap_or(now))
            }
            80..86 => Operation::CleanUp(self.name()),
            86..91 => self.pay(),
            91..94 if self.announced < 2 => {
                self.announced += 1;
                let days = 31 + self.draw.between(0, 10) + 30 * i64::from(self.announced);
                let effective = date(&self.zone, now).saturating_add(days.days());
                Operation::Announce(cast::version(effective, self.announced, false))
            }
            _ => Operation::Restart,
        }
    }

    fn name(&mut self) -> Uuid {
        Uuid::from_u128(u128::from(self.draw.any()) << 64 | u128::from(self.draw.any()))
    }

    fn pay(&mut self) -> Operation {
        let (id, amount) =
            (TransactionId(self.name()), Amount::from_micros(self.draw.between(1, 900_000_000).into()));
        let account = AccountId(cast::id(self.draw.pick([cast::PAYER, cast::OTHER, cast::CUSTOMER])));
        let work = if self.draw.percent(70) {
            Work::Deposit(Deposit { account, amount, reference: None, invoice: None })
        } else {
            Work::Withdraw(Withdraw { account, amount, reference: None, hold: None })
        };
        Operation::Pay(Request { id, actor: Some(cast::text("operator")), work })
    }

    /// Does it, judges it, and judges what crashes at some of its writes have left.
    fn take(&mut self, operation: &Operation) -> Outcome<()> {
        let before = self.truth.clone();
        let (seed, room) = (self.draw.any(), self.draw.pick([0, 1, 2, 4]));
        let begun = self.site()?.now();
        self.site()?.camera.load(seed, room);
        if let Operation::Restart = operation {
            let site = self.site.take().ok_or("the installation is closed")?;
            let camera = site.camera.clone();
            self.site = Some(site.reopen()?);
            return self.after(operation, &before, camera.develop());
        }
        match perform(self.site()?, operation)? {
            Done::Sent(fates) => {
                let Operation::Send(lines) = operation else { return Err("nothing was sent".to_owned()) };
                self.summary.events += lines.len() as u64;
                self.truth.learn(lines, &fates)?;
            }
            Done::Passed(to) => {
                for at in self.scheduled(begun, to) {
                    self.truth.clean_up(at, date(&self.zone, at))?;
                }
            }
            Done::Cleaned => self.truth.clean_up(begun, date(&self.zone, begun))?,
            Done::Other => {}
        }
        let developed = self.site()?.camera.develop();
        self.after(operation, &before, developed)
    }

    fn after(
        &mut self,
        operation: &Operation,
        before: &Truth,
        (pictures, points): (Vec<Picture>, u64),
    ) -> Outcome<()> {
        self.summary.points += points;
        let now = self.site()?.now();
        self.site()?.advance(now)?;
        judge::logged(self.site()?, &self.truth.lines)?;
        let wanted = judge::wanted(self.site()?, &self.truth)?;
        judge::settled(self.site()?, &wanted)?;
        judge::verified(self.site()?)?;
        let chosen = self.draw.percent(40).then(|| self.draw.index(pictures.len().max(1)));
        for (number, picture) in pictures.iter().enumerate() {
            let (store, point) = picture.at;
            let site = self
                .crashed(operation, (before, &wanted), picture)
                .map_err(|what| format!("after a crash at {point:?} of the {store}: {what}"))?;
            self.summary.pictures += 1;
            if chosen == Some(number) {
                self.summary.crashes += 1;
                self.site = Some(site);
            }
        }
        Ok(())
    }

    /// What a crash has left is opened; the same is asked again, and then all must be as if nothing had happened.
    fn crashed(
        &self,
        operation: &Operation,
        (before, wanted): (&Truth, &Posted),
        picture: &Picture,
    ) -> Outcome<Site> {
        let site = Site::after(picture)?;
        let lines = site.lines()?;
        if lines != before.lines {
            judge::logged(&site, &self.truth.lines)?;
        }
        let _ = perform(&site, operation)?;
        site.advance(self.site()?.now())?;
        judge::logged(&site, &self.truth.lines)?;
        judge::settled(&site, wanted)?;
        judge::verified(&site)?;
        Ok(site)
    }

    /// The instants of scheduled clean-ups after one instant and up to another.
    fn scheduled(&self, after: Moment, to: Moment) -> Vec<Moment> {
        let mut at = Vec::new();
        let mut day = date(&self.zone, after);
        while day <= date(&self.zone, to) {
            let local = day.at(cast::CLEAN_UP_HOUR, 30, 0, 0).to_zoned(self.zone.clone());
            let instant = local.ok().and_then(|local| Moment::try_from(local.timestamp()).ok());
            at.extend(instant.filter(|instant| *instant > after && *instant <= to));
            day = day.saturating_add(1.day());
        }
        at
    }
}

/// What came of an operation.
enum Done {
    Sent(Vec<Option<kopeck_store::events::Outcome>>),
    Passed(Moment),
    Cleaned,
    Other,
}

fn perform(site: &Site, operation: &Operation) -> Outcome<Done> {
    match operation {
        Operation::Send(lines) => site.send(lines).map(Done::Sent),
        Operation::Pass(to) => site.advance(*to).map(|()| Done::Passed(*to)),
        Operation::CleanUp(id) => {
            let storage = StorageId(cast::id(cast::STORAGE));
            wait(site.metering()?.clean_up(storage, *id)).map_err(failed("cleaning up"))?;
            Ok(Done::Cleaned)
        }
        Operation::Pay(request) => {
            // A withdrawal of more than there is is refused, which changes nothing.
            let _ = site.ledger.perform(vec![request.clone()]).map_err(told("paying"))?;
            Ok(Done::Other)
        }
        Operation::Announce(text) => {
            let book = BookId::new("list").map_err(|error| error.to_string())?;
            site.act(&[Act::AnnounceVersion { book, text: text.clone() }])?;
            Ok(Done::Other)
        }
        Operation::Restart => Ok(Done::Other),
    }
}

fn date(zone: &TimeZone, at: Moment) -> Date {
    Timestamp::from_nanosecond(i128::from(at.nanoseconds()))
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone())
        .date()
}
