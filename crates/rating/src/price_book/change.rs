//! What one version of a price book changes against another, compared by meaning.
//!
//! A component is the same where its id is. Conditions and attributes have no order, and 0.50 per hour is
//! 365.25 per month. Texts for people are made where they are shown, but for the values of fields.

use std::collections::{BTreeSet, HashMap};

use ethnum::I256;

use super::wording::{Price, model_text, quantity_text, round_up_text, when_text};
use super::{Component, ComponentRef, Condition, Model, PriceBook, Tiers, Vat, Version};
use crate::number::{self, Number};

/// A version of a book.
#[derive(Debug, Clone, Copy)]
pub struct VersionOf<'b> {
    book: &'b PriceBook,
    number: usize,
}

impl<'b> VersionOf<'b> {
    /// The version of that number, if the book has it.
    #[must_use]
    pub fn new(book: &'b PriceBook, number: usize) -> Option<VersionOf<'b>> {
        (number < book.versions.len()).then_some(VersionOf { book, number })
    }

    /// The version itself.
    #[must_use]
    pub fn version(self) -> &'b Version {
        &self.book.versions[self.number]
    }

    /// The components and the VAT that holds for each.
    fn components(self) -> impl Iterator<Item = (&'b Component, Option<Vat>)> {
        let vat = move |component| self.book.vat(ComponentRef { version: self.number, component });
        let components = self.version().components.iter().enumerate();
        components.map(move |(component, item)| (&**item, vat(component)))
    }
}

/// What became of a component.
#[derive(Debug, Clone)]
pub enum Change<'b> {
    /// It is new.
    Added(&'b Component),
    /// It is gone.
    Removed(&'b Component),
    /// It is another in something.
    Altered(Altered<'b>),
}

/// What a change means for who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A new component.
    Added,
    /// A component less.
    Removed,
    /// Nothing but prices, or VAT on top of them, rises.
    Raised,
    /// Nothing but prices, or VAT on top of them, falls.
    Lowered,
    /// Anything else.
    Changed,
}

/// A component that is another in something.
#[derive(Debug, Clone)]
pub struct Altered<'b> {
    /// As it was.
    pub before: &'b Component,
    /// As it is to be.
    pub after: &'b Component,
    /// Its prices, where only they can differ in its model; those that stay are among them.
    pub prices: Vec<PriceStep>,
    /// VAT, where it is another: before and after.
    pub vat: Option<(Option<Vat>, Option<Vat>)>,
    /// The other fields that differ.
    pub fields: Vec<FieldChange>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name in a price book.
    pub field: &'static str,
    /// What it was, as text.
    pub before: String,
    /// What it is to be.
    pub after: String,
}

/// A price before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceStep {
    /// The number of the tier, from 1, where there are tiers.
    pub tier: Option<usize>,
    /// What it was.
    pub before: Price,
    /// What it is to be.
    pub after: Price,
}

impl PriceStep {
    /// Both prices in one measure: numerators over a denominator that they share.
    fn measured(&self) -> (i128, i128) {
        let seconds = |price: Price| price.per.map_or(1, |per| i128::from(per.seconds()));
        // Prices lie below 10¹⁸ units and a month below 10⁷ seconds.
        (self.before.number.units() * seconds(self.after), self.after.number.units() * seconds(self.before))
    }

    /// Whether the price rises, falls or stays.
    #[must_use]
    pub fn direction(&self) -> std::cmp::Ordering {
        let (before, after) = self.measured();
        after.cmp(&before)
    }

    /// By how many per cent it rises, as a decimal rounded half to even to 6 places; `None` from zero.
    #[must_use]
    pub fn percent(&self) -> Option<String> {
        let (before, after) = self.measured();
        percent(I256::new(before), I256::new(after))
    }
}

/// By how many per cent an amount rises, as a decimal rounded half to even to 6 places; `None` from zero, and where
/// the numbers are too large to say.
#[must_use]
pub fn percent(before: I256, after: I256) -> Option<String> {
    const PLACES: u32 = 6;
    if before == I256::ZERO {
        return None;
    }
    let scaled = after.checked_sub(before)?.checked_mul(I256::new(100 * 10_i128.pow(PLACES)))?;
    let (scaled, base) =
        if before < 0 { (scaled.checked_neg()?, before.checked_neg()?) } else { (scaled, before) };
    let (floor, rest) = (scaled.div_euclid(base), scaled.rem_euclid(base));
    let twice = rest.checked_mul(I256::new(2))?;
    let up = twice > base || (twice == base && floor % 2 != I256::ZERO);
    Some(number::plain(if up { floor + 1 } else { floor }, PLACES).to_string())
}

impl<'b> Change<'b> {
    /// The component, as it is to be where it stays.
    #[must_use]
    pub fn component(&self) -> &'b Component {
        match self {
            Change::Added(component) | Change::Removed(component) => component,
            Change::Altered(altered) => altered.after,
        }
    }

    /// What it means for who pays.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let altered = match self {
            Change::Added(_) => return Verdict::Added,
            Change::Removed(_) => return Verdict::Removed,
            Change::Altered(altered) => altered,
        };
        let vat = altered.vat.map(|(before, after)| vat_direction(before, after));
        let unclear = !altered.fields.is_empty() || vat == Some(None);
        let directions: Vec<_> =
            altered.prices.iter().map(PriceStep::direction).chain(vat.flatten()).collect();
        match (directions.iter().any(|one| one.is_gt()), directions.iter().any(|one| one.is_lt())) {
            (true, false) if !unclear => Verdict::Raised,
            (false, true) if !unclear => Verdict::Lowered,
            _ => Verdict::Changed,
        }
    }
}

/// Whether what is added for VAT rises or falls; `None` where VAT is not on top both before and after.
fn vat_direction(before: Option<Vat>, after: Option<Vat>) -> Option<std::cmp::Ordering> {
    let on_top = |vat: Option<Vat>| match vat {
        Some(Vat { rate: Some(rate), included: false }) => Some(rate),
        _ => None,
    };
    Some(on_top(after)?.cmp(&on_top(before)?))
}

/// What `after` changes against `before`: first what `after` has, in its order, then what it has no more.
#[must_use]
pub fn changes<'b>(before: VersionOf<'b>, after: VersionOf<'b>) -> Vec<Change<'b>> {
    let mut old: HashMap<&str, (&Component, Option<Vat>)> =
        before.components().map(|(component, vat)| (component.id.as_str(), (component, vat))).collect();
    let mut found = Vec::new();
    for (component, vat) in after.components() {
        match old.remove(component.id.as_str()) {
            None => found.push(Change::Added(component)),
            Some(known) => found.extend(altered(known, (component, vat)).map(Change::Altered)),
        }
    }
    let gone = before.components().filter(|(component, _)| old.contains_key(component.id.as_str()));
    found.extend(gone.map(|(component, _)| Change::Removed(component)));
    found
}

/// What differs between two books beside their versions: what local time and what states mean.
#[must_use]
pub fn book_changes(before: &PriceBook, after: &PriceBook) -> Vec<FieldChange> {
    let mut found = Vec::new();
    if before.zone_name != after.zone_name {
        let (before, after) = (before.zone_name.clone(), after.zone_name.clone());
        found.push(FieldChange { field: "timezone", before, after });
    }
    let kinds: BTreeSet<&String> = before.states.keys().chain(after.states.keys()).collect();
    for kind in kinds {
        let [one, other] = [before, after].map(|book| {
            let lists = book.states.get(kind).unwrap_or(&book.default_states);
            lists.by_class()
        });
        for ((class, before), (_, after)) in one.into_iter().zip(other) {
            if before != after {
                let [before, after] = [before, after].map(|states| format!("{kind} {class}: {states}"));
                found.push(FieldChange { field: "states", before, after });
            }
        }
    }
    found
}

/// How a component differs, if it does.
fn altered<'b>(
    (before, old_vat): (&'b Component, Option<Vat>),
    (after, new_vat): (&'b Component, Option<Vat>),
) -> Option<Altered<'b>> {
    let mut fields = Vec::new();
    let mut differs = |field, equal: bool, before: String, after: String| {
        if !equal {
            fields.push(FieldChange { field, before, after });
        }
    };
    differs("kind", before.kind == after.kind, before.kind.clone(), after.kind.clone());
    let same_when = same_set(&before.when, &after.when, same_condition);
    differs("when", same_when, when_text(&before.when), when_text(&after.when));
    let same_quantity = sorted(&before.quantity) == sorted(&after.quantity);
    differs("quantity", same_quantity, quantity_text(before), quantity_text(after));
    differs("round_up", before.round_up == after.round_up, round_up_text(before), round_up_text(after));
    let prices = price_steps(&before.model, &after.model);
    differs("model", prices.is_some(), model_text(&before.model), model_text(&after.model));
    let prices = prices.unwrap_or_default();
    let vat = (!same_vat(old_vat, new_vat)).then_some((old_vat, new_vat));
    let moves = prices.iter().any(|step| step.direction().is_ne());
    (moves || vat.is_some() || !fields.is_empty()).then_some(Altered { before, after, prices, vat, fields })
}

fn same_vat(one: Option<Vat>, other: Option<Vat>) -> bool {
    let without = |vat: Option<Vat>| vat.is_some_and(|vat| vat.rate.is_none());
    one == other || (without(one) && without(other))
}

fn same_set<T>(one: &[T], other: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    let within =
        |these: &[T], those: &[T]| these.iter().all(|this| those.iter().any(|that| same(this, that)));
    within(one, other) && within(other, one)
}

fn same_condition(one: &Condition, other: &Condition) -> bool {
    one.subject == other.subject && same_set(&one.any_of, &other.any_of, |this, that| this == that)
}

fn sorted(names: &[String]) -> Vec<&String> {
    let mut names: Vec<_> = names.iter().collect();
    names.sort_unstable();
    names
}

/// The prices of two models that differ in nothing else; `None` where they do.
fn price_steps(before: &Model, after: &Model) -> Option<Vec<PriceStep>> {
    let same = match (before, after) {
        (Model::Monthly { prorate: one, .. }, Model::Monthly { prorate: other, .. }) => one == other,
        (Model::MonthlyPeak { group_by: one, .. }, Model::MonthlyPeak { group_by: other, .. }) => {
            one == other
        }
        (Model::Tiered(one), Model::Tiered(other)) => one.mode == other.mode && bounds(one) == bounds(other),
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    };
    let tiered = matches!(before, Model::Tiered(_));
    let steps = (1..).zip(before.prices().into_iter().zip(after.prices()));
    same.then(|| {
        steps
            .map(|(number, (before, after))| PriceStep { tier: tiered.then_some(number), before, after })
            .collect()
    })
}

fn bounds(tiers: &Tiers) -> Vec<Number> {
    tiers.bounded.iter().map(|(up_to, _)| *up_to).collect()
}

#[cfg(test)]
mod tests;
