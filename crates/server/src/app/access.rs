//! Who may do what with what. What somebody may not see does not exist for them (access.md).
//!
//! The roles of the installation are decided here; those of projects are the directory's, which is asked where a
//! token's scope is a project.

use std::sync::Arc;

use kopeck_directory::access::{Permission, Target};
use kopeck_directory::entity::{Emitter, Project, Workspace};
use kopeck_ledger::account::Account;

use crate::app::App;
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
