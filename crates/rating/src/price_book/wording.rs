//! The fields of a component as texts, for comparisons and for people.

use std::collections::BTreeSet;
use std::fmt;

use super::{Component, Condition, Model, Per, Prorate, StateLists, Subject, TierMode, Tiers, Vat};
use crate::event::Value;
use crate::number::Number;

/// A price as a book says it; printed with two decimals at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// The number.
    pub number: Number,
    /// What it is for, where the model asks.
    pub per: Option<Per>,
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.number.to_string();
        let places = text.split_once('.').map_or(0, |(_, places)| places.len());
        if places == 0 {
            text.push('.');
        }
        text.extend(std::iter::repeat_n('0', 2_usize.saturating_sub(places)));
        f.pad(&text)
    }
}

impl Model {
    /// Its prices: one, or those of the tiers in their order.
    #[must_use]
    pub fn prices(&self) -> Vec<Price> {
        match self {
            Model::PerSecond { price, per } => vec![Price { number: *price, per: Some(*per) }],
            Model::HourlyPeak { price }
            | Model::Monthly { price, .. }
            | Model::MonthlyPeak { price, .. }
            | Model::Once { price }
            | Model::PerUse { price } => vec![Price { number: *price, per: None }],
            Model::Tiered(tiers) => {
                let prices = tiers.bounded.iter().map(|(_, price)| *price).chain([tiers.open]);
                prices.map(|number| Price { number, per: None }).collect()
            }
        }
    }

    /// Its price or prices in one line, such as `365.25 per month`.
    #[must_use]
    pub fn price_text(&self) -> String {
        match (self, self.prices().as_slice()) {
            (Model::Tiered(tiers), prices) => {
                let bounds = tiers.bounded.iter().map(|(up_to, _)| format!(" up to {up_to}"));
                let bounds = bounds.chain([" above".to_owned()]);
                let parts: Vec<_> =
                    prices.iter().zip(bounds).map(|(price, to)| format!("{price}{to}")).collect();
                parts.join(", ")
            }
            (_, [price]) => match price.per {
                Some(per) => format!("{price} per {}", per.name()),
                None => price.to_string(),
            },
            _ => String::new(),
        }
    }
}

/// A model without its prices, such as `monthly, prorate = "day"`.
pub(super) fn model_text(model: &Model) -> String {
    let name = model.name();
    match model {
        Model::Monthly { prorate, .. } => {
            let prorate = match prorate {
                Prorate::Day => "day",
                Prorate::Second => "second",
                Prorate::None => "none",
            };
            format!("{name}, prorate = \"{prorate}\"")
        }
        Model::MonthlyPeak { group_by: Some(subject), .. } => {
            format!("{name}, group_by = \"{}\"", subject.name())
        }
        Model::Tiered(tiers) => format!("{name}, {}", tiers_text(tiers)),
        _ => name.to_owned(),
    }
}

fn tiers_text(tiers: &Tiers) -> String {
    let mode = match tiers.mode {
        TierMode::Graduated => "graduated",
        TierMode::Volume => "volume",
    };
    let bounds: Vec<_> = tiers.bounded.iter().map(|(up_to, _)| up_to.to_string()).collect();
    match bounds.as_slice() {
        [] => format!("one {mode} tier"),
        bounds => format!("{mode} tiers up to {}", bounds.join(", ")),
    }
}

impl Subject {
    /// Its name in a price book.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Subject::Class => "state",
            Subject::Region => "region",
            Subject::Attribute(name) => name,
        }
    }
}

pub(super) fn when_text(when: &[Condition]) -> String {
    let value = |value: &Value| match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("\"{text}\""),
        Value::Nested => "?".to_owned(),
    };
    let condition = |condition: &Condition| {
        let any_of: Vec<_> = condition.any_of.iter().map(value).collect();
        format!("{} = {}", condition.subject.name(), any_of.join(" or "))
    };
    match when {
        [] => "always".to_owned(),
        when => when.iter().map(condition).collect::<Vec<_>>().join(", "),
    }
}

pub(super) fn quantity_text(component: &Component) -> String {
    match component.quantity.as_slice() {
        [] => "1".to_owned(),
        names => names.join(" × "),
    }
}

pub(super) fn round_up_text(component: &Component) -> String {
    component.round_up.map_or("no".to_owned(), |round_up| {
        format!("to a multiple of {}, at least {}", round_up.step, round_up.min)
    })
}

impl StateLists {
    /// The states of each class in one line, in an order of their own.
    pub(super) fn by_class(&self) -> [(&'static str, String); 3] {
        let line = |list: &[String]| {
            let sorted: BTreeSet<&str> = list.iter().map(String::as_str).collect();
            match sorted.is_empty() {
                true => "none".to_owned(),
                false => sorted.into_iter().collect::<Vec<_>>().join(" "),
            }
        };
        [("active", line(&self.active)), ("inactive", line(&self.inactive)), ("inherit", line(&self.inherit))]
    }
}

impl fmt::Display for Vat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rate, self.included) {
            (None, _) => f.write_str("without VAT"),
            (Some(rate), true) => write!(f, "VAT {rate} % included"),
            (Some(rate), false) => write!(f, "VAT {rate} % on top"),
        }
    }
}
