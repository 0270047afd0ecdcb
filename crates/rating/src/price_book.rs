//! Price books: versions of components, each effective from a local midnight (rating.md, "Price book").
//!
//! Here are the types, and what can be asked of a book that is valid. Reading one from TOML, with every rule that
//! a book must keep, is in [`read`].

pub mod change;
pub mod doubts;
pub(crate) mod fields;
pub mod notice_period;
pub mod places;
pub mod read;
pub mod wording;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;

use crate::calendar::{Calendar, FIRST_YEAR, Month, Second};
use crate::event::{Description, Value};
use crate::number::Number;

/// A valid price book. It is cheap to clone: its components are shared.
#[derive(Debug, Clone)]
pub struct PriceBook {
    pub(crate) id: String,
    pub(crate) currency: String,
    pub(crate) zone_name: String,
    pub(crate) calendar: Calendar,
    pub(crate) vat: Option<Vat>,
    /// The lists of the kinds that the book names; all others have the defaults.
    pub(crate) states: BTreeMap<String, StateLists>,
    pub(crate) default_states: StateLists,
    pub(crate) versions: Vec<Version>,
}

/// A version: the whole price list from a local midnight on.
#[derive(Debug, Clone)]
pub struct Version {
    /// The local date from whose first instant on it is in force.
    pub effective: Date,
    /// That instant.
    pub start: Second,
    /// When it was announced, if the book says so.
    pub announced: Option<Date>,
    /// VAT of this version, if it differs from the book's.
    pub vat: Option<Vat>,
    /// Its components, by unique ids.
    pub components: Vec<Arc<Component>>,
    /// Where its date stands in its file, in bytes.
    pub span: Range<usize>,
}

/// One price with one charge model.
#[derive(Debug, Clone)]
pub struct Component {
    /// Unique within a version; the same id in several versions is the same component.
    pub id: String,
    /// The kind of resource or usage that it prices.
    pub kind: String,
    /// All of these must hold.
    pub when: Vec<Condition>,
    /// The attributes whose product is the quantity: at most two; of none it is 1.
    pub quantity: Vec<String>,
    /// Lifts each resource's quantity before it is priced.
    pub round_up: Option<RoundUp>,
    /// How quantity becomes money.
    pub model: Model,
    /// VAT of this component, if it differs from the version's.
    pub vat: Option<Vat>,
    /// Where the component stands in its file, in bytes.
    pub span: Range<usize>,
    /// Where its price or its tiers stand.
    pub price_span: Range<usize>,
}

/// A charge model with its prices (rating.md, the table of models).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Model {
    /// Σ over seconds of quantity × price / seconds(per).
    PerSecond {
        /// The price of a unit for `per`.
        price: Number,
        /// What the price is for.
        per: Per,
    },
    /// Σ over local clock hours of the hour's largest quantity × price.
    HourlyPeak {
        /// The price of a unit for an hour.
        price: Number,
    },
    /// By the month, with proration.
    Monthly {
        /// The price of a unit for a month.
        price: Number,
        /// How a part of a month is charged.
        prorate: Prorate,
    },
    /// The largest sum of quantities of the project at one instant of the month × price.
    MonthlyPeak {
        /// The price of a unit for a month.
        price: Number,
        /// What separates the sums.
        group_by: Option<Subject>,
    },
    /// Quantity × price, at the resource's first matching instant.
    Once {
        /// The price of a unit.
        price: Number,
    },
    /// Quantity × price for each usage event.
    PerUse {
        /// The price of a unit.
        price: Number,
    },
    /// Usage priced over the project's sum for the month.
    Tiered(Tiers),
}

impl Model {
    /// Whether state events are charged, and not usage events.
    #[must_use]
    pub fn meters_states(&self) -> bool {
        !matches!(self, Model::PerUse { .. } | Model::Tiered(_))
    }

    /// Whether the version at the start of the month prices all of it (see "Which version prices what").
    #[must_use]
    pub fn takes_version_of_month(&self) -> bool {
        matches!(
            self,
            Model::Monthly { prorate: Prorate::None, .. } | Model::MonthlyPeak { .. } | Model::Tiered(_)
        )
    }

    /// Whether a rate limit looks at what it costs: `once`, `monthly` and `monthly_peak` are left out (guard.md).
    #[must_use]
    pub fn is_paced(&self) -> bool {
        !matches!(self, Model::Once { .. } | Model::Monthly { .. } | Model::MonthlyPeak { .. })
    }

    /// Whether its price depends on the sum of a month.
    #[must_use]
    pub fn is_tiered(&self) -> bool {
        matches!(self, Model::Tiered(_))
    }

    /// The name of the model in a price book.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Model::PerSecond { .. } => "per_second",
            Model::HourlyPeak { .. } => "hourly_peak",
            Model::Monthly { .. } => "monthly",
            Model::MonthlyPeak { .. } => "monthly_peak",
            Model::Once { .. } => "once",
            Model::PerUse { .. } | Model::Tiered(_) => "per_use",
        }
    }
}

/// What a `per_second` price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// A second.
    Second,
    /// An hour of 3,600 seconds.
    Hour,
    /// A day of 24 hours.
    Day,
    /// A month of 730.5 hours.
    Month,
}

impl Per {
    /// Its length in seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Per::Second => 1,
            Per::Hour => 3_600,
            Per::Day => 86_400,
            Per::Month => 2_629_800,
        }
    }

    /// Its name in a price book.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Per::Second => "second",
            Per::Hour => "hour",
            Per::Day => "day",
            Per::Month => "month",
        }
    }
}

/// How `monthly` charges a part of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prorate {
    /// By local calendar days, each at its largest quantity.
    Day,
    /// By seconds of that local month.
    Second,
    /// Not at all: the month's largest quantity.
    None,
}

/// Tiers over the project's sum for the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers {
    /// Ascending, each with the sum that it still holds and its price.
    pub bounded: Vec<(Number, Number)>,
    /// The price beyond the last bound.
    pub open: Number,
    /// How the sum meets the tiers.
    pub mode: TierMode,
}

/// How a sum meets the tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierMode {
    /// Each part at its own tier's price.
    Graduated,
    /// All of it at the price of the tier that the sum falls in.
    Volume,
}

/// `round_up`: a positive quantity is lifted to a multiple of the step and to the minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundUp {
    /// Greater than zero.
    pub step: Number,
    /// A multiple of the step.
    pub min: Number,
}

/// What a condition or `group_by` looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The class of the state.
    Class,
    /// The region.
    Region,
    /// An attribute.
    Attribute(String),
}

/// One line of `when`: any of the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What is compared.
    pub subject: Subject,
    /// With what: at least one value.
    pub any_of: Vec<Value>,
}

/// The class of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// `active`.
    Active,
    /// `inactive`.
    Inactive,
}

impl Class {
    /// Its name in `when.state`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Active => "active",
            Class::Inactive => "inactive",
        }
    }
}

/// What a state means for the life and class of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateMeaning {
    /// `DELETED`: the life ends.
    Deleted,
    /// A class of its own, or none.
    Class(Option<Class>),
    /// Keeps the class it had before, if any.
    Inherit,
}

/// The state that ends a life.
pub const DELETED: &str = "DELETED";

/// The states of a kind, by class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateLists {
    pub(crate) active: Vec<String>,
    pub(crate) inactive: Vec<String>,
    pub(crate) inherit: Vec<String>,
    /// The names of those lists that the book gives.
    pub(crate) given: Vec<&'static str>,
    /// Where they stand in the file of the book, in bytes; nowhere for the defaults.
    pub(crate) span: Range<usize>,
}

impl Default for StateLists {
    fn default() -> Self {
        let list = |states: &[&str]| states.iter().map(ToString::to_string).collect();
        StateLists {
            active: list(&["RUNNING", "STOPPING", "REBOOTING"]),
            inactive: list(&["STOPPED"]),
            inherit: list(&["STARTING", "TERMINATING"]),
            given: Vec::new(),
            span: 0..0,
        }
    }
}

impl StateLists {
    fn named(&self, name: &str) -> &[String] {
        match name {
            "active" => &self.active,
            "inactive" => &self.inactive,
            _ => &self.inherit,
        }
    }

    pub(crate) fn meaning(&self, state: &str) -> StateMeaning {
        let lists = |list: &[String]| list.iter().any(|other| other == state);
        if lists(&self.active) {
            StateMeaning::Class(Some(Class::Active))
        } else if lists(&self.inactive) {
            StateMeaning::Class(Some(Class::Inactive))
        } else if lists(&self.inherit) {
            StateMeaning::Inherit
        } else {
            StateMeaning::Class(None)
        }
    }
}

/// Value-added tax. The ledger is gross; where it is on top, it is added before the rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vat {
    /// Per cent; `None` is 'without VAT', a rate of its own.
    pub rate: Option<Number>,
    /// Whether prices contain it.
    pub included: bool,
}

/// A component of a book, by the numbers of its version and of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentRef {
    /// The number of the version.
    pub version: usize,
    /// The number of the component within the version.
    pub component: usize,
}

impl PriceBook {
    /// The book's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The ISO 4217 code of its currency.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The IANA name of its time zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }

    /// The calendar of its time zone.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The versions, by ascending date; at least one.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// A component.
    #[must_use]
    pub fn component(&self, at: ComponentRef) -> &Component {
        &self.versions[at.version].components[at.component]
    }

    /// All components of all versions.
    pub fn components(&self) -> impl Iterator<Item = (ComponentRef, &Component)> {
        self.versions.iter().enumerate().flat_map(|(version, list)| {
            let number = move |(component, item)| (ComponentRef { version, component }, item);
            list.components.iter().map(|item| &**item).enumerate().map(number)
        })
    }

    /// The VAT of a component: its own, else its version's, else the book's.
    #[must_use]
    pub fn vat(&self, at: ComponentRef) -> Option<Vat> {
        self.component(at).vat.or(self.versions[at.version].vat).or(self.vat)
    }

    /// The version in force on a local date, if the book has begun by then.
    #[must_use]
    pub fn version_on(&self, date: Date) -> Option<usize> {
        self.versions.partition_point(|version| version.effective <= date).checked_sub(1)
    }

    /// The book as if one of its versions had always been in force, for comparisons over the past. All its
    /// components have always been in the book then. `None` where the book has no version of that number.
    #[must_use]
    pub fn as_if_always(&self, version: usize) -> Option<PriceBook> {
        let effective = Date::new(FIRST_YEAR, 1, 1).ok()?;
        let start = self.calendar.day_start(effective).ok()?;
        let version = Version { effective, start, ..self.versions.get(version)?.clone() };
        Some(PriceBook { versions: vec![version], ..self.clone() })
    }

    /// The interval in which a version is in force: up to the start of the next.
    #[must_use]
    pub fn in_force(&self, version: usize) -> Range<Second> {
        let end = self.versions.get(version + 1).map_or(Second::MAX, |next| next.start);
        self.versions[version].start..end
    }

    /// The version that prices all of a month for models that take one version a month: the one in force at its
    /// start, or the month's first where there is none yet. `None` where the book begins later.
    #[must_use]
    pub fn version_of_month(&self, month: &Month) -> Option<usize> {
        let at_start = self.versions.partition_point(|version| version.start <= month.start);
        match at_start.checked_sub(1) {
            Some(version) => Some(version),
            None => (self.versions.first()?.start < month.end).then_some(0),
        }
    }

    /// The lists of states that the book itself gives for a kind, as `[states.KIND]` names them: `active`, `inactive`
    /// or `inherit`. What the defaults add to them is told by [`meaning`](PriceBook::meaning).
    pub fn given_states(&self, kind: &str) -> impl Iterator<Item = (&'static str, &[String])> {
        let lists = self.states.get(kind);
        lists.into_iter().flat_map(|lists| lists.given.iter().map(|name| (*name, lists.named(name))))
    }

    /// What a state means for a resource of a kind.
    #[must_use]
    pub fn meaning(&self, kind: &str, state: &str) -> StateMeaning {
        if state == DELETED {
            return StateMeaning::Deleted;
        }
        self.states.get(kind).unwrap_or(&self.default_states).meaning(state)
    }
}

impl Condition {
    /// Whether it holds for a resource or usage of that description and class.
    #[must_use]
    pub fn holds(&self, data: &Description, class: Option<Class>) -> bool {
        let any =
            |text: &str| self.any_of.iter().any(|value| matches!(value, Value::Text(other) if other == text));
        match &self.subject {
            Subject::Class => class.is_some_and(|class| any(class.name())),
            Subject::Region => data.region_value().is_some_and(|region| self.any_of.contains(&region)),
            Subject::Attribute(name) => data.attribute(name).is_some_and(|value| self.any_of.contains(value)),
        }
    }
}

impl Component {
    /// Whether all its conditions hold. The kind is not looked at.
    #[must_use]
    pub fn matches(&self, data: &Description, class: Option<Class>) -> bool {
        self.when.iter().all(|condition| condition.holds(data, class))
    }
}
