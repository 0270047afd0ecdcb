//! Price books, their versions, contracts, and partners' prices.

use kopeck_directory::act::ExecutorPrices;
use kopeck_directory::entity::{Book, Contract, Emitter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::forms::{CurrencyCode, Day, Label, PriceText, Time};

/// The five prices of an executor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExecutorPrices)]
pub struct ExecutorPricesDocument {
    /// For a job
    pub job: PriceText,
    /// For a second of it
    pub second: PriceText,
    /// For a second of each core
    pub core_second: PriceText,
    /// For a second of each GPU
    pub gpu_second: PriceText,
    /// For each MB of memory
    pub megabyte: PriceText,
}

/// Other prices of an executor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecutorPricesRequest {
    /// The five prices
    pub prices: ExecutorPricesDocument,
    /// From this local date on; the earliest that the notice allows where it is left out
    #[serde(default)]
    pub effective: Option<Day>,
}

/// Another price of a storage or an API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceRequest {
    /// For a MB, or a call
    pub price: PriceText,
    /// From this local date on; the earliest that the notice allows where it is left out
    #[serde(default)]
    pub effective: Option<Day>,
}

/// A project's own prices at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractRequest {
    /// A book of the operator; none is the provider's own again
    #[serde(default)]
    pub price_book: Option<Label>,
    /// From this local date on, ahead of now
    pub from: Day,
}

/// A project's own prices at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Contract)]
pub struct ContractDocument {
    /// For what
    pub provider: Uuid,
    /// By which book since when, ascending
    pub terms: Vec<ContractTermDocument>,
}

/// A book prices a project from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ContractTerm)]
pub struct ContractTermDocument {
    /// Which book; none is the provider's own
    #[schema(required)]
    pub price_book: Option<Label>,
    /// From when on
    pub from: Time,
    /// When it was agreed
    pub announced: Time,
}

/// A price book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PriceBook)]
pub struct BookDocument {
    /// Names it
    pub id: Label,
    /// What its prices are in
    pub currency: CurrencyCode,
    /// The IANA time zone of its days
    pub time_zone: Label,
    /// Whose it is; none is the operator's
    #[schema(value_type = Object, required)]
    pub keeper: Option<Emitter>,
    /// What meters by it
    pub meter: u32,
    /// Since when it is there
    pub created: Time,
}

/// A version of a price book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PriceBookVersion)]
pub struct VersionDocument {
    /// From this local date on
    pub effective: Day,
    /// When it was accepted, or edited last
    pub announced: Time,
    /// Whether it has taken effect
    pub in_force: bool,
    /// Its text
    pub toml: String,
}

/// A price book with its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BookVersions {
    /// The book
    pub book: BookDocument,
    /// Its text up to the first version
    pub toml: String,
    /// Its versions, by their dates
    pub versions: Vec<VersionDocument>,
}

/// What an announcement changes, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Announcement)]
pub struct AnnouncementDocument {
    /// Whether it was only tried
    pub dry_run: bool,
    /// The versions that are new or edited
    pub versions: Vec<VersionDocument>,
    /// What they change against the version before each
    pub changes: Vec<PriceChangeDocument>,
    /// What the last version would have done to last month; only where a version of a book was tried that prices
    /// projects, `null` otherwise
    #[schema(required)]
    pub effect: Option<EffectDocument>,
}

/// What other prices would have done to last month: the bills of its events by two versions, each taken as if it had
/// been in force throughout and as the book prices, for the projects that the book priced at some time of that month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PriceEffect)]
pub struct EffectDocument {
    /// The first local day of the month
    pub from: Day,
    /// The day after its last
    pub to: Day,
    /// The version that is in force now
    pub old: Day,
    /// The version that was tried
    pub new: Day,
    /// What the amounts are in
    pub currency: CurrencyCode,
    /// By project
    pub projects: Vec<ProjectEffect>,
    /// All projects together
    pub total: AmountEffect,
}

/// What other prices would have done to a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectEffect {
    /// Whose
    pub project: String,
    /// What they would have done
    #[serde(flatten)]
    pub amounts: AmountEffect,
}

/// An amount by two versions, each a decimal with six places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmountEffect {
    /// By the version that is in force
    pub old: String,
    /// By the version that was tried
    pub new: String,
    /// How much more
    pub difference: String,
    /// How much more in percent; `null` of nothing
    #[schema(required)]
    pub percent: Option<String>,
}

/// What becomes of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PriceChange)]
pub struct PriceChangeDocument {
    /// In which version
    pub version: Day,
    /// Which component
    pub component: String,
    /// `added`, `removed`, `raised`, `lowered` or `changed`
    pub change: String,
    /// The prices before, tier by tier
    pub before: Vec<String>,
    /// The prices after
    pub after: Vec<String>,
}

impl From<ExecutorPrices> for ExecutorPricesDocument {
    fn from(prices: ExecutorPrices) -> ExecutorPricesDocument {
        ExecutorPricesDocument {
            job: PriceText(prices.job),
            second: PriceText(prices.second),
            core_second: PriceText(prices.core_second),
            gpu_second: PriceText(prices.gpu_second),
            megabyte: PriceText(prices.megabyte),
        }
    }
}

impl From<&ExecutorPricesDocument> for ExecutorPrices {
    fn from(prices: &ExecutorPricesDocument) -> ExecutorPrices {
        ExecutorPrices {
            job: prices.job.0,
            second: prices.second.0,
            core_second: prices.core_second.0,
            gpu_second: prices.gpu_second.0,
            megabyte: prices.megabyte.0,
        }
    }
}

impl From<&Contract> for ContractDocument {
    fn from(contract: &Contract) -> ContractDocument {
        let terms = contract.terms.iter().map(|term| ContractTermDocument {
            price_book: term.book.as_ref().map(|book| Label(book.0.clone())),
            from: Time(term.from),
            announced: Time(term.announced),
        });
        ContractDocument { provider: contract.provider.0, terms: terms.collect() }
    }
}

impl From<&Book> for BookDocument {
    fn from(book: &Book) -> BookDocument {
        BookDocument {
            id: Label(book.id.0.clone()),
            currency: CurrencyCode(book.currency),
            time_zone: Label(book.zone.clone()),
            keeper: book.keeper,
            meter: book.meter.0,
            created: Time(book.created),
        }
    }
}
