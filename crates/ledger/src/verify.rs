//! The five invariants of ledger.md, checked over a journal record by record: `kopeck ledger verify`.
//!
//! What is checked: the hash chain, the order of sequences and instants, that every record can follow the state of
//! those before it (balances are the sums of entries, holds resolve once, links lead to the entry before), that
//! money moves only where its purpose may and in one currency, that nobody is overdrawn but by accrued cost or by
//! putting right, that no hold outlives its expiry, that commission and reimbursements follow from their
//! coefficients, and that every charge names its project and reference, every explicit transaction its actor.
//! What is not: whether a referenced charge exists (rating's matter) and whether an id was used twice (the store's
//! index knows).

use std::collections::BTreeMap;

use crate::account::Account;
use crate::amount::Amount;
use crate::apply::Corruption;
use crate::bytes::DecodeError;
use crate::chain::Hash;
use crate::coefficient::Coefficient;
use crate::encode;
use crate::funds::{self, Leeway};
use crate::ledger::Ledger;
use crate::name::{AccountId, AccountNumber, Currency, HoldId, Sequence};
use crate::purpose::{Origin, Purpose};
use crate::record::{Body, Hold, Record, Transaction, Transfer};
use crate::refusal::{Refusal, Shortage};

/// The first record that is not as it was written, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence}: {fault}")]
pub struct Broken {
    /// Its place.
    pub sequence: Sequence,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its bytes are no record.
    #[error("{0}")]
    Unreadable(#[from] DecodeError),
    /// It is not what it was when the next record, or a printed or logged head, took its hash.
    #[error("was altered: its hash is {found}, and was {expected}")]
    Altered {
        /// The hash that others carry.
        expected: Hash,
        /// The hash of what is there now.
        found: Hash,
    },
    /// It can not follow the records before it.
    #[error("{0}")]
    Impossible(#[from] Corruption),
    /// The journal ends before it, though its hash was printed or logged.
    #[error("is missing: the journal ends before it")]
    CutOff,
    /// The journal ends within a chain.
    #[error("belongs to a chain that goes on, and is the last")]
    ChainOpen,
    /// A hold that should have expired before.
    #[error("hold {0} has expired before it, and was not ended")]
    HoldOverdue(HoldId),
    /// A transfer between accounts that its purpose does not join, or of two currencies.
    #[error("{0} moves money where it may not")]
    Movement(Purpose),
    /// An account is overdrawn, and neither accrued cost nor a correction excuses it.
    #[error("{0}")]
    Overdrawn(Shortage),
    /// A commission or a reimbursement that does not follow from its coefficient.
    #[error("{purpose} is {found}, and should be {expected}")]
    Rate {
        /// The purpose of the transfer.
        purpose: Purpose,
        /// What its coefficient makes.
        expected: Amount,
        /// What was posted.
        found: Amount,
    },
    /// Money that can not be traced: a charge without project or reference, something explicit without an actor.
    #[error("has no {0}, so its money can not be traced")]
    Untraceable(&'static str),
}

/// What does not fit at the end, beside single records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The balances of a currency do not sum up to zero.
    #[error("the balances in {currency} sum up to {sum}, not to zero")]
    Sum {
        /// The currency.
        currency: Currency,
        /// The sum.
        sum: Amount,
    },
    /// An account's held amount is not the sum of its open holds.
    #[error("account {account} holds {held}, and its open holds sum up to {holds}")]
    Held {
        /// The account.
        account: AccountId,
        /// What it says.
        held: Amount,
        /// What its holds say.
        holds: Amount,
    },
    /// A stored account is not what its records make of it.
    #[error("account {account} is stored otherwise than its records say")]
    Stored {
        /// The account.
        account: AccountId,
    },
    /// Another number of accounts is stored than was opened.
    #[error("{stored} accounts are stored, {opened} were opened")]
    Count {
        /// How many are stored.
        stored: usize,
        /// How many records open one.
        opened: usize,
    },
}

/// Two neighbours of which one was altered; the next record tells which.
#[derive(Debug, Clone, Copy)]
struct Suspect {
    sequence: Sequence,
    carried: Hash,
    found: Hash,
}

/// Checks a journal from its first record on.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    ledger: Ledger,
    heads: BTreeMap<Sequence, Hash>,
    last: Last,
    suspect: Option<Suspect>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    sequence: Sequence,
    hash: Hash,
    linked: bool,
}

impl Default for Last {
    fn default() -> Last {
        Last { sequence: Sequence::NONE, hash: Hash::GENESIS, linked: false }
    }
}

impl Verifier {
    /// A check that knows nothing but the journal.
    #[must_use]
    pub fn new() -> Verifier {
        Verifier::default()
    }

    /// A check that also knows heads that were printed or logged: so a cut-off tail and an altered last record are
    /// found too.
    #[must_use]
    pub fn expecting(heads: BTreeMap<Sequence, Hash>) -> Verifier {
        Verifier { heads, ..Verifier::default() }
    }

    /// The state that the journal makes so far. While two neighbours are under suspicion, it stays before them.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Checks the next record as it is stored.
    ///
    /// # Errors
    /// [`Broken`], which names the first record that is not as it was written. The check ends there.
    pub fn take(&mut self, encoded: &[u8]) -> Result<(), Broken> {
        let expected = self.last.sequence.next();
        let (record, previous) = match encode::decode(encoded) {
            Ok(decoded) => decoded,
            Err(error) => return Err(self.blame(expected, error.into())),
        };
        self.take_decoded(&record, previous, Hash::of(encoded))
    }

    /// Checks the next record where it was read and hashed elsewhere, as on another core. `previous` is the hash that
    /// it carries, `hash` its own.
    ///
    /// # Errors
    /// As [`Verifier::take`].
    pub fn take_decoded(&mut self, record: &Record, previous: Hash, hash: Hash) -> Result<(), Broken> {
        let place = self.last.sequence.next();
        if record.sequence != place {
            let fault = Corruption::Sequence { expected: place, found: record.sequence }.into();
            return Err(self.blame(place, fault));
        }
        self.settle_suspect(previous)?;
        if previous != self.last.hash {
            // Either this record's link was altered, or the record before: the next one tells.
            self.suspect =
                Some(Suspect { sequence: self.last.sequence, carried: previous, found: self.last.hash });
        }
        self.last = Last { sequence: place, hash, linked: record.linked };
        if self.suspect.is_some() {
            return Ok(());
        }
        if let Some(expected) = self.heads.get(&place).copied().filter(|expected| *expected != hash) {
            return Err(Broken { sequence: place, fault: Fault::Altered { expected, found: hash } });
        }
        let broken = |fault| Broken { sequence: place, fault };
        self.lawful(record).map_err(broken)?;
        self.ledger.apply(record).map_err(|corruption| broken(corruption.into()))
    }

    /// Ends the check, and gives the state that the journal makes.
    ///
    /// # Errors
    /// [`Broken`] where the journal ends before a known head, or within a chain.
    pub fn finish(self) -> Result<Verified, Broken> {
        let head = self.heads.get(&self.last.sequence).copied();
        let carried = head.unwrap_or(self.last.hash);
        self.settle_suspect(carried)?;
        if let Some(sequence) =
            self.heads.keys().next_back().copied().filter(|known| *known > self.last.sequence)
        {
            return Err(Broken { sequence, fault: Fault::CutOff });
        }
        if self.last.linked {
            return Err(Broken { sequence: self.last.sequence, fault: Fault::ChainOpen });
        }
        Ok(Verified { ledger: self.ledger, head: self.last.hash })
    }

    /// What is wrong at `place`; where a record before is under suspicion, that one is named.
    fn blame(&self, place: Sequence, fault: Fault) -> Broken {
        match self.suspect {
            Some(suspect) => suspect.broken(),
            None => Broken { sequence: place, fault },
        }
    }

    /// Two records disagree on a hash. If what follows agrees with the second, the first was altered.
    fn settle_suspect(&self, carried: Hash) -> Result<(), Broken> {
        let Some(suspect) = self.suspect else { return Ok(()) };
        if carried == self.last.hash {
            return Err(suspect.broken());
        }
        let fault = Fault::Altered { expected: carried, found: self.last.hash };
        Err(Broken { sequence: self.last.sequence, fault })
    }

    fn lawful(&self, record: &Record) -> Result<(), Fault> {
        if !matches!(record.body, Body::Expired(_))
            && let Some((expires, hold)) = self.ledger.expiries.first()
            && *expires <= record.at
        {
            return Err(Fault::HoldOverdue(*hold));
        }
        match &record.body {
            Body::Posted(transaction) => {
                for transfer in &transaction.transfers {
                    self.may_move(transfer)?;
                }
                rates_hold(transaction)?;
                traceable(transaction)?;
                match funds::check(&self.ledger, transaction, leeway(transaction)) {
                    Ok(()) => Ok(()),
                    Err(Refusal::InsufficientFunds(shortage)) => Err(Fault::Overdrawn(shortage)),
                    Err(_) => Err(Fault::Impossible(Corruption::Range)),
                }
            }
            Body::Held(hold) => self.covered(hold),
            _ => Ok(()),
        }
    }

    fn account(&self, number: AccountNumber) -> Result<&Account, Fault> {
        self.ledger.account(number).ok_or(Fault::Impossible(Corruption::UnknownAccount(number.0)))
    }

    fn may_move(&self, transfer: &Transfer) -> Result<(), Fault> {
        let (debit, credit) = (self.account(transfer.debit)?, self.account(transfer.credit)?);
        let (from, to) = (&debit.opening, &credit.opening);
        let pays_owner =
            transfer.purpose != Purpose::DirectTransfer || from.owner.is_none_or(|owner| owner == to.number);
        let may = transfer.purpose.may_move(from.kind, to.kind)
            && from.currency == to.currency
            && from.number != to.number
            && pays_owner;
        if may { Ok(()) } else { Err(Fault::Movement(transfer.purpose)) }
    }

    fn covered(&self, hold: &Hold) -> Result<(), Fault> {
        let account = self.account(hold.account)?;
        let available = account.available().ok_or(Fault::Impossible(Corruption::Range))?;
        if available >= hold.amount {
            return Ok(());
        }
        let missing = hold.amount.checked_sub(available).ok_or(Fault::Impossible(Corruption::Range))?;
        let (account, needed) = (account.opening.id, hold.amount);
        Err(Fault::Overdrawn(Shortage { account, available, needed, missing }))
    }
}

impl Suspect {
    fn broken(self) -> Broken {
        let fault = Fault::Altered { expected: self.carried, found: self.found };
        // The first record carries no hash of another: if its link is wrong, it is the one.
        let sequence = if self.sequence == Sequence::NONE { self.sequence.next() } else { self.sequence };
        Broken { sequence, fault }
    }
}

/// A journal that was checked.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The state that it makes.
    pub ledger: Ledger,
    /// The hash of its last record.
    pub head: Hash,
}

impl Verified {
    /// Checks invariants 1 and 2 over the whole state: the sum of each currency, and held amounts against open holds.
    ///
    /// # Errors
    /// The first [`Mismatch`].
    pub fn balanced(&self) -> Result<(), Mismatch> {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        let mut held: BTreeMap<AccountNumber, i128> = BTreeMap::new();
        for account in self.ledger.accounts() {
            let sum = sums.entry(account.opening.currency).or_default();
            *sum = sum.wrapping_add(account.posted.micros());
        }
        if let Some((currency, sum)) = sums.into_iter().find(|(_, sum)| *sum != 0) {
            return Err(Mismatch::Sum { currency, sum: Amount::from_micros(sum) });
        }
        for (_, hold) in self.ledger.open_holds() {
            let sum = held.entry(hold.account).or_default();
            *sum = sum.wrapping_add(hold.left.micros());
        }
        for account in self.ledger.accounts() {
            let holds = Amount::from_micros(held.get(&account.opening.number).copied().unwrap_or(0));
            if holds != account.held {
                return Err(Mismatch::Held { account: account.opening.id, held: account.held, holds });
            }
        }
        Ok(())
    }

    /// Compares the accounts that a store keeps with what the journal makes of them.
    ///
    /// # Errors
    /// The first [`Mismatch`].
    pub fn matches(&self, stored: &[Account]) -> Result<(), Mismatch> {
        let opened = self.ledger.accounts();
        if stored.len() != opened.len() {
            return Err(Mismatch::Count { stored: stored.len(), opened: opened.len() });
        }
        match stored.iter().zip(opened).find(|(stored, opened)| stored != opened) {
            Some((_, opened)) => Err(Mismatch::Stored { account: opened.opening.id }),
            None => Ok(()),
        }
    }
}

fn leeway(transaction: &Transaction) -> Leeway {
    if transaction.accrued.is_some() {
        return Leeway::Everybody;
    }
    if transaction.corrects.is_some() {
        return Leeway::PartnersAndWorkspace;
    }
    let of_the_close = |transfer: &Transfer| matches!(transfer.purpose, Purpose::Rounding | Purpose::Tax);
    if transaction.transfers.iter().all(of_the_close) { Leeway::Operator } else { Leeway::Nobody }
}

/// Commission and reimbursement follow from the gross payment and the coefficients that the transaction names.
fn rates_hold(transaction: &Transaction) -> Result<(), Fault> {
    let Some(leading) = transaction.transfers.first().filter(|_| transaction.corrects.is_none()) else {
        return Ok(());
    };
    let gross = leading.amount;
    for transfer in &transaction.transfers[1..] {
        let expected = match transfer.purpose {
            Purpose::Commission => transaction.coefficient.and_then(|k| k.commission(gross)),
            Purpose::PaidRolePayment => transaction.role.and_then(|k| k.of_cost(gross)),
            Purpose::ApiKeyPayment => Coefficient::ONE.of_cost(gross),
            _ => continue,
        };
        let (purpose, found) = (transfer.purpose, transfer.amount);
        match expected {
            Some(expected) if expected == found => {}
            Some(expected) => return Err(Fault::Rate { purpose, expected, found }),
            None => return Err(Fault::Untraceable("coefficient")),
        }
    }
    Ok(())
}

/// Invariant 5: a charge names its project and what it pays for, what is explicit its actor.
fn traceable(transaction: &Transaction) -> Result<(), Fault> {
    if transaction.origin == Origin::Explicit {
        return transaction.actor.as_ref().map(|_| ()).ok_or(Fault::Untraceable("actor"));
    }
    if transaction.corrects.is_some() {
        return Ok(());
    }
    if transaction.reference.is_none() {
        return Err(Fault::Untraceable("reference"));
    }
    let is_charge = transaction.transfers.iter().any(|transfer| transfer.purpose.is_charge());
    if is_charge && transaction.project.is_none() {
        return Err(Fault::Untraceable("project"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Work;
    use crate::testing::{World, charge, hold, transfer};

    fn journal() -> Vec<Vec<u8>> {
        let mut world = World::new();
        world.funded("100");
        world.done(hold("workspace", "5", "2026-10-02T00:00:00Z"));
        world.now = crate::testing::at("2026-10-03T00:00:00Z");
        world.done(Work::PayService(charge("workspace", "60")));
        world.refused(transfer("bob", "ann", "1"));
        let mut hash = Hash::GENESIS;
        let mut encoded = Vec::new();
        for record in &world.journal.records {
            let mut bytes = Vec::new();
            hash = encode::encode(record, &hash, &mut bytes);
            encoded.push(bytes);
        }
        encoded
    }

    fn heads(journal: &[Vec<u8>]) -> BTreeMap<Sequence, Hash> {
        let last = journal.last().map(|bytes| Hash::of(bytes)).unwrap();
        BTreeMap::from([(Sequence(journal.len() as u64), last)])
    }

    fn check(journal: &[Vec<u8>], heads: BTreeMap<Sequence, Hash>) -> Result<Verified, Broken> {
        let mut verifier = Verifier::expecting(heads);
        journal.iter().try_for_each(|bytes| verifier.take(bytes))?;
        verifier.finish()
    }

    #[test]
    fn a_journal_as_it_was_written_holds() {
        let journal = journal();
        let verified = check(&journal, heads(&journal)).unwrap();
        verified.balanced().unwrap();
        verified.matches(verified.ledger.accounts()).unwrap();
        let mut stored = verified.ledger.accounts().to_vec();
        stored[2].posted = Amount::from_micros(1);
        assert_eq!(verified.matches(&stored), Err(Mismatch::Stored { account: stored[2].opening.id }));
    }

    #[test]
    fn any_flipped_bit_names_its_record() {
        let journal = journal();
        let heads = heads(&journal);
        for (place, record) in journal.iter().enumerate() {
            for bit in 0..record.len() * 8 {
                let mut altered = journal.clone();
                altered[place][bit / 8] ^= 1 << (bit % 8);
                let broken = check(&altered, heads.clone()).unwrap_err();
                assert_eq!(broken.sequence, Sequence(place as u64 + 1), "bit {bit}: {broken}");
            }
        }
    }

    #[test]
    fn a_dropped_record_a_swapped_pair_and_a_cut_tail_are_named() {
        let journal = journal();
        let heads = heads(&journal);
        for place in 0..journal.len() {
            let mut dropped = journal.clone();
            dropped.remove(place);
            let broken = check(&dropped, heads.clone()).unwrap_err();
            let named = if place + 1 == journal.len() { journal.len() } else { place + 1 };
            assert_eq!(broken.sequence, Sequence(named as u64), "{broken}");
            if place > 0 {
                let mut swapped = journal.clone();
                swapped.swap(place - 1, place);
                assert_eq!(check(&swapped, heads.clone()).unwrap_err().sequence, Sequence(place as u64));
            }
        }
    }
}
