//! Who may do what with what. What somebody may not see does not exist for them (access.md).
//!
//! The roles of the installation are decided here; those of projects are the directory's, which is asked where a
//! token's scope is a project.

use std::sync::Arc;

use kopeck_directory::access::{Permission, Target};
use kopeck_directory::entity::{Emitter, Project, Workspace};
use kopeck_directory::name::UserId;
use kopeck_ledger::account::{Account, AccountKind};
use kopeck_ledger::request::Work;

use crate::app::{App, accrued};
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
        // With what is theirs: which accounts these are is asked beside.
        (Scope::User(_), _) => matches!(act, Act::Read | Act::MoveMoney),
        _ => false,
    };
    if allowed { Ok(()) } else { Err(AppError::Forbidden { role: principal.role.to_string(), act }) }
}

/// Whether somebody may read what is everybody's.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn may_read_all(principal: &Principal) -> Result<(), AppError> {
    if sees_all(principal) {
        return Ok(());
    }
    Err(AppError::Forbidden { role: principal.role.to_string(), act: Act::Read })
}

/// Whether somebody sees an account: everybody's, or their own with all that belongs to it.
#[must_use]
pub fn sees(app: &App, principal: &Principal, account: &Account) -> bool {
    sees_all(principal) || owner_of(app, account).is_some_and(|owner| principal.scope == Scope::User(owner))
}

/// Whether somebody may have the accounts debited that work takes money from.
///
/// # Errors
/// [`AppError::NotFound`] of an account that is not theirs.
pub fn may_debit(app: &App, principal: &Principal, work: &Work) -> Result<(), AppError> {
    if principal.scope == Scope::Installation {
        return Ok(());
    }
    for id in accrued::debited(app, work) {
        let theirs = app.ledger.account(id).filter(|account| sees(app, principal, account));
        theirs.ok_or_else(|| AppError::not_found("account", &id))?;
    }
    Ok(())
}

/// The user whom an account belongs to: a user's own, or that of a workspace, executor or storage.
fn owner_of(app: &App, account: &Account) -> Option<UserId> {
    let id = account.opening.id;
    match (account.opening.kind, account.opening.owner) {
        (AccountKind::User, _) => Some(UserId(id.0)),
        (_, Some(owner)) => {
            app.ledger.accounts(owner.index(), 1).pop().map(|owner| UserId(owner.opening.id.0))
        }
        _ => None,
    }
}

/// Whether somebody sees everything.
#[must_use]
pub fn sees_all(principal: &Principal) -> bool {
    principal.scope == Scope::Installation && matches!(principal.role, Role::Operator | Role::Accountant)
}

/// A project that somebody may read, and who pays for it.
///
/// # Errors
/// [`AppError::NotFound`], the same where it does not exist and where it is not theirs.
pub fn project_to_read(
    app: &App,
    principal: &Principal,
    id: &str,
) -> Result<(Arc<Project>, Arc<Workspace>), AppError> {
    let missing = || AppError::NotFound { what: "project", id: id.to_owned() };
    let directory = app.directory.snapshot();
    let project = directory.project(id).ok_or_else(missing)?;
    let is_theirs = directory.may(&principal.in_directory(), Permission::Read, Target::Project(&project.id));
    let workspace = directory.payer(id, app.now()).filter(|_| is_theirs).ok_or_else(missing)?;
    Ok((Arc::clone(project), Arc::clone(workspace)))
}

/// For whose sources somebody may send events.
pub fn may_send(app: &App, principal: &Principal) -> impl Fn(Emitter) -> bool + use<> {
    let (directory, principal) = (app.directory.snapshot(), principal.in_directory());
    move |emitter| directory.may(&principal, Permission::Ingest, Target::Events(emitter))
}
