//! Holds as documents: what became of them is found in the journal.

use kopeck_api::forms::{CurrencyCode, Label, Money, Time};
use kopeck_api::hold::{HoldDocument, HoldPart, HoldState};
use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{HoldId, Moment, TransactionId};
use kopeck_ledger::record::{Body, Hold, Record};
use kopeck_store::{Store, StoreError};

use super::DocumentError;
use super::account::of_number;

/// The record that made a hold; `None` where there is no hold of that id.
///
/// # Errors
/// [`StoreError`] where the journal can not be read.
pub fn made(id: HoldId, store: &dyn Store) -> Result<Option<(Record, Hold)>, StoreError> {
    let record = store.record(id.0)?;
    Ok(record.and_then(|record| match record.body.clone() {
        Body::Held(hold) => Some((record, hold)),
        _ => None,
    }))
}

/// What a request that pays from a hold without saying how much is about: all that is left; of a request that was
/// done before, what it took.
///
/// # Errors
/// [`StoreError`] where the journal can not be read.
pub fn all_of(hold: &Hold, request: Option<TransactionId>, store: &dyn Store) -> Result<Amount, StoreError> {
    let before = request.map(|id| store.record(id)).transpose()?.flatten();
    let taken = before.as_ref().and_then(Record::transaction).and_then(|done| done.holds.first());
    let left = store.open_hold(hold.id).map(|open| open.left);
    // Of a hold that is resolved nothing is left, and the ledger says so.
    Ok(taken.map(|part| part.taken).or(left).unwrap_or(hold.amount))
}

/// A hold and what became of it, with the account that it is on.
///
/// # Errors
/// [`DocumentError::Store`] where the journal can not be read.
pub fn document(
    record: &Record,
    hold: &Hold,
    store: &dyn Store,
) -> Result<(HoldDocument, Account), DocumentError> {
    let account = of_number(hold.account, store)?;
    let fate = fate(record, hold, store)?;
    let document = HoldDocument {
        id: hold.id.0.0,
        account: account.opening.id.0,
        currency: CurrencyCode(account.opening.currency),
        amount: Money(hold.amount),
        left: Money(fate.left),
        state: fate.state,
        at: Time(record.at),
        expires: Time(hold.expires),
        ended: fate.ended.map(Time),
        actor: hold.actor.clone().map(Label),
        project: hold.project.clone().map(Label),
        reference: hold.reference.clone().map(Label),
        parts: fate.parts,
    };
    Ok((document, account))
}

/// What became of a hold.
struct Fate {
    state: HoldState,
    left: Amount,
    ended: Option<Moment>,
    parts: Vec<HoldPart>,
    /// What was paid or given back beside, in all.
    gone: i128,
}

/// Follows the journal from the hold's record to its end.
fn fate(record: &Record, hold: &Hold, store: &dyn Store) -> Result<Fate, StoreError> {
    let left = store.open_hold(hold.id).map_or(Amount::ZERO, |open| open.left);
    let mut fate = Fate { state: HoldState::Open, left, ended: None, parts: Vec::new(), gone: 0 };
    store.records(record.sequence.next(), &mut |later| {
        let Some(state) = fate.after(&later, hold) else { return Ok(true) };
        (fate.state, fate.ended) = (state, Some(later.at));
        Ok(false)
    })?;
    Ok(fate)
}

impl Fate {
    /// What a later record does to the hold; the state that it ends in, if it does.
    fn after(&mut self, later: &Record, hold: &Hold) -> Option<HoldState> {
        match &later.body {
            Body::Released(end) if end.hold == hold.id => Some(HoldState::Released),
            Body::Expired(end) if end.hold == hold.id => Some(HoldState::Expired),
            Body::Posted(transaction) => {
                for part in transaction.holds.iter().filter(|part| part.hold == hold.id) {
                    self.gone += part.taken.micros() + part.released.micros();
                    self.parts.push(HoldPart {
                        transaction: later.asked?.id.0,
                        at: Time(later.at),
                        posted: Money(part.taken),
                        released: Money(part.released),
                    });
                }
                (self.gone == hold.amount.micros()).then_some(HoldState::Posted)
            }
            _ => None,
        }
    }
}
