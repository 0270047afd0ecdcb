//! What all use cases of the directory share: doing an act, pages of lists, and what somebody may see.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use kopeck_api::page::{PAGE_DEFAULT, Page, PageQuery};
use kopeck_directory::Directory;
use kopeck_directory::access::{Actor, Permission, Principal, Target};
use kopeck_directory::act::Act;
use kopeck_directory::name::UserId;
use kopeck_directory::table::Table;
use kopeck_store::directory::Performed;
use uuid::Uuid;

use super::{App, page, reconcile};
use crate::error::AppError;

/// Does an act, durably, and lets the ledger follow.
///
/// # Errors
/// The directory's refusal, or what the store says.
pub fn perform(app: &App, by: &Actor, act: Act) -> Result<Performed, AppError> {
    let done = app.directory.perform(act, by)??;
    reconcile::follow(app, &done.change);
    Ok(done)
}

/// An id that was given, or a new one: in the order of time, so that lists are in the order of making.
pub fn id(given: Option<Uuid>) -> Uuid {
    given.unwrap_or_else(Uuid::now_v7)
}

/// The user that a request speaks of: who asks, where it names nobody.
///
/// # Errors
/// A problem of the field where who asks is no user.
pub fn user(given: Option<Uuid>, by: &Actor, field: &'static str) -> Result<UserId, AppError> {
    match (given, &by.principal) {
        (Some(id), _) => Ok(UserId(id)),
        (None, Principal::User(user)) => Ok(*user),
        (None, _) => Err(AppError::invalid(field, "is missing", "name a user: this token is nobody's own")),
    }
}

/// Whether somebody may read something.
pub fn reads(directory: &Directory, by: &Actor, target: Target<'_>) -> bool {
    directory.may(&by.principal, Permission::Read, target)
}

/// Whether somebody has a permission of the whole installation.
pub fn reads_all(directory: &Directory, by: &Actor) -> bool {
    directory.may(&by.principal, Permission::ReadAll, Target::Installation)
}

/// Whether somebody uses kopeck, and does not only send events to it.
pub fn is_person(by: &Actor) -> bool {
    !matches!(by.principal, Principal::Ingest(_) | Principal::Anyone)
}

/// A thing that somebody sees, or the same answer whether it is not there or not theirs.
///
/// # Errors
/// [`AppError::NotFound`].
pub fn seen<'a, V>(
    found: Option<&'a Arc<V>>,
    sees: impl FnOnce(&V) -> bool,
    what: &'static str,
    id: &dyn Display,
) -> Result<&'a Arc<V>, AppError> {
    found.filter(|found| sees(found)).ok_or_else(|| AppError::not_found(what, id))
}

/// How many items a page has.
///
/// # Errors
/// A problem of the field `limit`.
pub fn limit(asked: Option<usize>) -> Result<usize, AppError> {
    page::limit(asked, PAGE_DEFAULT)
}

/// A page of those things of a table that somebody sees.
///
/// # Errors
/// Problems of the fields `cursor` and `limit`.
pub fn page<K: Ord + Clone + Display + FromStr, V, D>(
    table: &Table<K, V>,
    query: &PageQuery,
    sees: impl Fn(&V) -> bool,
    document: impl Fn(&V) -> D,
) -> Result<Page<D>, AppError> {
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(str::parse::<K>).transpose();
    let cursor = cursor.map_err(|_| bad_cursor(query))?;
    let mut items = table.after(cursor.as_ref()).filter(|(_, value)| sees(value));
    let mut last = None;
    let taken = items.by_ref().take(limit).map(|(key, value)| {
        last = Some(key.to_string());
        document(value)
    });
    let taken = taken.collect();
    let next = items.next().and(last);
    Ok(Page { items: taken, next })
}

/// A cursor that no page has told.
pub fn bad_cursor(query: &PageQuery) -> AppError {
    let given = query.cursor.clone().unwrap_or_default();
    AppError::invalid("cursor", format!("{given:?} is no cursor"), "send the `next` of the page before")
}
