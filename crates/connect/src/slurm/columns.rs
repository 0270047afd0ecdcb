//! Which field of a line means what, and the reading of single fields.

use csv::ByteRecord;
use kopeck_rating::number::Number;

use crate::convert::{Flaw, quoted};
use crate::job;

/// All columns, in the order of a file without a header.
const NAMES: [&str; 26] = [
    "jobid",
    "jobidraw",
    "cluster",
    "partition",
    "qos",
    "account",
    "group",
    "gid",
    "user",
    "uid",
    "submit",
    "eligible",
    "start",
    "end",
    "elapsed",
    "exitcode",
    "state",
    "nnodes",
    "ncpus",
    "reqcpus",
    "reqmem",
    "reqtres",
    "alloctres",
    "timelimit",
    "nodelist",
    "jobname",
];

/// A column that is read, by its place in [`NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Jobid = 0,
    Jobidraw = 1,
    Cluster = 2,
    Partition = 3,
    Qos = 4,
    Account = 5,
    User = 8,
    Start = 12,
    End = 13,
    Elapsed = 14,
    State = 16,
    Nnodes = 17,
    Ncpus = 18,
    Reqmem = 20,
    Alloctres = 22,
    Nodelist = 24,
}

/// Columns without which a job can not be billed. JobID and JobIDRaw stand for each other.
const REQUIRED: [Field; 9] = [
    Field::Cluster,
    Field::Account,
    Field::Start,
    Field::End,
    Field::Elapsed,
    Field::State,
    Field::Ncpus,
    Field::Alloctres,
    Field::Nodelist,
];

impl Field {
    pub(super) fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// Where each column of [`NAMES`] stands in a line.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    at: [Option<usize>; NAMES.len()],
    count: usize,
}

impl Columns {
    /// The order of [`NAMES`].
    pub(super) fn without_header() -> Columns {
        Columns { at: std::array::from_fn(Some), count: NAMES.len() }
    }

    /// The columns that a header names; `None` if the line is no header. An error is what is wrong with the
    /// header: every line below it is refused for it.
    pub(super) fn of_header(record: &ByteRecord) -> Option<Result<Columns, Flaw>> {
        let stands = |name: &str| record.iter().any(|field| field.eq_ignore_ascii_case(name.as_bytes()));
        // No job has all of these among its values.
        let tells = ["jobid", "jobidraw", "start", "end", "elapsed"];
        if tells.into_iter().filter(|name| stands(name)).count() < 2 {
            return None;
        }
        let position =
            |name: &str| record.iter().position(|field| field.eq_ignore_ascii_case(name.as_bytes()));
        let mut at = NAMES.map(position);
        let cores = &mut at[Field::Ncpus as usize];
        *cores = cores.or_else(|| position("alloccpus"));
        let mut columns = Columns { at, count: record.len() };
        // `sacct --parsable` ends each line with a bar, `--parsable2` does not.
        if record.iter().next_back().is_some_and(<[u8]>::is_empty) {
            columns.count -= 1;
        }
        let has = |field: Field| columns.at[field as usize].is_some();
        let missing = if has(Field::Jobid) || has(Field::Jobidraw) { None } else { Some(Field::Jobid) };
        let missing = missing.or_else(|| REQUIRED.into_iter().find(|field| !has(*field)));
        Some(match missing {
            None => Ok(columns),
            Some(field) => Err(Flaw::of_field(
                field.name(),
                "the header of the file does not name this column",
                "add the column to the --format of sacct",
            )),
        })
    }

    /// Checks that a line has the number of fields it should have, all in UTF-8.
    pub(super) fn row<'a>(&'a self, record: &'a ByteRecord) -> Result<Row<'a>, Flaw> {
        let closed = record.len() == self.count + 1 && record.get(self.count).is_some_and(<[u8]>::is_empty);
        if record.len() != self.count && !closed {
            let plural = if record.len() == 1 { "" } else { "s" };
            let reason = format!("{} field{plural}, not {}", record.len(), self.count);
            return Err(Flaw::of_record(
                reason,
                "export the line again; if a job name contains a bar, export without JobName",
            ));
        }
        for (at, field) in record.iter().enumerate() {
            if let Err(error) = std::str::from_utf8(field) {
                let name = NAMES.into_iter().zip(self.at).find(|(_, place)| *place == Some(at));
                return Err(not_utf8(name.map(|(name, _)| name), at, error));
            }
        }
        Ok(Row { columns: self, record })
    }
}

fn not_utf8(name: Option<&'static str>, at: usize, error: std::str::Utf8Error) -> Flaw {
    const REMEDY: &str = "write the file as UTF-8, or export without the column";
    let byte = error.valid_up_to() + 1;
    match name {
        Some(name) => Flaw::of_field(name, format!("byte {byte} is not valid UTF-8"), REMEDY),
        None => Flaw::of_record(format!("byte {byte} of field {} is not valid UTF-8", at + 1), REMEDY),
    }
}

/// One line with its columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    columns: &'a Columns,
    record: &'a ByteRecord,
}

impl<'a> Row<'a> {
    /// A field as it stands; empty where the file does not have the column.
    pub(super) fn text(&self, field: Field) -> Result<&'a str, Flaw> {
        let Some(at) = self.columns.at[field as usize] else { return Ok("") };
        let bytes = self.record.get(at).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|error| not_utf8(Some(field.name()), at, error))
    }

    /// A field that may be empty.
    pub(super) fn optional(&self, field: Field) -> Result<Option<&'a str>, Flaw> {
        Ok(Some(self.text(field)?).filter(|text| !text.is_empty()))
    }

    /// A field that must say something.
    pub(super) fn required(&self, field: Field, remedy: &'static str) -> Result<&'a str, Flaw> {
        self.optional(field)?.ok_or_else(|| Flaw::of_field(field.name(), "is empty", remedy))
    }

    /// A field that counts something.
    pub(super) fn count(&self, field: Field) -> Result<Number, Flaw> {
        let text = self.text(field)?;
        job::count(text).ok_or_else(|| {
            let reason = format!("{} is not a whole number of at most 12 digits", quoted(text));
            Flaw::of_field(field.name(), reason, "export it as a plain number")
        })
    }

    /// The id of the job, as its user knows it: `17`, `17_3` in an array, `17+1` in a heterogeneous job.
    pub(super) fn job_id(&self) -> Result<&'a str, Flaw> {
        let field = if self.text(Field::Jobid)?.is_empty() { Field::Jobidraw } else { Field::Jobid };
        let text = self.text(field)?;
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            return Ok(text);
        }
        let reason = format!("{} is not a job id such as 17 or 17_3", quoted(text));
        Err(Flaw::of_field(
            field.name(),
            reason,
            "export the line again, with the columns in the documented order",
        ))
    }

    /// Whether the line is a step of a job, such as `17.batch`.
    pub(super) fn is_step(&self) -> Result<bool, Flaw> {
        Ok(self.text(Field::Jobid)?.contains('.') || self.text(Field::Jobidraw)?.contains('.'))
    }
}
