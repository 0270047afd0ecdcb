//! What the guard asks of a shard: how projects stand in all meters, what of their cost the ledger does not have, what runs.
//!
//! All of it is O(parts) for a project, but for the list of what runs and for what a month that is over came to after the
//! last whole look, which walk its resources.

use std::collections::BTreeMap;

use kopeck_rating::calendar::Second;
use kopeck_rating::event::Value;
use kopeck_rating::live::LiveError;
use kopeck_rating::live::standing::Standing;
use kopeck_rating::money::Amount;
use kopeck_rating::price_book::Class;
use kopeck_rating::stops::Stops;

use crate::account::AccountKey;
use crate::meter::Meter;
use crate::meter_id::MeterId;
use crate::posting::PostingKey;
use crate::report::keys_of;
use crate::shard::{SettleError, Shard};

/// What was decided of a project's cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// Of the present month, at the last look.
    pub present: Amount,
    /// Of all months before it, whole.
    pub before: Amount,
    /// What of both the ledger does not have.
    pub unposted: Amount,
}

/// A resource that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The meter that knows it.
    pub meter: MeterId,
    /// Its source and name.
    pub name: (String, String),
    /// Its kind.
    pub kind: String,
    /// The region that it names.
    pub region: Option<String>,
    /// Its class.
    pub class: Option<Class>,
    /// When its life began.
    pub born: Second,
    /// Since when it is what it is now.
    pub since: Second,
    /// Whether its events say that it is stopped last: their attribute `protected` is `true`.
    pub protected: bool,
}

impl Shard {
    /// Keeps sums of what runs in a meter from now on, and adds up what runs already. To be said again after the meter's book
    /// has got new versions, and when a stop makes something else of resources. From the first time on the projects of events
    /// are told by [`take_arrived`](Shard::take_arrived).
    ///
    /// # Errors
    /// [`SettleError::UnknownMeter`], [`SettleError::Live`].
    pub fn keep_running(&mut self, id: MeterId, stops: Stops) -> Result<(), SettleError> {
        let meter = self.meters.get_mut(&id).ok_or(SettleError::UnknownMeter(id))?;
        self.arrived.get_or_insert_default();
        Ok(meter.live.keep_running(stops)?)
    }

    /// The projects whose events were rated since this was last asked, each with the seconds by which the latest of them came
    /// after its time.
    pub fn take_arrived(&mut self) -> BTreeMap<String, i64> {
        self.arrived.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Prepares [`standings`](Shard::standings) for an instant after all events, with all months up to `until`.
    ///
    /// # Errors
    /// [`SettleError::Live`].
    pub fn ready_to_stand(&mut self, from: Second, until: Second) -> Result<(), SettleError> {
        self.meters.values_mut().try_for_each(|meter| meter.live.ready_to_stand((from, until)))?;
        Ok(())
    }

    /// How a project stands in each meter that knows it, at an instant that was prepared for.
    ///
    /// # Errors
    /// [`SettleError::Live`].
    pub fn standings(
        &self,
        project: &str,
        from: Second,
    ) -> Result<Vec<(MeterId, Standing<'_>)>, SettleError> {
        let mut standings = Vec::new();
        for (id, meter) in &self.meters {
            if let Some(standing) = meter.live.standing_at(project, from)? {
                standings.push((*id, standing));
            }
        }
        Ok(standings)
    }

    /// What was decided of a project's cost, by the month that an instant lies in.
    ///
    /// # Errors
    /// [`SettleError`] where a rater has no answer.
    pub fn decided(&mut self, project: &str, at: Second) -> Result<Decided, SettleError> {
        let since = self.whole_at.unwrap_or(Second::MIN).saturating_sub(1);
        let mut decided = Decided { present: Amount::ZERO, before: Amount::ZERO, unposted: Amount::ZERO };
        for meter in self.meters.values_mut() {
            meter.decided_of(project, (since, at), &mut decided)?;
        }
        for posting in self.unsettled().filter(|posting| posting.project.as_str() == project) {
            let change = Amount::from_micros(posting.change());
            decided.unposted = decided.unposted.checked_add(change)?;
        }
        Ok(decided)
    }

    /// What was decided of a project in all months before the one that an instant lies in, by models that a rate limit looks
    /// at: `once`, `monthly` and `monthly_peak` are left out (guard.md).
    ///
    /// # Errors
    /// [`SettleError::Overflow`] beyond 256 bits.
    pub fn decided_pace(&self, project: &str, at: Second) -> Result<Amount, SettleError> {
        let mut sum = Amount::ZERO;
        for meter in self.meters.values() {
            let Some(name) = meter.live.project(project) else { continue };
            let present = meter.live.month_at(at);
            let parts = meter.live.plan().parts();
            let is_meant = |key: &AccountKey| {
                let part = parts.get(key.part as usize).filter(|_| key.part != PostingKey::JOBS);
                key.month != present && part.is_none_or(|part| part.component.model.is_paced())
            };
            for (_, account) in meter.accounts.range(keys_of(name)).filter(|(key, _)| is_meant(key)) {
                sum = sum.checked_add(account.decided.0)?;
            }
        }
        Ok(sum)
    }

    /// What of a project is alive, each resource once.
    ///
    /// # Errors
    /// [`SettleError::Live`].
    pub fn alive_of(&self, project: &str) -> Result<Vec<Resource>, SettleError> {
        let mut found: BTreeMap<(String, String), Resource> = BTreeMap::new();
        for (id, meter) in &self.meters {
            for alive in meter.live.alive_of(project)? {
                let name = (alive.name.0.to_owned(), alive.name.1.to_owned());
                let says_so = |value: &Value| matches!(value, Value::Text(text) if text == "true");
                let resource = Resource {
                    meter: *id,
                    name: name.clone(),
                    kind: alive.said.kind.clone(),
                    region: alive.said.region.clone(),
                    class: alive.class,
                    born: alive.born,
                    since: alive.since,
                    protected: alive.said.attribute("protected").is_some_and(says_so),
                };
                found.entry(name).or_insert(resource);
            }
        }
        Ok(found.into_values().collect())
    }
}

impl Meter {
    fn decided_of(
        &mut self,
        project: &str,
        (since, at): (Second, Second),
        decided: &mut Decided,
    ) -> Result<(), LiveError> {
        let Some(name) = self.live.project(project) else { return Ok(()) };
        let present = self.live.month_at(at);
        for (key, account) in self.accounts.range(keys_of(name)) {
            let sum = if key.month == present { &mut decided.present } else { &mut decided.before };
            *sum = sum.checked_add(account.decided.0)?;
            decided.unposted = decided.unposted.checked_add(account.carry.0)?;
        }
        let first = self.live.month_at(since);
        if first < present {
            let late = self.undecided(name, (since, at), |month| month < present)?;
            decided.before = decided.before.checked_add(late)?;
            decided.unposted = decided.unposted.checked_add(late)?;
        }
        Ok(())
    }
}
