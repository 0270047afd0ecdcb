//! What a project owes, spends and is charged for, and what the operator should see.

use std::collections::BTreeMap;

use jiff::civil::Date;
use kopeck_rating::calendar::{MonthName, Second};
use kopeck_rating::charge::Charge;
use kopeck_rating::event;
use kopeck_rating::intake::Name;
use kopeck_rating::live::{EventName, Live, LiveError, Slot};
use kopeck_rating::money::{Amount, Overflow};
use kopeck_rating::notice::Notices;

use crate::account::AccountKey;
use crate::meter::Meter;
use crate::meter_id::MeterId;
use crate::posting::Posting;
use crate::shard::{SettleError, Shard};
use crate::spend::Spend;

/// What a project has cost that is in no posting, by meter and component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unposted {
    /// The meter.
    pub meter: MeterId,
    /// The project.
    pub project: String,
    /// Component, version and month, in words.
    pub what: String,
    /// How much; negative where it should go back.
    pub amount: Amount,
}

impl Shard {
    /// What a project has cost up to an instant and no posting of the ledger holds, gross: what has accrued since the last
    /// look, what is on its way, and what was put aside. An instant before the last look counts as that.
    ///
    /// # Errors
    /// [`SettleError`] where a rater has no answer.
    pub fn due(&mut self, project: &str, at: Second) -> Result<Amount, SettleError> {
        let at = at.max(event::second_of(self.at.nanoseconds()));
        let whole_at = self.whole_at.unwrap_or(Second::MIN);
        let mut due = Amount::ZERO;
        for meter in self.meters.values_mut() {
            meter.live.ready_for(at)?;
            let Some(name) = meter.live.project(project) else { continue };
            due = due.checked_add(meter.undecided(name, (whole_at.saturating_sub(1), at), |_| true)?)?;
            for account in meter.accounts.range(keys_of(name)).map(|(_, account)| account) {
                due = due.checked_add(account.carry.0)?;
            }
        }
        for posting in self.unsettled().filter(|posting| posting.project.as_str() == project) {
            due = due.checked_add(Amount::from_micros(posting.change()))?;
        }
        Ok(due)
    }

    /// What is decided and not in the ledger: on its way, or aside.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = &Posting> {
        let flying = self.flying.iter().flat_map(|step| &step.postings);
        flying.chain(self.aside.iter().map(|(_, posting)| posting))
    }

    /// What a project spends in the month of a date, up to an instant.
    ///
    /// # Errors
    /// [`SettleError`] where a rater has no answer, or of a month before the shard's first.
    pub fn spend(&mut self, project: &str, month: Date, at: Second) -> Result<Spend, SettleError> {
        let at = at.max(event::second_of(self.at.nanoseconds()));
        let mut spend = Spend::of(project, MonthName::of(month));
        for meter in self.meters.values_mut() {
            meter.live.ready_for(at)?;
            let number = meter.live.month_number(month)?;
            if let Some(name) = meter.live.project(project) {
                meter.spend((name, number), at, &mut spend)?;
            }
        }
        let name = MonthName::of(month);
        let mut unsettled = Amount::ZERO;
        for posting in self.unsettled().filter(|posting| posting.project.as_str() == project) {
            let meter = self.meters.get(&posting.key.meter);
            let months = meter.map(|meter| meter.live.plan().months());
            let of = months.and_then(|months| months.get(posting.key.month as usize));
            if of.is_some_and(|of| of.name == name) {
                unsettled = unsettled.checked_add(Amount::from_micros(posting.change()))?;
            }
        }
        spend.posted = spend.posted.checked_sub(unsettled)?;
        Ok(spend)
    }

    /// The charges of a project in the month of a date, up to an instant, gross, each with its meter; sorted by meter and
    /// key, without those that say nothing.
    ///
    /// # Errors
    /// [`SettleError`] where a rater has no answer, or of a month before the shard's first.
    pub fn charges(
        &mut self,
        project: &str,
        month: Date,
        at: Second,
    ) -> Result<Vec<(MeterId, Charge)>, SettleError> {
        let at = at.max(event::second_of(self.at.nanoseconds()));
        let mut all = Vec::new();
        for (id, meter) in &mut self.meters {
            all.extend(
                meter.live.project_charges(project, month, at)?.into_iter().map(|charge| (*id, charge)),
            );
        }
        Ok(all)
    }

    /// What the operator should see of a meter's month up to an instant: usage that no component prices, attributes that
    /// are missing, events that are disputed. All its resources are walked through.
    ///
    /// # Errors
    /// [`SettleError`] where the rater has no answer, or of a month before the shard's first.
    pub fn notices(
        &mut self,
        meter: MeterId,
        month: Date,
        at: Second,
    ) -> Result<Notices<EventName>, SettleError> {
        let at = at.max(event::second_of(self.at.nanoseconds()));
        let known = self.meters.get_mut(&meter).ok_or(SettleError::UnknownMeter(meter))?;
        Ok(known.live.notices(month, at)?)
    }

    /// What is decided and could not be posted as a sum: refused, without a payer, or more than one posting may move. It
    /// is tried again in the next whole step. Jobs and calls are in [`aside`](Shard::aside).
    #[must_use]
    pub fn carried(&self) -> Vec<Unposted> {
        let of = |(id, meter): (&MeterId, &Meter)| {
            let id = *id;
            let unposted = |key: &AccountKey| Unposted {
                meter: id,
                project: meter.live.name(key.project).to_owned(),
                what: meter.words(*key),
                amount: meter.accounts.get(key).map_or(Amount::ZERO, |account| account.carry.0),
            };
            meter.carrying.iter().map(unposted).collect::<Vec<_>>()
        };
        self.meters.iter().flat_map(of).collect()
    }

    /// How many bytes what was posted takes for the charges of resources.
    #[must_use]
    pub fn posted_bytes(&self) -> usize {
        self.meters.values().map(|meter| meter.posted.bytes()).sum()
    }
}

/// The accounts of a project.
pub(crate) fn keys_of(project: Name) -> std::ops::RangeInclusive<AccountKey> {
    let key = |number| AccountKey { project, part: number, month: number };
    key(0)..=key(u32::MAX)
}

impl Meter {
    /// What time alone has added to these months of a project since the last look.
    pub(crate) fn undecided(
        &mut self,
        project: Name,
        (since, at): (Second, Second),
        is_meant: impl Fn(u32) -> bool,
    ) -> Result<Amount, LiveError> {
        let since = self.live.month_at(since);
        let (mut now, mut before) = (Amount::ZERO, Amount::ZERO);
        let mut amounts = Vec::new();
        for resource in self.live.resources_of(project).to_vec() {
            if !self.live.is_alive(resource) {
                continue;
            }
            amounts.clear();
            self.live.resource_amounts((resource, since), at, &mut amounts)?;
            let of_it = |slot: &Slot| slot.project == project && slot.month >= since && is_meant(slot.month);
            for (_, amount) in amounts.iter().filter(|(slot, _)| of_it(slot)) {
                now = now.checked_add(*amount)?;
            }
            for (slot, amount) in self.posted.of(resource)? {
                if of_it(&slot) {
                    before = before.checked_add(amount)?;
                }
            }
        }
        let peaks: Vec<_> = self.live.peaks().filter(|key| key.project == project).collect();
        for key in peaks {
            for month in (since..=self.live.month_at(at)).filter(|month| is_meant(*month)) {
                now = now.checked_add(self.live.peak_amount(&key, month, at)?)?;
                let posted = self.posted.peaks.get(&(key, month)).copied();
                before = before.checked_add(posted.unwrap_or(Amount::ZERO))?;
            }
        }
        Ok(now.checked_sub(before)?)
    }

    /// Adds what a project spends in a month.
    fn spend(
        &mut self,
        (project, month): (Name, u32),
        at: Second,
        spend: &mut Spend,
    ) -> Result<(), LiveError> {
        let before = spend.total;
        let mut amounts = Vec::new();
        for resource in self.live.resources_of(project).to_vec() {
            amounts.clear();
            self.live.resource_amounts((resource, month), at, &mut amounts)?;
            amounts.retain(|(slot, _)| slot.project == project && slot.month == month);
            for (slot, amount) in &amounts {
                self.spent((slot.part, Some(resource)), *amount, spend)?;
            }
        }
        let uses: Vec<_> = self.live.uses_of(project).filter(|key| key.month == month).collect();
        for key in uses {
            let amount = self.live.use_amount(&key, at)?;
            let resource =
                Some(key.resource).filter(|resource| *resource != kopeck_rating::sums::PROJECT_WIDE);
            self.spent((key.part, resource), amount, spend)?;
        }
        let peaks: Vec<_> = self.live.peaks().filter(|key| key.project == project).collect();
        for key in peaks {
            let amount = self.live.peak_amount(&key, month, at)?;
            self.spent((u32::try_from(key.part).map_err(|_| Overflow)?, None), amount, spend)?;
        }
        let mut decided = Amount::ZERO;
        let of_month = self.accounts.range(keys_of(project)).filter(|(key, _)| key.month == month);
        for (_, account) in of_month {
            decided = decided.checked_add(account.decided.0)?;
            spend.posted = spend.posted.checked_add(account.decided.0.checked_sub(account.carry.0)?)?;
        }
        let first = (project, month, Date::MIN);
        for ((_, _, day), amount) in self.days.range(first..=(project, month, Date::MAX)) {
            add(&mut spend.by_day, *day, *amount)?;
        }
        let undecided = spend.total.checked_sub(before)?.checked_sub(decided)?;
        if !undecided.is_zero() {
            add(&mut spend.by_day, self.day_in(month, at)?, undecided)?;
        }
        for (part, rate) in self.live.burn_rate(project, at)? {
            let id = self.live.plan().parts()[part as usize].component.id.clone();
            add(&mut spend.rate_an_hour, id, rate)?;
        }
        Ok(())
    }

    fn spent(
        &self,
        (part, resource): (u32, Option<u32>),
        amount: Amount,
        spend: &mut Spend,
    ) -> Result<(), Overflow> {
        if amount.is_zero() {
            return Ok(());
        }
        let part = &self.live.plan().parts()[part as usize];
        let of_resource = || resource.and_then(|number| self.live.region(number)).map(str::to_owned);
        let region = Live::region_of_part(part).or_else(of_resource);
        let name = resource.map(|number| {
            let (source, subject) = self.live.resource_name(number);
            (source.to_owned(), subject.to_owned())
        });
        spend.total = spend.total.checked_add(amount)?;
        add(&mut spend.by_component, part.component.id.clone(), amount)?;
        add(&mut spend.by_kind, part.component.kind.clone(), amount)?;
        add(&mut spend.by_region, region, amount)?;
        add(&mut spend.by_resource, name, amount)
    }
}

impl Spend {
    fn of(project: &str, month: MonthName) -> Spend {
        Spend {
            project: project.to_owned(),
            month,
            total: Amount::ZERO,
            posted: Amount::ZERO,
            by_component: BTreeMap::new(),
            by_kind: BTreeMap::new(),
            by_region: BTreeMap::new(),
            by_resource: BTreeMap::new(),
            by_day: BTreeMap::new(),
            rate_an_hour: BTreeMap::new(),
        }
    }
}

fn add<K: Ord>(sums: &mut BTreeMap<K, Amount>, key: K, amount: Amount) -> Result<(), Overflow> {
    let sum = sums.entry(key).or_insert(Amount::ZERO);
    *sum = sum.checked_add(amount)?;
    Ok(())
}
