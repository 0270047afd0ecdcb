//! What the ledger made of a step.

use std::collections::{BTreeMap, BTreeSet};

use kopeck_ledger::name::Text;
use kopeck_rating::money::{Amount, Overflow};

use crate::account::{AccountKey, Entry};
use crate::decide::{account_key, account_of};
use crate::meter_id::MeterId;
use crate::posting::{Posting, PostingName, What};
use crate::shard::{SettleError, Shard};
use crate::step::Step;

/// What was decided of each account and is in no posting of the ledger.
type Unmoved = BTreeMap<(MeterId, AccountKey), Amount>;
/// Jobs and calls that were decided, by what they are: meter, reference and amount.
type Jobs = BTreeMap<(MeterId, Text, i128), Vec<Posting>>;

impl Shard {
    /// Takes note of what the ledger made of the step that was recorded: `refused` are the places of postings that it
    /// refused. These count as not posted, are listed, and are tried again in the next whole step. A correction that was
    /// refused is not tried on the same posting again, but on the one before it.
    ///
    /// # Errors
    /// [`SettleError::NotDecided`] of another step than the one that waits; nothing changes.
    pub fn settled(&mut self, step: &Step, refused: &[usize]) -> Result<(), SettleError> {
        let flying = self.flying.take_if(|flying| flying.number == step.number);
        let flying = flying.ok_or(SettleError::NotDecided(step.number))?;
        let mut unmoved = Unmoved::new();
        let mut jobs = Jobs::new();
        let refused: BTreeSet<usize> = refused.iter().copied().collect();
        for posting in flying.postings {
            let (meter, key) = (posting.key.meter, account_key(&posting.key));
            match posting.what {
                What::Job { .. } | What::Call { .. } => {
                    let name = (meter, posting.reference.clone(), posting.change());
                    jobs.entry(name).or_default().push(posting);
                }
                What::Service { .. } | What::Correct { .. } => {
                    add(&mut unmoved, (meter, key), posting.change())?;
                }
            }
        }
        for (index, posting) in (0..).zip(&step.postings) {
            let name = PostingName { step: step.number, index };
            let is_refused = refused.contains(&(index as usize));
            self.one((name, posting), is_refused, &mut jobs, &mut unmoved)?;
        }
        for ((meter, ..), left) in jobs {
            self.aside.extend(left.into_iter().map(|posting| (meter, posting)));
        }
        for ((meter, key), amount) in unmoved {
            if let Some(meter) = self.meters.get_mut(&meter) {
                meter.carry(key, amount)?;
            }
        }
        Ok(())
    }

    /// What became of one posting.
    fn one(
        &mut self,
        (name, posting): (PostingName, &Posting),
        is_refused: bool,
        jobs: &mut Jobs,
        unmoved: &mut Unmoved,
    ) -> Result<(), SettleError> {
        let id = posting.key.meter;
        let meter = self.meters.get_mut(&id).ok_or(SettleError::UnknownMeter(id))?;
        let mut key = account_key(&posting.key);
        // Names may have other numbers than when the step was recorded.
        key.project = meter.live.project(posting.project.as_str()).unwrap_or(key.project);
        let account = account_of(meter, key);
        match &posting.what {
            What::Correct { name, to, .. } => {
                let left = if is_refused { kopeck_ledger::amount::Amount::ZERO } else { *to };
                account.corrected(*name, left);
            }
            What::Service { amount, .. } | What::Job { amount, .. } | What::Call { amount, .. } => {
                if !is_refused {
                    account.remember(Entry { name, amount: *amount });
                }
            }
        }
        let is_job = matches!(posting.what, What::Job { .. } | What::Call { .. });
        if is_job {
            let same = (id, posting.reference.clone(), posting.change());
            let is_decided = jobs.get_mut(&same).is_some_and(|list| list.pop().is_some());
            let known = is_decided || self.take_back(&same);
            if is_refused {
                self.aside.push((id, posting.clone()));
            } else if !known {
                add(unmoved, (id, key), -posting.change())?;
            }
        } else if !is_refused {
            add(unmoved, (id, key), -posting.change())?;
        }
        Ok(())
    }

    /// Takes a job back that was put aside, if it was.
    fn take_back(&mut self, (id, reference, change): &(MeterId, Text, i128)) -> bool {
        let is_it = |(meter, posting): &(MeterId, Posting)| {
            meter == id && posting.reference == *reference && posting.change() == *change
        };
        let at = self.aside.iter().position(is_it);
        at.map(|at| self.aside.remove(at)).is_some()
    }

    /// Jobs and calls that the ledger refused, or that nobody could pay (their accounts are nil then): each with its
    /// meter.
    #[must_use]
    pub fn aside(&self) -> &[(MeterId, Posting)] {
        &self.aside
    }
}

fn add(unmoved: &mut Unmoved, key: (MeterId, AccountKey), by: i128) -> Result<(), Overflow> {
    let sum = unmoved.entry(key).or_insert(Amount::ZERO);
    *sum = sum.checked_add(Amount::from_micros(by))?;
    Ok(())
}
