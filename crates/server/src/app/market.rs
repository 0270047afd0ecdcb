//! Providers, sources, executors, storages and their clean-ups.

use std::sync::Arc;

use kopeck_api::directory::market::{
    CleanUpCharge, CleanUpDocument, CleanUpRequest, ExecutorDocument, ExecutorPatch, ExecutorRequest,
    ProviderDocument, ProviderRequest, SourceDocument, SourceRequest, StorageDocument, StoragePatch,
    StorageRequest, VolumeRequest,
};
use kopeck_api::directory::prices::{ExecutorPricesRequest, PriceRequest};
use kopeck_api::forms::{Label, Money};
use kopeck_api::page::{Page, PageQuery};
use kopeck_directory::access::{Actor, Permission, Target};
use kopeck_directory::act::{Act, Assignment, NewExecutor, NewPrices, NewStorage, OwnPrices};
use kopeck_directory::entity::{Emitter, Executor, Pattern, Source, Storage};
use kopeck_directory::name::{ExecutorId, Price, ProviderId, StorageId};
use kopeck_ledger::name::{Text, TransactionId};
use kopeck_ledger::record::Reply;
use kopeck_ledger::request::{PayStorage, Request, Work};
use kopeck_metering::Cleaned;
use kopeck_rating::number::Number;
use uuid::Uuid;

use super::App;
use super::directory::{id, is_person, limit, page, perform, reads, seen, user};
use super::people::{currency_of, forbidden};
use crate::error::AppError;

pub fn create_provider(app: &App, by: &Actor, new: &ProviderRequest) -> Result<ProviderDocument, AppError> {
    let provider = ProviderId(id(new.id));
    perform(app, by, Act::CreateProvider(provider, new.terms()))?;
    read_provider(app, by, provider.0)
}

pub fn change_provider(
    app: &App,
    by: &Actor,
    provider: Uuid,
    new: &ProviderRequest,
) -> Result<ProviderDocument, AppError> {
    perform(app, by, Act::ChangeProvider(ProviderId(provider), new.terms()))?;
    read_provider(app, by, provider)
}

pub fn read_provider(app: &App, by: &Actor, provider: Uuid) -> Result<ProviderDocument, AppError> {
    let directory = app.directory.snapshot();
    let found = directory.providers().get(&ProviderId(provider));
    seen(found, |_| is_person(by), "provider", &provider).map(|provider| provider.as_ref().into())
}

pub fn list_providers(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<ProviderDocument>, AppError> {
    page(app.directory.snapshot().providers(), query, |_| is_person(by), |provider| provider.into())
}

pub fn assign_source(
    app: &App,
    by: &Actor,
    provider: Uuid,
    new: SourceRequest,
) -> Result<SourceDocument, AppError> {
    let pattern = Pattern { text: new.source.0, prefix: new.prefix };
    let from = new.from.map(|from| from.0);
    let provider = ProviderId(provider);
    perform(app, by, Act::AssignSource(Assignment { pattern: pattern.clone(), provider, from }))?;
    let directory = app.directory.snapshot();
    let table = if pattern.prefix { directory.prefix_sources() } else { directory.exact_sources() };
    let found = table.get(pattern.text.as_str());
    found.map(|source| source.as_ref().into()).ok_or_else(|| AppError::not_found("source", &pattern.text))
}

/// The sources that are a provider's, or were: whole names first. Names of sources are the operator's matter.
pub fn list_sources(
    app: &App,
    by: &Actor,
    provider: Uuid,
    query: &PageQuery,
) -> Result<Page<SourceDocument>, AppError> {
    let directory = app.directory.snapshot();
    read_provider(app, by, provider)?;
    if !directory.may(&by.principal, Permission::ReadAll, Target::Installation) {
        return Err(forbidden(Permission::ReadAll));
    }
    let limit = limit(query.limit)?;
    let emitter = Emitter::Provider(ProviderId(provider));
    let all = directory.exact_sources().after(None).chain(directory.prefix_sources().after(None));
    let of_it = |source: &Source| source.owners.iter().any(|owner| owner.emitter == emitter);
    let key =
        |source: &Source| format!("{}{}", if source.pattern.prefix { 'p' } else { 'e' }, source.pattern.text);
    let mut rest = all
        .map(|(_, source)| source)
        .filter(|source| of_it(source) && query.cursor.as_ref().is_none_or(|cursor| key(source) > *cursor));
    let taken: Vec<_> = rest.by_ref().take(limit).collect();
    let next = rest.next().and(taken.last().map(|last| key(last)));
    Ok(Page { items: taken.into_iter().map(|source| source.as_ref().into()).collect(), next })
}

/// The source of a partner's events where none was named: its kind and its id.
pub fn own_source(given: Option<Label>, kind: &str, id: Uuid) -> Result<Text, AppError> {
    match given {
        Some(source) => Ok(source.0),
        None => Text::new(&format!("{kind}://{id}")).map_err(|error| AppError::Internal(error.to_string())),
    }
}

pub fn create_executor(app: &App, by: &Actor, new: ExecutorRequest) -> Result<ExecutorDocument, AppError> {
    let (executor, owner) = (id(new.id), user(new.owner, by, "owner")?);
    let act = Act::CreateExecutor(NewExecutor {
        id: ExecutorId(executor),
        owner,
        name: new.name.0,
        source: own_source(new.source, "executor", executor)?,
        zone: new.time_zone.0,
        currency: new.currency.map_or_else(|| currency_of(app, owner), |currency| currency.0),
        prices: (&new.prices).into(),
    });
    perform(app, by, act)?;
    read_executor(app, by, executor)
}

pub fn change_executor(
    app: &App,
    by: &Actor,
    executor: Uuid,
    patch: ExecutorPatch,
) -> Result<ExecutorDocument, AppError> {
    let name = patch.name.map(|name| name.0);
    perform(app, by, Act::ChangeExecutor(ExecutorId(executor), name, patch.state))?;
    read_executor(app, by, executor)
}

pub fn price_executor(
    app: &App,
    by: &Actor,
    executor: Uuid,
    new: &ExecutorPricesRequest,
) -> Result<ExecutorDocument, AppError> {
    let emitter = Emitter::Executor(ExecutorId(executor));
    let prices = OwnPrices::Executor((&new.prices).into());
    let effective = new.effective.as_ref().map(|day| day.0);
    perform(app, by, Act::SetPrices(NewPrices { emitter, prices, effective }))?;
    read_executor(app, by, executor)
}

pub fn read_executor(app: &App, by: &Actor, executor: Uuid) -> Result<ExecutorDocument, AppError> {
    let directory = app.directory.snapshot();
    let sees = |found: &Executor| reads(&directory, by, Target::OwnedBy(found.owner));
    let found = seen(directory.executors().get(&ExecutorId(executor)), sees, "executor", &executor)?;
    executor_document(app, found).ok_or_else(|| AppError::not_found("executor", &executor))
}

fn executor_document(app: &App, executor: &Executor) -> Option<ExecutorDocument> {
    let directory = app.directory.snapshot();
    let prices = directory.own_prices(Emitter::Executor(executor.id), app.now());
    let book = &directory.shelf(executor.book.as_str())?.book;
    Some(ExecutorDocument::of(executor, book, prices))
}

pub fn list_executors(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<ExecutorDocument>, AppError> {
    let directory = app.directory.snapshot();
    let sees = |executor: &Executor| reads(&directory, by, Target::OwnedBy(executor.owner));
    let listed = page(directory.executors(), query, sees, |executor| executor_document(app, executor))?;
    Ok(Page { items: listed.items.into_iter().flatten().collect(), next: listed.next })
}

pub fn create_storage(app: &App, by: &Actor, new: StorageRequest) -> Result<StorageDocument, AppError> {
    let (storage, owner) = (id(new.id), user(new.owner, by, "owner")?);
    let act = Act::CreateStorage(NewStorage {
        id: StorageId(storage),
        owner,
        name: new.name.0,
        source: own_source(new.source, "s3", storage)?,
        zone: new.time_zone.0,
        currency: new.currency.map_or_else(|| currency_of(app, owner), |currency| currency.0),
        clean_up: new.clean_up,
        price: new.price.0,
    });
    perform(app, by, act)?;
    read_storage(app, by, storage)
}

pub fn change_storage(
    app: &App,
    by: &Actor,
    storage: Uuid,
    patch: StoragePatch,
) -> Result<StorageDocument, AppError> {
    let name = patch.name.map(|name| name.0);
    perform(app, by, Act::ChangeStorage(StorageId(storage), name, patch.clean_up))?;
    read_storage(app, by, storage)
}

pub fn price_storage(
    app: &App,
    by: &Actor,
    storage: Uuid,
    new: &PriceRequest,
) -> Result<StorageDocument, AppError> {
    let emitter = Emitter::Storage(StorageId(storage));
    let prices = OwnPrices::Storage(new.price.0);
    let effective = new.effective.as_ref().map(|day| day.0);
    perform(app, by, Act::SetPrices(NewPrices { emitter, prices, effective }))?;
    read_storage(app, by, storage)
}

pub fn read_storage(app: &App, by: &Actor, storage: Uuid) -> Result<StorageDocument, AppError> {
    let directory = app.directory.snapshot();
    let sees = |found: &Storage| reads(&directory, by, Target::OwnedBy(found.owner));
    let found = seen(directory.storages().get(&StorageId(storage)), sees, "storage", &storage)?;
    storage_document(app, found).ok_or_else(|| AppError::not_found("storage", &storage))
}

fn storage_document(app: &App, storage: &Storage) -> Option<StorageDocument> {
    let directory = app.directory.snapshot();
    let prices = directory.own_prices(Emitter::Storage(storage.id), app.now());
    let book = &directory.shelf(storage.book.as_str())?.book;
    Some(StorageDocument::of(storage, book, prices))
}

pub fn list_storages(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<StorageDocument>, AppError> {
    let directory = app.directory.snapshot();
    let sees = |storage: &Storage| reads(&directory, by, Target::OwnedBy(storage.owner));
    let listed = page(directory.storages(), query, sees, |storage| storage_document(app, storage))?;
    Ok(Page { items: listed.items.into_iter().flatten().collect(), next: listed.next })
}

/// A storage that somebody may clean up.
pub fn cleaner(app: &App, by: &Actor, storage: Uuid) -> Result<StorageId, AppError> {
    let directory = app.directory.snapshot();
    read_storage(app, by, storage)?;
    let found = directory.storages().get(&StorageId(storage));
    let found = found.ok_or_else(|| AppError::not_found("storage", &storage))?;
    if !directory.may(&by.principal, Permission::Own, Target::OwnedBy(found.owner)) {
        return Err(forbidden(Permission::Own));
    }
    Ok(found.id)
}

/// A clean-up by measured volumes, of the projects that are metered here.
///
/// # Errors
/// [`AppError`] where it is not known what was charged.
pub async fn cleaned_here(app: &Arc<App>, storage: StorageId, id: Uuid) -> Result<CleanUpDocument, AppError> {
    let mut all = Vec::new();
    for metering in app.shards.all_here() {
        all.extend(metering.clean_up(storage, id).await?);
    }
    app.blocking(move |app| cleaned(app, all)).await
}

/// What a clean-up by measured volumes has charged.
fn cleaned(app: &App, cleaned: Vec<Cleaned>) -> Result<CleanUpDocument, AppError> {
    let charges = cleaned.into_iter().map(|Cleaned { project, transaction, reply }| {
        let project = Text::new(&project).map_err(|error| AppError::Internal(error.to_string()))?;
        charge(app, (Label(project), transaction), reply)
    });
    Ok(CleanUpDocument { charges: charges.collect::<Result<_, AppError>>()? })
}

fn charge(app: &App, (project, id): (Label, Uuid), reply: Reply) -> Result<CleanUpCharge, AppError> {
    let amount = match &reply {
        Ok(_) => app.ledger.record(TransactionId(id))?.and_then(|record| {
            record.transaction().and_then(|moved| moved.transfers.first().map(|first| first.amount))
        }),
        Err(_) => None,
    };
    Ok(CleanUpCharge {
        project,
        transaction: reply.is_ok().then_some(id),
        amount: amount.map(Money),
        refused: reply.err().map(|refusal| refusal.to_string()),
    })
}

/// The owner has cleaned a storage up: each project pays for what its files take now. What a project was charged on
/// the same local day counts, so a clean-up that is told twice charges nothing the second time.
pub fn clean_up(
    app: &App,
    by: &Actor,
    storage: Uuid,
    done: &CleanUpRequest,
) -> Result<CleanUpDocument, AppError> {
    let directory = app.directory.snapshot();
    let id = cleaner(app, by, storage)?;
    let found = directory.storages().get(&id).ok_or_else(|| AppError::not_found("storage", &storage))?;
    let Some(OwnPrices::Storage(price)) = directory.own_prices(Emitter::Storage(found.id), app.now()) else {
        return Err(AppError::Internal(format!("storage {storage} has no price")));
    };
    let requests = done
        .volumes
        .iter()
        .enumerate()
        .map(|(number, volume)| payment(app, by, (found, price), (number, volume)))
        .collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<Uuid> = requests.iter().map(|request| request.id.0).collect();
    let replies = app.ledger.perform(requests)?;
    let charges = done.volumes.iter().zip(ids).zip(replies);
    let charges = charges.map(|((volume, id), reply)| charge(app, (volume.project.clone(), id), reply));
    Ok(CleanUpDocument { charges: charges.collect::<Result<_, AppError>>()? })
}

fn payment(
    app: &App,
    by: &Actor,
    (storage, price): (&Storage, Price),
    (number, volume): (usize, &VolumeRequest),
) -> Result<Request, AppError> {
    let now = app.now();
    let field = |name| format!("volumes[{number}].{name}");
    let payer = app.directory.snapshot().payer(volume.project.0.as_str(), now).map(|payer| payer.id);
    let payer = payer.ok_or_else(|| {
        AppError::invalid(
            field("project"),
            format!("there is no project {}", volume.project),
            "name one that exists",
        )
    })?;
    let megabytes = Number::from_text(&volume.megabytes, false).ok_or_else(|| {
        let remedy = "write a decimal of at most 12 digits before the point, such as \"1198.5\"";
        AppError::invalid(field("megabytes"), format!("{:?} is no number", volume.megabytes), remedy)
    })?;
    let reference = Text::new(&format!("clean-up of {} at {now}", storage.id));
    Ok(Request {
        id: TransactionId(Uuid::now_v7()),
        actor: Some(by.name.clone()),
        work: Work::PayStorage(PayStorage {
            storage: storage.id.account(),
            workspace: payer.account(),
            project: volume.project.0.clone(),
            reference: reference.map_err(|error| AppError::Internal(error.to_string()))?,
            price: price.number(),
            megabytes,
            cleaned_at: now,
            accrued: true,
        }),
    })
}
