//! A ledger that only counts, and a directory in which everybody is known.

use std::collections::{BTreeMap, HashMap};

use kopeck_ledger::amount::Amount as Money;
use kopeck_ledger::name::{AccountId, TransactionId};
use kopeck_ledger::request::{JobUser, Right, Work};
use kopeck_rating::calendar::Second;
use kopeck_rating::money::Amount;
use kopeck_settlement::parties::{Authorised, Parties};
use kopeck_settlement::posting::{PostingKey, PostingName, What};
use kopeck_settlement::shard::MeterId;
use kopeck_settlement::step::Step;
use proptest::prelude::*;
use uuid::Uuid;

type Key = (String, String, String, String);

/// What each posting is about now, and which charge it belongs to.
#[derive(Debug, Default)]
pub struct Bank {
    postings: HashMap<TransactionId, (Key, Money)>,
}

impl Bank {
    pub fn perform(&mut self, step: &Step, refused: &[usize]) -> Result<(), TestCaseError> {
        for (index, posting) in step.postings.iter().enumerate() {
            let request = posting.request();
            prop_assert_eq!(request.id, posting.id);
            if refused.contains(&index) {
                continue;
            }
            if let What::Correct { transaction, from, to, .. } = &posting.what {
                let (_, amount) = self.postings.get_mut(transaction).expect("what is corrected was posted");
                prop_assert_eq!(*amount, *from);
                prop_assert!(*to >= Money::ZERO && to < from);
                *amount = *to;
                continue;
            }
            let amount = match request.work {
                Work::PayService(charge) => charge.amount,
                Work::PayJob(job) => job.charge.amount,
                Work::PayCall(call) => call.charge.amount,
                other => panic!("{other:?}"),
            };
            prop_assert!(amount > Money::ZERO && amount <= Money::LARGEST);
            let words: Vec<&str> = posting.reference.as_str().split(' ').collect();
            let key = match words[..] {
                [_, component, version, month, "step", _] => [component, version, month].map(str::to_owned),
                _ => ["job".to_owned(), String::new(), posting.key.month.to_string()],
            };
            let [component, version, month] = key;
            let key = (posting.project.as_str().to_owned(), component, version, month);
            let known = self.postings.insert(posting.id, (key, amount));
            prop_assert!(known.is_none(), "an id came twice");
        }
        Ok(())
    }

    pub fn sums(&self) -> BTreeMap<Key, Amount> {
        let mut sums: BTreeMap<Key, Amount> = BTreeMap::new();
        for (key, amount) in self.postings.values() {
            let sum = sums.entry(key.clone()).or_insert(Amount::ZERO);
            *sum = sum.checked_add(Amount::from_micros(amount.micros())).unwrap();
        }
        sums.retain(|_, amount| !amount.is_zero());
        sums
    }
}

/// Everybody is known.
pub struct Everyone;

fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(number))
}

impl Parties for Everyone {
    fn payer(&self, _: &str, _: Second) -> Option<AccountId> {
        Some(account(1))
    }

    fn executor(&self, _: MeterId) -> Option<AccountId> {
        Some(account(2))
    }

    fn api(&self, _: MeterId) -> Option<AccountId> {
        Some(account(3))
    }

    fn authorised(&self, _: &str) -> Option<Authorised> {
        let user = JobUser { account: account(4), right: Right::ApiKey, hold: None };
        Some(Authorised { hold: None, user: Some(user) })
    }

    fn posted_before(&self, _: (&PostingKey, &str), _: PostingName) -> Vec<(PostingName, Money)> {
        Vec::new()
    }
}
