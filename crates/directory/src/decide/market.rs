//! Providers and their sources; executors and storages.

use jiff::civil::Time;
use kopeck_ledger::name::{Currency, Moment, Text};

use super::{Asking, Decided, Named, calendar_of, edited, made};
use crate::access::{Permission, Target};
use crate::act::{Assignment, NewExecutor, NewStorage, OwnPrices, ProviderTerms};
use crate::change::{Edit, Entity};
use crate::entity::{Emitter, Executor, ExecutorState, Pattern, Provider, Source, SourceOwner, Storage};
use crate::name::{ExecutorId, ProviderId, StorageId, UserId};
use crate::refusal::{Kind, Refusal};
use crate::route::owner_at;

impl Asking<'_> {
    pub(super) fn create_provider(&self, id: ProviderId, terms: &ProviderTerms) -> Decided {
        self.allow_here(Permission::Providers)?;
        let named = Named(Kind::Book, &terms.book);
        let shelf = self.directory.shelf(terms.book.as_str()).ok_or_else(|| named.unknown())?;
        if self.directory.providers.get(&id).is_some() {
            return Err(Named(Kind::Provider, &id).exists());
        }
        if shelf.book.keeper.is_some() {
            return Err(Refusal::BookKeptByOther { book: terms.book.clone() });
        }
        Ok(vec![made(Entity::Provider(provider(id, terms, self.now)))])
    }

    pub(super) fn change_provider(&self, id: ProviderId, terms: &ProviderTerms) -> Decided {
        self.allow_here(Permission::Providers)?;
        let before = self.provider(id)?;
        if before.book != terms.book {
            return Err(Refusal::BookOfProvider { book: before.book.clone() });
        }
        let after = provider(id, terms, before.created);
        Ok(vec![edited(Entity::Provider(before.clone()), Entity::Provider(after))])
    }

    pub(super) fn provider(&self, id: ProviderId) -> Result<&Provider, Refusal> {
        let found = self.directory.providers.get(&id);
        found.map(AsRef::as_ref).ok_or_else(|| Named(Kind::Provider, &id).unknown())
    }

    pub(super) fn assign_source(&self, new: &Assignment) -> Decided {
        self.allow_here(Permission::Providers)?;
        self.provider(new.provider)?;
        let emitter = Emitter::Provider(new.provider);
        let found = self.source_of(&new.pattern);
        let of_partner = |owner: &SourceOwner| !matches!(owner.emitter, Emitter::Provider(_));
        if found.is_some_and(|source| source.owners.iter().any(of_partner)) {
            return Err(Named(Kind::Source, &new.pattern.text).exists());
        }
        if found.is_some_and(|source| self.stays(source, emitter)) && new.from.is_none() {
            return Ok(Vec::new());
        }
        let from = match (new.from, self.taken_from_others(&new.pattern, emitter)) {
            (Some(from), true) if from <= self.now => {
                return Err(Refusal::NotAhead { at: from, now: self.now });
            }
            (None, true) => return Err(Refusal::NotAhead { at: self.now, now: self.now }),
            (from, _) => from.unwrap_or(Moment::FIRST),
        };
        let mut owners = found.map(|source| source.owners.clone()).unwrap_or_default();
        owners.retain(|owner| owner.from < from);
        if owners.last().is_none_or(|last| last.emitter != emitter) {
            owners.push(SourceOwner { emitter, from });
        }
        let before = found.map(|source| Entity::Source(source.clone()));
        Ok(vec![Edit { before, after: Entity::Source(Source { pattern: new.pattern.clone(), owners }) }])
    }

    /// Whether a pattern is an emitter's from now on and for ever.
    fn stays(&self, source: &Source, emitter: Emitter) -> bool {
        source.owners.last().is_some_and(|last| last.emitter == emitter && last.from <= self.now)
    }

    fn source_of(&self, pattern: &Pattern) -> Option<&Source> {
        let table =
            if pattern.prefix { &self.directory.prefix_sources } else { &self.directory.exact_sources };
        table.get(pattern.text.as_str()).map(AsRef::as_ref)
    }

    /// Whether somebody else has sources of a pattern, now or later: that changes from a future instant on only.
    fn taken_from_others(&self, pattern: &Pattern, emitter: Emitter) -> bool {
        let others = |source: &Source| {
            let now = owner_at(&source.owners, self.now);
            let later = source.owners.iter().filter(|owner| owner.from > self.now);
            now.into_iter().chain(later).any(|owner| owner.emitter != emitter)
        };
        let exact = self.directory.exact_sources.get(pattern.text.as_str()).filter(|_| !pattern.prefix);
        exact.is_some_and(|source| others(source))
            || self.directory.prefixes_of(pattern.text.as_str()).any(others)
    }

    pub(super) fn create_executor(&self, new: &NewExecutor) -> Decided {
        let emitter = Emitter::Executor(new.id);
        self.user(new.owner, Permission::Own)?;
        if self.directory.executors.get(&new.id).is_some() {
            return Err(Named(Kind::Executor, &new.id).exists());
        }
        self.partner(new.owner, &new.zone, new.currency)?;
        let source = self.own_source(&new.source, emitter)?;
        if !self.directory.plan_of(new.owner).is_some_and(|plan| plan.terms.executors) {
            return Err(Refusal::PlanForbids { owner: new.owner, kind: Kind::Executor });
        }
        let book = self.own_book(emitter, (&new.zone, new.currency), &OwnPrices::Executor(new.prices))?;
        let executor = Executor {
            id: new.id,
            owner: new.owner,
            name: new.name.clone(),
            book: book.id.clone(),
            source: new.source.clone(),
            state: ExecutorState::Active,
            created: self.now,
        };
        Ok([book.edits, vec![source, made(Entity::Executor(executor))]].concat())
    }

    /// What executors and storages have in common: an active owner, a known zone, the owner's currency.
    fn partner(&self, owner: UserId, zone: &Text, currency: Currency) -> Result<(), Refusal> {
        self.active(owner)?;
        calendar_of(zone)?;
        let of_owner = self.directory.users.get(&owner).map(|user| user.currency);
        match of_owner.filter(|of_owner| *of_owner != currency) {
            Some(owner) => Err(Refusal::OtherCurrencyThanOwner { owner, currency }),
            None => Ok(()),
        }
    }

    /// The source that an executor, storage or API sends its events by: one that nobody has.
    pub(super) fn own_source(&self, source: &Text, emitter: Emitter) -> Result<Edit, Refusal> {
        let needed = match emitter {
            Emitter::Executor(_) => "executor://",
            Emitter::Storage(_) => "s3://",
            Emitter::Api(_) => "api://",
            Emitter::Provider(_) => "",
        };
        if !source.as_str().starts_with(needed) {
            return Err(Refusal::SourceNotSo { source_name: source.clone(), needed });
        }
        let pattern = Pattern { text: source.clone(), prefix: false };
        if self.source_of(&pattern).is_some() || self.taken_from_others(&pattern, emitter) {
            return Err(Named(Kind::Source, source).exists());
        }
        let owners = vec![SourceOwner { emitter, from: Moment::FIRST }];
        Ok(made(Entity::Source(Source { pattern, owners })))
    }

    pub(super) fn executor(&self, id: ExecutorId, permission: Permission) -> Result<&Executor, Refusal> {
        let named = Named(Kind::Executor, &id);
        let executor = self.directory.executors.get(&id).ok_or_else(|| named.unknown())?;
        self.allow(permission, Target::OwnedBy(executor.owner), named)?;
        Ok(executor)
    }

    pub(super) fn change_executor(
        &self,
        id: ExecutorId,
        name: Option<&Text>,
        state: Option<ExecutorState>,
    ) -> Decided {
        let before = self.executor(id, Permission::Own)?;
        let state = state.unwrap_or(before.state);
        if state != before.state && [state, before.state].contains(&ExecutorState::Disabled) {
            self.allow_here(Permission::Administer)?;
        }
        let name = name.unwrap_or(&before.name).clone();
        let after = Executor { name, state, ..before.clone() };
        Ok(vec![edited(Entity::Executor(before.clone()), Entity::Executor(after))])
    }

    pub(super) fn create_storage(&self, new: &NewStorage) -> Decided {
        let emitter = Emitter::Storage(new.id);
        self.user(new.owner, Permission::Own)?;
        if self.directory.storages.get(&new.id).is_some() {
            return Err(Named(Kind::Storage, &new.id).exists());
        }
        self.partner(new.owner, &new.zone, new.currency)?;
        let source = self.own_source(&new.source, emitter)?;
        if !self.directory.plan_of(new.owner).is_some_and(|plan| plan.terms.storages) {
            return Err(Refusal::PlanForbids { owner: new.owner, kind: Kind::Storage });
        }
        let book = self.own_book(emitter, (&new.zone, new.currency), &OwnPrices::Storage(new.price))?;
        let storage = Storage {
            id: new.id,
            owner: new.owner,
            name: new.name.clone(),
            book: book.id.clone(),
            source: new.source.clone(),
            clean_up: new.clean_up,
            created: self.now,
        };
        Ok([book.edits, vec![source, made(Entity::Storage(storage))]].concat())
    }

    pub(super) fn storage(&self, id: StorageId, permission: Permission) -> Result<&Storage, Refusal> {
        let named = Named(Kind::Storage, &id);
        let storage = self.directory.storages.get(&id).ok_or_else(|| named.unknown())?;
        self.allow(permission, Target::OwnedBy(storage.owner), named)?;
        Ok(storage)
    }

    pub(super) fn change_storage(
        &self,
        id: StorageId,
        name: Option<&Text>,
        clean_up: Option<Time>,
    ) -> Decided {
        let before = self.storage(id, Permission::Own)?;
        let name = name.unwrap_or(&before.name).clone();
        let clean_up = clean_up.unwrap_or(before.clean_up);
        let after = Storage { name, clean_up, ..before.clone() };
        Ok(vec![edited(Entity::Storage(before.clone()), Entity::Storage(after))])
    }
}

fn provider(id: ProviderId, terms: &ProviderTerms, created: Moment) -> Provider {
    Provider {
        id,
        name: terms.name.clone(),
        book: terms.book.clone(),
        delay_s: terms.delay_s,
        heartbeat_s: terms.heartbeat_s,
        latency_s: terms.latency_s,
        stops: terms.stops.clone(),
        created,
    }
}
