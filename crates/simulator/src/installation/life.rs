//! The life of one installation, from one seed.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, HoldId, Moment, TransactionId};
use kopeck_ledger::request::{Deposit, NewHold, Request, Withdraw, Work};
use kopeck_store::Store;
use kopeck_store::faults::{Fate, Point};
use uuid::{Builder, Uuid};

use super::camera::{Picture, Trouble};
use super::cloud::{Cloud, SECOND};
use super::operation::{Answer, Operation};
use super::site::Site;
use super::truth::{Posted, Truth};
use super::{cast, holds, judge};
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
    /// Operations that met a disk that failed.
    pub troubles: u64,
    /// Holds that were made.
    pub holds: u64,
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
            troubles: self.troubles + other.troubles,
            holds: self.holds + other.holds,
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
    life.summary.holds = life.cloud.holds.len() as u64;
    Ok(life.summary)
}

struct Life {
    draw: Draw,
    zone: TimeZone,
    cloud: Cloud,
    truth: Truth,
    /// `None` while it is opened again.
    site: Option<Site>,
    /// Whether it lives by the machine's clock.
    is_machine: bool,
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
        let is_machine = draw.percent(30);
        let site = Site::new(now, is_machine)?;
        let time_zone = TimeZone::get(zone).map_err(|error| error.to_string())?;
        let today = date(&time_zone, site.now());
        site.act(&cast::acts(zone, today))?;
        let replies = site.ledger.perform(cast::money()).map_err(told("paying in"))?;
        replies.into_iter().collect::<Result<Vec<_>, _>>().map_err(|refusal| format!("{refusal:?}"))?;
        let cloud = Cloud::since(now);
        let truth = Truth::new(site.now());
        let summary = Summary::default();
        let jumps = draw.pick([0, 0, 1, 2]);
        let site = Some(site);
        Ok(Life { draw, zone: time_zone, cloud, truth, site, is_machine, jumps, announced: 0, summary })
    }

    fn site(&self) -> Outcome<&Site> {
        self.site.as_ref().ok_or_else(|| "the installation is closed".to_owned())
    }

    fn draw(&mut self) -> Operation {
        let now = self.site.as_ref().map_or(Moment::FIRST, Site::now);
        match self.draw.below(100) {
            0..50 => Operation::Send(self.cloud.lines(&mut self.draw, now)),
            50..72 => self.pass(now),
            72..78 => Operation::CleanUp(self.name()),
            78..82 => Operation::Ask(self.pay()),
            82..90 => Operation::Ask(self.set_aside(now)),
            90..93 => Operation::Reprice(cast::executor_prices(self.draw.between(1, 20))),
            93..96 if self.announced < 2 => {
                self.announced += 1;
                let days = 31 + self.draw.between(0, 10) + 30 * i64::from(self.announced);
                let effective = date(&self.zone, now).saturating_add(days.days());
                Operation::Announce(cast::version(effective, self.announced, false))
            }
            _ => Operation::Restart,
        }
    }

    /// Time passes; that of a machine by at least an hour, so that all that runs is looked at.
    fn pass(&mut self, now: Moment) -> Operation {
        let by = match self.draw.below(10) {
            0..5 => self.draw.between(1, 3 * 3_600) * SECOND,
            5..8 => self.draw.between(1, 30) * HOUR,
            _ if self.jumps == 0 => self.draw.between(1, 3) * DAY,
            _ => {
                self.jumps -= 1;
                self.draw.between(4, 34) * DAY
            }
        };
        let by = if self.is_machine { by.max(HOUR) } else { by };
        let at = |by| Moment::from_nanoseconds(now.nanoseconds() + by).unwrap_or(now);
        match self.draw.below(4) {
            0 if self.is_machine => {
                let back = at(-self.draw.pick([SECOND, 20 * 60 * SECOND, 5 * HOUR, 3 * DAY]));
                let back = back.max(self.truth.begun());
                Operation::Back(back, self.cloud.lines(&mut self.draw, back), at(by))
            }
            1 if self.is_machine => Operation::Wake(at(by), self.cloud.lines(&mut self.draw, at(by))),
            _ => Operation::Pass(at(by)),
        }
    }

    fn name(&mut self) -> Uuid {
        let drawn = u128::from(self.draw.any()) << 64 | u128::from(self.draw.any());
        Builder::from_random_bytes(drawn.to_be_bytes()).into_uuid()
    }

    fn ask(&mut self, work: Work) -> Request {
        Request { id: TransactionId(self.name()), actor: Some(cast::text("operator")), work }
    }

    fn pay(&mut self) -> Request {
        let amount = Amount::from_micros(self.draw.between(1, 900_000_000).into());
        let account = AccountId(cast::id(self.draw.pick([cast::PAYER, cast::OTHER, cast::CUSTOMER])));
        let work = if self.draw.percent(70) {
            Work::Deposit(Deposit { account, amount, reference: None, invoice: None })
        } else {
            Work::Withdraw(Withdraw { account, amount, reference: None, hold: None })
        };
        self.ask(work)
    }

    /// Sets money aside, for nothing special or for work by the customer's right, pays from it by hand, or gives it back.
    fn set_aside(&mut self, now: Moment) -> Request {
        let hold = self.draw.of(&self.cloud.holds).and_then(|hold| hold.parse().ok());
        let hold = hold.map(|hold| HoldId(TransactionId(hold)));
        let work = match (self.draw.below(6), hold) {
            (0, Some(hold)) => Work::Release(hold),
            (1, Some(hold)) => Work::Transact(cast::payment(hold, self.draw.between(1, 300_000_000).into())),
            _ => {
                let of = [cast::WORKSPACE, cast::WORKSPACE, cast::OTHER_WORKSPACE, cast::CUSTOMER];
                let seconds = self.draw.pick([600, 3_600, 5 * 3_600, 48 * 3_600]) + self.draw.between(0, 60);
                let expires = now.nanoseconds() + seconds * SECOND;
                Work::Hold(NewHold {
                    account: AccountId(cast::id(self.draw.pick(of))),
                    amount: Amount::from_micros(self.draw.between(1, 2_000_000_000).into()),
                    expires: Moment::from_nanoseconds(expires).unwrap_or(now),
                    project: Some(cast::text("acme")),
                    reference: self
                        .draw
                        .pick([None, Some(cast::BY_KEY), Some(cast::BY_ROLE)])
                        .map(cast::right),
                })
            }
        };
        self.ask(work)
    }

    /// Does it, at times on a disk that fails first; judges it, and judges what crashes at some of its writes have left.
    fn take(&mut self, operation: &Operation) -> Outcome<()> {
        let before = self.truth.clone();
        let begun = self.site()?.now();
        let wanted = self.foresee(operation, begun)?;
        let is_troubled = self.draw.percent(15);
        if is_troubled {
            self.in_trouble(operation, &before)?;
        }
        let (seed, room) = (self.draw.any(), self.draw.pick([0, 1, 2, 4]));
        self.site()?.camera.load(seed, room);
        if let Operation::Restart = operation {
            let site = self.site.take().ok_or("the installation is closed")?;
            let camera = site.camera.clone();
            self.site = Some(site.reopen()?);
            return self.after(operation, &before, camera.develop());
        }
        let (answer, rest) = operation.perform(self.site()?)?;
        rest?;
        self.summary.events += operation.lines().len() as u64;
        match answer {
            Answer::Events(fates) if !is_troubled => judge::answered(operation.lines(), &fates, &wanted)?,
            Answer::Failed(words) => return Err(words),
            Answer::Reply(reply) if operation.hold().is_some() => {
                reply.map_err(|refusal| format!("{refusal:?}"))?;
            }
            _ => {}
        }
        let developed = self.site()?.camera.develop();
        self.after(operation, &before, developed)
    }

    /// Tells the truth what happens, and answers what must become of events.
    fn foresee(&mut self, operation: &Operation, begun: Moment) -> Outcome<Vec<&'static str>> {
        let wanted = self.truth.learn(operation.lines())?;
        if let Some(to) = operation.passes_to() {
            for at in self.scheduled(begun, to) {
                self.truth.clean_up(at, date(&self.zone, at))?;
            }
        }
        match operation {
            Operation::CleanUp(_) => self.truth.clean_up(begun, date(&self.zone, begun))?,
            Operation::Ask(Request { id, work: Work::Hold(hold), .. }) => {
                let right = hold.reference.as_ref().and_then(|right| right.as_str().split(' ').nth(1));
                self.truth.rights.insert(id.0.to_string(), right.unwrap_or_default().to_owned());
                self.cloud.holds.push(id.0.to_string());
            }
            _ => {}
        }
        Ok(wanted)
    }

    /// Tries it on a disk that fails: what is answered then is what is stored, and nothing else is. Then the disk is well
    /// again, or the server is started anew on one that is.
    fn in_trouble(&mut self, operation: &Operation, before: &Truth) -> Outcome<()> {
        let (point, is_full) = self.draw.pick([
            (Point::Begin, true),
            (Point::Written, true),
            (Point::Written, false),
            (Point::Committed, false),
        ]);
        let fate = if is_full { Fate::Full } else { Fate::Doubt };
        let store = self.draw.pick(["ledger", "ledger", "events", "events", "directory"]);
        self.summary.troubles += 1;
        let site = self.site()?;
        site.camera.load(0, 0);
        site.camera.trouble(Some(Trouble { store, point, fate }));
        let (answer, _) = operation.perform(site)?;
        let what = |what| format!("with the {store} failing at {point:?}: {what}");
        judge::honest(site, (operation, &answer, is_full), (&before.lines, &self.truth.lines))
            .map_err(what)?;
        if self.draw.percent(30) {
            let site = self.site.take().ok_or("the installation is closed")?;
            self.site = Some(site.reopen()?);
            let site = self.site()?;
            judge::honest(site, (operation, &answer, is_full), (&before.lines, &self.truth.lines))
                .map_err(what)?;
        }
        self.site()?.camera.trouble(None);
        Ok(())
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
        holds::kept(self.site()?)?;
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
        let site = self.site()?.after(picture)?;
        let lines = site.lines()?;
        if lines != before.lines {
            judge::logged(&site, &self.truth.lines)?;
        }
        let (_, rest) = operation.perform(&site)?;
        rest?;
        site.advance(self.site()?.now())?;
        judge::logged(&site, &self.truth.lines)?;
        judge::settled(&site, wanted)?;
        judge::verified(&site)?;
        holds::kept(&site)?;
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

fn date(zone: &TimeZone, at: Moment) -> Date {
    Timestamp::from_nanosecond(i128::from(at.nanoseconds()))
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone())
        .date()
}
