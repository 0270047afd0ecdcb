//! The rules of holds, by the journal alone (ledger.md, "Idempotency, holds, time"): what is set aside is open until it is
//! paid, released or expired; a job or call takes the hold that it names where that is open and its own payer's; the rest
//! goes back with it.

use std::collections::BTreeMap;

use kopeck_ledger::name::{AccountNumber, HoldId, Moment, Sequence, TransactionId};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::record::{Body, HoldEnd, Record, Transaction};
use kopeck_store::Store;
use uuid::Uuid;

use super::site::Site;
use crate::bank::{Outcome, told};
use crate::judge::same;

/// What is set aside.
#[derive(Debug)]
struct Open {
    account: AccountNumber,
    /// In 10⁻⁶ of the currency unit, like all amounts here.
    left: i128,
    expires: Moment,
}

/// The holds that are open after a part of the journal.
#[derive(Debug, Default)]
struct Holds(BTreeMap<HoldId, Open>);

/// All holds of the journal were used by the rules, and what the ledger says is set aside is what they have left.
pub fn kept(site: &Site) -> Outcome<()> {
    let (mut holds, mut problem) = (Holds::default(), Ok(()));
    let mut take = |record: Record| {
        problem = holds.take(&record);
        Ok(problem.is_ok())
    };
    site.ledger.records(Sequence(1), &mut take).map_err(told("reading the journal"))?;
    problem?;
    let mut held: BTreeMap<AccountNumber, i128> = BTreeMap::new();
    for (id, open) in &holds.0 {
        if open.expires <= site.now() {
            return Err(format!("hold {id} is open after its expiry at {}", open.expires));
        }
        let left = site.ledger.open_hold(*id).map(|open| open.left.micros());
        same(&format!("what is left of hold {id}"), &left, &Some(open.left))?;
        *held.entry(open.account).or_default() += open.left;
    }
    for account in site.ledger.accounts(0, usize::MAX) {
        let own = held.get(&account.opening.number).copied().unwrap_or_default();
        same(&format!("what is held of {}", account.opening.name), &account.held.micros(), &own)?;
    }
    Ok(())
}

impl Holds {
    fn take(&mut self, record: &Record) -> Outcome<()> {
        match &record.body {
            Body::Held(hold) => {
                let (account, left) = (hold.account, hold.amount.micros());
                self.0.insert(hold.id, Open { account, left, expires: hold.expires });
                Ok(())
            }
            Body::Released(end) => self.end(end).map(drop),
            Body::Expired(end) => {
                let expires = self.end(end)?;
                same(&format!("when hold {} expired", end.hold), &record.at, &expires)
            }
            Body::Posted(transaction) => self.pay(transaction, record),
            _ => Ok(()),
        }
    }

    fn end(&mut self, end: &HoldEnd) -> Outcome<Moment> {
        let open = self.0.remove(&end.hold).ok_or_else(|| format!("hold {} ends twice", end.hold))?;
        same(&format!("what goes back of hold {}", end.hold), &end.amount.micros(), &open.left)?;
        Ok(open.expires)
    }

    fn pay(&mut self, transaction: &Transaction, record: &Record) -> Outcome<()> {
        let found: Vec<(HoldId, i128, i128)> = transaction
            .holds
            .iter()
            .map(|part| (part.hold, part.taken.micros(), part.released.micros()))
            .collect();
        // Ids that settling makes have version 8.
        if record.asked.is_some_and(|asked| asked.id.0.get_version_num() == 8) {
            let wanted: Vec<_> = self.wanted(transaction, record.at).into_iter().collect();
            same(&format!("what {:?} takes from holds", transaction.reference), &found, &wanted)?;
        }
        for (hold, taken, released) in found {
            let open =
                self.0.get_mut(&hold).ok_or_else(|| format!("hold {hold} is paid from after its end"))?;
            open.left -= taken + released;
            match open.left {
                0 => drop(self.0.remove(&hold)),
                1.. => {}
                _ => return Err(format!("more is paid from hold {hold} than was left")),
            }
        }
        Ok(())
    }

    /// What a job or a call must take from the hold that it names, and give back.
    fn wanted(&self, transaction: &Transaction, at: Moment) -> Option<(HoldId, i128, i128)> {
        let right = transaction.reference.as_ref()?.as_str().split(' ').nth(2)?;
        let hold = HoldId(TransactionId(right.parse::<Uuid>().ok()?));
        let open = self.0.get(&hold).filter(|open| open.expires > at)?;
        let mut paid = transaction.transfers.iter().filter(|leg| leg.purpose != Purpose::Commission);
        let leg = paid.find(|leg| leg.debit == open.account)?;
        let taken = leg.amount.micros().min(open.left);
        Some((hold, taken, open.left - taken))
    }
}
