//! Slurm accounting: what `sacct --parsable2` prints, fields separated by a bar, into events of kind `job`.
//!
//! Columns. A header line names them (in any order and case; others are ignored), and must name those that decide
//! what is billed and to whom: JobID or JobIDRaw, Cluster, Account, Start, End, Elapsed, State, NCPUS (or
//! AllocCPUS), AllocTRES and NodeList. Without a header they are, in this order: jobid, jobidraw, cluster,
//! partition, qos, account, group, gid, user, uid, submit, eligible, start, end, elapsed, exitcode, state, nnodes,
//! ncpus, reqcpus, reqmem, reqtres, alloctres, timelimit, nodelist, jobname. A line with another number of fields
//! is refused, even if a job name with a bar may be the cause: guessing could swallow a neighbour.
//!
//! Events. The account is the project, the user the actor, the source `slurm://CLUSTER`. The id is job, start and
//! end as they are written: a job that was requeued has one id for each run, and converting a file again with
//! another time zone is refused as changed content instead of being billed twice. See `job` for the two forms.
//!
//! What is billed:
//!
//! - `duration_s` is Elapsed, what Slurm itself counts: time suspended is not in it. An Elapsed that is longer than
//!   from start to end contradicts the record (most often the time zone is wrong) and is refused.
//! - `cores` is NCPUS; `gpus` is `gres/gpu` of AllocTRES, or where that is missing the sum of its typed entries
//!   `gres/gpu:TYPE`; 0 where AllocTRES names none, unknown where it is empty.
//! - `ram_mb` is `mem` of AllocTRES, which is of the whole job; without it ReqMem (see `slurm::tres`).
//! - `state` is the first word of State, so that a book can tell TIMEOUT from NODE_FAIL; who cancelled is left out.
//!
//! What is skipped and counted: steps (their use is within the job's), jobs that have not finished (no end, or
//! still RUNNING, PENDING or SUSPENDED in a truncated report), and jobs that never started: Elapsed zero, and no
//! start or `None assigned` for nodes. Nothing was allocated to those, so a payer expects no line for them. A job
//! that did start and failed within its first second is another thing: it is converted with `duration_s` 0, so
//! that prices per second are 0 and a price per run, if the book has one, is due.
//!
//! What is left out: ElapsedRaw, energy, billing weights, licences and GPU shards; TotalCPU, as allocation is
//! billed, not load.

mod columns;
mod local_time;
mod tres;

use std::io::{self, BufRead, Write};

use csv::{ByteRecord, ReaderBuilder, Terminator};
use kopeck_rating::number::Number;

use crate::convert::{Flaw, Options, Reading, Refused, Run, Summary, quoted};
use crate::job::{self, Job};
use crate::lines::{self, Lines};
use columns::{Columns, Field, Row};
use tres::Tres;

/// Converts one accounting export.
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
    let mut reader = ReaderBuilder::new()
        .delimiter(b'|')
        .quoting(false)
        .flexible(true)
        .has_headers(false)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(Lines::new(input));
    let mut columns = Ok(Columns::without_header());
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        // Every line ends with LF here and a record is one line, so the reader stands just behind it.
        let line = reader.position().line().saturating_sub(1);
        if let Some(named) = Columns::of_header(&record) {
            columns = named;
            continue;
        }
        run.take(line, read(&columns, &record, options))?;
    }
    run.finish()
}

fn read(columns: &Result<Columns, Flaw>, record: &ByteRecord, options: &Options) -> Result<Reading, Flaw> {
    lines::check_length(record.as_slice().len() + record.len().saturating_sub(1))?;
    let row = columns.as_ref().map_err(Flaw::clone)?.row(record)?;
    if row.is_step()? {
        return Ok(Reading::Skipped("steps of jobs"));
    }
    // "CANCELLED by 1000"
    let state = row.text(Field::State)?.split(' ').next().unwrap_or_default();
    if is_unknown(row.text(Field::End)?) || matches!(state, "PENDING" | "RUNNING" | "SUSPENDED") {
        return Ok(Reading::Skipped("jobs that have not finished"));
    }
    let elapsed_s = elapsed(row.text(Field::Elapsed)?)?;
    if elapsed_s == 0
        && (is_unknown(row.text(Field::Start)?) || row.text(Field::Nodelist)? == "None assigned")
    {
        return Ok(Reading::Skipped("jobs that never started"));
    }
    finished(&row, state, elapsed_s, options)?.reading(options)
}

/// The job of a row that is one, ran and ended.
fn finished(row: &Row, state: &str, elapsed_s: u64, options: &Options) -> Result<Job, Flaw> {
    let job_id = row.job_id()?;
    let cluster = row.required(Field::Cluster, "export the column Cluster")?;
    let project =
        row.required(Field::Account, "give the job an account: it is the project that pays for the job")?;
    let start = local_time::read(row, Field::Start, &options.timezone)?;
    let end = local_time::read(row, Field::End, &options.timezone)?;
    let (start, end) = local_time::choose(&start, &end, elapsed_s)?;
    let cores = row.count(Field::Ncpus)?;
    let allocated = Tres::read(row.text(Field::Alloctres)?)?;
    Ok(Job {
        source: format!("slurm://{cluster}"),
        executor: cluster.to_owned(),
        id: job_id.to_owned(),
        run: format!("{job_id}/{}/{}", row.text(Field::Start)?, row.text(Field::End)?),
        project: project.to_owned(),
        actor: row.optional(Field::User)?.map(str::to_owned),
        start,
        end,
        duration_s: seconds(elapsed_s)?,
        cores,
        gpus: allocated.gpus,
        ram_mb: match allocated.ram_mb {
            Some(ram_mb) => Some(ram_mb),
            None => tres::requested(row, cores)?,
        },
        labels: [
            ("partition", row.optional(Field::Partition)?.map(str::to_owned)),
            ("qos", row.optional(Field::Qos)?.map(str::to_owned)),
        ],
        state: Some(state.to_owned()).filter(|state| !state.is_empty()),
    })
}

/// What sacct prints for a time that has not come.
fn is_unknown(time: &str) -> bool {
    matches!(time, "Unknown" | "None")
}

/// Reads `[D-]HH:MM:SS` or `MM:SS`, in seconds.
fn elapsed(text: &str) -> Result<u64, Flaw> {
    let refuse = || {
        let reason = format!("{} is not a time such as 1-02:03:04", quoted(text));
        Flaw::of_field(
            Field::Elapsed.name(),
            reason,
            "export Elapsed as sacct prints it: [days-]hours:minutes:seconds",
        )
    };
    let (days, clock) = text.split_once('-').map_or((None, text), |(days, clock)| (Some(days), clock));
    let mut parts = clock.split(':').rev();
    let mut part = |limit: u64| match parts.next() {
        None => Ok(None),
        Some(part) => whole(part).filter(|part| *part < limit).map(Some).ok_or_else(refuse),
    };
    let (seconds, minutes) = (part(60)?, part(60)?);
    let hours = part(if days.is_some() { 24 } else { u64::MAX })?;
    let days = days.map(|days| whole(days).ok_or_else(refuse)).transpose()?;
    if parts.next().is_some() || minutes.is_none() || (days.is_some() && hours.is_none()) {
        return Err(refuse());
    }
    let total = [(days, 86_400), (hours, 3_600), (minutes, 60), (seconds, 1)]
        .into_iter()
        .try_fold(0_u64, |total, (count, unit)| total.checked_add(count.unwrap_or(0).checked_mul(unit)?));
    total.ok_or_else(refuse)
}

/// A whole number of 1 to 12 digits.
fn whole(text: &str) -> Option<u64> {
    job::count(text).and_then(|_| text.parse().ok())
}

fn seconds(elapsed_s: u64) -> Result<Number, Flaw> {
    job::count(&elapsed_s.to_string()).ok_or_else(|| {
        let reason = format!("{elapsed_s} s is not below 10^12 s");
        Flaw::of_field(Field::Elapsed.name(), reason, "check the record in the accounting database")
    })
}
