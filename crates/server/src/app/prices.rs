//! Price books, their versions, and contracts.

use std::sync::Arc;

use kopeck_api::directory::prices::{
    AnnouncementDocument, BookDocument, BookVersions, ContractDocument, ContractRequest, PriceChangeDocument,
    VersionDocument,
};
use kopeck_api::forms::{Day, Time};
use kopeck_api::page::{Page, PageQuery};
use kopeck_directory::Directory;
use kopeck_directory::access::{Actor, Target};
use kopeck_directory::act::{Act, NewContract};
use kopeck_directory::change::{Change, Entity};
use kopeck_directory::directory::Shelf;
use kopeck_directory::entity::{BookVersion, Contract, Emitter, Project};
use kopeck_directory::name::{BookId, ProjectId, ProviderId};
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::price_book::change::{Altered, Change as PriceChange, Verdict, VersionOf, changes};
use uuid::Uuid;

use super::directory::{is_person, limit, perform, reads, reads_all, seen};
use super::spend::second;
use super::{App, effect};
use crate::error::AppError;

/// Makes a book, or announces a version of one; tells what that changes. `dry_run` only tells, and of a version also
/// what it would have done to last month.
pub fn announce(
    app: &App,
    by: &Actor,
    (book, text): (Option<BookId>, String),
    dry_run: bool,
) -> Result<AnnouncementDocument, AppError> {
    let before = app.directory.snapshot();
    if let Some(book) = &book {
        seen_shelf(&before, by, book)?;
    }
    let act = match book {
        Some(book) => Act::AnnounceVersion { book, text },
        None => Act::CreateBook { text },
    };
    let (change, after) = if dry_run {
        let change = before.decide(&act, &by.principal, app.now())?;
        let mut after = Directory::clone(&before);
        after.apply(&change);
        (change, Arc::new(after))
    } else {
        (perform(app, by, act.clone())?.change, app.directory.snapshot())
    };
    let is_of_book = matches!(act, Act::AnnounceVersion { .. });
    let mut told = told(app, &change, &after, dry_run);
    // Only what is tried is rated: what was announced is answered at once.
    if let Some(version) = versions_of(&change).last().filter(|_| dry_run && is_of_book)
        && let Some(shelf) = after.shelf(version.book.as_str())
    {
        told.effect = effect::effect(app, shelf, version.effective)?;
    }
    Ok(told)
}

/// The versions that a change makes or edits.
fn versions_of(change: &Change) -> Vec<&BookVersion> {
    let edits = change.edits.iter().filter_map(|edit| match &edit.after {
        Entity::BookVersion(version) => Some(version),
        _ => None,
    });
    edits.collect()
}

fn told(app: &App, change: &Change, after: &Directory, dry_run: bool) -> AnnouncementDocument {
    let versions = versions_of(change);
    let changes = versions.iter().filter_map(|version| {
        let prices = after.shelf(version.book.as_str())?.prices()?;
        Some(difference(&prices, version))
    });
    let changes = changes.flatten().collect();
    let versions = versions.iter().map(|version| version_document(app, after, version)).collect();
    AnnouncementDocument { dry_run, versions, changes, effect: None }
}

/// What a version changes against the one before it; the first adds all.
fn difference(prices: &PriceBook, version: &BookVersion) -> Vec<PriceChangeDocument> {
    let number = prices.versions().iter().position(|other| other.effective == version.effective);
    let pair = number.and_then(|number| {
        Some((VersionOf::new(prices, number.checked_sub(1)?)?, VersionOf::new(prices, number)?))
    });
    let Some((before, after)) = pair else { return Vec::new() };
    changes(before, after).iter().map(|change| change_document(change, version)).collect()
}

fn change_document(change: &PriceChange<'_>, version: &BookVersion) -> PriceChangeDocument {
    let word = match change.verdict() {
        Verdict::Added => "added",
        Verdict::Removed => "removed",
        Verdict::Raised => "raised",
        Verdict::Lowered => "lowered",
        Verdict::Changed => "changed",
    };
    let (component, before, after) = match change {
        PriceChange::Added(component) | PriceChange::Removed(component) => (component, vec![], vec![]),
        PriceChange::Altered(Altered { after, prices, .. }) => (
            after,
            prices.iter().map(|step| step.before.number.to_string()).collect(),
            prices.iter().map(|step| step.after.number.to_string()).collect(),
        ),
    };
    let component = component.id.clone();
    PriceChangeDocument { version: Day(version.effective), component, change: word.to_owned(), before, after }
}

fn version_document(app: &App, directory: &Directory, version: &BookVersion) -> VersionDocument {
    let shelf = directory.shelf(version.book.as_str());
    let start = shelf.and_then(Shelf::prices).and_then(|prices| {
        let found = prices.versions().iter().find(|other| other.effective == version.effective)?;
        Some(found.start)
    });
    let now = second(app.now());
    VersionDocument {
        effective: Day(version.effective),
        announced: Time(version.announced),
        in_force: start.is_some_and(|start| start <= now),
        toml: version.text.clone(),
    }
}

/// List prices are seen by all who use kopeck; a contract's by who reads its project; a partner's by its owner, and
/// those of APIs by who reads the project.
fn sees(directory: &Directory, by: &Actor, shelf: &Shelf) -> bool {
    if reads_all(directory, by) {
        return true;
    }
    let id = &shelf.book.id;
    match shelf.book.keeper {
        Some(Emitter::Executor(id)) => directory
            .executors()
            .get(&id)
            .is_some_and(|executor| reads(directory, by, Target::OwnedBy(executor.owner))),
        Some(Emitter::Storage(id)) => directory
            .storages()
            .get(&id)
            .is_some_and(|storage| reads(directory, by, Target::OwnedBy(storage.owner))),
        Some(Emitter::Api(id)) => {
            directory.apis().get(&id).is_some_and(|api| reads(directory, by, Target::Project(&api.project)))
        }
        Some(Emitter::Provider(_)) | None => {
            let listed = directory.providers().after(None).any(|(_, provider)| provider.book == *id);
            let agreed =
                |contract: &Contract| contract.terms.iter().any(|term| term.book.as_ref() == Some(id));
            listed && is_person(by)
                || directory.contracts().after(None).any(|(_, contract)| {
                    agreed(contract) && reads(directory, by, Target::Project(&contract.project))
                })
        }
    }
}

fn seen_shelf<'a>(directory: &'a Directory, by: &Actor, book: &BookId) -> Result<&'a Shelf, AppError> {
    let found = directory.shelf(book.as_str()).filter(|shelf| sees(directory, by, shelf));
    found.ok_or_else(|| AppError::not_found("price book", book))
}

pub fn read_versions(app: &App, by: &Actor, book: &BookId) -> Result<BookVersions, AppError> {
    let directory = app.directory.snapshot();
    let shelf = seen_shelf(&directory, by, book)?;
    let versions = shelf.versions.values().map(|version| version_document(app, &directory, version));
    Ok(BookVersions {
        book: shelf.book.as_ref().into(),
        toml: shelf.book.head.clone(),
        versions: versions.collect(),
    })
}

pub fn list_books(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<BookDocument>, AppError> {
    let directory = app.directory.snapshot();
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(BookId::new).transpose();
    let cursor = cursor.map_err(|_| super::directory::bad_cursor(query))?;
    let mut rest = directory.shelves(cursor.as_ref()).filter(|shelf| sees(&directory, by, shelf));
    let items: Vec<BookDocument> =
        rest.by_ref().take(limit).map(|shelf| shelf.book.as_ref().into()).collect();
    let last = items.last().map(|last| last.id.to_string());
    Ok(Page { next: rest.next().and(last), items })
}

pub fn set_contract(
    app: &App,
    by: &Actor,
    (project, provider): (ProjectId, Uuid),
    new: ContractRequest,
) -> Result<ContractDocument, AppError> {
    let provider = ProviderId(provider);
    let book = new.price_book.map(|book| BookId(book.0));
    let from = new.from.0;
    let act = Act::SetContract(NewContract { project: project.clone(), provider, book, from });
    perform(app, by, act)?;
    let directory = app.directory.snapshot();
    let found = directory.contracts().get(&(project, provider));
    found.map(|contract| contract.as_ref().into()).ok_or_else(|| AppError::not_found("contract", &provider))
}

pub fn list_contracts(
    app: &App,
    by: &Actor,
    project: &ProjectId,
    query: &PageQuery,
) -> Result<Page<ContractDocument>, AppError> {
    let directory = app.directory.snapshot();
    let may = |_: &Project| reads(&directory, by, Target::Project(project));
    seen(directory.project(project.as_str()), may, "project", project)?;
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(str::parse::<ProviderId>).transpose();
    let cursor = cursor.map_err(|_| super::directory::bad_cursor(query))?;
    let all = directory.contracts().after(None).map(|(_, contract)| contract);
    let mut rest = all.filter(|contract| {
        contract.project == *project && cursor.is_none_or(|last| contract.provider > last)
    });
    let items: Vec<ContractDocument> =
        rest.by_ref().take(limit).map(|contract| contract.as_ref().into()).collect();
    let last = items.last().map(|last| last.provider.to_string());
    Ok(Page { next: rest.next().and(last), items })
}
