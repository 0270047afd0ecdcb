//! `kopeck events send`: usage events to a server, in batches, until each is accepted or refused.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use kopeck_api::events::{Ingested, RefusedEvent};
use kopeck_rating::rate::Origin;
use serde_json::json;

use crate::args::{SendArgs, TableFormat};
use crate::events_in::{Inputs, each_chunk};
use crate::failure::{Done, Failure, paragraph};
use crate::rate::{place, tell};
use crate::refusals::Refusals;
use crate::remote::{Server, Unanswered};

/// A batch is sent when it has so many bytes; with one more event it is below what a server takes.
const BATCH_BYTES: usize = 8 << 20;
/// How long a server that is busy or away is asked again.
const PATIENCE: Duration = Duration::from_secs(300);
/// The first pause where the server names none; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is told where a server does not answer at once.
const WAITING: &str = "it is asked again, for up to five minutes";

/// Runs the command.
pub fn run(args: &SendArgs) -> Result<Done, Failure> {
    let server = Server::open(&args.server)?;
    let inputs = Inputs::open(&args.files)?;
    let mut sending = Sending {
        server: &server,
        files: inputs.names(),
        most: usize::try_from(args.batch).unwrap_or(usize::MAX),
        refusals: Refusals::new(args.all_errors),
        batch: Batch::default(),
        sum: Sum::default(),
        has_answered: false,
    };
    let sent =
        each_chunk(inputs, 1, |bytes, first| (bytes, first), |(bytes, first)| sending.take(&bytes, first))
            .and_then(|()| sending.flush());
    let Sending { refusals, sum, .. } = sending;
    sent.map_err(|failure| sum.until(failure))?;
    refusals.finish("events")?;
    print(&sum, args.format)?;
    Ok(if sum.refused == 0 { Done::Whole } else { Done::SomeRefused })
}

/// What became of the events so far.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    accepted: u64,
    duplicates: u64,
    refused: u64,
}

impl Sum {
    /// A failure, with what was done before it.
    fn until(self, failure: Failure) -> Failure {
        let Sum { accepted, duplicates, refused } = self;
        match failure {
            Failure::Input(text) if accepted + duplicates + refused > 0 => Failure::Input(format!(
                "{text}before that: {accepted} accepted, {duplicates} duplicates, {refused} refused; \
                 send all again when it is mended: what was accepted will be duplicates\n"
            )),
            other => other,
        }
    }
}

/// Events that are sent together.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    origins: Vec<Origin>,
}

struct Sending<'a> {
    server: &'a Server,
    files: Vec<String>,
    most: usize,
    refusals: Refusals,
    batch: Batch,
    sum: Sum,
    /// Whether the server has ever answered: then it is worth waiting for.
    has_answered: bool,
}

impl Sending<'_> {
    /// Takes consecutive lines of a file.
    fn take(&mut self, bytes: &[u8], first: Origin) -> Result<(), Failure> {
        for (line, text) in (first.line..).zip(bytes.split(|byte| *byte == b'\n')) {
            // Blank lines are no events, and a server does not count them.
            if text.trim_ascii().is_empty() {
                continue;
            }
            self.batch.bytes.extend_from_slice(text);
            self.batch.bytes.push(b'\n');
            self.batch.origins.push(Origin { file: first.file, line });
            if self.batch.origins.len() >= self.most || self.batch.bytes.len() >= BATCH_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Sends what waits, and tells what is refused of it.
    fn flush(&mut self) -> Result<(), Failure> {
        let Batch { bytes, origins } = std::mem::take(&mut self.batch);
        if origins.is_empty() {
            return Ok(());
        }
        let packed = zstd::encode_all(&bytes[..], zstd::DEFAULT_COMPRESSION_LEVEL)?;
        let answer = self.send(&packed)?;
        let answered = answer.accepted + answer.duplicates + answer.refused.len() as u64;
        if answered != origins.len() as u64 {
            let reason = format!("it answers for {answered} events, and {} were sent", origins.len());
            return Err(self.server.foreign(&reason));
        }
        self.sum.accepted += answer.accepted;
        self.sum.duplicates += answer.duplicates;
        self.sum.refused += answer.refused.len() as u64;
        for refused in &answer.refused {
            let origin = usize::try_from(refused.index).ok().and_then(|index| origins.get(index));
            let place = origin.map_or_else(|| "?".to_owned(), |origin| place(&self.files, *origin));
            self.refusals.take(|| refusal_text(refused, &place));
        }
        self.refusals.failure()
    }

    /// Sends a batch until it is answered: again where the server is busy or has gone. The same events are accepted once.
    fn send(&mut self, packed: &[u8]) -> Result<Ingested, Failure> {
        let (begun, mut pause, mut is_told) = (Instant::now(), PAUSE, false);
        loop {
            let kind = ("application/x-ndjson", "zstd");
            let error = match self.server.send_packed("v1/events", kind, packed) {
                Ok(answer) => {
                    self.has_answered = true;
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let wait = match &error {
                Unanswered::Problem(problem, wait) if matches!(problem.status, 429 | 503) => {
                    wait.unwrap_or(pause)
                }
                Unanswered::Lost(_) => pause,
                Unanswered::Unreached(..) if self.has_answered => pause,
                _ => return Err(self.server.failure(error)),
            };
            if begun.elapsed() + wait > PATIENCE {
                return Err(self.server.failure(error));
            }
            if !is_told {
                is_told = true;
                tell(&paragraph("warning", error.reason(), Some(self.server.name()), WAITING))?;
            }
            thread::sleep(wait);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn refusal_text(refused: &RefusedEvent, place: &str) -> String {
    let event = match (&refused.source, &refused.id) {
        (Some(source), Some(id)) => format!("event {id} of {source} refused"),
        _ => "event refused".to_owned(),
    };
    paragraph("error", format_args!("{event}: {}", refused.reason), Some(place), &refused.remedy)
}

fn print(sum: &Sum, format: TableFormat) -> Result<(), Failure> {
    let Sum { accepted, duplicates, refused } = sum;
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => {
            writeln!(out, "{}", json!({"accepted": accepted, "duplicates": duplicates, "refused": refused}))?;
        }
        TableFormat::Table => {
            writeln!(out, "{accepted} accepted, {duplicates} duplicates, {refused} refused")?;
        }
    }
    Ok(out.flush()?)
}
