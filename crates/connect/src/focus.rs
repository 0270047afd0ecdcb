//! FOCUS, the FinOps Open Cost and Usage Specification (version 1.0, CSV), into events of kind `cost`.
//!
//! Amount. `amount` is BilledCost: what the provider's invoice for the billing period asks for, so that the
//! charges of a month come to the invoices of that month. Purchases stand in it in full, when they are invoiced,
//! and what they cover costs nothing. EffectiveCost is the other view: purchases made in advance are spread over
//! the usage that they cover. It is passed on as `effective_cost`; a book that bills by it says `quantity =
//! ["effective_cost"]`. Its sum differs from the invoices, month by month; pricing both would charge twice. Both are
//! passed on digit by digit. Prices from the list and contracted ones are left out: nobody owes them.
//!
//! Time. ChargePeriodStart, moved into the billing period where it lies outside: a use of 30 September that the
//! provider puts on its October bill is a cost of October. The end is exclusive and would put the last hour of
//! September into October. FOCUS asks for times in UTC; those without an offset are read in the zone of the options
//! (UTC by default), and with the book's zone the months of the book are the months of the bills.
//!
//! - The project is SubAccountId, else the project of the options, else BillingAccountId.
//! - The source is `focus://PROVIDER`, of ProviderName in small letters with dashes.
//! - The subject is ResourceId, else ResourceName, else ServiceName, else the account: support, tax and credits
//!   belong to no resource.
//! - The region is RegionId, else RegionName.
//! - `currency` is BillingCurrency; `provider`, `service`, `service_category`, `charge_category` (Usage, Purchase,
//!   Tax, Credit, Adjustment), `charge_class` (Correction) and `sku` are the columns of these names.
//! - The id is made of all columns that FOCUS 1.0 has, in any order, and of how many rows before said the same: see
//!   `occurrence`. Custom columns (`x_...`) and an `Id` that a database has added may come and go. A row whose
//!   amount was estimated and is corrected by a later export is another cost, so convert periods that are final.
//!   Parts of one export are joined before they are converted: alike rows of two files are one cost.
//!
//! Empty fields and `NULL` say nothing. What is left out: tags, quantities and units, as costs are already priced.

use jiff::{SignedDuration, Timestamp};

use crate::convert::{Flaw, Options};
use crate::cost::{self, Cost};
use crate::moment;
use crate::source_name;
use crate::table::{Column, Layout, Row};

/// A column that is read, by its place in [`LAYOUT`].
#[derive(Debug, Clone, Copy)]
enum Field {
    BilledCost,
    BillingCurrency,
    BillingPeriodStart,
    BillingPeriodEnd,
    ChargePeriodStart,
    BillingAccountId,
    ProviderName,
    SubAccountId,
    EffectiveCost,
    ResourceId,
    ResourceName,
    ServiceName,
    ServiceCategory,
    ChargeCategory,
    ChargeClass,
    SkuId,
    RegionId,
    RegionName,
}

pub(crate) static BILL: cost::Format = cost::Format { read, layout: LAYOUT };

const LAYOUT: Layout = Layout {
    columns: &[
        required("BilledCost"),
        required("BillingCurrency"),
        required("BillingPeriodStart"),
        required("BillingPeriodEnd"),
        required("ChargePeriodStart"),
        required("BillingAccountId"),
        // The name that FOCUS 1.3 has for it.
        Column { name: "ProviderName", also: &["serviceprovidername"], required: true },
        optional("SubAccountId"),
        optional("EffectiveCost"),
        optional("ResourceId"),
        optional("ResourceName"),
        optional("ServiceName"),
        optional("ServiceCategory"),
        optional("ChargeCategory"),
        optional("ChargeClass"),
        optional("SkuId"),
        optional("RegionId"),
        optional("RegionName"),
    ],
    null: "NULL",
    identity: &[
        "availabilityzone",
        "billedcost",
        "billingaccountid",
        "billingaccountname",
        "billingcurrency",
        "billingperiodend",
        "billingperiodstart",
        "chargecategory",
        "chargeclass",
        "chargedescription",
        "chargefrequency",
        "chargeperiodend",
        "chargeperiodstart",
        "commitmentdiscountcategory",
        "commitmentdiscountid",
        "commitmentdiscountname",
        "commitmentdiscountstatus",
        "commitmentdiscounttype",
        "consumedquantity",
        "consumedunit",
        "contractedcost",
        "contractedunitprice",
        "effectivecost",
        "invoiceissuername",
        "listcost",
        "listunitprice",
        "pricingcategory",
        "pricingquantity",
        "pricingunit",
        "providername",
        "publishername",
        "regionid",
        "regionname",
        "resourceid",
        "resourcename",
        "resourcetype",
        "servicecategory",
        "servicename",
        "serviceprovidername",
        "skuid",
        "skupriceid",
        "subaccountid",
        "subaccountname",
        "tags",
    ],
};

const fn required(name: &'static str) -> Column {
    Column { name, also: &[], required: true }
}

const fn optional(name: &'static str) -> Column {
    Column { name, also: &[], required: false }
}

fn read(row: &Row<'_>, options: &Options) -> Result<Cost, Flaw> {
    let text = |field: Field| row.text(field as usize);
    let owned = |field: Field| text(field).map(str::to_owned);
    let needed = |field: Field| row.required(field as usize, "FOCUS asks for it: export the row again");
    let account = needed(Field::BillingAccountId)?;
    let project = text(Field::SubAccountId).or(options.project()).unwrap_or(account);
    let subject = text(Field::ResourceId).or(text(Field::ResourceName)).or(text(Field::ServiceName));
    let provider = needed(Field::ProviderName)?;
    let amount = cost::amount(row.name(Field::BilledCost as usize), needed(Field::BilledCost)?)?;
    let effective = text(Field::EffectiveCost)
        .map(|effective| cost::amount(row.name(Field::EffectiveCost as usize), effective))
        .transpose()?;
    let currency =
        cost::currency(row.name(Field::BillingCurrency as usize), needed(Field::BillingCurrency)?)?;
    Ok(Cost {
        source: format!("focus://{}", source_name::of(provider)),
        subject: subject.unwrap_or(account).to_owned(),
        time: time(row, options)?,
        project: project.to_owned(),
        region: owned(Field::RegionId).or_else(|| owned(Field::RegionName)),
        amount,
        currency: Some(currency),
        measures: effective.map(|effective| ("effective_cost", effective)).into_iter().collect(),
        labels: vec![
            ("provider", Some(provider.to_owned())),
            ("service", owned(Field::ServiceName)),
            ("service_category", owned(Field::ServiceCategory)),
            ("charge_category", owned(Field::ChargeCategory)),
            ("charge_class", owned(Field::ChargeClass)),
            ("sku", owned(Field::SkuId)),
        ],
    })
}

/// The start of the charge, within the billing period.
fn time(row: &Row<'_>, options: &Options) -> Result<Timestamp, Flaw> {
    let read = |field: Field| {
        let text = row.required(field as usize, "FOCUS asks for it: export the row again")?;
        moment::read(row.name(field as usize), text, &options.timezone)
    };
    let charged = read(Field::ChargePeriodStart)?;
    let (from, to) = (read(Field::BillingPeriodStart)?, read(Field::BillingPeriodEnd)?);
    let last = to.checked_sub(SignedDuration::from_secs(1)).ok().filter(|last| *last >= from);
    let last = last.ok_or_else(|| {
        let name = row.name(Field::BillingPeriodEnd as usize);
        Flaw::of_field(name, format!("{to} is not after the start, {from}"), "export the row again")
    })?;
    Ok(charged.clamp(from, last))
}
