//! Standard Workload Format (version 2.2): 18 fields separated by white space, into events of kind `job`.
//!
//! −1 means unknown, and times may have a fraction. Comments (`;`) name the machine (`Computer`, which becomes the
//! executor and the source `swf://COMPUTER`) and the instant that times count from (`UnixStartTime`), without which
//! no job has a date. The format's zones are not needed, and the limits of the machine (`MaxProcs`) are not
//! enforced: real logs break them.
//!
//! - The group is the project (`group-7`), or where it is unknown the user; the user is the actor (`user-3`).
//! - `time` is the end: UnixStartTime + submit + wait + run, an unknown wait being none: the logs that have no wait
//!   times submit at the start.
//! - `cores` are the processors allocated, or where unknown requested; `ram_mb` is used memory (KB for each
//!   processor) × cores; `gpus` is 0, as the format knows processors only; `duration_s` is the run time.
//! - `partition` is `partition-2`, `queue` is `queue-1`, `state` COMPLETED, FAILED or CANCELLED.
//!
//! Skipped and counted: partial executions of a job that was checkpointed (status 2 to 4), whose use is in the
//! job's own line, and jobs that were cancelled before they ran. A run time that is unknown is refused: guessing is
//! not billing.

use std::io::{self, BufRead, Write};

use bigdecimal::BigDecimal;
use jiff::Timestamp;
use kopeck_rating::number::{Number, ONE};

use crate::convert::{Flaw, Options, Reading, Refused, Run, Summary, quoted};
use crate::decimal;
use crate::job::{self, Job};
use crate::lines::{self, Lines};

const NAMES: [&str; 18] = [
    "job number",
    "submit time",
    "wait time",
    "run time",
    "allocated processors",
    "average CPU time",
    "used memory",
    "requested processors",
    "requested time",
    "requested memory",
    "status",
    "user",
    "group",
    "executable",
    "queue",
    "partition",
    "preceding job",
    "think time",
];

/// A field that is read, by its place in [`NAMES`].
#[derive(Debug, Clone, Copy)]
enum Field {
    JobNumber = 0,
    SubmitTime = 1,
    WaitTime = 2,
    RunTime = 3,
    AllocatedProcessors = 4,
    UsedMemory = 6,
    RequestedProcessors = 7,
    Status = 10,
    User = 11,
    Group = 12,
    Queue = 14,
    Partition = 15,
}

/// Converts one log.
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
    let mut lines = Lines::new(input);
    let mut header = Header::default();
    while let Some((line, bytes)) = lines.next()? {
        let bytes = bytes.trim_ascii();
        match bytes.strip_prefix(b";") {
            Some(comment) => header.read(&String::from_utf8_lossy(comment)),
            None if bytes.is_empty() => {}
            None => run.take(line, read(&header, bytes, options))?,
        }
    }
    run.finish()
}

/// What the comments have said so far.
#[derive(Debug, Default)]
struct Header {
    /// As a name in a source: lower-case letters, digits and dashes.
    computer: String,
    start: Option<Timestamp>,
}

impl Header {
    fn read(&mut self, comment: &str) {
        let Some((name, value)) = comment.split_once(':') else { return };
        match name.trim() {
            "Computer" => self.computer = slug(value),
            "UnixStartTime" => {
                self.start = value.trim().parse().ok().and_then(|second| Timestamp::from_second(second).ok());
            }
            _ => {}
        }
    }
}

fn slug(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

fn read(header: &Header, bytes: &[u8], options: &Options) -> Result<Reading, Flaw> {
    lines::check_length(bytes.len())?;
    let row = Row::of(bytes)?;
    let status = row.number(Field::Status)?.map(|status| status.units() / ONE);
    if matches!(status, Some(2..=4)) {
        return Ok(Reading::Skipped("partial executions"));
    }
    let run_time = row.number(Field::RunTime)?;
    if status == Some(5) && run_time.is_none_or(|run_time| run_time == Number::ZERO) {
        return Ok(Reading::Skipped("jobs that never started"));
    }
    let duration_s = known(Field::RunTime, run_time)?;
    let cores = match row.count(Field::AllocatedProcessors)? {
        Some(cores) => cores,
        None => known(Field::AllocatedProcessors, row.count(Field::RequestedProcessors)?)?,
    };
    let user = row.count(Field::User)?.map(|user| format!("user-{user}"));
    let group = row.count(Field::Group)?.map(|group| format!("group-{group}"));
    let project = known(Field::Group, group.or_else(|| user.clone()))?;
    let job_number = known(Field::JobNumber, row.count(Field::JobNumber)?)?.to_string();
    let submit = known(Field::SubmitTime, row.number(Field::SubmitTime)?)?;
    let wait = row.number(Field::WaitTime)?.unwrap_or(Number::ZERO);
    let computer = if header.computer.is_empty() { "unnamed" } else { &header.computer };
    let start = after(header.start.ok_or_else(undated)?, &[submit, wait])?;
    let job = Job {
        source: format!("swf://{computer}"),
        executor: computer.to_owned(),
        run: format!("{job_number}/{submit}/{wait}/{duration_s}"),
        id: job_number,
        project,
        actor: user,
        start,
        end: after(start, &[duration_s])?,
        duration_s,
        cores,
        gpus: Some(Number::ZERO),
        ram_mb: ram_mb(row.number(Field::UsedMemory)?, cores)?,
        labels: [
            ("partition", row.count(Field::Partition)?.map(|partition| format!("partition-{partition}"))),
            ("queue", row.count(Field::Queue)?.map(|queue| format!("queue-{queue}"))),
        ],
        state: state(status).map(str::to_owned),
    };
    job.reading(options)
}

/// How a job ended, in the words that Slurm has for it.
fn state(status: Option<i128>) -> Option<&'static str> {
    match status {
        Some(0) => Some("FAILED"),
        Some(1) => Some("COMPLETED"),
        Some(5) => Some("CANCELLED"),
        _ => None,
    }
}

/// The memory of the whole job, of what each processor used in KB.
fn ram_mb(each_kb: Option<Number>, cores: Number) -> Result<Option<Number>, Flaw> {
    let Some(each_kb) = each_kb else { return Ok(None) };
    // 1/1024, exactly.
    let mb_of_kb = BigDecimal::new(9_765_625.into(), 10);
    let whole = job::exact(each_kb) * job::exact(cores) * mb_of_kb;
    job::quantity(&whole).map(Some).ok_or_else(|| {
        let name = NAMES[Field::UsedMemory as usize];
        Flaw::of_field(name, "comes to 10^12 MB or more", "check the record at its source")
    })
}

/// An instant and so many seconds; a number's units are nanoseconds of them.
fn after(start: Timestamp, seconds: &[Number]) -> Result<Timestamp, Flaw> {
    let nanoseconds = seconds.iter().map(|seconds| seconds.units()).sum::<i128>() + start.as_nanosecond();
    Timestamp::from_nanosecond(nanoseconds).map_err(|_| {
        Flaw::of_record("submit, wait and run time lead beyond all calendars", "check the times of the job")
    })
}

fn undated() -> Flaw {
    Flaw::of_record(
        "the log does not say when it begins",
        "put `; UnixStartTime: SECONDS` before the first job, in seconds since 1970-01-01T00:00:00Z",
    )
}

fn known<T>(field: Field, value: Option<T>) -> Result<T, Flaw> {
    let name = NAMES[field as usize];
    value.ok_or_else(|| {
        Flaw::of_field(name, "is unknown", "a job without it can not be billed: add it, or leave the job out")
    })
}

/// The fields of one line.
struct Row<'a>([&'a str; NAMES.len()]);

impl<'a> Row<'a> {
    fn of(bytes: &'a [u8]) -> Result<Row<'a>, Flaw> {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            Flaw::of_record("the line is not valid UTF-8", "all fields are numbers: export the line again")
        })?;
        let mut fields = [""; NAMES.len()];
        let mut count = 0;
        for field in text.split_ascii_whitespace() {
            if let Some(place) = fields.get_mut(count) {
                *place = field;
            }
            count += 1;
        }
        if count == NAMES.len() {
            return Ok(Row(fields));
        }
        let plural = if count == 1 { "" } else { "s" };
        let reason = format!("{count} field{plural}, not {}", NAMES.len());
        Err(Flaw::of_record(reason, "write all 18 fields, -1 for those that are unknown"))
    }

    /// A number that is not negative; `None` for −1, which means unknown.
    fn number(&self, field: Field) -> Result<Option<Number>, Flaw> {
        let text = self.0[field as usize];
        let refuse = |what: &str, remedy| {
            Err(Flaw::of_field(NAMES[field as usize], format!("{} {what}", quoted(text)), remedy))
        };
        match decimal::number(text, true) {
            Err(reason) => refuse(reason, "write it as a plain decimal number"),
            Ok(number) if number.units() == -ONE => Ok(None),
            Ok(number) if number.is_negative() => refuse("is negative", "write -1 if it is unknown"),
            Ok(number) => Ok(Some(number)),
        }
    }

    /// A whole number; `None` for −1.
    fn count(&self, field: Field) -> Result<Option<Number>, Flaw> {
        let number = self.number(field)?;
        if number.is_some_and(|number| number.has_places_beyond(0)) {
            let reason = format!("{} is not a whole number", quoted(self.0[field as usize]));
            return Err(Flaw::of_field(NAMES[field as usize], reason, "write it without a fraction"));
        }
        Ok(number)
    }
}
