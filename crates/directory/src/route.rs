//! Whose an event is and what meters it: source → emitter → book, for a project at an instant (rating.md).

use std::sync::Arc;

use kopeck_ledger::name::{Currency, Moment, Text};

use crate::act::OwnPrices;
use crate::book_text;
use crate::directory::{Directory, Shelf};
use crate::entity::{Attachment, Contract, Emitter, Project, Source, SourceOwner, Workspace};
use crate::name::{BookId, ProjectId, ProviderId, UserId, WorkspaceId};

/// Where an event goes.
#[derive(Debug, Clone, Copy)]
pub struct Route<'d> {
    /// Whose event it is.
    pub emitter: Emitter,
    /// Of what project.
    pub project: &'d Project,
    /// The book that prices it.
    pub shelf: &'d Shelf,
    /// Who pays.
    pub workspace: WorkspaceId,
}

/// Why an event goes nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unroutable {
    /// Nobody has this source at that instant.
    #[error("source {source_name:?} belongs to no provider at {at}: assign it")]
    UnknownSource {
        /// The source.
        source_name: String,
        /// The instant.
        at: Moment,
    },
    /// There is no such project.
    #[error("there is no project {project:?}: create it first")]
    UnknownProject {
        /// The project.
        project: String,
    },
    /// The book's days are not the workspace's.
    #[error("book {book} is in time zone {book_zone}, the workspace of the project in {zone}")]
    OtherZone {
        /// The book.
        book: BookId,
        /// Its zone.
        book_zone: Text,
        /// The workspace's.
        zone: Text,
    },
    /// The book's money is not the workspace's.
    #[error("book {book} is in {book_currency}, the workspace of the project in {currency}")]
    OtherCurrency {
        /// The book.
        book: BookId,
        /// Its currency.
        book_currency: Currency,
        /// The workspace's.
        currency: Currency,
    },
}

/// Who pays, and by whose prices.
impl Directory {
    /// The workspace that pays for a project at an instant.
    #[must_use]
    pub fn payer(&self, project: &str, at: Moment) -> Option<&Arc<Workspace>> {
        self.workspaces.get(&attached(self.project(project)?, at)?.workspace)
    }

    /// The user who owns the workspace that pays for a project last.
    #[must_use]
    pub fn owner_of(&self, project: &ProjectId) -> Option<UserId> {
        let last = self.projects.get(project.as_str())?.attachments.last()?;
        self.workspaces.get(&last.workspace).map(|workspace| workspace.owner)
    }

    /// Whose the events of a source are at an instant: those of its whole name first, then of its longest beginning.
    #[must_use]
    pub fn emitter(&self, source: &str, at: Moment) -> Option<Emitter> {
        let of = |found: &Source| owner_at(&found.owners, at).map(|owner| owner.emitter);
        if let Some(emitter) = self.exact_sources.get(source).and_then(|found| of(found)) {
            return Some(emitter);
        }
        self.prefixes_of(source).find_map(of)
    }

    /// The patterns that a text begins with, the longest first.
    pub(crate) fn prefixes_of<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a Source> {
        let mut rest = Some(text);
        std::iter::from_fn(move || {
            loop {
                let (pattern, found) = self.prefix_sources.floor(rest?)?;
                let common = common_beginning(pattern.as_str(), rest?);
                if common == pattern.as_str().len() {
                    // What is shorter by a character is the next to look below.
                    let shorter = rest?[..common].char_indices().next_back();
                    rest = shorter.map(|(end, _)| &text[..end]);
                    return Some(found.as_ref());
                }
                rest = Some(&text[..common]);
            }
        })
    }

    /// Where an event goes: whose it is, what meters it, and who pays.
    ///
    /// # Errors
    /// [`Unroutable`], with what is missing.
    pub fn route(&self, source: &str, project: &str, at: Moment) -> Result<Route<'_>, Unroutable> {
        self.route_of((self.emitter(source, at), source), project, at)
    }

    /// As [`route`](Directory::route), of a source of which it is known whose it is then.
    ///
    /// # Errors
    /// As [`route`](Directory::route).
    pub fn route_of(
        &self,
        (emitter, source): (Option<Emitter>, &str),
        project: &str,
        at: Moment,
    ) -> Result<Route<'_>, Unroutable> {
        let no_source = || Unroutable::UnknownSource { source_name: source.to_owned(), at };
        let emitter = emitter.ok_or_else(no_source)?;
        let unknown = || Unroutable::UnknownProject { project: project.to_owned() };
        let found = self.project(project).ok_or_else(unknown)?;
        let attachment = attached(found, at).ok_or_else(unknown)?;
        let workspace = self.workspaces.get(&attachment.workspace).ok_or_else(unknown)?;
        let shelf = self.pricing(emitter, &found.id, at).ok_or_else(no_source)?;
        let book = &shelf.book;
        if book.zone != workspace.zone {
            let (book_zone, zone) = (book.zone.clone(), workspace.zone.clone());
            return Err(Unroutable::OtherZone { book: book.id.clone(), book_zone, zone });
        }
        if book.currency != workspace.currency {
            let (book_currency, currency) = (book.currency, workspace.currency);
            return Err(Unroutable::OtherCurrency { book: book.id.clone(), book_currency, currency });
        }
        Ok(Route { emitter, project: found, shelf, workspace: workspace.id })
    }

    /// The contract of a project at a provider, from the first of its terms on.
    #[must_use]
    pub fn contract(&self, project: &ProjectId, provider: ProviderId) -> Option<&Contract> {
        if self.contracts.is_empty() {
            return None;
        }
        self.contracts.get(&(project.clone(), provider)).map(Arc::as_ref)
    }

    /// The book that prices an emitter's events of a project at an instant.
    #[must_use]
    pub fn pricing(&self, emitter: Emitter, project: &ProjectId, at: Moment) -> Option<&Shelf> {
        let agreed = match emitter {
            Emitter::Provider(id) => self.agreed(project, id, at),
            _ => None,
        };
        let own = match agreed {
            Some(book) => book,
            None => self.list_price(emitter)?,
        };
        self.books.get(own)
    }

    /// The prices of an executor, storage or API at an instant. `None` for a provider, which has a whole book.
    #[must_use]
    pub fn own_prices(&self, emitter: Emitter, at: Moment) -> Option<OwnPrices> {
        if matches!(emitter, Emitter::Provider(_)) {
            return None;
        }
        let prices = self.books.get(self.list_price(emitter)?)?.prices()?;
        let date = at.timestamp().to_zoned(prices.calendar().zone().clone()).date();
        book_text::own_prices(prices.versions().get(prices.version_on(date)?)?)
    }

    /// All books that price an emitter's events of a project, each from an instant on, ascending; the first since ever.
    #[must_use]
    pub fn pricings(&self, emitter: Emitter, project: &ProjectId) -> Vec<(Moment, &Shelf)> {
        let list = self.list_price(emitter).and_then(|book| self.books.get(book));
        let mut pricings: Vec<(Moment, &Shelf)> =
            list.map(|shelf| (Moment::FIRST, shelf)).into_iter().collect();
        if let Emitter::Provider(provider) = emitter
            && let Some(contract) = self.contract(project, provider)
        {
            let own = contract.terms.iter().filter_map(|term| {
                let shelf = term.book.as_ref().map_or(list, |book| self.books.get(book));
                Some((term.from, shelf?))
            });
            pricings.extend(own);
        }
        pricings
    }

    fn list_price(&self, emitter: Emitter) -> Option<&BookId> {
        Some(match emitter {
            Emitter::Provider(id) => &self.providers.get(&id)?.book,
            Emitter::Executor(id) => &self.executors.get(&id)?.book,
            Emitter::Storage(id) => &self.storages.get(&id)?.book,
            Emitter::Api(id) => &self.apis.get(&id)?.book,
        })
    }

    fn agreed(&self, project: &ProjectId, provider: ProviderId, at: Moment) -> Option<&BookId> {
        let terms = &self.contract(project, provider)?.terms;
        let number = terms.partition_point(|term| term.from <= at).checked_sub(1)?;
        terms.get(number)?.book.as_ref()
    }
}

/// Who pays for a project at an instant; before it was there, who did first.
pub(crate) fn attached(project: &Project, at: Moment) -> Option<&Attachment> {
    let number = project.attachments.partition_point(|attachment| attachment.from <= at);
    project.attachments.get(number.saturating_sub(1))
}

pub(crate) fn owner_at(owners: &[SourceOwner], at: Moment) -> Option<&SourceOwner> {
    owners.get(owners.partition_point(|owner| owner.from <= at).checked_sub(1)?)
}

/// How many bytes two texts share at their beginning, in whole characters.
fn common_beginning(one: &str, other: &str) -> usize {
    let pairs = one.char_indices().zip(other.chars());
    let differs = pairs.clone().find(|((_, a), b)| a != b).map(|((at, _), _)| at);
    differs.unwrap_or(one.len().min(other.len()))
}
