//! The life of one ledger, from one seed.

use std::fmt;

use kopeck_ledger::record::Reply;
use kopeck_ledger::request::Request;
use kopeck_store::faults::{CrashImage, Fate, Point};
use kopeck_store::{Store, StoreError, Ticket, sqlite};

use crate::bank::{Bank, Outcome, folder, told};
use crate::draw::Draw;
use crate::operation::{Asking, Operation};
use crate::past::Past;
use crate::{crash, judge, work};

/// What a life has come through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Operations.
    pub operations: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Of these, refused.
    pub refused: u64,
    /// Points of commits at which the disk could fail.
    pub points: u64,
    /// Processes that died.
    pub crashes: u64,
    /// Commits of which the store did not know whether they were done.
    pub doubts: u64,
    /// Pictures of the files that were opened and proven.
    pub pictures: u64,
    /// Times that the disk was full.
    pub full: u64,
}

impl Summary {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Summary) -> Summary {
        Summary {
            operations: self.operations + other.operations,
            requests: self.requests + other.requests,
            refused: self.refused + other.refused,
            points: self.points + other.points,
            crashes: self.crashes + other.crashes,
            doubts: self.doubts + other.doubts,
            pictures: self.pictures + other.pictures,
            full: self.full + other.full,
        }
    }
}

/// A rule that does not hold.
#[derive(Debug, thiserror::Error)]
pub struct Failure {
    /// The life.
    pub seed: u64,
    /// Its operation, from 1; 0 is the opening.
    pub step: u64,
    /// What happened then.
    pub operation: String,
    /// What is wrong.
    pub what: String,
    /// How many operations the life was to have.
    pub operations: u64,
    /// Whether it is the life of an installation, and not of a ledger alone.
    pub is_installation: bool,
}

/// Operations in a life, where nothing else is asked for.
pub const OPERATIONS: u64 = 60;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { seed, step, operation, what, operations, is_installation } = self;
        writeln!(f, "seed {seed}, operation {step}: {what}")?;
        writeln!(f, "  the operation was {operation}")?;
        write!(f, "  replay it with `cargo xtask simulate --seed {seed}")?;
        if *is_installation {
            f.write_str(" --life installation")?;
        }
        let usual = if *is_installation { crate::installation::OPERATIONS } else { OPERATIONS };
        if *operations != usual {
            write!(f, " --operations {operations}")?;
        }
        f.write_str("`")
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
        is_installation: false,
    };
    let born = Life::new(seed);
    let mut life = born.map_err(|what| fail(0, "the opening".to_owned(), what))?;
    for step in 1..=operations {
        let now = life.bank.now();
        let expiry = life.bank.model.holds().map(|(_, _, expires)| expires).min();
        let operation = Operation::draw(&mut life.draw, &mut life.past, now, expiry);
        life.take(&operation).map_err(|what| fail(step, format!("{operation:#?}"), what))?;
    }
    life.summary.operations = operations;
    life.summary.points = life.bank.disk.points();
    Ok(life.summary)
}

struct Life {
    draw: Draw,
    past: Past,
    bank: Bank,
    summary: Summary,
    /// Some of what was done: it must be found for ever.
    done: Vec<Request>,
}

impl Life {
    fn new(seed: u64) -> Outcome<Life> {
        let (mut draw, mut past) = (Draw::new(seed), Past::default());
        let opening = work::opening(&mut past, &mut draw);
        let bank = Bank::new()?;
        let mut life = Life { draw, past, bank, summary: Summary::default(), done: Vec::new() };
        life.ask(&Asking { requests: opening, is_chain: false, is_settled: true, fault: None })?;
        if life.summary.refused > 0 {
            return Err("an account could not be opened or a deposit not be made".to_owned());
        }
        Ok(life)
    }

    fn take(&mut self, operation: &Operation) -> Outcome<()> {
        match operation {
            Operation::Ask(asking) => return self.ask(asking),
            Operation::Flood(batches) => self.flood(batches)?,
            Operation::Pass(nanoseconds) => {
                self.bank.pass(*nanoseconds);
                return Ok(());
            }
            Operation::Reopen => {
                self.bank.reopen()?;
                judge::verified(self.bank.store()?)?;
            }
            Operation::Look => self.look()?,
            Operation::Backup => self.backup()?,
        }
        judge::state(self.bank.store()?, &self.bank.model)
    }

    /// Sends requests; where the disk fails them, sends them again until they are answered.
    fn ask(&mut self, asking: &Asking) -> Outcome<()> {
        self.bank.disk.prepare(None, false);
        if asking.is_settled {
            self.settle()?;
        }
        let Asking { requests, is_chain, .. } = asking;
        let (wanted, after) = self.bank.predict(requests, *is_chain);
        let picture = asking.is_settled.then(|| judge::picture_of(&self.bank)).transpose()?;
        self.bank.disk.prepare(asking.fault.clone(), true);
        let answered = self.bank.send(requests, *is_chain)?;
        let pictures = self.bank.disk.pictures();
        let met = asking.fault.clone().filter(|(point, _)| pictures.iter().any(|(at, _)| at == point));
        match (answered, met) {
            (Ok(replies), None) => {
                judge::same("the replies", &replies, &wanted)?;
                let store = self.bank.store()?;
                judge::state(store, &after)?;
                judge::covered(&self.bank.model, &store.accounts(0, usize::MAX), requests, &replies)?;
                if let Some(picture) = picture.filter(|_| replies.iter().all(Result::is_err)) {
                    let now = judge::picture_of(&self.bank)?;
                    judge::same("the state after a refusal", &now, &picture)?;
                }
                let states = (&self.bank.model, &after);
                self.summary.pictures += crash::everywhere(&self.bank, &pictures, states, &mut self.draw)?;
                self.count(requests, &replies);
                self.bank.model = after;
                self.bank.remember()
            }
            (Err(StoreError::Full), Some((_, Fate::Full))) => {
                self.summary.full += 1;
                judge::state(self.bank.store()?, &self.bank.model)?;
                self.again(asking)
            }
            (Err(StoreError::Unknown(_)), Some((point, Fate::Doubt))) => {
                self.summary.doubts += 1;
                // Asking again tells what became of it; until then nobody knows, the store's readers included.
                if point == Point::Committed {
                    self.bank.model = after;
                }
                self.again(asking)
            }
            (Err(StoreError::Unknown(_)), Some((point, Fate::Die))) => {
                self.summary.crashes += 1;
                self.die(point, &pictures, after)?;
                self.again(asking)
            }
            (answered, met) => Err(format!("the disk's fault was {met:?}, and the answer {answered:?}")),
        }
    }

    fn again(&mut self, asking: &Asking) -> Outcome<()> {
        self.ask(&Asking { fault: None, is_settled: false, ..asking.clone() })
    }

    /// Opens what the dead process has left. What was not answered is there as a whole, or not at all.
    fn die(
        &mut self,
        point: Point,
        pictures: &[(Point, CrashImage)],
        after: kopeck_reference::ledger::Model,
    ) -> Outcome<()> {
        let last = pictures.last().ok_or("a process died without a picture of its files")?;
        let cut = if self.draw.percent(50) { crash::torn(pictures, &mut self.draw) } else { None };
        let is_cut = cut.is_some();
        self.bank.crash(&cut.unwrap_or_else(|| last.1.clone()))?;
        let store = self.bank.store()?;
        let is_after = std::ptr::eq(crash::which(store, &self.bank.model, &after)?, &after);
        if !is_cut && after.records() != self.bank.model.records() && is_after != (point == Point::Committed)
        {
            return Err(format!("after a crash at {point:?} the commit is there: {is_after}"));
        }
        if is_after {
            self.bank.model = after;
        }
        judge::state(self.bank.store()?, &self.bank.model)?;
        judge::verified(self.bank.store()?)
    }

    /// Lets holds expire that are due.
    fn settle(&mut self) -> Outcome<()> {
        self.bank.model.pass(self.bank.now());
        let expired = self.bank.store()?.expire_holds().and_then(Ticket::wait);
        judge::same("the replies to nothing", &expired, &Ok(Vec::new()))?;
        judge::state(self.bank.store()?, &self.bank.model)
    }

    fn flood(&mut self, batches: &[Vec<Request>]) -> Outcome<()> {
        self.bank.disk.prepare(None, false);
        let store = self.bank.store()?;
        let tickets: Vec<Ticket> = batches
            .iter()
            .map(|batch| store.submit(batch.clone()))
            .collect::<Result<_, _>>()
            .map_err(told("handing over requests"))?;
        let answered = tickets.into_iter().map(Ticket::wait).collect::<Result<Vec<Vec<Reply>>, _>>();
        let answered = answered.map_err(told("waiting for replies"))?;
        for (batch, replies) in batches.iter().zip(answered) {
            let (wanted, after) = self.bank.predict(batch, false);
            judge::same("the replies", &replies, &wanted)?;
            self.count(batch, &replies);
            self.bank.model = after;
        }
        self.bank.remember()
    }

    fn look(&mut self) -> Outcome<()> {
        self.bank.disk.prepare(None, false);
        self.settle()?;
        judge::past(&self.bank, &mut self.draw)?;
        let store = self.bank.store()?;
        for request in &self.done {
            let found = store.record(request.id).map_err(told("looking for a request"))?;
            let content = found.and_then(|record| record.outcome()).map(|outcome| outcome.content);
            judge::same("the request of an id", &content, &Some(request.content()))?;
        }
        Ok(())
    }

    fn backup(&mut self) -> Outcome<()> {
        let place = folder()?;
        let (file, restored) = (place.path().join("backup"), place.path().join("restored"));
        self.bank.store()?.backup(&file, &mut |_| {}).map_err(told("backing up"))?;
        let report = sqlite::restore(&file, &restored, false, &mut |_| {}).map_err(told("restoring"))?;
        judge::same("the problem of a backup", &report.problem, &None)?;
        let store = self.bank.open(&restored, Box::new(kopeck_store::faults::NoFaults))?;
        judge::state(&store, &self.bank.model)
    }

    fn count(&mut self, requests: &[Request], replies: &[Reply]) {
        self.past.learn(requests, replies, &mut self.draw);
        self.summary.requests += replies.len() as u64;
        self.summary.refused += replies.iter().filter(|reply| reply.is_err()).count() as u64;
        for (request, reply) in requests.iter().zip(replies) {
            // Of a chain there is one reply; its first member is looked for.
            if reply.is_ok() && self.done.len() < 300 && self.draw.percent(30) {
                self.done.push(request.clone());
            }
        }
    }
}
