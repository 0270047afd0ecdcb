//! What a ledger needs before anything else: the accounts of the operator and the system.

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, Text, TextError, TransactionId};
use kopeck_ledger::request::{NewAccount, Request, Work};
use kopeck_store::Store;
use uuid::{Builder, Uuid};

use crate::error::AppError;

/// Who opens the first accounts.
const ACTOR: &str = "kopeck init";

/// Opens the accounts of the default currency in a ledger that has none.
///
/// # Errors
/// What the store or the ledger says.
pub fn open_accounts(ledger: &dyn Store) -> Result<(), AppError> {
    if !ledger.accounts(0, 1).is_empty() {
        return Ok(());
    }
    let requests = openings(&[Currency::RUB]).map_err(|error| AppError::Internal(error.to_string()))?;
    let opened = ledger.perform_chain(requests)?;
    opened.map(|_| ()).map_err(|refusal| AppError::Refused { refusal, field: None })
}

/// The requests that open the accounts of the operator and the system in each of these currencies, once each.
///
/// # Errors
/// None that the fixed names could cause.
pub fn openings(currencies: &[Currency]) -> Result<Vec<Request>, TextError> {
    let mut requests = Vec::new();
    for currency in currencies {
        for kind in AccountKind::ALL.iter().filter(|kind| kind.is_single()) {
            requests.push(opening(*kind, *currency)?);
        }
    }
    requests.sort_by_key(|request| request.id);
    requests.dedup_by_key(|request| request.id);
    Ok(requests)
}

fn opening(kind: AccountKind, currency: Currency) -> Result<Request, TextError> {
    let id = fixed_id(kind, currency);
    let new = NewAccount {
        id: AccountId(id),
        kind,
        name: Text::new(&format!("{kind} {currency}"))?,
        owner: None,
        currency,
        zone: None,
        credit_limit: Amount::ZERO,
        coefficient: Coefficient::ONE,
    };
    Ok(Request { id: TransactionId(id), actor: Some(Text::new(ACTOR)?), work: Work::Open(new) })
}

/// The id of a system's account is the same in every ledger, so that a second start after a crash finishes the
/// first: a UUID of version 8 that spells "kopeck", the kind's number and the currency.
fn fixed_id(kind: AccountKind, currency: Currency) -> Uuid {
    let mut bytes = *b"kopeck\0\0\0\0\0\0\0\0\0\0";
    bytes[12] = kind.code();
    bytes[13..].copy_from_slice(&currency.letters());
    Builder::from_custom_bytes(bytes).into_uuid()
}
