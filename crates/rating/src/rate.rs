//! Rating a window: events in, in any order, and charges out.
//!
//! Usage events are summed as they come; state events are kept by resource and metered at the end, when all that
//! is known of each resource is known. Both are metered up to the end of the window and, in its first month, up
//! to its start as well: the charge is R(C(to)) − R(C(from)) (rating.md, "Rounding and windows").

pub use crate::batch::{Batch, Origin};
use crate::batch::{Data, Read};
use crate::calendar::OutOfRange;
use crate::charge::{Bill, Window};
use crate::event::{self, Description, Envelope, Refusal};
use crate::intake::{Label, Name, NewRecord, Places, Resource};
pub use crate::keys::Accepted;
use crate::keys::QuickMap;
use crate::matching;
use crate::metering;
use crate::money::{Overflow, Quantity};
use crate::notice::Notices;
use crate::plan::Plan;
use crate::price_book::{Model, PriceBook};
use crate::register::{NewState, Register};
use crate::rows::{MeterKey, Readings, Row, Rows};

/// Accepts the events of a run and rates them.
#[derive(Debug)]
pub struct Rater<'b> {
    pub(crate) plan: Plan<'b>,
    pub(crate) register: Register,
    pub(crate) places: Places,
    /// The component whose usage events are kept one by one, to be explained.
    pub(crate) explained: Option<String>,
    pub(crate) uses: Vec<Use>,
    sums: QuickMap<MeterKey, Readings>,
    notices: Notices,
    overflow: bool,
}

/// What a run answers.
#[derive(Debug)]
pub struct RatedRows<'b> {
    /// The charges.
    pub rows: Rows<'b>,
    /// What a person should be told beside them.
    pub notices: Notices,
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
    pub(crate) part: usize,
    pub(crate) month: usize,
    pub(crate) owner: Owner,
    pub(crate) time: i64,
    pub(crate) origin: Origin,
    pub(crate) label: Label,
    pub(crate) quantity: Quantity,
}

/// Whose an event is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) project: Name,
    pub(crate) source: Name,
    pub(crate) subject: Name,
}

impl<'b> Rater<'b> {
    /// A run over no events yet.
    ///
    /// # Errors
    /// [`OutOfRange`] where the window's months reach outside the years that rating accepts.
    pub fn new(book: &'b PriceBook, window: Window) -> Result<Rater<'b>, OutOfRange> {
        Ok(Rater {
            plan: Plan::new(book, window)?,
            register: Register::default(),
            places: Places::default(),
            explained: None,
            uses: Vec::new(),
            sums: QuickMap::default(),
            notices: Notices::default(),
            overflow: false,
        })
    }

    /// A run that can explain the charges of a component afterwards: see [`explain`](crate::explain).
    ///
    /// # Errors
    /// [`OutOfRange`] where the window's months reach outside the years that rating accepts.
    pub fn for_explaining(
        book: &'b PriceBook,
        window: Window,
        component: &str,
    ) -> Result<Rater<'b>, OutOfRange> {
        Ok(Rater { explained: Some(component.to_owned()), ..Rater::new(book, window)? })
    }

    /// Accepts one event, written on one line, or says why not. A refusal leaves the run as it was.
    ///
    /// # Errors
    /// [`Refusal`], the first reason that is found.
    pub fn accept(&mut self, line: &[u8], origin: Origin) -> Result<Accepted, Refusal> {
        let mut accepted = Err(Refusal::NotJson("the line is blank".to_owned()));
        self.take(Batch::read(line.to_vec(), origin), |_, outcome| accepted = outcome);
        accepted
    }

    /// Takes the events of a batch in their order, and tells what became of each.
    pub fn take(&mut self, mut batch: Batch, mut tell: impl FnMut(Origin, Result<Accepted, Refusal>)) {
        for entry in batch.take_entries() {
            let (origin, place) = (entry.origin, entry.place());
            let outcome = entry.read.map_err(|refusal| *refusal).and_then(|read| {
                let envelope = || batch.envelope(&place);
                match &read.data {
                    Data::State(data) => self.state(&read, *data, (&batch, origin), envelope),
                    Data::Usage(data) => self.usage(&read, data, (&batch, origin), envelope),
                }
            });
            tell(origin, outcome);
        }
    }

    /// How many events were accepted, doubles left out.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.register.keys.len()
    }

    fn state<'e>(
        &mut self,
        read: &Read,
        data: u128,
        (batch, origin): (&Batch, Origin),
        envelope: impl Fn() -> Result<Envelope<'e>, Refusal>,
    ) -> Result<Accepted, Refusal> {
        let (currency, with_actor) = (self.plan.book().currency(), self.explained.is_some());
        let Some(new) = self.register.state(read, data, (batch, currency, with_actor), envelope)? else {
            return Ok(Accepted::Duplicate);
        };
        let NewState { time, resource, project, description, label } = new;
        let place = self.places.number(origin);
        self.register.records.push(resource, NewRecord { time, label, place, description, project })?;
        Ok(Accepted::New)
    }

    fn usage<'e>(
        &mut self,
        read: &Read,
        data: &Description,
        (batch, origin): (&Batch, Origin),
        envelope: impl Fn() -> Result<Envelope<'e>, Refusal>,
    ) -> Result<Accepted, Refusal> {
        let accepted = self.register.usage(read, data, self.plan.book().currency())?;
        let second = event::second_of(read.time);
        let in_window = self.plan.month_of(second).filter(|_| second < self.plan.window().to());
        if let Some(month) = in_window.filter(|_| accepted == Accepted::New) {
            let (project, resource) = self.register.owner(read, envelope)?;
            let Resource { source, subject, .. } = self.register.records.resources()[resource as usize];
            let owner = Owner { project, source, subject };
            let label = match &self.explained {
                Some(_) => Some(self.register.labels.push(batch.label(read, true))?),
                None => None,
            };
            self.overflow |= self.sum(data, (month, owner), (read.time, origin, label)).is_err();
        }
        Ok(accepted)
    }

    /// Adds a usage event to the sums of every part that prices it.
    fn sum(
        &mut self,
        data: &Description,
        (month, owner): (usize, Owner),
        (time, origin, label): (i64, Origin, Option<Label>),
    ) -> Result<(), Overflow> {
        let second = event::second_of(time);
        let from = self.plan.window().from();
        let mut priced = false;
        for number in self.plan.uses(data, second) {
            let part = &self.plan.parts()[number];
            priced = true;
            let measured = matching::measure(part.component, data)?;
            if let Some(attribute) = measured.lacks {
                self.notices.lacking(&part.component.id, attribute, origin);
            }
            let tiered = matches!(part.component.model, Model::Tiered(_));
            let resource = (!tiered).then_some((owner.source, owner.subject));
            let key = MeterKey { part: number, month, project: owner.project, resource };
            let sums = self.sums.entry(key).or_insert(Readings::ZERO);
            sums.to = sums.to.checked_add(measured.quantity)?;
            if second < from {
                sums.from = sums.from.checked_add(measured.quantity)?;
            }
            if let Some(label) = label.filter(|_| self.explained.as_ref() == Some(&part.component.id)) {
                let quantity = measured.quantity;
                self.uses.push(Use { part: number, month, owner, time, origin, label, quantity });
            }
        }
        if !priced && second >= from {
            self.notices.unpriced(&data.kind, origin);
        }
        Ok(())
    }

    /// The charges of all that was accepted, with texts of their own.
    ///
    /// # Errors
    /// [`Overflow`] where a sum does not fit 256 bits: more usage than the contract admits.
    pub fn finish(self) -> Result<Rated, Overflow> {
        let RatedRows { rows, notices } = self.finish_on(1)?;
        Ok(Rated { bill: rows.to_bill(), notices })
    }

    /// The charges of all that was accepted, metered by so many threads. Their number changes nothing else.
    ///
    /// # Errors
    /// [`Overflow`] where a sum does not fit 256 bits: more usage than the contract admits.
    pub fn finish_on(self, threads: usize) -> Result<RatedRows<'b>, Overflow> {
        if self.overflow {
            return Err(Overflow);
        }
        let Rater { plan, register, places, sums, mut notices, .. } = self;
        let Register { names, descriptions, labels, records, keys } = register;
        // The rows take the place of the keys in memory.
        drop(keys);
        let known =
            metering::Known { plan: &plan, descriptions: &descriptions, labels: &labels, records: &records };
        let metered = metering::meter(known, &places, threads)?;
        let mut rows = metered.rows;
        for (key, readings) in sums {
            rows.extend(Row::new(&plan, key, readings, None)?);
        }
        notices.add(metered.notices);
        Ok(RatedRows { rows: Rows::new(plan, names, metered.groups.into_texts(), rows)?, notices })
    }
}
