//! What a record's kind needs after its transfers, as bytes.
//!
//! Amounts of transactions, holds and limits take 8 bytes, those of refusals 16. A text is one byte of length and its
//! bytes; the length 0 stands for none. A transaction is: origin 1, mode 1, flags 1 (1 corrects, 2 accrued, 4
//! coefficient, 8 role, 16 storage, 32 corrected to), number of holds 1, the texts actor, project, reference, invoice; then what the
//! flags name: the corrected transaction's id 16, corrected to 8, accrued 8, coefficient 8, role 8, the storage's day 4 and growth
//! 16; then the holds: id 16, account 4, taken 8, released 8.

use kopeck_rating::number::Number;

use crate::account::{AccountKind, Opening};
use crate::amount::Amount;
use crate::bytes::{DecodeError, Sink, Source};
use crate::purpose::{Mode, Origin};
use crate::record::{Body, Hold, HoldEnd, HoldPart, Transaction, Transfers};
use crate::refusal::{Lasting, Shortage};
use crate::storage::StorageDay;

const CORRECTS: u8 = 1;
const ACCRUED: u8 = 2;
const COEFFICIENT: u8 = 4;
const ROLE: u8 = 8;
const STORAGE: u8 = 16;
const CORRECTED_TO: u8 = 32;

/// The byte that stands for the kind of body.
pub(crate) fn kind(body: &Body) -> u8 {
    match body {
        Body::Opened { .. } => 1,
        Body::CreditLimitSet { .. } => 2,
        Body::CoefficientSet { .. } => 3,
        Body::AccruedSet { .. } => 4,
        Body::Posted(_) => 5,
        Body::Held(_) => 6,
        Body::Released(_) => 7,
        Body::Expired(_) => 8,
        Body::Refused(_) => 9,
    }
}

/// An amount as the 64 bits that it is checked to fit before it becomes part of a record.
pub(crate) fn small(amount: Amount) -> u64 {
    u64::try_from(amount.micros()).unwrap_or(u64::MAX)
}

pub(crate) fn put(body: &Body, to: &mut Vec<u8>) {
    match body {
        Body::Opened { opening, credit_limit, coefficient } => {
            put_opening(opening, to);
            to.u64(small(*credit_limit));
            to.coefficient(*coefficient);
        }
        Body::CreditLimitSet { account, limit } => {
            to.number(*account);
            to.u64(small(*limit));
        }
        Body::CoefficientSet { account, coefficient } => {
            to.number(*account);
            to.coefficient(*coefficient);
        }
        Body::AccruedSet { workspace, project, amount } => {
            to.number(*workspace);
            to.text(project);
            to.u64(small(*amount));
        }
        Body::Posted(transaction) => put_transaction(transaction, to),
        Body::Held(hold) => put_hold(hold, to),
        Body::Released(end) | Body::Expired(end) => {
            to.hold(end.hold);
            to.number(end.account);
            to.u64(small(end.amount));
        }
        Body::Refused(lasting) => put_lasting(*lasting, to),
    }
}

pub(crate) fn read(kind: u8, transfers: Transfers, from: &mut Source<'_>) -> Result<Body, DecodeError> {
    if (kind == 5) == transfers.is_empty() {
        return Err(DecodeError::Impossible("number of transfers"));
    }
    Ok(match kind {
        1 => Body::Opened {
            opening: opening(from)?,
            credit_limit: from.small_amount()?,
            coefficient: from.coefficient()?,
        },
        2 => Body::CreditLimitSet { account: from.number()?, limit: from.small_amount()? },
        3 => Body::CoefficientSet { account: from.number()?, coefficient: from.coefficient()? },
        4 => Body::AccruedSet {
            workspace: from.number()?,
            project: from.text()?,
            amount: from.small_amount()?,
        },
        5 => Body::Posted(transaction(transfers, from)?),
        6 => Body::Held(hold(from)?),
        7 => Body::Released(hold_end(from)?),
        8 => Body::Expired(hold_end(from)?),
        9 => Body::Refused(lasting(from)?),
        _ => return Err(DecodeError::Impossible("kind")),
    })
}

pub(crate) fn put_opening(opening: &Opening, to: &mut Vec<u8>) {
    to.account(opening.id);
    to.number(opening.number);
    to.byte(opening.kind.code());
    to.currency(opening.currency);
    to.byte(u8::from(opening.owner.is_some()));
    if let Some(owner) = opening.owner {
        to.number(owner);
    }
    to.text(&opening.name);
    to.maybe_text(opening.zone.as_ref());
}

pub(crate) fn opening(from: &mut Source<'_>) -> Result<Opening, DecodeError> {
    let (id, number) = (from.account()?, from.number()?);
    let kind = from.named(AccountKind::from_code, "kind of account")?;
    let currency = from.currency()?;
    let owner = match from.byte()? {
        0 => None,
        1 => Some(from.number()?),
        _ => return Err(DecodeError::Impossible("owner")),
    };
    Ok(Opening { id, number, kind, currency, owner, name: from.text()?, zone: from.maybe_text()? })
}

fn put_transaction(transaction: &Transaction, to: &mut Vec<u8>) {
    to.byte(transaction.origin.code());
    to.byte(transaction.mode.code());
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    to.byte(
        flag(transaction.corrects.is_some(), CORRECTS)
            | flag(transaction.accrued.is_some(), ACCRUED)
            | flag(transaction.coefficient.is_some(), COEFFICIENT)
            | flag(transaction.role.is_some(), ROLE)
            | flag(transaction.storage.is_some(), STORAGE)
            | flag(transaction.corrected_to.is_some(), CORRECTED_TO),
    );
    to.byte(u8::try_from(transaction.holds.len()).unwrap_or(u8::MAX));
    to.maybe_text(transaction.actor.as_ref());
    to.maybe_text(transaction.project.as_ref());
    to.maybe_text(transaction.reference.as_ref());
    to.maybe_text(transaction.invoice.as_ref());
    if let Some(corrects) = transaction.corrects {
        to.transaction(corrects);
    }
    if let Some(amount) = transaction.corrected_to {
        to.u64(small(amount));
    }
    if let Some(accrued) = transaction.accrued {
        to.u64(small(accrued));
    }
    for coefficient in [transaction.coefficient, transaction.role].into_iter().flatten() {
        to.coefficient(coefficient);
    }
    if let Some(StorageDay { day, grown }) = transaction.storage {
        to.put(&day.to_be_bytes());
        to.i128(grown.units());
    }
    for part in &transaction.holds {
        to.hold(part.hold);
        to.number(part.account);
        to.u64(small(part.taken));
        to.u64(small(part.released));
    }
}

fn transaction(transfers: Transfers, from: &mut Source<'_>) -> Result<Transaction, DecodeError> {
    let origin = from.named(Origin::from_code, "origin")?;
    let mode = from.named(Mode::from_code, "mode")?;
    let flags = from.byte()?;
    if flags & !(CORRECTS | ACCRUED | COEFFICIENT | ROLE | STORAGE | CORRECTED_TO) != 0 {
        return Err(DecodeError::Impossible("flag"));
    }
    let holds = from.byte()?;
    let has = |flag: u8| flags & flag != 0;
    Ok(Transaction {
        origin,
        mode,
        actor: from.maybe_text()?,
        project: from.maybe_text()?,
        reference: from.maybe_text()?,
        invoice: from.maybe_text()?,
        corrects: if has(CORRECTS) { Some(from.transaction()?) } else { None },
        corrected_to: if has(CORRECTED_TO) { Some(from.small_amount()?) } else { None },
        accrued: if has(ACCRUED) { Some(from.small_amount()?) } else { None },
        coefficient: if has(COEFFICIENT) { Some(from.coefficient()?) } else { None },
        role: if has(ROLE) { Some(from.coefficient()?) } else { None },
        storage: if has(STORAGE) { Some(storage_day(from)?) } else { None },
        holds: (0..holds).map(|_| hold_part(from)).collect::<Result<_, _>>()?,
        transfers,
    })
}

fn storage_day(from: &mut Source<'_>) -> Result<StorageDay, DecodeError> {
    let day = i32::from_be_bytes(from.array()?);
    let grown = Number::from_units(from.i128()?).ok_or(DecodeError::Impossible("volume"))?;
    Ok(StorageDay { day, grown })
}

fn hold_part(from: &mut Source<'_>) -> Result<HoldPart, DecodeError> {
    Ok(HoldPart {
        hold: from.hold()?,
        account: from.number()?,
        taken: from.small_amount()?,
        released: from.small_amount()?,
    })
}

fn put_hold(hold: &Hold, to: &mut Vec<u8>) {
    to.hold(hold.id);
    to.number(hold.account);
    to.u64(small(hold.amount));
    to.moment(hold.expires);
    to.maybe_text(hold.actor.as_ref());
    to.maybe_text(hold.project.as_ref());
    to.maybe_text(hold.reference.as_ref());
}

fn hold(from: &mut Source<'_>) -> Result<Hold, DecodeError> {
    Ok(Hold {
        id: from.hold()?,
        account: from.number()?,
        amount: from.small_amount()?,
        expires: from.moment()?,
        actor: from.maybe_text()?,
        project: from.maybe_text()?,
        reference: from.maybe_text()?,
    })
}

fn hold_end(from: &mut Source<'_>) -> Result<HoldEnd, DecodeError> {
    Ok(HoldEnd { hold: from.hold()?, account: from.number()?, amount: from.small_amount()? })
}

fn put_lasting(lasting: Lasting, to: &mut Vec<u8>) {
    match lasting {
        Lasting::InsufficientFunds(shortage) => {
            to.byte(1);
            to.account(shortage.account);
            to.amount(shortage.available);
            to.amount(shortage.needed);
            to.amount(shortage.missing);
        }
        Lasting::WithChain { by } => {
            to.byte(2);
            to.transaction(by);
        }
    }
}

fn lasting(from: &mut Source<'_>) -> Result<Lasting, DecodeError> {
    match from.byte()? {
        1 => Ok(Lasting::InsufficientFunds(Shortage {
            account: from.account()?,
            available: from.amount()?,
            needed: from.amount()?,
            missing: from.amount()?,
        })),
        2 => Ok(Lasting::WithChain { by: from.transaction()? }),
        _ => Err(DecodeError::Impossible("refusal")),
    }
}
