//! One meter of a shard: a live rater, and what was decided of its charges.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use kopeck_rating::calendar::Second;
use kopeck_rating::intake::Name;
use kopeck_rating::keys::QuickMap;
use kopeck_rating::live::{Live, LiveError, Slot, Touched};
use kopeck_rating::money::{Amount, Overflow};

use crate::account::{Account, AccountKey};
use crate::meter_id::MeterKind;
use crate::posted::{Posted, PostedError};
use crate::posting::PostingKey;

/// By how much what is due has changed.
pub(crate) type Differences = QuickMap<AccountKey, Amount>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Meter {
    pub kind: MeterKind,
    pub live: Live,
    pub posted: Posted,
    pub accounts: BTreeMap<AccountKey, Account>,
    /// The accounts that carry something.
    pub carrying: BTreeSet<AccountKey>,
    /// What was decided of a project's month on each local day.
    pub days: BTreeMap<(Name, u32, Date), Amount>,
    /// What was touched and not looked at when uses were.
    touched: Vec<Touched>,
    /// Room for the amounts of one resource.
    amounts: Vec<(Slot, Amount)>,
}

/// What a look at a meter covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Costs before this second.
    pub at: Second,
    /// The last second that the last whole look covered: what ran since then has come to more.
    pub since: Second,
    /// Whether everything that runs is looked at.
    pub whole: bool,
}

/// What could not be computed: one resource, or, without one, something of the whole project.
pub(crate) type Failures = Vec<(Option<u32>, LiveError)>;

impl Meter {
    pub fn new(kind: MeterKind, live: Live) -> Meter {
        Meter {
            kind,
            live,
            posted: Posted::default(),
            accounts: BTreeMap::new(),
            carrying: BTreeSet::new(),
            days: BTreeMap::new(),
            touched: Vec::new(),
            amounts: Vec::new(),
        }
    }

    /// What is due and was not decided before. It counts as decided then.
    pub fn settle(&mut self, look: Look, failures: &mut Failures) -> Result<Differences, LiveError> {
        self.live.ready_for(look.at)?;
        let first = self.live.month_at(look.since);
        let mut differences = Differences::default();
        let mut touched = std::mem::take(&mut self.touched);
        touched.append(&mut self.live.take_touched());
        for touched in touched {
            let touched = match touched {
                Touched::Resource { number, since } => Touched::Resource { number, since: since.min(first) },
                other => other,
            };
            let done = self.settle_one(touched, look.at, &mut differences);
            note(touched, done, failures);
        }
        if look.whole {
            self.settle_running((first, look.at), &mut differences, failures);
        }
        Ok(differences)
    }

    /// All that time alone may have changed since the last whole look.
    fn settle_running(
        &mut self,
        (since, at): (u32, Second),
        differences: &mut Differences,
        failures: &mut Failures,
    ) {
        let running: Vec<u32> = self.live.alive().collect();
        for number in running {
            let touched = Touched::Resource { number, since };
            let done = self.settle_one(touched, at, differences);
            note(touched, done, failures);
        }
        let peaks: Vec<_> = self.live.peaks().collect();
        for key in peaks {
            for month in since..=self.live.month_at(at) {
                let touched = Touched::Peak { key, month };
                let done = self.settle_one(touched, at, differences);
                note(touched, done, failures);
            }
        }
    }

    /// Looks at the uses that were touched, and at nothing else: what each usage event has come to.
    pub fn settle_uses(&mut self, at: Second) -> Result<Amount, LiveError> {
        self.live.ready_for(at)?;
        let mut differences = Differences::default();
        for touched in self.live.take_touched() {
            match touched {
                Touched::Use(_) => self.settle_one(touched, at, &mut differences)?,
                other => self.touched.push(other),
            }
        }
        Ok(differences.values().try_fold(Amount::ZERO, |sum, amount| sum.checked_add(*amount))?)
    }

    fn settle_one(
        &mut self,
        touched: Touched,
        at: Second,
        differences: &mut Differences,
    ) -> Result<(), LiveError> {
        match touched {
            Touched::Resource { number, since } => {
                let Meter { live, posted, amounts, .. } = self;
                amounts.clear();
                live.resource_amounts((number, since), at, amounts)?;
                let replaced = posted.replace((number, since), amounts, |slot, by| {
                    let Slot { month, part, project } = slot;
                    add(differences, AccountKey { project, part, month }, by)
                });
                replaced.map_err(|error| match error {
                    PostedError::Overflow(overflow) => overflow.into(),
                    PostedError::Packed(packed) => LiveError::Packed(packed),
                })
            }
            Touched::Use(key) => {
                let amount = self.live.use_amount(&key, at)?;
                let by = self.posted.replace_use(key, amount)?;
                let (project, part, month) = (key.project, key.part, key.month);
                Ok(add(differences, AccountKey { project, part, month }, by)?)
            }
            Touched::Peak { key, month } => {
                let amount = self.live.peak_amount(&key, month, at)?;
                let by = self.posted.replace_peak((key, month), amount)?;
                let part = u32::try_from(key.part).map_err(|_| Overflow)?;
                Ok(add(differences, AccountKey { project: key.project, part, month }, by)?)
            }
        }
    }

    /// Counts differences as decided, on the local day of the last second that they cover.
    pub fn decided(&mut self, differences: &[(AccountKey, Amount)], at: Second) -> Result<(), LiveError> {
        for (key, by) in differences {
            let day = self.day_in(key.month, at)?;
            let of_day = self.days.entry((key.project, key.month, day)).or_insert(Amount::ZERO);
            *of_day = of_day.checked_add(*by)?;
            self.accounts.entry(*key).or_default().decided.add(*by)?;
        }
        Ok(())
    }

    /// The local day of the last second before an instant, or the month's last where that is later.
    pub fn day_in(&self, month: u32, at: Second) -> Result<Date, LiveError> {
        let plan = self.live.plan();
        let month = &plan.months()[month as usize];
        let second = at.saturating_sub(1).clamp(month.start, month.end.saturating_sub(1));
        Ok(plan.book().calendar().local(second)?.date())
    }

    /// Adds to what an account carries.
    pub fn carry(&mut self, key: AccountKey, by: Amount) -> Result<(), Overflow> {
        if by.is_zero() {
            return Ok(());
        }
        let account = self.accounts.entry(key).or_default();
        account.carry.add(by)?;
        if account.carry.0.is_zero() {
            self.carrying.remove(&key);
        } else {
            self.carrying.insert(key);
        }
        Ok(())
    }

    /// The component, version and month of an account, in words; jobs have a word of their own.
    pub fn words(&self, key: AccountKey) -> String {
        let plan = self.live.plan();
        let id = plan.book().id();
        let month =
            plan.months().get(key.month as usize).map(|month| month.name.to_string()).unwrap_or_default();
        match plan.parts().get(key.part as usize).filter(|_| key.part != PostingKey::JOBS) {
            Some(part) => format!("{id} {} {} {month}", part.component.id, part.version),
            None => format!("{id} jobs {month}"),
        }
    }
}

fn note(touched: Touched, done: Result<(), LiveError>, failures: &mut Failures) {
    let Err(error) = done else { return };
    let resource = match touched {
        Touched::Resource { number, .. } => Some(number),
        _ => None,
    };
    failures.push((resource, error));
}

pub(crate) fn add(differences: &mut Differences, key: AccountKey, by: Amount) -> Result<(), Overflow> {
    if by.is_zero() {
        return Ok(());
    }
    let sum = differences.entry(key).or_insert(Amount::ZERO);
    *sum = sum.checked_add(by)?;
    Ok(())
}
