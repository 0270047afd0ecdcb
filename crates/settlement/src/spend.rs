//! What a project spends: the figures of a month by whatever one asks for.

use std::collections::BTreeMap;

use jiff::civil::Date;
use kopeck_rating::calendar::MonthName;
use kopeck_rating::money::Amount;

/// What a project has cost in a month up to an instant, gross, as it is posted. The sums by component, kind, region and
/// resource are each the whole `total`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// The project.
    pub project: String,
    /// The month.
    pub month: MonthName,
    /// R(C(at)), summed over all charges of all meters.
    pub total: Amount,
    /// What of it the ledger has.
    pub posted: Amount,
    /// By component.
    pub by_component: BTreeMap<String, Amount>,
    /// By kind, as components name it.
    pub by_kind: BTreeMap<String, Amount>,
    /// By region: the one that the component asks for, else the one that the resource named last. `None` where neither
    /// says one: usage of subjects that have no state events, and sums over a project.
    pub by_region: BTreeMap<Option<String>, Amount>,
    /// By source and resource; `None` for what is summed over the project.
    pub by_resource: BTreeMap<Option<(String, String)>, Amount>,
    /// By local day. Live rating knows what a month has come to and not how, so a day has what was decided in it: cost
    /// that was not posted yet is today's, and a late event's difference is of the day on which it came. Days of a month
    /// whose whole step is decided at each midnight are exact but for late events.
    pub by_day: BTreeMap<Date, Amount>,
    /// What an hour costs at the present burn rate, by component: what runs by the second as its slope, hourly and daily
    /// steps as what they come to in an hour; `once`, whole months, peaks and usage have none.
    pub rate_an_hour: BTreeMap<String, Amount>,
}
