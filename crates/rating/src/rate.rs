//! Rating a window: events in, in any order, and charges out.
//!
//! Usage events are summed as they come; state events are kept by resource and metered at the end, when all that
//! is known of each resource is known. Both are metered up to the end of the window and, in its first month, up
//! to its start as well: the charge is R(C(to)) − R(C(from)) (rating.md, "Rounding and windows").

use std::sync::Arc;

pub use crate::batch::{Batch, Origin};
use crate::batch::{Entry, Told, Written};
use crate::billing::{Billing, Known, Summary};
use crate::buckets::Buckets;
use crate::calendar::OutOfRange;
use crate::charge::{Bill, Charge, Window};
use crate::event::{self, Refusal};
use crate::intake::{Label, Name, NewRecord, Places};
pub use crate::keys::Accepted;
use crate::keys::Keys;
use crate::money::{Amount, Overflow, Quantity};
use crate::notice::Notices;
use crate::plan::Plan;
use crate::price_book::{Model, PriceBook};
use crate::register::{Ahead, Register};
use crate::route::Route;
use crate::rows::Piece;
use crate::scratch::ScratchError;
pub use crate::spill::MemoryLimit;
use crate::spill::Spill;
use crate::sums::{PROJECT_WIDE, SumKey, Sums};
pub use crate::uses::{Reader, Uses};

/// Accepts the events of a run and rates them.
#[derive(Debug)]
pub struct Rater {
    pub(crate) plan: Arc<Plan>,
    pub(crate) register: Register,
    pub(crate) places: Places,
    /// The component whose usage events are kept one by one, to be explained.
    pub(crate) explained: Option<String>,
    pub(crate) uses: Vec<Use>,
    sums: Sums,
    notices: Notices,
    overflow: bool,
    accepted: usize,
    /// Where the run has a limit.
    spill: Option<Box<Spill>>,
}

/// Why a run could not be finished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    /// A sum does not fit 256 bits: more usage than the contract admits.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// What was spilled can not be read again, or not be ordered.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
}

/// What a run answers, with texts of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rated {
    /// The charges.
    pub bill: Bill,
    /// What a person should be told beside them.
    pub notices: Notices,
}

/// One usage event of the explained component.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub(crate) sum: SumKey,
    pub(crate) resource: u32,
    pub(crate) time: i64,
    pub(crate) origin: Origin,
    pub(crate) label: Label,
    pub(crate) quantity: Quantity,
}

/// A line of a batch, and where it was read.
type Line<'e> = (Written<'e, Uses>, Origin);

/// How far an event has come.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// A state event: what it says has this number.
    State(u32),
    /// A usage event.
    Usage,
    /// A state event: what it says, and its resource.
    OwnedState(u32, u32),
    /// A usage event: its project and its resource.
    OwnedUsage(Name, u32),
    /// Nothing more is to be done with it.
    Done(Accepted),
}

/// How far an event has come, or why no further.
type Outcome = Result<Turn, Box<Refusal>>;

impl Rater {
    /// A run over no events yet.
    ///
    /// # Errors
    /// [`OutOfRange`] where the window's months reach outside the years that rating accepts.
    pub fn new(book: &PriceBook, window: Window) -> Result<Rater, OutOfRange> {
        Ok(Rater {
            plan: Arc::new(Plan::new(book, window)?),
            register: Register::default(),
            places: Places::default(),
            explained: None,
            uses: Vec::new(),
            sums: Sums::default(),
            notices: Notices::default(),
            overflow: false,
            accepted: 0,
            spill: None,
        })
    }

    /// A run that remembers no more of its events in memory than the limit says, and the rest in scratch files. What
    /// it answers and charges is the same.
    ///
    /// # Errors
    /// [`OutOfRange`] where the window's months reach outside the years that rating accepts.
    pub fn with_limit(book: &PriceBook, window: Window, limit: MemoryLimit) -> Result<Rater, OutOfRange> {
        Ok(Rater { spill: Some(Box::new(Spill::new(limit))), ..Rater::new(book, window)? })
    }

    /// A run that can explain the charges of a component afterwards: see [`explain`](crate::explain).
    ///
    /// # Errors
    /// [`OutOfRange`] where the window's months reach outside the years that rating accepts.
    pub fn for_explaining(book: &PriceBook, window: Window, component: &str) -> Result<Rater, OutOfRange> {
        Ok(Rater { explained: Some(component.to_owned()), ..Rater::new(book, window)? })
    }

    /// Reads lines for this run, ahead of their turn.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.plan))
    }

    /// Accepts one event, written on one line, or answers the first reason why not. A refusal leaves the run as it was.
    ///
    /// # Errors
    /// [`ScratchError`], of runs with a limit only: see [`take`](Rater::take).
    pub fn accept(&mut self, line: &[u8], origin: Origin) -> Result<Result<Accepted, Refusal>, ScratchError> {
        let mut accepted = Err(Refusal::NotJson("the line is blank".to_owned()));
        self.take(self.reader().read(line.to_vec(), origin), |_, outcome| accepted = outcome)?;
        Ok(accepted)
    }

    /// Takes the events of a batch in their order, and tells what became of each.
    ///
    /// # Errors
    /// [`ScratchError`], of runs with a limit only, where a scratch file fails. The run can not go on then: it answers
    /// the same to all that follows.
    pub fn take(
        &mut self,
        mut batch: Batch<Uses>,
        mut tell: impl FnMut(Origin, Result<Accepted, Refusal>),
    ) -> Result<(), ScratchError> {
        let entries = batch.take_entries();
        if let Some(spill) = &mut self.spill {
            spill.recall(&entries, &mut self.register)?;
        }
        let known = self.register.look_ahead(&entries);
        let said = |(entry, known): (&Entry<Uses>, &Ahead)| match &entry.read {
            Ok(read) => self.say(batch.written(read), known).map_err(Box::new),
            Err(refusal) => Err(refusal.clone()),
        };
        let mut turns: Vec<Outcome> = entries.iter().zip(&known).map(said).collect();
        self.pass(&batch, (&entries, &mut turns), Rater::accept_key);
        self.pass(&batch, (&entries, &mut turns), Rater::own);
        let owner = |turn: &Outcome| match turn {
            Ok(Turn::OwnedUsage(_, resource)) => Some(*resource),
            _ => None,
        };
        let chain = |resource: u32| self.register.records.resource_of(resource).sums;
        self.sums.look_ahead(turns.iter().filter_map(owner).map(chain));
        self.pass(&batch, (&entries, &mut turns), Rater::keep);
        for (entry, turn) in entries.iter().zip(turns) {
            tell(entry.origin, turn.map(Turn::outcome).map_err(|refusal| *refusal));
        }
        match &mut self.spill {
            Some(spill) => spill.relieve(&mut self.register, &mut self.sums),
            None => Ok(()),
        }
    }

    /// Takes each event that is not done one step further.
    fn pass(
        &mut self,
        batch: &Batch<Uses>,
        (entries, turns): (&[Entry<Uses>], &mut [Outcome]),
        step: impl Fn(&mut Self, Line<'_>, Turn) -> Result<Turn, Refusal>,
    ) {
        for (entry, turn) in entries.iter().zip(turns) {
            if let (Ok(read), Ok(so_far)) = (&entry.read, &turn) {
                *turn = step(self, (batch.written(read), entry.origin), *so_far).map_err(Box::new);
            }
        }
    }

    /// The currency of all amounts.
    #[must_use]
    pub fn currency(&self) -> &str {
        self.plan.book().currency()
    }

    /// How many events were accepted, doubles left out.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    fn say(&mut self, written: Written<'_, Uses>, known: &Ahead) -> Result<Turn, Refusal> {
        let Told::State(said) = written.read.told else { return Ok(Turn::Usage) };
        let number = match known.statement {
            Some(known) => known,
            None => self.register.statement(written, said, self.plan.book().currency())?,
        };
        Ok(Turn::State(number))
    }

    fn accept_key(&mut self, (written, _): Line<'_>, turn: Turn) -> Result<Turn, Refusal> {
        let read = written.read;
        let accepted = match turn {
            Turn::State(statement) => self.register.accept_state(read, statement)?,
            Turn::Usage => self.register.keys.accept(read.key, read.content)?,
            _ => return Ok(turn),
        };
        self.accepted += usize::from(accepted == Accepted::New);
        let counts = match &read.told {
            Told::State(_) => true,
            Told::Usage(_, uses) => uses.month.is_some(),
        };
        Ok(if accepted == Accepted::New && counts { turn } else { Turn::Done(accepted) })
    }

    fn own(&mut self, (written, _): Line<'_>, turn: Turn) -> Result<Turn, Refusal> {
        match (turn, &written.read.told) {
            (Turn::State(statement), _) => {
                let project = self.register.statements.get(statement).project;
                Ok(Turn::OwnedState(statement, self.register.resource(written, project)?))
            }
            (Turn::Usage, Told::Usage(project, _)) => {
                let project = self.register.project(written, *project)?;
                Ok(Turn::OwnedUsage(project, self.register.resource(written, project)?))
            }
            _ => Ok(turn),
        }
    }

    fn keep(&mut self, (written, origin): Line<'_>, turn: Turn) -> Result<Turn, Refusal> {
        let explained = self.explained.is_some();
        let (read, label) = (written.read, written.label(explained));
        match (turn, &read.told) {
            (Turn::OwnedState(statement, resource), _) => {
                let project = self.register.statements.get(statement).project;
                let (label, place) = (self.register.labels.push(label)?, self.places.number(origin));
                let new = NewRecord { time: read.time, label, place, statement };
                self.register.records.push(resource, project, new)?;
            }
            (Turn::OwnedUsage(project, resource), Told::Usage(_, uses)) => {
                let label = if explained { Some(self.register.labels.push(label)?) } else { None };
                self.overflow |= self.sum(uses, (project, resource), (read.time, origin, label)).is_err();
            }
            _ => return Ok(turn),
        }
        Ok(Turn::Done(Accepted::New))
    }

    /// Adds a usage event to the sums of every part that prices it.
    fn sum(
        &mut self,
        uses: &Uses,
        (project, resource): (Name, u32),
        (time, origin, label): (i64, Origin, Option<Label>),
    ) -> Result<(), Overflow> {
        let Some(month) = uses.month else { return Ok(()) };
        let in_window = event::second_of(time) >= self.plan.window().from();
        for used in uses.used.as_ref().map_err(|overflow| *overflow)? {
            let component = &self.plan.parts()[used.part as usize].component;
            if let Some(number) = used.lacks {
                self.notices.lacking(&component.id, &component.quantity[number], origin);
            }
            let tiered = matches!(component.model, Model::Tiered(_));
            let key = SumKey {
                part: used.part,
                month,
                project,
                resource: if tiered { PROJECT_WIDE } else { resource },
            };
            self.sums.add(key, (used.quantity, in_window), self.register.records.sums(resource))?;
            if let Some(label) = label.filter(|_| self.explained.as_ref() == Some(&component.id)) {
                let quantity = used.quantity;
                self.uses.push(Use { sum: key, resource, time, origin, label, quantity });
            }
        }
        if let Some(kind) = uses.unpriced.as_deref().filter(|_| in_window) {
            self.notices.unpriced(kind, origin);
        }
        Ok(())
    }

    /// The charges of all that was accepted, with texts of their own.
    ///
    /// # Errors
    /// [`Unfinished`].
    pub fn finish(self) -> Result<Rated, Unfinished> {
        self.finish_on(1)
    }

    /// The same, made on so many threads. Their number changes nothing else.
    ///
    /// # Errors
    /// [`Unfinished`].
    pub fn finish_on(self, threads: usize) -> Result<Rated, Unfinished> {
        let currency = self.currency().to_owned();
        let mut charges: Vec<Charge> = Vec::new();
        let owned = |piece: &Piece<'_>| piece.charges().map(|charge| charge.to_owned()).collect::<Vec<_>>();
        let Summary { total, notices, .. } = self.finish_in_pieces(threads, owned, |piece| {
            charges.extend(piece);
            Ok::<(), Unfinished>(())
        })?;
        Ok(Rated { bill: Bill { currency, charges, total }, notices })
    }

    /// The charges of all that was accepted, in the order of a bill, piece by piece: `write` makes something of each
    /// piece on one of so many threads, and `emit` gets what was made, in order. The threads change nothing else.
    ///
    /// # Errors
    /// What `emit` answers, [`Overflow`] where a sum does not fit 256 bits, and [`ScratchError`] where a scratch file
    /// fails: in writing before anything is emitted, in reading at any piece.
    pub fn finish_in_pieces<T: Send, E: From<Overflow> + From<ScratchError>>(
        self,
        threads: usize,
        write: impl Fn(&Piece<'_>) -> T + Sync,
        mut emit: impl FnMut(T) -> Result<(), E>,
    ) -> Result<Summary, E> {
        if self.overflow {
            return Err(Overflow.into());
        }
        let Rater { plan, mut register, places, mut sums, notices, spill, .. } = self;
        // Nothing is accepted any more.
        register.keys = Keys::default();
        let route = Route::new(&plan, &register.names, &register.records);
        let buckets = match spill {
            Some(spill) => spill.finish(&mut register, &mut sums, &route)?,
            None => None,
        };
        let mut whole = Summary { total: Amount::ZERO, charges: 0, notices };
        let Register { names, descriptions, statements, mut labels, mut records, .. } = register;
        let count = buckets.as_ref().map_or(1, Buckets::len);
        for number in 0..count {
            let mut stops = route.stops();
            if let Some(buckets) = &buckets {
                buckets.load::<E>(number, &statements, (&mut records, &mut labels, &mut sums))?;
                stops = route.between(buckets.positions(number));
            }
            let (descriptions, statements) = (&descriptions, &statements);
            let known = Known { plan: &plan, descriptions, statements, labels: &labels, records: &records };
            let billing = Billing::new(known, (&names, &places), (&route, stops), &sums);
            whole.add(billing.run(threads, &write, &mut emit)?)?;
        }
        Ok(whole)
    }
}

impl Turn {
    /// What has become of an event at the end of its turn.
    fn outcome(self) -> Accepted {
        match self {
            Turn::Done(accepted) => accepted,
            _ => Accepted::New,
        }
    }
}

#[cfg(test)]
mod tests;
