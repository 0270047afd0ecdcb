//! Reads the charge model of a component, with its prices.

use super::component::{NUMBER, subject};
use crate::number::Number;
use crate::price_book::fields::{Limit, Problems, Table, one_of, quoted};
use crate::price_book::{Model, Per, Prorate, TierMode, Tiers};

/// A price lies below 10⁹.
const PRICE: Limit =
    Limit { digits: 9, remedy: "write a decimal below 10^9 with at most 9 places, such as \"365.25\"" };

const MODELS: &[&str] = &["per_second", "hourly_peak", "monthly", "monthly_peak", "once", "per_use"];
const PERS: &[(&str, Per)] =
    &[("second", Per::Second), ("hour", Per::Hour), ("day", Per::Day), ("month", Per::Month)];
const PRORATES: &[(&str, Prorate)] =
    &[("day", Prorate::Day), ("second", Prorate::Second), ("none", Prorate::None)];
const TIER_MODES: &[(&str, TierMode)] = &[("graduated", TierMode::Graduated), ("volume", TierMode::Volume)];

/// The fields that belong to one model only.
const MODEL_FIELDS: &[(&str, &str)] = &[
    ("per", "per_second"),
    ("prorate", "monthly"),
    ("group_by", "monthly_peak"),
    ("tiers", "per_use"),
    ("tier_mode", "per_use"),
];

/// The model; all fields that are wrong are told.
pub fn read(table: &Table<'_>, problems: &mut Problems) -> Option<Model> {
    let remedy = format!("write {}", one_of(MODELS.iter().copied()));
    let named = table.need_text("model", &remedy, problems);
    let Some((name, _)) = named.as_ref().filter(|(name, _)| MODELS.contains(name)) else {
        // What is not in doubt is checked all the same.
        table.decimal("price", PRICE, problems);
        let (name, span) = named?;
        return problems.add(span, format!("{}: model {} is unknown", table.name, quoted(name)), remedy);
    };
    for (field, model) in MODEL_FIELDS {
        if let Some(value) = table.get(field).filter(|_| model != name) {
            let reason = format!("{}: `{field}` does not go with model {name}", table.name);
            problems.add::<()>(value.span(), reason, format!("remove it; it belongs to {model}"));
        }
    }
    if *name == "per_use" && table.get("tiers").is_some() {
        return read_tiers(table, problems).map(Model::Tiered);
    }
    if let Some(value) = table.get("tier_mode").filter(|_| *name == "per_use") {
        let reason = format!("{}: `tier_mode` stands without `tiers`", table.name);
        problems.add::<()>(value.span(), reason, "add `tiers`, or remove it");
    }
    table.need("price", problems);
    let price = table.decimal("price", PRICE, problems);
    Some(match *name {
        "per_second" => {
            table.need("per", problems);
            let per = table.choice("per", PERS, problems);
            Model::PerSecond { price: price?, per: per? }
        }
        "hourly_peak" => Model::HourlyPeak { price: price? },
        "monthly" => {
            let prorate = match table.get("prorate") {
                Some(_) => table.choice("prorate", PRORATES, problems),
                None => Some(Prorate::Day),
            };
            Model::Monthly { price: price?, prorate: prorate? }
        }
        "monthly_peak" => {
            let remedy = "name an attribute, such as \"os\"";
            let group_by = table.text("group_by", remedy, problems).map(|(name, _)| subject(name));
            Model::MonthlyPeak { price: price?, group_by }
        }
        "once" => Model::Once { price: price? },
        _ => Model::PerUse { price: price? },
    })
}

fn read_tiers(table: &Table<'_>, problems: &mut Problems) -> Option<Tiers> {
    if let Some(price) = table.get("price") {
        let reason = format!("{}: `price` and `tiers` contradict each other", table.name);
        problems.add::<()>(price.span(), reason, "keep one of them");
    }
    let mode = match table.get("tier_mode") {
        Some(_) => table.choice("tier_mode", TIER_MODES, problems),
        None => Some(TierMode::Graduated),
    };
    let remedy = "write a list such as [{ up_to = \"1000\", price = \"0.50\" }, { price = \"0.30\" }]";
    let list = table.tables("tiers", remedy, problems)?;
    let written = table.get("tiers").and_then(|value| value.get_ref().as_array());
    let count = written.map_or(0, |items| items.len());
    if count == 0 {
        let reason = format!("{}: `tiers` is empty", table.name);
        return problems.add(table.span_of("tiers"), reason, remedy);
    }
    if list.len() < count {
        // Which tier is the last is in doubt.
        return None;
    }
    let (mut bounded, mut open): (Vec<(Number, Number)>, _) = (Vec::new(), None);
    for (number, entries) in (1..).zip(list) {
        let tier = Table::new(format!("{}: tier {number}", table.name), entries);
        let floor = bounded.last().map_or(Number::ZERO, |(bound, _)| *bound);
        match read_tier(&tier, number == count, floor, problems) {
            Some((Some(up_to), price)) => bounded.push((up_to, price)),
            Some((None, price)) => open = Some(price),
            None => {}
        }
    }
    Some(Tiers { bounded, open: open?, mode: mode? })
}

/// A tier's bound, which the last tier does not have, and its price.
fn read_tier(
    tier: &Table<'_>,
    last: bool,
    floor: Number,
    problems: &mut Problems,
) -> Option<(Option<Number>, Number)> {
    tier.refuse_unknown(&["up_to", "price"], problems);
    tier.need("price", problems);
    let price = tier.decimal("price", PRICE, problems);
    let up_to = tier.decimal("up_to", NUMBER, problems);
    let Some(value) = tier.get("up_to") else {
        if !last {
            let reason = format!("{} has no `up_to` and is not the last", tier.name);
            problems.add::<()>(tier.span.clone(), reason, "add `up_to`, or remove the tiers after it");
        }
        return Some((None, price?));
    };
    if last {
        let reason = format!("{}: the last tier has an `up_to`", tier.name);
        let remedy = "remove it, or add a tier that has a `price` only";
        return problems.add(value.span(), reason, remedy);
    }
    let up_to = up_to?;
    if up_to <= floor {
        let reason = format!("{}: up_to {up_to} is not above {floor}", tier.name);
        let remedy = "write the bounds in ascending order, above zero";
        return problems.add(value.span(), reason, remedy);
    }
    Some((Some(up_to), price?))
}
