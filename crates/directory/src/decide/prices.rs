//! Price books, their versions, contracts, and the small books of executors, storages and APIs.
//!
//! A version is announced at the instant of its acceptance, whatever its text says. All that may take effect is judged
//! by rating's [`notice_period`]; an edit is announced anew.

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use kopeck_ledger::name::{Currency, Moment, Text};
use kopeck_rating::calendar::Calendar;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::price_book::change::{Change as PriceChange, VersionOf, changes};
use kopeck_rating::price_book::notice_period::{NOTICE_DAYS, breach, needs_notice};

use super::{Asking, Decided, Named, calendar_of, made, moment};
use crate::access::{Permission, Target};
use crate::act::{NewContract, NewPrices, OwnPrices};
use crate::book_text;
use crate::change::{Edit, Entity};
use crate::directory::Shelf;
use crate::entity::{Book, BookVersion, Contract, ContractTerm, Emitter};
use crate::name::{ApiId, BookId, MeterId, ProjectId};
use crate::refusal::{Kind, Refusal};

/// A book that is made together with whatever keeps it.
pub(super) struct OwnBook {
    pub id: BookId,
    pub edits: Vec<Edit>,
}

impl Asking<'_> {
    pub(super) fn create_book(&self, text: &str) -> Decided {
        self.allow_here(Permission::Prices)?;
        let pieces = book_text::cut(text)?;
        let prices = book_text::read(text, 0)?;
        let id = BookId::new(prices.id()).map_err(|error| bad(&format!("`id` {error}")))?;
        if self.directory.shelf(id.as_str()).is_some() {
            return Err(Named(Kind::Book, &id).exists());
        }
        let versions = pieces.versions.iter().map(|piece| {
            let version = book_text::version_of(&pieces.head, piece)?;
            Ok(self.version(&id, version.effective, piece))
        });
        let versions: Vec<BookVersion> = versions.collect::<Result<_, Refusal>>()?;
        if versions.len() != prices.versions().len() {
            return Err(Refusal::BookNotInPieces);
        }
        let today = self.today(prices.calendar());
        // A new book has priced nobody: what it says of the past is taken as it is.
        self.notice(&prices, |_| Some(today))?;
        let book = Book {
            id,
            keeper: None,
            meter: self.next_meter()?,
            zone: text_of(prices.zone_name())?,
            currency: prices.currency().parse().map_err(|error| bad(&format!("`currency` {error}")))?,
            head: pieces.head,
            created: self.now,
        };
        let versions = versions.into_iter().map(|version| made(Entity::BookVersion(version)));
        Ok(std::iter::once(made(Entity::Book(book))).chain(versions).collect())
    }

    fn next_meter(&self) -> Result<MeterId, Refusal> {
        u32::try_from(self.directory.books.len()).map(MeterId).map_err(|_| Refusal::TooManyBooks)
    }

    fn version(&self, book: &BookId, effective: Date, text: &str) -> BookVersion {
        BookVersion { book: book.clone(), effective, announced: self.now, text: text.to_owned() }
    }

    pub(super) fn announce_version(&self, id: &BookId, text: &str) -> Decided {
        self.allow_here(Permission::Prices)?;
        let shelf = self.shelf(id)?;
        if shelf.book.keeper.is_some() {
            return Err(Refusal::BookKeptByOther { book: id.clone() });
        }
        let pieces = book_text::cut(text)?;
        let alone = pieces.head.trim().is_empty();
        if !alone && pieces.head.trim() != shelf.book.head.trim() {
            return Err(Refusal::OtherHead { book: id.clone() });
        }
        let [piece] = pieces.versions.as_slice() else {
            return Err(Refusal::NotOneVersion { found: pieces.versions.len() });
        };
        let head = &shelf.book.head;
        let hidden = if alone { head.lines().count() } else { 0 };
        let whole = if alone { format!("{head}{}{piece}", pieces.head) } else { text.to_owned() };
        let read = book_text::read(&whole, hidden)?;
        let [version] = read.versions() else {
            return Err(Refusal::NotOneVersion { found: read.versions().len() });
        };
        self.announced(shelf, version.effective, piece)
    }

    fn shelf(&self, id: &BookId) -> Result<&Shelf, Refusal> {
        self.directory.shelf(id.as_str()).ok_or_else(|| Named(Kind::Book, id).unknown())
    }

    /// Announces a version of a book, or edits the one of that date.
    fn announced(&self, shelf: &Shelf, effective: Date, piece: &str) -> Decided {
        let id = &shelf.book.id;
        let calendar = calendar_of(&shelf.book.zone)?;
        let start = Self::day_start(&calendar, effective)?;
        let before = shelf.versions.get(&effective);
        if start <= self.now {
            return Err(match before {
                Some(_) => Refusal::TakenEffect { effective, at: start },
                None => Refusal::NotAhead { at: start, now: self.now },
            });
        }
        if before.is_some_and(|before| before.text == piece) {
            return Ok(Vec::new());
        }
        let version = self.version(id, effective, piece);
        let mut after = shelf.versions.clone();
        after.insert(effective, version.clone().into());
        let texts = after.values().map(|version| version.text.as_str());
        let whole: String = std::iter::once(shelf.book.head.as_str()).chain(texts).collect();
        let prices = book_text::read(&whole, 0)?;
        self.notice(&prices, |date| {
            let announced = after.get(&date)?.announced;
            Some(announced.timestamp().to_zoned(calendar.zone().clone()).date())
        })?;
        let before = before.map(|before| Entity::BookVersion(BookVersion::clone(before)));
        Ok(vec![Edit { before, after: Entity::BookVersion(version) }])
    }

    /// Refuses the first version ahead that takes effect too early, by the days on which they were announced.
    fn notice(&self, prices: &PriceBook, announced: impl Fn(Date) -> Option<Date>) -> Result<(), Refusal> {
        for (number, version) in prices.versions().iter().enumerate() {
            if moment(version.start).is_none_or(|start| start <= self.now) {
                continue;
            }
            let said = announced(version.effective);
            if let Some(breach) = breach(prices, number, said) {
                let components = breach.changes.iter().map(component_of).collect();
                return Err(too_short(version.effective, said.unwrap_or(version.effective), components));
            }
        }
        Ok(())
    }

    pub(super) fn set_contract(&self, new: &NewContract) -> Decided {
        let project = self.project(&new.project, Permission::Prices)?;
        let provider = self.provider(new.provider)?;
        let by = self.shelf(new.book.as_ref().unwrap_or(&provider.book))?;
        if by.book.keeper.is_some() {
            return Err(Refusal::BookKeptByOther { book: by.book.id.clone() });
        }
        self.one_zone_and_currency(&by.book, &project.id)?;
        let calendar = calendar_of(&by.book.zone)?;
        let from = Self::day_start(&calendar, new.from)?;
        if from <= self.now {
            return Err(Refusal::NotAhead { at: from, now: self.now });
        }
        let key = (new.project.clone(), new.provider);
        let contract = self.directory.contracts.get(&key);
        self.contract_notice(new, by, (&calendar, from))?;
        let mut terms = contract.map(|contract| contract.terms.clone()).unwrap_or_default();
        terms.retain(|term| term.from < from);
        if terms.last().map(|last| &last.book) != Some(&new.book) {
            terms.push(ContractTerm { book: new.book.clone(), from, announced: self.now });
        }
        let before = contract.map(|contract| Entity::Contract(Contract::clone(contract)));
        let after = Contract { project: new.project.clone(), provider: new.provider, terms };
        Ok(vec![Edit { before, after: Entity::Contract(after) }])
    }

    /// All books that price a workspace share its time zone and currency.
    fn one_zone_and_currency(&self, book: &Book, project: &ProjectId) -> Result<(), Refusal> {
        let Some(workspace) = self.directory.payer(project.as_str(), Moment::LAST) else {
            return Err(Named(Kind::Project, project).unknown());
        };
        if workspace.zone != book.zone {
            let (book_zone, zone) = (book.zone.clone(), workspace.zone.clone());
            return Err(Refusal::OtherZone { book: book.id.clone(), book_zone, zone });
        }
        if workspace.currency != book.currency {
            let (book_currency, currency) = (book.currency, workspace.currency);
            return Err(Refusal::OtherCurrency { book: book.id.clone(), book_currency, currency });
        }
        Ok(())
    }

    /// A contract is announced as a version is: what was in force before it against what is in force with it.
    fn contract_notice(
        &self,
        new: &NewContract,
        by: &Shelf,
        (calendar, from): (&Calendar, Moment),
    ) -> Result<(), Refusal> {
        let emitter = Emitter::Provider(new.provider);
        let before = Moment::from_nanoseconds(from.nanoseconds().saturating_sub(1)).unwrap_or(Moment::FIRST);
        let (Some(old), Some(prices)) =
            (self.directory.pricing(emitter, &new.project, before).and_then(Shelf::prices), by.prices())
        else {
            return Ok(());
        };
        // What was not priced before may be priced at once, as by the first version of a book.
        let Some(was) = old.version_on(new.from).and_then(|number| VersionOf::new(&old, number)) else {
            return Ok(());
        };
        let Some(is) = prices.version_on(new.from).and_then(|number| VersionOf::new(&prices, number)) else {
            return Ok(());
        };
        let mut dearer = changes(was, is);
        dearer.retain(needs_notice);
        let today = self.today(calendar);
        if dearer.is_empty() || days_between(today, new.from) >= NOTICE_DAYS {
            return Ok(());
        }
        Err(too_short(new.from, today, dearer.iter().map(component_of).collect()))
    }

    pub(super) fn own_book(
        &self,
        keeper: Emitter,
        (zone, currency): (&Text, Currency),
        prices: &OwnPrices,
    ) -> Result<OwnBook, Refusal> {
        let id = own_book_id(keeper)?;
        if self.directory.shelf(id.as_str()).is_some() {
            return Err(Named(Kind::Book, &id).exists());
        }
        let today = self.today(&calendar_of(zone)?);
        let version = self.version(&id, today, &book_text::own_version(today, prices));
        let book = Book {
            id: id.clone(),
            keeper: Some(keeper),
            meter: self.next_meter()?,
            zone: zone.clone(),
            currency,
            head: book_text::own_head(&id, zone, currency),
            created: self.now,
        };
        Ok(OwnBook { id, edits: vec![made(Entity::Book(book)), made(Entity::BookVersion(version))] })
    }

    pub(super) fn set_prices(&self, new: &NewPrices) -> Decided {
        let (book, kind) = match new.emitter {
            Emitter::Executor(id) => (&self.executor(id, Permission::Own)?.book, Kind::Executor),
            Emitter::Storage(id) => (&self.storage(id, Permission::Own)?.book, Kind::Storage),
            Emitter::Api(id) => (&self.api(id, Permission::Keys)?.book, Kind::Api),
            Emitter::Provider(id) => return Err(Named(Kind::Provider, &id).unknown()),
        };
        let fits = matches!(
            (new.emitter, new.prices),
            (Emitter::Executor(_), OwnPrices::Executor(_))
                | (Emitter::Storage(_), OwnPrices::Storage(_))
                | (Emitter::Api(_), OwnPrices::Api(_))
        );
        if !fits {
            return Err(Refusal::OtherPrices { kind });
        }
        let shelf = self.shelf(book)?;
        let announce = |date| self.announced(shelf, date, &book_text::own_version(date, &new.prices));
        if let Some(effective) = new.effective {
            return announce(effective);
        }
        let today = self.today(&calendar_of(&shelf.book.zone)?);
        let tomorrow = today.checked_add(1.day()).map_err(|_| Refusal::OutOfYears { date: today })?;
        match announce(tomorrow) {
            Err(Refusal::NoticeTooShort { effective, earliest, .. }) if effective == tomorrow => {
                announce(earliest)
            }
            decided => decided,
        }
    }

    pub(super) fn api(&self, id: ApiId, permission: Permission) -> Result<&crate::entity::Api, Refusal> {
        let named = Named(Kind::Api, &id);
        let api = self.directory.apis.get(&id).ok_or_else(|| named.unknown())?;
        self.allow(permission, Target::Project(&api.project), named)?;
        Ok(api)
    }
}

/// The id of the book that an executor, storage or API keeps.
fn own_book_id(keeper: Emitter) -> Result<BookId, Refusal> {
    let text = match keeper {
        Emitter::Executor(id) => format!("executor-{id}"),
        Emitter::Storage(id) => format!("storage-{id}"),
        Emitter::Api(id) => format!("api-{id}"),
        Emitter::Provider(id) => format!("provider-{id}"),
    };
    BookId::new(&text).map_err(|error| bad(&format!("`id` {error}")))
}

fn text_of(zone: &str) -> Result<Text, Refusal> {
    Text::new(zone).map_err(|error| bad(&format!("`timezone` {error}")))
}

/// A problem of the book's head that rating does not mind.
fn bad(reason: &str) -> Refusal {
    let remedy = "write 1 to 255 bytes without control characters".to_owned();
    let problem =
        crate::refusal::BookProblem { line: 1, column: 1, reason: format!("[book]: {reason}"), remedy };
    Refusal::BadBook { problems: vec![problem] }
}

fn component_of(change: &PriceChange<'_>) -> String {
    match change {
        PriceChange::Added(component) | PriceChange::Removed(component) => component.id.clone(),
        PriceChange::Altered(altered) => altered.after.id.clone(),
    }
}

fn too_short(effective: Date, announced: Date, components: Vec<String>) -> Refusal {
    let earliest = announced.checked_add(Span::new().days(NOTICE_DAYS)).unwrap_or(Date::MAX);
    Refusal::NoticeTooShort { effective, days: days_between(announced, effective), earliest, components }
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until((jiff::Unit::Day, to)).map_or(0, |span| i64::from(span.get_days()))
}
