//! Reads a component of a version.

use super::{model, read_vat, when};
use crate::event;
use crate::price_book::fields::{Limit, Problems, SpannedTable, Table, shortened};
use crate::price_book::{Component, RoundUp, Subject};

const FIELDS: &[&str] = &[
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

/// A bound, a step or a minimum lies below 10¹².
pub const NUMBER: Limit =
    Limit { digits: 12, remedy: "write a decimal below 10^12 with at most 9 places, such as \"100\"" };

/// The id, where it can be read, and the component, where all of it can.
pub fn read<'a>(
    version: &str,
    entries: SpannedTable<'a>,
    problems: &mut Problems,
) -> (Option<&'a str>, Option<Component>) {
    let mut table = Table::new(format!("{version}: component"), entries);
    let remedy = "name the component, such as \"vm.active.vcpu\"";
    let id = table.need_text("id", remedy, problems).map(|(id, _)| id);
    if let Some(id) = id {
        table.name = format!("{version}: component {}", shortened(id));
    }
    table.refuse_unknown(FIELDS, problems);
    (id, read_named(id, &table, problems))
}

fn read_named(id: Option<&str>, table: &Table<'_>, problems: &mut Problems) -> Option<Component> {
    let remedy = "write the kind of the events that it prices, such as \"vm\"";
    let kind = table.need_text("kind", remedy, problems).map(|(kind, _)| kind);
    let when = when::read(table, kind.map(event::is_signed), problems);
    let quantity = read_quantity(table, problems);
    let round_up = read_round_up(table, problems);
    let vat = read_vat(table, problems);
    let model = model::read(table, problems);
    let class = when.iter().flatten().any(|condition| condition.subject == Subject::Class);
    if class && model.as_ref().is_some_and(|model| !model.meters_states()) {
        let reason = format!("{}: usage events have no state, so `when.state` never holds", table.name);
        problems.add::<()>(table.span_of("when"), reason, "remove `state` from `when`");
    }
    let priced_at = if table.get("price").is_some() { "price" } else { "tiers" };
    Some(Component {
        id: id?.to_owned(),
        kind: kind?.to_owned(),
        when: when?,
        quantity: quantity?,
        round_up,
        model: model?,
        vat,
        span: table.span.clone(),
        price_span: table.span_of(priced_at),
    })
}

fn read_quantity(table: &Table<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    table.need("quantity", problems)?;
    let names = table.texts("quantity", "[\"vcpu\"]", problems)?;
    if let [_, _, (_, span), ..] = names.as_slice() {
        let reason = format!("{}: `quantity` is a product of {} attributes", table.name, names.len());
        return problems.add(span.clone(), reason, "name at most two");
    }
    Some(names.into_iter().map(|(name, _)| name.to_owned()).collect())
}

fn read_round_up(table: &Table<'_>, problems: &mut Problems) -> Option<RoundUp> {
    let remedy = "write it like { step = \"100\", min = \"100\" }";
    let round_up = table.table("round_up", remedy, problems)?;
    round_up.refuse_unknown(&["step", "min"], problems);
    round_up.need("step", problems);
    let step = round_up.decimal("step", NUMBER, problems);
    let min = match round_up.get("min") {
        Some(_) => round_up.decimal("min", NUMBER, problems),
        None => step,
    };
    let step = step?;
    if step.units() == 0 {
        let reason = format!("{} has a step of zero", round_up.name);
        return problems.add(round_up.span_of("step"), reason, "write a step above zero");
    }
    let min = min?;
    if min.units() % step.units() != 0 {
        let reason = format!("{}: min {min} is not a multiple of step {step}", round_up.name);
        return problems.add(round_up.span_of("min"), reason, "write a multiple of the step");
    }
    Some(RoundUp { step, min })
}

/// What a name in `when` or `group_by` looks at.
pub fn subject(name: &str) -> Subject {
    match name {
        "state" => Subject::Class,
        "region" => Subject::Region,
        _ => Subject::Attribute(name.to_owned()),
    }
}
