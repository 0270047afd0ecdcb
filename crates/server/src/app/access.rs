//! Who may do what with what. What somebody may not see does not exist for them (access.md).
//!
//! The roles of the installation are decided here; those of projects are the directory's, which is asked where a
//! token's scope is a project.

use kopeck_ledger::account::Account;

use crate::auth::{Act, Principal, Role, Scope};
use crate::error::AppError;

/// Whether somebody may do something at all.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn may(principal: &Principal, act: Act) -> Result<(), AppError> {
    let allowed = match (&principal.scope, principal.role) {
        (Scope::Installation, Role::Operator) => true,
        (Scope::Installation, Role::Accountant) => {
            matches!(act, Act::Read | Act::Deposit | Act::PutRight | Act::ReadJournal)
        }
        _ => false,
    };
    if allowed { Ok(()) } else { Err(AppError::Forbidden { role: principal.role.to_string(), act }) }
}

/// Whether somebody sees an account.
#[must_use]
pub fn sees(principal: &Principal, _account: &Account) -> bool {
    sees_all(principal)
}

/// Whether somebody sees everything.
#[must_use]
pub fn sees_all(principal: &Principal) -> bool {
    principal.scope == Scope::Installation && matches!(principal.role, Role::Operator | Role::Accountant)
}
