//! Cost exports of Azure (CSV; actual cost, in English or German), into events of kind `cost`.
//!
//! Each agreement type and portal language has headers of its own. These names are known; case, spaces and
//! punctuation do not matter, and of `Abonnement-GUID (SubscriptionGuid)` the name in brackets counts. Where a header
//! has several of a row, the first one is taken:
//!
//! | read as | English | German |
//! |---|---|---|
//! | cost | CostInBillingCurrency, PreTaxCost, Cost | Kosten in Abrechnungswährung, Vorsteuerkosten, Kosten |
//! | date | UsageDateTime, Date, UsageDate | Nutzungsdatum, Verwendungsdatum, Datum |
//! | subscription | SubscriptionId, SubscriptionGuid | Abonnement-ID, Abonnement-GUID |
//! | currency | BillingCurrency, BillingCurrencyCode, Currency | Abrechnungswährung, Währung |
//! | account | BillingAccountId, BillingAccountName | Abrechnungskonto-ID, Abrechnungskontoname |
//! | resource | InstanceId, ResourceId, InstanceName | Instanz-ID, Ressourcen-ID, Instanzname |
//! | service | ConsumedService | Genutzter Dienst |
//! | category | MeterCategory | Kategorie der Verbrauchseinheit |
//! | region | ResourceLocation, Location | Ressourcenstandort, Standort |
//! | charge type | ChargeType | Belastungstyp, Gebührentyp |
//! | meter | MeterId | ID der Verbrauchseinheit |
//!
//! The first three must be there. What the columns become:
//!
//! - `amount` is the cost in the currency of the bill, which the contract asks for, not the pay-as-you-go price
//!   (`PayGCostInBillingCurrency`), which nobody owes. Digits are passed on as they are. A comma is a decimal comma,
//!   unless the number could be a whole one with a thousands separator (`1,234`; in files delimited by semicolons
//!   `1.234`): that is refused, as both readings are plausible and differ by a factor of a thousand.
//! - `time` is the start of the day in the zone of the options: `2021-02-01`, `02/01/2021` (month first, as Azure
//!   writes it in every language) or `01.02.2021` (day first, as spreadsheets do). Name the zone of the price book, and
//!   the costs fall into the months of the bill.
//! - The project is the subscription, else the project of the options, else the account; the source
//!   `azure://ACCOUNT` or, without one, `azure://SUBSCRIPTION`; the subject the resource, else the service, else the
//!   category, else the subscription. An export without a currency has the book's, by the contract.
//! - `service`, `category`, `charge_category` and `meter_id` are texts.
//! - The id is made of all columns and of how many rows before said the same, as in [`focus`](crate::focus).
//!
//! What is left out: tags and additional information (real ones are JSON without the outer brackets, as often as
//! not), quantities and unit prices, and amortised costs: an export of those looks the same and double counts.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::convert::{Flaw, Options, quoted};
use crate::cost::{self, Cost};
use crate::decimal::Decimal;
use crate::moment;
use crate::source_name;
use crate::table::{Column, Layout, Row};

/// A column that is read, by its place in [`LAYOUT`].
#[derive(Debug, Clone, Copy)]
enum Field {
    Cost,
    Date,
    Subscription,
    Currency,
    Account,
    Resource,
    Service,
    Category,
    Region,
    ChargeType,
    Meter,
}

pub(crate) static BILL: cost::Format = cost::Format { read, layout: LAYOUT };

const LAYOUT: Layout = Layout {
    columns: &[
        required(
            "CostInBillingCurrency",
            &["pretaxcost", "cost", "kosteninabrechnungswährung", "vorsteuerkosten", "kosten"],
        ),
        required("UsageDateTime", &["date", "usagedate", "nutzungsdatum", "verwendungsdatum", "datum"]),
        required("SubscriptionId", &["subscriptionguid", "abonnementid", "abonnementguid"]),
        optional("BillingCurrency", &["billingcurrencycode", "currency", "abrechnungswährung", "währung"]),
        optional("BillingAccountId", &["billingaccountname", "abrechnungskontoid", "abrechnungskontoname"]),
        optional("InstanceId", &["resourceid", "instancename", "instanzid", "ressourcenid", "instanzname"]),
        optional("ConsumedService", &["genutzterdienst"]),
        optional("MeterCategory", &["kategoriederverbrauchseinheit"]),
        optional("ResourceLocation", &["location", "ressourcenstandort", "standort"]),
        optional("ChargeType", &["belastungstyp", "gebührentyp"]),
        optional("MeterId", &["idderverbrauchseinheit"]),
    ],
    null: "NULL",
    identity: &[],
};

const fn required(name: &'static str, also: &'static [&'static str]) -> Column {
    Column { name, also, required: true }
}

const fn optional(name: &'static str, also: &'static [&'static str]) -> Column {
    Column { name, also, required: false }
}

fn read(row: &Row<'_>, options: &Options) -> Result<Cost, Flaw> {
    let text = |field: Field| row.text(field as usize);
    let owned = |field: Field| text(field).map(str::to_owned);
    let amount = amount(row)?;
    let time = time(row, &options.timezone)?;
    let subscription = text(Field::Subscription);
    let account = text(Field::Account);
    let project = subscription.or(options.project()).or(account).ok_or_else(|| {
        Flaw::of_field(
            row.name(Field::Subscription as usize),
            "is empty, and so is the billing account",
            "name the project that pays with --project",
        )
    })?;
    let currency = match row.has(Field::Currency as usize) {
        false => None,
        true => {
            let code = row.required(Field::Currency as usize, "export the row again, with its currency")?;
            Some(cost::currency(row.name(Field::Currency as usize), code)?)
        }
    };
    let subject = text(Field::Resource).or(text(Field::Service)).or(text(Field::Category));
    Ok(Cost {
        source: format!("azure://{}", source_name::of(account.unwrap_or(project))),
        subject: subject.unwrap_or(project).to_owned(),
        time,
        project: project.to_owned(),
        region: owned(Field::Region),
        amount,
        currency,
        measures: Vec::new(),
        labels: vec![
            ("service", owned(Field::Service)),
            ("category", owned(Field::Category)),
            ("charge_category", owned(Field::ChargeType)),
            ("meter_id", owned(Field::Meter)),
        ],
    })
}

/// Reads the cost, with a decimal point or a decimal comma.
fn amount(row: &Row<'_>) -> Result<Decimal, Flaw> {
    let field = row.name(Field::Cost as usize);
    let text = row.required(Field::Cost as usize, "export the row again, with its cost")?;
    let (separator, is_usual) = if text.contains(',') {
        (',', row.is_delimited_by_semicolons())
    } else {
        ('.', !row.is_delimited_by_semicolons())
    };
    if !is_usual && could_be_thousands(text, separator) {
        let reason = format!("{} may be a whole number or one with three places", quoted(text));
        let remedy = "export the costs with a decimal point, in a file delimited by commas";
        return Err(Flaw::of_field(field, reason, remedy));
    }
    // With both a comma and a point it is refused, as two points are.
    cost::amount_written(field, text, &text.replace(',', "."))
}

/// Whether a separator stands where a thousands separator may: before exactly three digits, behind one to three of
/// which the first is not zero.
fn could_be_thousands(text: &str, separator: char) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let Some((whole, fraction)) = digits.split_once(separator) else { return false };
    let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    (1..=3).contains(&whole.len())
        && !whole.starts_with('0')
        && only_digits(whole)
        && fraction.len() == 3
        && only_digits(fraction)
}

fn time(row: &Row<'_>, zone: &TimeZone) -> Result<Timestamp, Flaw> {
    let field = row.name(Field::Date as usize);
    let text = row.required(Field::Date as usize, "export the row again, with its date")?;
    let format = if text.contains('/') {
        "%m/%d/%Y"
    } else if text.contains('.') && !text.contains(':') {
        "%d.%m.%Y"
    } else {
        return moment::read(field, text, zone);
    };
    // The library takes fewer digits, of years too.
    let complete = text.len() == "2021-02-01".len();
    let date = Date::strptime(format, text).ok().filter(|_| complete).ok_or_else(|| {
        let reason = format!("{} is not a date such as 2021-02-01, 02/01/2021 or 01.02.2021", quoted(text));
        Flaw::of_field(field, reason, "write dates as year-month-day; with slashes the month comes first")
    })?;
    moment::start_of_day(field, date, zone)
}
