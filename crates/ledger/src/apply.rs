//! How a record changes the state. No decision is made here: a record says what happened in numbers.

use crate::account::Account;
use crate::amount::Amount;
use crate::books::BooksMut;
use crate::ledger::{Corrected, Head, OpenHold};
use crate::name::{AccountNumber, HoldId, Moment, Sequence};
use crate::purpose::Purpose;
use crate::record::{Body, Hold, HoldEnd, Record, Transaction, Transfer};

/// Why a record can not follow a state: the journal is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// The record is not the next one.
    #[error("record {expected} is missing: {found} stands in its place")]
    Sequence {
        /// The place that comes next.
        expected: Sequence,
        /// The record's.
        found: Sequence,
    },
    /// The record is older than the one before.
    #[error("its instant {found} lies before {before}, that of the record before")]
    ClockBack {
        /// The instant of the record before.
        before: Moment,
        /// The record's.
        found: Moment,
    },
    /// No account has this number.
    #[error("it names account number {0}, which was never opened")]
    UnknownAccount(u32),
    /// An account is opened twice, or out of order.
    #[error("it opens an account that is open, or out of order")]
    Opening,
    /// The hold is not open, is open already, is another account's, or has less left than is taken.
    #[error("hold {0} can not be changed like that")]
    Hold(HoldId),
    /// An expiry that is not at the hold's expiry.
    #[error("hold {0} expires at another instant")]
    Expiry(HoldId),
    /// A transfer that points to another entry than the account's last.
    #[error("a transfer's link to the account's entry before is {found}, not {expected}")]
    Link {
        /// The account's last entry.
        expected: Sequence,
        /// What the transfer says.
        found: Sequence,
    },
    /// A balance, a volume or an accrued cost leaves what it can be.
    #[error("an amount leaves the range that it can have")]
    Range,
}

/// Takes a record into the state.
pub(crate) fn apply(books: &mut impl BooksMut, record: &Record) -> Result<(), Corruption> {
    let head = books.head();
    let expected = head.sequence.next();
    if record.sequence != expected {
        return Err(Corruption::Sequence { expected, found: record.sequence });
    }
    if record.at < head.at {
        return Err(Corruption::ClockBack { before: head.at, found: record.at });
    }
    match &record.body {
        Body::Opened { opening, credit_limit, coefficient } => {
            let is_next = opening.number.index() == books.count() && books.number(opening.id).is_none();
            if !is_next {
                return Err(Corruption::Opening);
            }
            books.open(Account {
                opening: opening.clone(),
                credit_limit: *credit_limit,
                coefficient: *coefficient,
                posted: Amount::ZERO,
                held: Amount::ZERO,
                accrued: Amount::ZERO,
                last: Sequence::NONE,
                entries: 0,
            });
        }
        Body::CreditLimitSet { account, limit } => account_mut(books, *account)?.credit_limit = *limit,
        Body::CoefficientSet { account, coefficient } => {
            account_mut(books, *account)?.coefficient = *coefficient;
        }
        Body::AccruedSet { workspace, project, amount } => {
            let key = (*workspace, project.clone());
            let before = books.accrued(&key);
            let account = account_mut(books, *workspace)?;
            account.accrued = sum(difference(account.accrued, before)?, *amount)?;
            books.set_accrued(key, *amount);
        }
        Body::Posted(transaction) => post(books, record.sequence, transaction)?,
        Body::Held(hold) => hold_money(books, hold)?,
        Body::Released(end) => end_hold(books, end)?,
        Body::Expired(end) => {
            if books.hold(end.hold).is_some_and(|hold| hold.expires != record.at) {
                return Err(Corruption::Expiry(end.hold));
            }
            end_hold(books, end)?;
        }
        Body::Refused(_) => {}
    }
    books.set_head(Head { sequence: record.sequence, at: record.at });
    Ok(())
}

fn post(books: &mut impl BooksMut, at: Sequence, transaction: &Transaction) -> Result<(), Corruption> {
    let transfers = &transaction.transfers;
    for (place, transfer) in transfers.iter().enumerate() {
        let debit = account_mut(books, transfer.debit)?;
        link(debit, transfer.debit_previous, at, &transfers[..place])?;
        debit.posted = difference(debit.posted, transfer.amount)?;
        let credit = account_mut(books, transfer.credit)?;
        link(credit, transfer.credit_previous, at, &transfers[..place])?;
        credit.posted = sum(credit.posted, transfer.amount)?;
    }
    for part in &transaction.holds {
        let back = sum(part.taken, part.released)?;
        reduce_hold(books, part.hold, part.account, back)?;
    }
    if let (Some(accrued), Some(first)) = (transaction.accrued, transfers.first())
        && !accrued.is_zero()
    {
        let project = transaction.project.clone().ok_or(Corruption::Range)?;
        let account = account_mut(books, first.debit)?;
        account.accrued = difference(account.accrued, accrued)?;
        let key = (first.debit, project);
        let left = difference(books.accrued(&key), accrued)?;
        if left.is_negative() {
            return Err(Corruption::Range);
        }
        books.set_accrued(key, left);
    }
    put_right(books, transaction)?;
    charge_storage(books, transaction)
}

/// Moves an account's chain on, once for each transfer that it takes part in.
fn link(
    account: &mut Account,
    found: Sequence,
    at: Sequence,
    earlier: &[Transfer],
) -> Result<(), Corruption> {
    let number = account.opening.number;
    let expected = if account.last == at {
        // A second transfer of one record has the link of the first.
        let of_earlier = |transfer: &Transfer| match number {
            _ if transfer.debit == number => Some(transfer.debit_previous),
            _ if transfer.credit == number => Some(transfer.credit_previous),
            _ => None,
        };
        earlier.iter().find_map(of_earlier).unwrap_or(at)
    } else {
        account.last
    };
    if found != expected {
        return Err(Corruption::Link { expected, found });
    }
    account.last = at;
    account.entries = account.entries.checked_add(1).ok_or(Corruption::Range)?;
    Ok(())
}

fn put_right(books: &mut impl BooksMut, transaction: &Transaction) -> Result<(), Corruption> {
    let Some(id) = transaction.corrects else { return Ok(()) };
    let is_reversal = transaction.transfers.iter().all(|transfer| transfer.purpose == Purpose::Reversal);
    let corrected = match transaction.corrected_to {
        _ if is_reversal => Corrected::Reversed,
        Some(amount) => Corrected::To(amount),
        None => return Err(Corruption::Range),
    };
    books.set_corrected(id, corrected);
    Ok(())
}

fn charge_storage(books: &mut impl BooksMut, transaction: &Transaction) -> Result<(), Corruption> {
    let Some(day) = transaction.storage else { return Ok(()) };
    let project = transaction.project.clone().ok_or(Corruption::Range)?;
    let leading = transaction.transfers.first().ok_or(Corruption::Range)?;
    // A reversal moves the payment the other way round.
    let storage = if transaction.corrects.is_some() { leading.debit } else { leading.credit };
    let key = (storage, project);
    let mut charged = books.charged(&key).cloned().unwrap_or_default();
    charged.add(day).ok_or(Corruption::Range)?;
    books.set_charged(key, charged);
    Ok(())
}

fn hold_money(books: &mut impl BooksMut, hold: &Hold) -> Result<(), Corruption> {
    if books.hold(hold.id).is_some() || hold.amount.is_zero() {
        return Err(Corruption::Hold(hold.id));
    }
    let account = account_mut(books, hold.account)?;
    account.held = sum(account.held, hold.amount)?;
    let open = OpenHold { account: hold.account, left: hold.amount, expires: hold.expires };
    books.set_hold(hold.id, Some(open));
    Ok(())
}

fn end_hold(books: &mut impl BooksMut, end: &HoldEnd) -> Result<(), Corruption> {
    if books.hold(end.hold).is_none_or(|hold| hold.left != end.amount) {
        return Err(Corruption::Hold(end.hold));
    }
    reduce_hold(books, end.hold, end.account, end.amount)
}

fn reduce_hold(
    books: &mut impl BooksMut,
    id: HoldId,
    number: AccountNumber,
    by: Amount,
) -> Result<(), Corruption> {
    let hold = books.hold(id).filter(|hold| hold.account == number).ok_or(Corruption::Hold(id))?;
    let left = difference(hold.left, by)?;
    if left.is_negative() {
        return Err(Corruption::Hold(id));
    }
    let account = account_mut(books, number)?;
    account.held = difference(account.held, by)?;
    books.set_hold(id, (!left.is_zero()).then_some(OpenHold { left, ..hold }));
    Ok(())
}

fn account_mut(books: &mut impl BooksMut, number: AccountNumber) -> Result<&mut Account, Corruption> {
    books.account_mut(number).ok_or(Corruption::UnknownAccount(number.0))
}

fn sum(one: Amount, other: Amount) -> Result<Amount, Corruption> {
    one.checked_add(other).ok_or(Corruption::Range)
}

fn difference(one: Amount, other: Amount) -> Result<Amount, Corruption> {
    one.checked_sub(other).ok_or(Corruption::Range)
}
