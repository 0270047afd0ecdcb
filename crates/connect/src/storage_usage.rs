//! Snapshots of file stores (JSON, as XDMoD reads them) into events of kind `s3`.
//!
//! A file is an array of objects, each what one user had on one store at one moment:
//! `{"resource": "torx", "mountpoint": "/projects", "pi": "amere", "user": "amere", "dt": "2018-12-27T11:12:58Z",
//! "logical_usage": 94668546688000, "file_count": 102408}`.
//!
//! - Each object is one use at `dt`: a store that is looked at once a day is paid by the megabyte and day. A second
//!   snapshot of a day is a second use. (Times without an offset are read in the zone of the options.)
//! - `mb` is `logical_usage` / 10⁶, exactly: the megabyte of decimal units, in which stores are sold and in which six
//!   places hold every byte. The quotient by 2²⁰ would need twenty, and rating keeps nine.
//! - `files` is `file_count`, where it is given, and `mountpoint` a text.
//! - The project is `pi`, who leads the work; the actor is `user`; the source `storage://RESOURCE`; the subject
//!   `MOUNTPOINT/PI/USER`.
//! - The id is mountpoint, pi, user and `dt` as they are written.
//!
//! What is left out: `soft_threshold` and `hard_threshold` are quotas of the store, not use; `physical_usage` is what
//! replication makes of the bytes, which is the store's own affair.

use std::io::{self, BufRead, Write};

use bigdecimal::BigDecimal;
use kopeck_rating::number::Number;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::convert::{Flaw, Options, Reading, Refused, Run, Summary, quoted};
use crate::job;
use crate::moment;
use crate::records;
use crate::source_name;
use crate::usage_event::{Attributes, Event, Says};

/// What a store holds for one user. A field that stands twice is refused.
#[derive(Debug, Deserialize)]
struct Snapshot<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    mountpoint: Option<&'a RawValue>,
    #[serde(borrow)]
    pi: Option<&'a RawValue>,
    #[serde(borrow)]
    user: Option<&'a RawValue>,
    #[serde(borrow)]
    dt: Option<&'a RawValue>,
    #[serde(borrow)]
    logical_usage: Option<&'a RawValue>,
    #[serde(borrow)]
    file_count: Option<&'a RawValue>,
}

/// Converts one file.
///
/// # Errors
/// Only what reading the input or writing the output fails with; a bad record is a refusal.
pub fn convert(
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    options: &Options,
    on_refusal: &mut dyn FnMut(Refused),
) -> io::Result<Summary> {
    let mut run = Run::new(output, on_refusal);
    records::convert(input, &mut run, &mut |object| read(object, options))?;
    run.finish()
}

fn read(object: &[u8], options: &Options) -> Result<Reading, Flaw> {
    let snapshot: Snapshot<'_> = records::parse(object, "a JSON object of a snapshot")?;
    let resource = text("resource", snapshot.resource)?;
    let mountpoint = text("mountpoint", snapshot.mountpoint)?;
    let (pi, user) = (text("pi", snapshot.pi)?, text("user", snapshot.user)?);
    let written = text("dt", snapshot.dt)?;
    let subject = format!("{}/{pi}/{user}", mountpoint.trim_end_matches('/'));
    let mut attributes = Attributes::default();
    attributes.number("mb", Some(megabytes(snapshot.logical_usage)?));
    attributes.number("files", snapshot.file_count.map(|count| whole("file_count", count)).transpose()?);
    attributes.text("mountpoint", Some(mountpoint));
    Ok(Reading::Events(vec![Event {
        id: format!("{subject}/{written}"),
        source: format!("storage://{}", source_name::of(&resource)),
        subject,
        time: moment::read("dt", &written, &options.timezone)?,
        project: pi,
        actor: Some(user),
        sequence: None,
        says: Says::Usage,
        kind: "s3",
        region: None,
        attributes,
    }]))
}

/// Reads a text that must say something.
fn text(field: &'static str, value: Option<&RawValue>) -> Result<String, Flaw> {
    let value = value.ok_or_else(|| missing(field))?;
    let text: String = serde_json::from_str(value.get()).map_err(|_| {
        let reason = format!("{} is not a text", quoted(value.get()));
        Flaw::of_field(field, reason, "write it in quotation marks")
    })?;
    if text.trim().is_empty() {
        return Err(Flaw::of_field(field, "is empty", "a record without it can not be billed: add it"));
    }
    Ok(text)
}

/// Reads bytes as megabytes.
fn megabytes(value: Option<&RawValue>) -> Result<Number, Flaw> {
    const FIELD: &str = "logical_usage";
    let value = value.ok_or_else(|| missing(FIELD))?;
    let bytes = value.get();
    let refuse = |what: &str, remedy| Err(Flaw::of_field(FIELD, format!("{} {what}", quoted(bytes)), remedy));
    if !bytes.bytes().all(|byte| byte.is_ascii_digit()) {
        return refuse("is not a whole number of bytes", "write bytes as a plain number");
    }
    let mb = bytes.parse::<u64>().ok().and_then(|bytes| job::quantity(&BigDecimal::new(bytes.into(), 6)));
    match mb {
        Some(mb) => Ok(mb),
        None => refuse("is 10^18 bytes or more", "check the record at its source"),
    }
}

fn whole(field: &'static str, value: &RawValue) -> Result<Number, Flaw> {
    job::count(value.get()).ok_or_else(|| {
        let reason = format!("{} is not a whole number of at most 12 digits", quoted(value.get()));
        Flaw::of_field(field, reason, "write it as a plain number")
    })
}

fn missing(field: &'static str) -> Flaw {
    Flaw::of_field(field, "is missing", "a record without it can not be billed: add it")
}
