//! Accounts as documents.

use kopeck_api::account::AccountDocument;
use kopeck_ledger::account::Account;
use kopeck_ledger::name::AccountNumber;
use kopeck_store::Store;

use super::{DocumentError, unread};

/// An account as lists show it.
///
/// # Errors
/// [`DocumentError::Store`] where its owner can not be read.
pub fn listed(account: &Account, store: &dyn Store) -> Result<AccountDocument, DocumentError> {
    let owner = account.opening.owner.map(|owner| of_number(owner, store)).transpose()?;
    Ok(AccountDocument::of(account, owner.map(|owner| owner.opening.id)))
}

/// An account by itself: with what each project has accrued.
///
/// # Errors
/// As [`listed`].
pub fn whole(account: &Account, store: &dyn Store) -> Result<AccountDocument, DocumentError> {
    Ok(listed(account, store)?.with_accrued(store.accrued(account.opening.id)))
}

/// The account of a number that stands in a record.
///
/// # Errors
/// [`DocumentError::Store`] where there is none.
pub fn of_number(number: AccountNumber, store: &dyn Store) -> Result<Account, DocumentError> {
    let found = store.accounts(number.index(), 1).pop();
    found.ok_or_else(|| unread(&format!("account number {}", number.0)))
}
