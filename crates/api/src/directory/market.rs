//! Providers, their sources, executors, storages and clean-ups.

use std::collections::BTreeMap;

use kopeck_directory::act::{OwnPrices, ProviderTerms};
use kopeck_directory::entity::{Book, Emitter, Executor, ExecutorState, Provider, Source, Storage};
use kopeck_directory::limit::StopMakes;
use kopeck_directory::name::BookId;
use kopeck_ledger::name::{Moment, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::prices::ExecutorPricesDocument;
use crate::forms::{CurrencyCode, Label, Money, PriceText, Time};

/// The terms of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderRequest {
    /// Its id where it is made; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// What people call it
    pub name: Label,
    /// Its list prices; it keeps them
    pub price_book: Label,
    /// Usage is reported within so many seconds
    pub delay_s: u32,
    /// Something is heard at least every so many seconds; 0 for no promise
    pub heartbeat_s: u32,
    /// It obeys a stop within so many seconds; left out, at once
    #[serde(default)]
    pub latency_s: u32,
    /// What a stop makes of its active resources, by kind: `inactive`, `classless`, `gone` or `nothing`; of kinds that are
    /// left out `inactive`
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub stops: BTreeMap<Text, StopMakes>,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Provider)]
pub struct ProviderDocument {
    /// Names it
    pub id: Uuid,
    /// What people call it
    pub name: Label,
    /// Its list prices
    pub price_book: Label,
    /// Usage is reported within so many seconds
    pub delay_s: u32,
    /// Something is heard at least every so many seconds
    pub heartbeat_s: u32,
    /// It obeys a stop within so many seconds
    pub latency_s: u32,
    /// What a stop makes of its active resources, by kind
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub stops: BTreeMap<Text, StopMakes>,
    /// Since when it is there
    pub created: Time,
}

/// Sources that become a provider's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRequest {
    /// The source's name, or its beginning
    pub source: Label,
    /// Whether it is a beginning
    #[serde(default)]
    pub prefix: bool,
    /// From when on: ahead of now where somebody has them; since ever where it is left out
    #[serde(default)]
    pub from: Option<Time>,
}

/// Whose sources are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Source)]
pub struct SourceDocument {
    /// The source's name, or its beginning
    pub source: Label,
    /// Whether it is a beginning
    pub prefix: bool,
    /// Whose they are since when, ascending
    pub owners: Vec<SourceOwnerDocument>,
}

/// Whose sources are from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SourceOwner)]
pub struct SourceOwnerDocument {
    /// Whose
    #[schema(value_type = Object)]
    pub emitter: Emitter,
    /// From when on; none is since ever
    #[schema(required)]
    pub from: Option<Time>,
}

/// An executor to add.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecutorRequest {
    /// Its id, and its account's; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Who earns; whoever asks where it is left out
    #[serde(default)]
    pub owner: Option<Uuid>,
    /// What people call it
    pub name: Label,
    /// The source of its events; `executor://` and its id where it is left out
    #[serde(default)]
    pub source: Option<Label>,
    /// The IANA time zone of its prices
    pub time_zone: Label,
    /// The currency of its prices; the owner's where it is left out
    #[serde(default)]
    pub currency: Option<CurrencyCode>,
    /// Its five prices
    pub prices: ExecutorPricesDocument,
}

/// What changes about an executor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecutorPatch {
    /// What people call it
    #[serde(default)]
    pub name: Option<Label>,
    /// `active`, `suspended` or `disabled`
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub state: Option<ExecutorState>,
}

/// An executor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Executor)]
pub struct ExecutorDocument {
    /// Names it and its account
    pub id: Uuid,
    /// Who earns
    pub owner: Uuid,
    /// What people call it
    pub name: Label,
    /// The source of its events
    pub source: Label,
    /// Only an active one takes jobs
    #[schema(value_type = String)]
    pub state: ExecutorState,
    /// The IANA time zone of its prices
    pub time_zone: Label,
    /// The currency of its prices
    pub currency: CurrencyCode,
    /// The book of its prices
    pub price_book: Label,
    /// Its prices now
    #[schema(required)]
    pub prices: Option<ExecutorPricesDocument>,
    /// Since when it is there
    pub created: Time,
}

/// A storage to add.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageRequest {
    /// Its id, and its account's; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Who earns; whoever asks where it is left out
    #[serde(default)]
    pub owner: Option<Uuid>,
    /// What people call it
    pub name: Label,
    /// The source of its volumes; `s3://` and its id where it is left out
    #[serde(default)]
    pub source: Option<Label>,
    /// The IANA time zone of its days
    pub time_zone: Label,
    /// The currency of its price; the owner's where it is left out
    #[serde(default)]
    pub currency: Option<CurrencyCode>,
    /// The local time of its daily clean-up
    #[schema(value_type = String, example = "03:00:00")]
    pub clean_up: jiff::civil::Time,
    /// For each MB at a clean-up
    pub price: PriceText,
}

/// What changes about a storage.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoragePatch {
    /// What people call it
    #[serde(default)]
    pub name: Option<Label>,
    /// The local time of its daily clean-up
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub clean_up: Option<jiff::civil::Time>,
}

/// A storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Storage)]
pub struct StorageDocument {
    /// Names it and its account
    pub id: Uuid,
    /// Who earns
    pub owner: Uuid,
    /// What people call it
    pub name: Label,
    /// The source of its volumes
    pub source: Label,
    /// The IANA time zone of its days
    pub time_zone: Label,
    /// The currency of its price
    pub currency: CurrencyCode,
    /// The local time of its daily clean-up
    #[schema(value_type = String)]
    pub clean_up: jiff::civil::Time,
    /// The book of its price
    pub price_book: Label,
    /// Its price now
    #[schema(required)]
    pub price: Option<PriceText>,
    /// Since when it is there
    pub created: Time,
}

/// A clean-up that was just done: what each project's files take after it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanUpRequest {
    /// One for each project
    #[serde(default)]
    pub volumes: Vec<VolumeRequest>,
}

/// What a project's files take.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeRequest {
    /// Whose files
    pub project: Label,
    /// How many MB, as a decimal of at most nine places
    pub megabytes: String,
}

/// What a clean-up has charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CleanUp)]
pub struct CleanUpDocument {
    /// One for each project, in the order of the request
    pub charges: Vec<CleanUpCharge>,
}

/// What a clean-up has charged a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CleanUpCharge {
    /// Whose files
    pub project: Label,
    /// The payment
    #[schema(required)]
    pub transaction: Option<Uuid>,
    /// What was paid
    #[schema(required)]
    pub amount: Option<Money>,
    /// Why nothing was charged
    #[schema(required)]
    pub refused: Option<String>,
}

impl From<&Provider> for ProviderDocument {
    fn from(provider: &Provider) -> ProviderDocument {
        ProviderDocument {
            id: provider.id.0,
            name: Label(provider.name.clone()),
            price_book: Label(provider.book.0.clone()),
            delay_s: provider.delay_s,
            heartbeat_s: provider.heartbeat_s,
            latency_s: provider.latency_s,
            stops: provider.stops.clone(),
            created: Time(provider.created),
        }
    }
}

impl From<&Source> for SourceDocument {
    fn from(source: &Source) -> SourceDocument {
        let since = |from| (from != Moment::FIRST).then_some(Time(from));
        let owners = source.owners.iter();
        SourceDocument {
            source: Label(source.pattern.text.clone()),
            prefix: source.pattern.prefix,
            owners: owners
                .map(|owner| SourceOwnerDocument { emitter: owner.emitter, from: since(owner.from) })
                .collect(),
        }
    }
}

impl ProviderRequest {
    /// The terms that it asks for.
    #[must_use]
    pub fn terms(&self) -> ProviderTerms {
        ProviderTerms {
            name: self.name.0.clone(),
            book: BookId(self.price_book.0.clone()),
            delay_s: self.delay_s,
            heartbeat_s: self.heartbeat_s,
            latency_s: self.latency_s,
            stops: self.stops.clone(),
        }
    }
}

impl ExecutorDocument {
    /// The document of an executor, its book and its prices now.
    #[must_use]
    pub fn of(executor: &Executor, book: &Book, prices: Option<OwnPrices>) -> ExecutorDocument {
        ExecutorDocument {
            id: executor.id.0,
            owner: executor.owner.0,
            name: Label(executor.name.clone()),
            source: Label(executor.source.clone()),
            state: executor.state,
            time_zone: Label(book.zone.clone()),
            currency: CurrencyCode(book.currency),
            price_book: Label(book.id.0.clone()),
            prices: match prices {
                Some(OwnPrices::Executor(prices)) => Some(prices.into()),
                _ => None,
            },
            created: Time(executor.created),
        }
    }
}

impl StorageDocument {
    /// The document of a storage, its book and its price now.
    #[must_use]
    pub fn of(storage: &Storage, book: &Book, prices: Option<OwnPrices>) -> StorageDocument {
        StorageDocument {
            id: storage.id.0,
            owner: storage.owner.0,
            name: Label(storage.name.clone()),
            source: Label(storage.source.clone()),
            time_zone: Label(book.zone.clone()),
            currency: CurrencyCode(book.currency),
            clean_up: storage.clean_up,
            price_book: Label(book.id.0.clone()),
            price: match prices {
                Some(OwnPrices::Storage(price)) => Some(PriceText(price)),
                _ => None,
            },
            created: Time(storage.created),
        }
    }
}
