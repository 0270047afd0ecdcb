//! What the ledger made of a step.

use std::collections::BTreeMap;

use kopeck_rating::money::{Amount, Overflow};

use crate::account::{AccountKey, Entry};
use crate::decide::{account_key, account_of};
use crate::meter_id::MeterId;
use crate::posting::{Posting, PostingName, What};
use crate::shard::{SettleError, Shard};
use crate::step::Step;

/// What was decided of each account and is in no posting of the ledger.
type Unmoved = BTreeMap<(MeterId, AccountKey), Amount>;

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
        let mut jobs: Vec<(MeterId, Posting)> = Vec::new();
        for posting in flying.postings {
            let (meter, key) = (posting.key.meter, account_key(&posting.key));
            match posting.what {
                What::Job { .. } | What::Call { .. } => jobs.push((meter, posting)),
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
        self.aside.append(&mut jobs);
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
        jobs: &mut Vec<(MeterId, Posting)>,
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
            let same = |(meter, other): &(MeterId, Posting)| {
                *meter == id && other.reference == posting.reference && other.change() == posting.change()
            };
            let known = [jobs, &mut self.aside].into_iter().any(|list| {
                let at = list.iter().position(same);
                at.map(|at| list.remove(at)).is_some()
            });
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
