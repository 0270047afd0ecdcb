//! Why a charge is what it is: the intervals and events behind it, and its arithmetic.

use jiff::Timestamp;
use kopeck_rating::calendar::{Calendar, Second};
use kopeck_rating::explain::{Cause, Counting, Explanation, Interval, Reading};
use kopeck_rating::price_book::{Model, Prorate, TierMode};
use serde_json::{Value, json};

/// What all explanations by one price book are written with.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The calendar of its zone.
    pub calendar: &'a Calendar,
    /// Its currency.
    pub currency: &'a str,
}

/// Where events were read.
pub trait Places {
    /// The file of an event, where it was read from one.
    fn file(&self, cause: &Cause) -> Option<&str>;
}

/// Of events that were read from no file.
#[derive(Debug, Clone, Copy)]
pub struct NoFiles;

impl Places for NoFiles {
    fn file(&self, _: &Cause) -> Option<&str> {
        None
    }
}

impl Written<'_> {
    /// The rule in one line: what is summed, and the price.
    #[must_use]
    pub fn rule(&self, explanation: &Explanation) -> String {
        let component = &explanation.component;
        let quantity = match component.quantity.as_slice() {
            [] => "1".to_owned(),
            names => names.join(" × "),
        };
        let rounded = component.round_up.map_or(String::new(), |round_up| {
            format!(", lifted to a multiple of {} and at least {}", round_up.step, round_up.min)
        });
        let (name, currency) = (component.model.name(), self.currency);
        let how = match &component.model {
            Model::PerSecond { price, per } => {
                format!("Σ quantity × seconds × {price} {currency} / {} s ({})", per.seconds(), per.name())
            }
            Model::HourlyPeak { price } => {
                format!("Σ over clock hours of the largest quantity × {price} {currency}")
            }
            Model::Monthly { price, prorate } => match prorate {
                Prorate::Day => format!(
                    "Σ over days of the largest quantity × {price} {currency} / {} days",
                    explanation.parts
                ),
                Prorate::Second => {
                    format!(
                        "Σ quantity × seconds × {price} {currency} / {} s of the month",
                        explanation.parts
                    )
                }
                Prorate::None => format!("largest quantity of the month × {price} {currency}"),
            },
            Model::MonthlyPeak { price, .. } => {
                format!("largest sum of quantities at one instant of the month × {price} {currency}")
            }
            Model::Once { price } => {
                format!("quantity × {price} {currency}, once, at the first matching instant")
            }
            Model::PerUse { price } => format!("Σ quantity × {price} {currency}"),
            Model::Tiered(tiers) => match tiers.mode {
                TierMode::Graduated => {
                    format!("the month's sum, each part × its tier's price in {currency}")
                }
                TierMode::Volume => {
                    format!("the month's sum × the price in {currency} of the tier it falls in")
                }
            },
        };
        format!("{name}: {how}; quantity = {quantity}{rounded}")
    }

    /// A second as RFC 3339 in the zone of the book.
    #[must_use]
    pub fn local(&self, second: Second) -> String {
        match Timestamp::from_second(second) {
            Ok(time) => {
                let zone = self.calendar.zone();
                time.display_with_offset(zone.to_offset(time)).to_string()
            }
            Err(_) => "∞".to_owned(),
        }
    }

    /// As JSON, with amounts and quantities as texts.
    #[must_use]
    pub fn json(&self, explanation: &Explanation, places: &dyn Places) -> Value {
        let reading = |reading: &Reading| {
            json!({
                "at": self.local(reading.at),
                "quantity": reading.quantity.to_string(),
                "amount": reading.amount.to_string(),
            })
        };
        let cause = |cause: &Cause| {
            json!({
                "id": cause.id,
                "file": places.file(cause),
                "line": places.file(cause).map(|_| cause.origin.line),
                "time": instant(cause.time),
                "state": cause.state,
                "actor": cause.actor,
            })
        };
        let interval = |interval: &Interval| {
            json!({
                "source": interval.source,
                "resource": interval.resource,
                "from": self.local(interval.start),
                "to": self.local(interval.end),
                "quantity": interval.quantity.to_string(),
                "began": cause(&interval.began),
                "ended": interval.ended.as_ref().map(cause),
            })
        };
        json!({
            "charge": explanation.charge,
            "currency": self.currency,
            "model": explanation.component.model.name(),
            "rule": self.rule(explanation),
            "intervals": explanation.intervals.iter().map(interval).collect::<Vec<_>>(),
            "counted": self.counted(&explanation.counting),
            "price": price_of(&explanation.component.model),
            "divided_by": explanation.parts,
            "before_window": explanation.before.as_ref().map(reading),
            "by_window_end": reading(&explanation.after),
        })
    }

    fn counted(&self, counting: &Counting) -> Value {
        match counting {
            Counting::Slots(runs) => runs
                .iter()
                .map(|run| json!({"from": self.local(run.start), "count": run.count, "quantity": run.quantity.to_string()}))
                .collect(),
            Counting::LargestSum(at) => json!({"largest_sum_at": self.local(*at)}),
            Counting::Tiers(parts) => parts
                .iter()
                .map(|part| json!({"quantity": part.quantity.to_string(), "price": part.price.to_string()}))
                .collect(),
            Counting::Seconds | Counting::Largest | Counting::Sum => Value::Null,
        }
    }
}

/// The one price of a model, if it has one.
#[must_use]
pub fn price_of(model: &Model) -> Option<String> {
    match model {
        Model::PerSecond { price, .. }
        | Model::HourlyPeak { price }
        | Model::Monthly { price, .. }
        | Model::MonthlyPeak { price, .. }
        | Model::Once { price }
        | Model::PerUse { price } => Some(price.to_string()),
        Model::Tiered(_) => None,
    }
}

/// An instant in nanoseconds of Unix time as RFC 3339 in UTC.
fn instant(nanoseconds: i64) -> Option<String> {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).ok().map(|time| time.to_string())
}
