//! A cost: an amount that another cloud has priced, credits included, as an event of kind `cost`.
//!
//! A price book turns it into a charge with `kind = "cost"`, `model = "per_use"`, `quantity = ["amount"]` and a
//! price of 1, or more or less for a mark-up or discount. The amount reaches rating as the bill writes it, and rating
//! refuses a cost in a currency that is not the book's. What is not here: exchange rates and taxes.

use std::io::{self, BufRead, Write};

use jiff::Timestamp;

use crate::convert::{Flaw, Options, Reading, Refused, Run, Summary, quoted};
use crate::decimal::Decimal;
use crate::occurrence::Occurrences;
use crate::table::{self, Layout, Row};
use crate::usage_event::{Attributes, Event, Says};

/// How bills of a format are read.
pub(crate) struct Format {
    pub(crate) layout: Layout,
    /// Reads a row.
    pub(crate) read: fn(&Row<'_>, &Options) -> Result<Cost, Flaw>,
}

/// Converts one bill.
///
/// # Errors
/// Only what reading the input or writing the output fails with; a bad record is a refusal.
pub(crate) fn convert(
    format: &'static Format,
    (input, output): (&mut dyn BufRead, &mut dyn Write),
    options: &Options,
    on_refusal: &mut dyn FnMut(Refused),
) -> io::Result<Summary> {
    let mut run = Run::new(output, on_refusal);
    let mut occurrences = Occurrences::of_whole_input();
    table::convert(input, &mut run, &format.layout, &mut |row| {
        Ok((format.read)(row, options)?.reading(row.identity(), &mut occurrences))
    })?;
    run.finish()
}

/// One row of a bill.
#[derive(Debug, Clone)]
pub(crate) struct Cost {
    pub(crate) source: String,
    /// Who or what caused it.
    pub(crate) subject: String,
    pub(crate) time: Timestamp,
    pub(crate) project: String,
    pub(crate) region: Option<String>,
    pub(crate) amount: Decimal,
    /// `None` where the bill does not tell: rating takes it to be the book's.
    pub(crate) currency: Option<String>,
    /// What else a price may be for, by name.
    pub(crate) measures: Vec<(&'static str, Decimal)>,
    /// What else a price may depend on, by name.
    pub(crate) labels: Vec<(&'static str, Option<String>)>,
}

impl Cost {
    /// The event, whose id is what the row says and how often it was said before.
    pub(crate) fn reading(self, identity: u128, occurrences: &mut Occurrences) -> Reading {
        let mut attributes = Attributes::default();
        attributes.written("amount", Some(self.amount));
        attributes.text("currency", self.currency);
        for (name, measure) in self.measures {
            attributes.written(name, Some(measure));
        }
        for (name, label) in self.labels {
            attributes.text(name, label);
        }
        Reading::Events(vec![Event {
            id: format!("{identity:032x}/{}", occurrences.number(identity)),
            source: self.source,
            subject: self.subject,
            time: self.time,
            project: self.project,
            actor: None,
            sequence: None,
            says: Says::Usage,
            kind: "cost",
            region: self.region,
            attributes,
        }])
    }
}

/// Reads an amount written as JSON writes numbers.
pub(crate) fn amount(field: &'static str, text: &str) -> Result<Decimal, Flaw> {
    amount_written(field, text, text)
}

/// As [`amount`], where the record writes it another way.
pub(crate) fn amount_written(field: &'static str, written: &str, json: &str) -> Result<Decimal, Flaw> {
    Decimal::read(json).map_err(|error| {
        Flaw::of_field(
            field,
            format!("{} {error}", quoted(written)),
            "write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators",
        )
    })
}

/// Reads the code of a currency.
pub(crate) fn currency(field: &'static str, text: &str) -> Result<String, Flaw> {
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    let reason = format!("{} is not the code of a currency such as EUR", quoted(text));
    Err(Flaw::of_field(field, reason, "write the three capital letters of ISO 4217"))
}
