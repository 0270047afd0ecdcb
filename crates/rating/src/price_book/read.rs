//! Reads a price book from TOML. All problems are reported at once; a book that has one is not a book.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use super::fields::Problem;
use super::fields::{Problems, SpannedText, Table, shortened};
use super::{
    Component, Condition, DELETED, Model, Per, PriceBook, Prorate, RoundUp, StateLists, Subject, TierMode,
    Tiers, Vat, Version,
};
use crate::calendar::{Calendar, FIRST_YEAR, LAST_YEAR};
use crate::event::{self, Value};
use crate::number::Number;

const BOOK_FIELDS: &[&str] = &["id", "currency", "timezone", "vat"];
const VERSION_FIELDS: &[&str] = &["effective", "announced", "vat", "component"];
const COMPONENT_FIELDS: &[&str] = &[
    "id",
    "kind",
    "when",
    "model",
    "quantity",
    "price",
    "per",
    "prorate",
    "tiers",
    "tier_mode",
    "group_by",
    "round_up",
    "vat",
];
/// A price lies below 10⁹.
const PRICE_DIGITS: usize = 9;
/// A bound, a step or a number of a condition lies below 10¹².
const NUMBER_DIGITS: usize = 12;

impl PriceBook {
    /// Reads a book from TOML text.
    ///
    /// # Errors
    /// Every [`Problem`] that the text has, in the order of the file.
    pub fn read(text: &str) -> Result<PriceBook, Vec<Problem>> {
        let root = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let reason = format!("not TOML: {}", error.message().trim_end());
            vec![Problem { span, reason, remedy: "correct the syntax there".to_owned() }]
        })?;
        let mut problems = Problems::default();
        let book = read_book(&root, &mut problems);
        problems.0.sort_by_key(|problem| problem.span.start);
        match book {
            Some(book) if problems.0.is_empty() => Ok(book),
            _ => Err(problems.0),
        }
    }
}

fn read_book<'a>(root: &'a Spanned<DeTable<'a>>, problems: &mut Problems) -> Option<PriceBook> {
    let root = Table::new("the price book", 0..0, root.get_ref(), &["book", "states", "version"], problems);
    let head = root.need("book", problems).and_then(|()| root.table("book", BOOK_FIELDS, problems));
    let head = head.map(|mut head| {
        "[book]".clone_into(&mut head.name);
        head
    });
    let states = read_states(&root, problems);
    let id = head.as_ref().and_then(|head| head.need_text("id", problems));
    let currency = head.as_ref().and_then(|head| read_currency(head, problems));
    let zone = head.as_ref().and_then(|head| read_zone(head, problems));
    let vat = head.as_ref().and_then(|head| read_vat(head, problems));
    // Without a zone the versions can still be checked; their instants are those of UTC then, and not used.
    let calendar = match &zone {
        Some((_, calendar)) => calendar.clone(),
        None => Calendar::of_zone("UTC")?,
    };
    let versions = read_versions(&root, &calendar, problems);
    let (zone_name, calendar) = zone?;
    Some(PriceBook {
        id: id?.0.to_owned(),
        currency: currency?,
        zone_name,
        calendar,
        vat,
        states,
        default_states: StateLists::default(),
        versions: versions?,
    })
}

fn read_currency(head: &Table<'_>, problems: &mut Problems) -> Option<String> {
    let (text, span) = head.need_text("currency", problems)?;
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some(text.to_owned());
    }
    let reason = format!("[book]: `currency` is \"{}\"", shortened(text));
    problems.add(span, reason, "write its ISO 4217 code, three capital letters such as \"RUB\"")
}

fn read_zone(head: &Table<'_>, problems: &mut Problems) -> Option<(String, Calendar)> {
    let (text, span) = head.need_text("timezone", problems)?;
    match Calendar::of_zone(text) {
        Some(calendar) => Some((text.to_owned(), calendar)),
        None => problems.add(
            span,
            format!("[book]: `timezone` \"{}\" is unknown", shortened(text)),
            "write an IANA name such as \"Europe/Moscow\"",
        ),
    }
}

fn read_vat(table: &Table<'_>, problems: &mut Problems) -> Option<Vat> {
    let vat = table.table("vat", &["rate", "included"], problems)?;
    vat.need("rate", problems)?;
    if let Some(("none", _)) = vat.text("rate", problems) {
        return Some(Vat { rate: None, included: vat.truth("included", problems).unwrap_or(true) });
    }
    let rate = vat.decimal("rate", 3, problems);
    vat.need("included", problems)?;
    let included = vat.truth("included", problems);
    Some(Vat { rate: Some(rate?), included: included? })
}

fn read_states(root: &Table<'_>, problems: &mut Problems) -> BTreeMap<String, StateLists> {
    let mut states = BTreeMap::new();
    let Some((kinds, _)) = root.any_table("states", problems) else { return states };
    for (kind, value) in kinds {
        let name = format!("[states.{}]", kind.get_ref());
        let DeValue::Table(entries) = value.get_ref() else {
            problems.add::<()>(
                value.span(),
                format!("{name} is not a table"),
                "write lists of states under it",
            );
            continue;
        };
        let table = Table::new(name, value.span(), entries, &["active", "inactive", "inherit"], problems);
        states.insert(kind.get_ref().to_string(), read_lists(&table, problems));
    }
    states
}

fn read_lists(table: &Table<'_>, problems: &mut Problems) -> StateLists {
    let mut lists = StateLists::default();
    let mut named: HashMap<&str, &str> = HashMap::new();
    let mut given = Vec::new();
    for class in ["active", "inactive", "inherit"] {
        let Some(states) = table.texts(class, problems) else { continue };
        for (state, span) in &states {
            if *state == DELETED {
                let reason = format!("{}: {DELETED} ends a resource's life and has no class", table.name);
                problems.add::<()>(span.clone(), reason, "remove it from the list");
            }
            if let Some(other) = named.insert(state, class) {
                let reason = format!("{}: state {state} is named in `{other}` and in `{class}`", table.name);
                problems.add::<()>(span.clone(), reason, "name each state once");
            }
        }
        given.push((class, states));
    }
    for (class, default) in
        [("active", &mut lists.active), ("inactive", &mut lists.inactive), ("inherit", &mut lists.inherit)]
    {
        match given.iter().find(|(other, _)| *other == class) {
            Some((_, states)) => *default = states.iter().map(|(state, _)| (*state).to_owned()).collect(),
            None => default.retain(|state| !named.contains_key(state.as_str())),
        }
    }
    lists
}

fn read_versions(root: &Table<'_>, calendar: &Calendar, problems: &mut Problems) -> Option<Vec<Version>> {
    let Some(tables) = root.tables("version", problems) else {
        let remedy = "add a [[version]] with its `effective` date and components";
        return problems.add(0..0, "the price book has no version", remedy);
    };
    if tables.is_empty() {
        return problems.add(0..0, "the price book has no version", "add a [[version]]");
    }
    let mut versions: Vec<Version> = Vec::with_capacity(tables.len());
    let mut complete = true;
    for (entries, span) in tables {
        let Some((version, span)) = read_version(entries, span, calendar, problems) else {
            complete = false;
            continue;
        };
        if let Some(before) = versions.last().filter(|before| before.effective >= version.effective) {
            let reason = format!(
                "version {} stands after version {}, which it overlaps",
                version.effective, before.effective
            );
            let remedy = "give each version a date of its own, and write them in the order of their dates";
            problems.add::<()>(span, reason, remedy);
        }
        versions.push(version);
    }
    complete.then_some(versions)
}

fn read_version<'a>(
    entries: &'a DeTable<'a>,
    span: Range<usize>,
    calendar: &Calendar,
    problems: &mut Problems,
) -> Option<(Version, Range<usize>)> {
    let mut table = Table::new("[[version]]", span, entries, VERSION_FIELDS, problems);
    let effective = table.need("effective", problems).and_then(|()| table.date("effective", problems));
    if let Some(date) = effective {
        table.name = format!("version {date}");
    }
    let span = table.get("effective").map_or(table.span.clone(), Spanned::span);
    let announced = table.date("announced", problems);
    let vat = read_vat(&table, problems);
    let mut components = Vec::new();
    let mut lines: HashMap<String, ()> = HashMap::new();
    for (entries, place) in table.tables("component", problems).unwrap_or_default() {
        let Some(component) = read_component(&table.name, entries, place.clone(), problems) else { continue };
        if lines.insert(component.id.clone(), ()).is_some() {
            let reason = format!("{}: component id \"{}\" stands twice", table.name, component.id);
            problems.add::<()>(place, reason, "give each component of a version an id of its own");
        }
        components.push(component);
    }
    let effective = effective?;
    match calendar.day_start(effective) {
        Ok(start) if effective.year() <= LAST_YEAR => {
            Some((Version { effective, start, announced, vat, components }, span))
        }
        _ => {
            let reason =
                format!("{}: `effective` lies outside the years {FIRST_YEAR} to {LAST_YEAR}", table.name);
            problems.add(span, reason, "write the date from which the prices hold")
        }
    }
}

fn read_component<'a>(
    version: &str,
    entries: &'a DeTable<'a>,
    span: Range<usize>,
    problems: &mut Problems,
) -> Option<Component> {
    let mut table = Table::new(format!("{version}: component"), span, entries, COMPONENT_FIELDS, problems);
    let id = table.need_text("id", problems);
    if let Some((id, _)) = &id {
        table.name = format!("{version}: component {}", shortened(id));
    }
    let kind = table.need_text("kind", problems).map(|(kind, _)| kind);
    let when = read_when(&table, kind.is_some_and(event::is_signed), problems);
    let quantity = read_quantity(&table, problems);
    let round_up = read_round_up(&table, problems);
    let vat = read_vat(&table, problems);
    let model = read_model(&table, problems);
    let class = when.iter().flatten().find(|condition| condition.subject == Subject::Class);
    if let (Some(false), Some(_)) = (model.as_ref().map(Model::meters_states), class) {
        let reason = format!("{}: usage events have no state, so `when.state` never holds", table.name);
        problems.add::<()>(table.span.clone(), reason, "remove `state` from `when`");
    }
    Some(Component {
        id: id?.0.to_owned(),
        kind: kind?.to_owned(),
        when: when?,
        quantity: quantity?,
        round_up,
        model: model?,
        vat,
        span: table.span,
    })
}

fn read_when(table: &Table<'_>, signed: bool, problems: &mut Problems) -> Option<Vec<Condition>> {
    if table.get("when").is_none() {
        return Some(Vec::new());
    }
    let (entries, _) = table.any_table("when", problems)?;
    let mut conditions = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let subject = read_subject(key.get_ref());
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect::<Vec<_>>(),
            _ => vec![value],
        };
        if items.is_empty() {
            let reason = format!("{}: `when.{}` lists nothing, so it never holds", table.name, key.get_ref());
            problems.add::<()>(value.span(), reason, "list at least one value, or remove the condition");
        }
        let mut any_of = Vec::with_capacity(items.len());
        for item in items {
            any_of.push(read_value(table, &subject, item, signed, problems)?);
        }
        conditions.push(Condition { subject, any_of });
    }
    Some(conditions)
}

/// What a name in `when` or `group_by` looks at.
fn read_subject(name: &str) -> Subject {
    match name {
        "state" => Subject::Class,
        "region" => Subject::Region,
        _ => Subject::Attribute(name.to_owned()),
    }
}

fn read_value(
    table: &Table<'_>,
    subject: &Subject,
    item: &Spanned<DeValue<'_>>,
    signed: bool,
    problems: &mut Problems,
) -> Option<Value> {
    let written = match item.get_ref() {
        DeValue::String(text) => Value::of_text(text, signed),
        DeValue::Boolean(truth) => Value::Text(truth.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => {
            number_value(table, number.as_str(), item, problems)?
        }
        DeValue::Float(number) => number_value(table, number.as_str(), item, problems)?,
        _ => return table.wrong_type("when", item, "a text, a number, or a list of them", problems),
    };
    let class = matches!(&written, Value::Text(text) if matches!(text.as_str(), "active" | "inactive"));
    if *subject == Subject::Class && !class {
        let reason = format!("{}: `when.state` asks for an unknown class", table.name);
        return problems.add(item.span(), reason, "write \"active\" or \"inactive\"");
    }
    Some(written)
}

fn number_value(
    table: &Table<'_>,
    text: &str,
    item: &Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<Value> {
    match Number::from_json(text.strip_prefix('+').unwrap_or(text)) {
        Ok(number) => Some(Value::Number(number)),
        Err(error) => {
            let reason = format!("{}: a number of `when` {error}", table.name);
            problems.add(item.span(), reason, "write it in quotes to compare it as text")
        }
    }
}

fn read_quantity(table: &Table<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    table.need("quantity", problems)?;
    let names = table.texts("quantity", problems)?;
    if let [_, _, (_, span), ..] = names.as_slice() {
        let reason = format!("{}: `quantity` is a product of {} attributes", table.name, names.len());
        return problems.add(span.clone(), reason, "name at most two");
    }
    Some(names.into_iter().map(|(name, _)| name.to_owned()).collect())
}

fn read_round_up(table: &Table<'_>, problems: &mut Problems) -> Option<RoundUp> {
    let round_up = table.table("round_up", &["step", "min"], problems)?;
    round_up.need("step", problems)?;
    let step = round_up.decimal("step", NUMBER_DIGITS, problems)?;
    let min = match round_up.get("min") {
        Some(_) => round_up.decimal("min", NUMBER_DIGITS, problems)?,
        None => step,
    };
    if step == Number::ZERO {
        let reason = format!("{} has a step of zero", round_up.name);
        return problems.add(round_up.span, reason, "write a step above zero");
    }
    if min.units() % step.units() != 0 {
        let reason = format!("{}: min {min} is not a multiple of step {step}", round_up.name);
        return problems.add(round_up.span, reason, "write a multiple of the step");
    }
    Some(RoundUp { step, min })
}

/// The fields that belong to some models only, with the models that they belong to.
const MODEL_FIELDS: &[(&str, &[&str])] = &[
    ("per", &["per_second"]),
    ("prorate", &["monthly"]),
    ("group_by", &["monthly_peak"]),
    ("tiers", &["per_use"]),
    ("tier_mode", &["per_use"]),
];

fn read_model(table: &Table<'_>, problems: &mut Problems) -> Option<Model> {
    let (name, span) = table.need_text("model", problems)?;
    if !["per_second", "hourly_peak", "monthly", "monthly_peak", "once", "per_use"].contains(&name) {
        let reason = format!("{}: model \"{}\" is unknown", table.name, shortened(name));
        return problems.add(
            span,
            reason,
            "write per_second, hourly_peak, monthly, monthly_peak, once or per_use",
        );
    }
    for (field, models) in MODEL_FIELDS {
        if let Some(value) = table.get(field).filter(|_| !models.contains(&name)) {
            let reason = format!("{}: `{field}` does not go with model {name}", table.name);
            problems.add::<()>(
                value.span(),
                reason,
                format!("remove it; it belongs to {}", models.join(", ")),
            );
        }
    }
    if name == "per_use" && table.get("tiers").is_some() {
        return read_tiers(table, problems).map(Model::Tiered);
    }
    if let Some(value) = table.get("tier_mode") {
        let reason = format!("{}: `tier_mode` stands without `tiers`", table.name);
        problems.add::<()>(value.span(), reason, "add `tiers`, or remove it");
    }
    table.need("price", problems)?;
    let price = table.decimal("price", PRICE_DIGITS, problems);
    Some(match name {
        "per_second" => {
            table.need("per", problems)?;
            let per = choose(
                table,
                "per",
                &[("second", Per::Second), ("hour", Per::Hour), ("day", Per::Day), ("month", Per::Month)],
                problems,
            );
            Model::PerSecond { price: price?, per: per? }
        }
        "hourly_peak" => Model::HourlyPeak { price: price? },
        "monthly" => {
            let options = [("day", Prorate::Day), ("second", Prorate::Second), ("none", Prorate::None)];
            let prorate = match table.get("prorate") {
                Some(_) => choose(table, "prorate", &options, problems)?,
                None => Prorate::Day,
            };
            Model::Monthly { price: price?, prorate }
        }
        "monthly_peak" => {
            let group_by = table.text("group_by", problems).map(|(name, _)| read_subject(name));
            Model::MonthlyPeak { price: price?, group_by }
        }
        "once" => Model::Once { price: price? },
        _ => Model::PerUse { price: price? },
    })
}

/// One of the named options.
fn choose<T: Copy>(
    table: &Table<'_>,
    field: &str,
    options: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let (text, span): SpannedText<'_> = table.text(field, problems)?;
    match options.iter().find(|(name, _)| *name == text) {
        Some((_, option)) => Some(*option),
        None => {
            let names = options.iter().map(|(name, _)| *name).collect::<Vec<_>>();
            let reason = format!("{}: `{field}` is \"{}\"", table.name, shortened(text));
            problems.add(span, reason, format!("write {}", names.join(", ")))
        }
    }
}

fn read_tiers(table: &Table<'_>, problems: &mut Problems) -> Option<Tiers> {
    if let Some(price) = table.get("price") {
        let reason = format!("{}: `price` and `tiers` contradict each other", table.name);
        problems.add::<()>(price.span(), reason, "keep one of them");
    }
    let mode = match table.get("tier_mode") {
        Some(_) => {
            let options = [("graduated", TierMode::Graduated), ("volume", TierMode::Volume)];
            choose(table, "tier_mode", &options, problems)
        }
        None => Some(TierMode::Graduated),
    };
    let list = table.tables("tiers", problems)?;
    let count = list.len();
    let (mut bounded, mut open): (Vec<(Number, Number)>, _) = (Vec::new(), None);
    for (number, (entries, span)) in list.into_iter().enumerate() {
        let name = format!("{}: tier {}", table.name, number + 1);
        let tier = Table::new(name, span.clone(), entries, &["up_to", "price"], problems);
        tier.need("price", problems)?;
        let price = tier.decimal("price", PRICE_DIGITS, problems)?;
        let last = number + 1 == count;
        match (tier.get("up_to"), last) {
            (None, true) => open = Some(price),
            (None, false) => {
                let reason = format!("{} has no `up_to` and is not the last", tier.name);
                return problems.add(span, reason, "add `up_to`, or remove the tiers after it");
            }
            (Some(_), _) => {
                let up_to = tier.decimal("up_to", NUMBER_DIGITS, problems)?;
                let floor = bounded.last().map_or(Number::ZERO, |(bound, _)| *bound);
                if up_to <= floor {
                    let reason = format!("{}: up_to {up_to} is not above {floor}", tier.name);
                    return problems.add(span, reason, "write the bounds in ascending order, above zero");
                }
                bounded.push((up_to, price));
            }
        }
    }
    let Some(open) = open else {
        let span = table.get("tiers").map_or(table.span.clone(), Spanned::span);
        let reason = format!("{}: the last tier has no end that is open", table.name);
        return problems.add(span, reason, "end with a tier that has a `price` and no `up_to`");
    };
    Some(Tiers { bounded, open, mode: mode? })
}

/// The line and column, from 1, of a byte of a text; the column counts characters.
#[must_use]
pub fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests;
