//! The frame of all converters: options, refusals, the summary, and the choice of a source.
//!
//! A converter reads one record at a time and hands what it made of it to a `Run`, which writes events, reports
//! refusals and counts. Every record is either converted, skipped or refused, so the three add up to all records.
//! A new source is a module with a `convert` like [`slurm::convert`] and a variant of [`Source`].
//! What is not here: the formats themselves, and the wording of a summary for people.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Write};
use std::ops::AddAssign;

use jiff::tz::TimeZone;

use crate::usage_event::{Event, Writer};
use crate::{
    api_calls, azure_cost, cost, focus, nova_notification, openstack_log, slurm, storage_usage, swf,
};

/// What a user may choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// The zone of local times that carry no offset.
    pub timezone: TimeZone,
    /// Describe each job as a resource with a life (state events) instead of a single use of its executor.
    pub as_state: bool,
    /// Who pays for records that name no project, in the sources that say so.
    pub project: Option<String>,
    /// The region of records that name none, in the sources that say so.
    pub region: Option<String>,
    /// The cloud that the records are of, in the sources that say so: regions of two clouds may have one name.
    pub cloud: Option<String>,
}

impl Options {
    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_deref().filter(|project| !project.is_empty())
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref().filter(|region| !region.is_empty())
    }

    pub(crate) fn cloud(&self) -> Option<&str> {
        self.cloud.as_deref().filter(|cloud| !cloud.is_empty())
    }
}

impl Default for Options {
    fn default() -> Options {
        Options { timezone: TimeZone::UTC, as_state: false, project: None, region: None, cloud: None }
    }
}

/// A format that can be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// See [`slurm`].
    Slurm,
    /// See [`swf`].
    Swf,
    /// See [`openstack_log`].
    OpenstackLog,
    /// See [`nova_notification`].
    NovaNotification,
    /// See [`focus`].
    Focus,
    /// See [`azure_cost`].
    AzureCost,
    /// See [`api_calls`].
    ApiCalls,
    /// See [`storage_usage`].
    StorageUsage,
}

impl Source {
    /// All of them, in the order of a list for people.
    pub const ALL: [Source; 8] = [
        Source::Slurm,
        Source::Swf,
        Source::OpenstackLog,
        Source::NovaNotification,
        Source::Focus,
        Source::AzureCost,
        Source::ApiCalls,
        Source::StorageUsage,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Source::Slurm => "slurm",
            Source::Swf => "swf",
            Source::OpenstackLog => "openstack-log",
            Source::NovaNotification => "nova-notification",
            Source::Focus => "focus",
            Source::AzureCost => "azure-cost",
            Source::ApiCalls => "api-calls",
            Source::StorageUsage => "storage-usage",
        }
    }

    /// The source of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Source> {
        Source::ALL.into_iter().find(|source| source.name() == name)
    }

    /// Converts one input; see each source's module.
    ///
    /// # Errors
    /// Only what reading the input or writing the output fails with; a bad record is a refusal.
    pub fn convert(
        self,
        input: &mut dyn BufRead,
        output: &mut dyn Write,
        options: &Options,
        on_refusal: &mut dyn FnMut(Refused),
    ) -> io::Result<Summary> {
        match self {
            Source::Slurm => slurm::convert(input, output, options, on_refusal),
            Source::Swf => swf::convert(input, output, options, on_refusal),
            Source::OpenstackLog => openstack_log::convert(input, output, options, on_refusal),
            Source::NovaNotification => nova_notification::convert(input, output, options, on_refusal),
            Source::Focus => cost::convert(&focus::BILL, (input, output), options, on_refusal),
            Source::AzureCost => cost::convert(&azure_cost::BILL, (input, output), options, on_refusal),
            Source::ApiCalls => api_calls::convert(input, output, options, on_refusal),
            Source::StorageUsage => storage_usage::convert(input, output, options, on_refusal),
        }
    }
}

/// A record that was not converted, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The line of the input, from 1.
    pub line: u64,
    /// The field, by the name that its format gives it; `None` where the whole record is wrong.
    pub field: Option<&'static str>,
    /// What is wrong.
    pub reason: String,
    /// What to do next.
    pub remedy: &'static str,
}

impl fmt::Display for Refused {
    /// Where and what; the remedy stands apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(field) = self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// What became of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records read; headers, comments and empty lines are none.
    pub records: u64,
    /// Events written.
    pub events: u64,
    /// Records that are no usage, such as jobs that still run.
    pub skipped: u64,
    /// Records that could not be converted.
    pub refused: u64,
    /// How many of the skipped ones for which reason.
    pub skipped_as: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// Records that became events.
    #[must_use]
    pub fn converted(&self) -> u64 {
        self.records - self.skipped - self.refused
    }
}

/// For several files that are converted one after another.
impl AddAssign for Summary {
    fn add_assign(&mut self, other: Summary) {
        self.records += other.records;
        self.events += other.events;
        self.skipped += other.skipped;
        self.refused += other.refused;
        for (why, count) in other.skipped_as {
            *self.skipped_as.entry(why).or_default() += count;
        }
    }
}

/// What a converter made of one record.
#[derive(Debug)]
pub(crate) enum Reading {
    /// No usage; the text completes "skipped: 12 ...".
    Skipped(&'static str),
    /// The events, in the order of their times.
    Events(Vec<Event>),
}

/// Why a record is refused: a [`Refused`] whose line is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    field: Option<&'static str>,
    reason: String,
    remedy: &'static str,
}

impl Flaw {
    /// The record as a whole is wrong.
    pub(crate) fn of_record(reason: impl Into<String>, remedy: &'static str) -> Flaw {
        Flaw { field: None, reason: reason.into(), remedy }
    }

    /// The same of a record that shares its line with others, if it has a number there.
    pub(crate) fn in_record(self, number: Option<u64>) -> Flaw {
        match number {
            Some(number) => Flaw { reason: format!("record {number}: {}", self.reason), ..self },
            None => self,
        }
    }

    /// One field is wrong.
    pub(crate) fn of_field(field: &'static str, reason: impl Into<String>, remedy: &'static str) -> Flaw {
        Flaw { field: Some(field), reason: reason.into(), remedy }
    }

    /// The refusal of the record at that line.
    pub(crate) fn at(self, line: u64) -> Refused {
        let Flaw { field, reason, remedy } = self;
        Refused { line, field, reason, remedy }
    }
}

/// A value as a reason quotes it: in quotation marks, control characters escaped, long ones cut.
pub(crate) fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &value[..end]),
        None => format!("{value:?}"),
    }
}

/// One conversion under way.
pub(crate) struct Run<'a> {
    writer: Writer<'a>,
    on_refusal: &'a mut dyn FnMut(Refused),
    summary: Summary,
}

impl<'a> Run<'a> {
    pub(crate) fn new(output: &'a mut dyn Write, on_refusal: &'a mut dyn FnMut(Refused)) -> Run<'a> {
        Run { writer: Writer::new(output), on_refusal, summary: Summary::default() }
    }

    /// Counts a record and does what was decided about it.
    pub(crate) fn take(&mut self, line: u64, reading: Result<Reading, Flaw>) -> io::Result<()> {
        self.summary.records += 1;
        match reading {
            Ok(Reading::Events(events)) => {
                for event in &events {
                    self.writer.write(event)?;
                    self.summary.events += 1;
                }
            }
            Ok(Reading::Skipped(why)) => {
                self.summary.skipped += 1;
                *self.summary.skipped_as.entry(why).or_default() += 1;
            }
            Err(Flaw { field, reason, remedy }) => {
                self.summary.refused += 1;
                (self.on_refusal)(Refused { line, field, reason, remedy });
            }
        }
        Ok(())
    }

    /// Flushes the output and answers the summary.
    pub(crate) fn finish(mut self) -> io::Result<Summary> {
        self.writer.flush()?;
        Ok(self.summary)
    }
}
