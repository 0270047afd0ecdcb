//! How a project stands: what it has bought of the present month and what it has running, in O(parts).
//!
//! It is what the curve of its cost is made of. All of it holds from an instant on that is after all events, so that
//! whatever is alive has bought the unit that the second before that instant lies in.

use std::collections::BTreeMap;

use super::past::Steps;
use super::running::{Flow, FlowKey, Project, Total};
use super::{Live, LiveError};
use crate::calendar::{OutOfRange, Second};
use crate::event::Description;
use crate::intake::Name;
use crate::money::{Overflow, Quantity};
use crate::packed::Numbers;
use crate::plan::Plan;
use crate::price_book::{Class, Model};
use crate::resource::{Ground, PeakKey, ResourceState};
use crate::stops::Stops;
use crate::sums::{PROJECT_WIDE, SumKey};

/// How a project stands at an instant.
#[derive(Debug)]
pub struct Standing<'a> {
    /// The plan that parts and months are numbered in.
    pub plan: &'a Plan,
    /// The instant.
    pub from: Second,
    /// The number of the month that it lies in.
    pub month: usize,
    /// What was bought of that month before it: one entry or several for each part.
    pub bought: Vec<Bought>,
    /// What runs, and what a stop would leave of it.
    pub flows: Vec<(FlowKey, &'a Flow)>,
    /// `once` components that will be due without another event.
    pub due: Vec<Due>,
    /// The sums of `monthly_peak`, one for each part and group.
    pub peaks: Vec<Peak>,
    regions: &'a [String],
}

impl Standing<'_> {
    /// The region that the resources of a flow name.
    #[must_use]
    pub fn region(&self, key: &FlowKey) -> Option<&str> {
        self.regions.get(key.region? as usize).map(String::as_str)
    }
}

/// What was bought of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bought {
    /// The number of the part.
    pub part: usize,
    /// The quantity that its price is applied to.
    pub total: Total,
}

/// A `once` component that will be due: where a version or a time of billing begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The number of the part.
    pub part: usize,
    /// The second in which it will be due.
    pub at: Second,
    /// Of all resources together.
    pub total: Total,
}

/// A sum of `monthly_peak`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// Its part, project and group.
    pub key: PeakKey,
    /// The largest sum of the month so far.
    pub largest: Quantity,
}

/// A resource that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive<'a> {
    /// Its source and subject.
    pub name: (&'a str, &'a str),
    /// What its latest event says.
    pub said: &'a Description,
    /// Its class.
    pub class: Option<Class>,
    /// When its life began.
    pub born: Second,
    /// Since when it is what it is now.
    pub since: Second,
}

/// Of a project that has had nothing running.
static NOTHING: Project = Project::NONE;

impl Live {
    /// Keeps sums of what is running from now on, and adds up what is running already. What a stop makes of resources may
    /// be said anew at any time.
    ///
    /// # Errors
    /// [`LiveError`].
    pub fn keep_running(&mut self, stops: Stops) -> Result<(), LiveError> {
        self.running = Some(self.running.take().unwrap_or_default().emptied(stops));
        let starts = self.billed.list().into_iter().flat_map(|(_, seconds)| seconds.iter());
        let starts: Vec<Second> = starts.map(|seconds| seconds.start).collect();
        self.hold_starts(starts);
        for key in self.sums.keys() {
            self.running.iter_mut().for_each(|running| running.peak(*key));
        }
        let uses: Vec<SumKey> =
            self.uses.keys().filter(|key| key.resource != PROJECT_WIDE).copied().collect();
        for key in uses {
            let quantity = self.uses.until(&key, Second::MAX)?;
            let place = (key.part as usize, key.month as usize);
            if let Some(running) = &mut self.running {
                running.used(key.project, place, (quantity, true))?;
            }
        }
        for number in 0..self.states.len() {
            self.count_running(number, 1)?;
        }
        Ok(())
    }

    /// Has the plan hold the months in which billing begins, so that what is added up now is what is taken away later.
    pub(super) fn hold_starts(&mut self, starts: impl IntoIterator<Item = Second>) {
        if self.running.is_some() {
            for start in starts {
                // Outside the years that rating accepts no question is asked.
                let _ = self.plan.extend(start);
            }
        }
    }

    /// Adds what a resource is to the sums of what is running, or takes it away.
    pub(super) fn count_running(&mut self, number: usize, sign: i64) -> Result<(), LiveError> {
        let Live { plan, register, matches, states, billed, running, .. } = self;
        let Some(running) = running else { return Ok(()) };
        let Some(state) = states.of(number) else { return Ok(()) };
        let source = register.records.resource_at(number).source;
        let ground = Ground { plan, descriptions: &register.descriptions, billed, source };
        let steps = Steps { ground, matches, names: register.names.len() };
        let state = steps.unpack(state)?;
        Ok(running.add(ground, steps.matches, (&state, sign))?)
    }

    /// Adds all resources of a project, or of one source in it, to the sums of what is running, or takes them away.
    pub(super) fn count_all_running(
        &mut self,
        (project, of): (Name, Option<Name>),
        sign: i64,
    ) -> Result<(), LiveError> {
        if self.running.is_none() {
            return Ok(());
        }
        for resource in self.resources_of(project).to_vec() {
            let source = self.register.records.resource_of(resource).source;
            if of.is_none_or(|of| of == source) {
                self.count_running(resource as usize, sign)?;
            }
        }
        Ok(())
    }

    /// How a project stands at an instant after all events; the plan holds all months up to `until` then. Nothing where the
    /// project is not known.
    ///
    /// # Errors
    /// As [`ready_to_stand`](Live::ready_to_stand).
    pub fn standing(
        &mut self,
        project: &str,
        (from, until): (Second, Second),
    ) -> Result<Option<Standing<'_>>, LiveError> {
        self.ready_to_stand((from, until))?;
        self.standing_at(project, from)
    }

    /// Prepares [`standing_at`](Live::standing_at) for an instant after all events, with all months up to `until`.
    ///
    /// # Errors
    /// [`LiveError`]; [`LiveError::Early`] also for the second of the latest event, which is still open.
    pub fn ready_to_stand(&mut self, (from, until): (Second, Second)) -> Result<(), LiveError> {
        self.ready_at(from)?;
        if from <= self.latest {
            return Err(LiveError::Early { at: from, latest: self.latest });
        }
        Ok(self.plan.extend(until.max(from))?)
    }

    /// How a project stands at an instant that was prepared for; of several projects one after the other. Nothing where the
    /// project is not known.
    ///
    /// # Errors
    /// [`LiveError`] of an instant that was not prepared for. [`keep_running`](Live::keep_running) comes before: without it
    /// nothing is known to run.
    pub fn standing_at(&self, project: &str, from: Second) -> Result<Option<Standing<'_>>, LiveError> {
        let month = self.plan.month_of(from).ok_or(OutOfRange)?;
        let Some(name) = self.project(project) else { return Ok(None) };
        let own = self.running.as_ref().and_then(|running| running.project(name)).unwrap_or(&NOTHING);
        let mut peaks = Vec::with_capacity(own.peaks.len());
        for key in &own.peaks {
            peaks.push(Peak { key: *key, largest: self.largest(key, month, from)? });
        }
        let mut bought = self.bought(own, (name, month), from)?;
        let of_peak = |peak: &Peak| {
            let total = Total { quantity: peak.largest, rounded: 1 };
            Bought { part: peak.key.part, total }
        };
        bought.extend(peaks.iter().map(of_peak));
        let due = own.due.iter().filter(|((_, at), _)| *at >= from);
        let due = due.map(|((part, at), total)| Due { part: *part, at: *at, total: *total }).collect();
        let flows = own.flows.iter().filter(|(key, _)| key.end > from);
        let flows = flows.map(|(key, flow)| (*key, flow)).collect();
        let regions = self.running.as_ref().map_or(&[][..], |running| running.regions());
        Ok(Some(Standing { plan: &self.plan, from, month, bought, flows, due, peaks, regions }))
    }

    /// The resources of a project that are alive, in the order in which they came to it.
    ///
    /// # Errors
    /// [`LiveError`] where nothing can be answered any more.
    pub fn alive_of(&self, project: &str) -> Result<Vec<Alive<'_>>, LiveError> {
        let Some(name) = self.project(project) else { return Ok(Vec::new()) };
        let Live { plan, register, states, .. } = self;
        let numbers =
            Numbers { plan, names: register.names.len(), descriptions: register.descriptions.len() };
        let mut alive = Vec::new();
        for number in self.resources_of(name) {
            let Some(packed) = states.of(*number as usize).filter(|_| self.is_alive(*number)) else {
                continue;
            };
            let state = ResourceState::unpack_bare(packed, numbers)?;
            let Some(current) = state.current.filter(|current| current.said.project == name) else {
                continue;
            };
            alive.push(Alive {
                name: self.resource_name(*number),
                said: register.descriptions.get(current.said.description),
                class: current.class,
                born: state.sums.born.unwrap_or(current.start),
                since: current.start,
            });
        }
        Ok(alive)
    }

    /// What a project has bought of a month before an instant, `monthly_peak` left out.
    fn bought(
        &self,
        own: &Project,
        (project, month): (Name, usize),
        at: Second,
    ) -> Result<Vec<Bought>, LiveError> {
        let mut bought = Vec::new();
        let of_month = |list: &BTreeMap<(usize, usize), Total>| {
            let mine = list.iter().filter(|((_, of), _)| *of == month);
            mine.map(|((part, _), total)| Bought { part: *part, total: *total }).collect::<Vec<_>>()
        };
        bought.extend(of_month(&own.ended));
        bought.extend(of_month(&own.used));
        for (key, flow) in &own.flows {
            let is_peak = matches!(self.plan.parts()[key.part].component.model, Model::MonthlyPeak { .. });
            let begins = key.start.max(self.plan.months()[month].start);
            if !is_peak && begins < at {
                let quantity = flow.bought(&self.plan, (key, month), at)?;
                bought.push(Bought { part: key.part, total: Total { quantity, rounded: flow.charges() } });
            }
        }
        for ((part, due), total) in &own.due {
            if *due < at && self.plan.month_of(*due) == Some(month) {
                bought.push(Bought { part: *part, total: *total });
            }
        }
        for (part, _) in
            self.plan.parts().iter().enumerate().filter(|(_, part)| part.component.model.is_tiered())
        {
            let numbers = (u32::try_from(part), u32::try_from(month));
            let (Ok(number), Ok(of)) = numbers else { return Err(Overflow.into()) };
            let key = SumKey { part: number, month: of, project, resource: PROJECT_WIDE };
            let quantity = self.uses.until(&key, at)?;
            if !quantity.is_zero() {
                bought.push(Bought { part, total: Total { quantity, rounded: 1 } });
            }
        }
        Ok(bought)
    }
}
