//! `kopeck bench rate`: how fast rating is on this machine, next to a baseline of the same run.
//!
//! The baseline parses the same file with `serde_json` alone, into a struct of borrowed texts, on one core: nothing
//! that reads JSON can be much faster. Times are the best of several rounds, in turn with the baseline's, because
//! machines drift; memory is the process's own peak, and so that of the largest run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use kopeck_rating::price_book::PriceBook;
use kopeck_rating::rate::{Origin, Rater};
use kopeck_sample::{Options, Sample, plain};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::args::{BenchArgs, Format};
use crate::bench::{SAMPLE_BOOK, memory, october, per_second, ratio, read_book, timed};
use crate::bill;
use crate::failure::{Done, Failure};
use crate::rate::{out_of_range, read_events, threads};
use crate::refusals::Refusals;

/// Runs the command.
pub fn run(args: &BenchArgs) -> Result<Done, Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("events.jsonl");
    let options = Options { seed: 1, vms: args.vms, days: 31, ..Options::default() };
    let events = write_sample(&options, &path)?;
    let bytes = fs::metadata(&path)?.len();
    let mut out = io::stdout().lock();
    writeln!(out, "{} cores, {events} events of {} bytes on average", threads(), bytes / events.max(1))?;
    whole(args, &path, events, &mut out)?;
    core_alone(&mut out)?;
    large_book(&mut out)?;
    Ok(Done::Whole)
}

fn write_sample(options: &Options, path: &Path) -> Result<u64, Failure> {
    let remedy = "`kopeck bench rate --help` tells the options";
    let mut sample = Sample::new(options).map_err(|error| Failure::input(error, None, remedy))?;
    let mut file = BufWriter::new(File::create(path)?);
    let (mut line, mut events) = (Vec::new(), 0);
    while sample.next_line(&mut line) {
        line.push(b'\n');
        file.write_all(&line)?;
        events += 1;
    }
    file.flush()?;
    Ok(events)
}

/// The whole command, from the file to the printed bill, and the baseline.
fn whole(args: &BenchArgs, path: &Path, events: u64, out: &mut dyn Write) -> Result<(), Failure> {
    let book = sample_book()?;
    let name = path.to_string_lossy().into_owned();
    let (mut parsing, mut rating, mut charges) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..args.rounds.max(1) {
        parsing = parsing.min(timed(|| parse_alone(path))?.0);
        let (time, found) = timed(|| rate_file(&book, &name))?;
        (rating, charges) = (rating.min(time), found);
    }
    writeln!(out, "parsing alone, one core: {} events/s", per_second(events, parsing))?;
    writeln!(
        out,
        "kopeck rate, {} threads: {} events/s, {charges} charges; {} of parsing alone",
        threads(),
        per_second(events, rating),
        ratio(parsing, rating),
    )?;
    if let Some(peak) = memory("self", "VmHWM") {
        writeln!(out, "peak memory: {} MB, {} bytes an event", peak / 1_000_000, peak / events.max(1))?;
    }
    Ok(())
}

fn rate_file(book: &PriceBook, name: &str) -> Result<usize, Failure> {
    let mut rater = Rater::new(book, october(book, None)?).map_err(out_of_range)?;
    read_events(&[name.to_owned()], Refusals::new(false), &mut rater)?;
    Ok(bill::print(rater, Format::Csv, threads(), &mut io::sink())?.charges)
}

/// An event as the baseline reads it.
#[derive(Deserialize)]
struct Plain<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    project: Cow<'a, str>,
    #[serde(borrow)]
    data: PlainData<'a>,
}

#[derive(Deserialize)]
struct PlainData<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    state: Option<Cow<'a, str>>,
    #[serde(borrow)]
    attributes: BTreeMap<&'a str, &'a RawValue>,
}

fn parse_alone(path: &Path) -> Result<usize, Failure> {
    parse_lines(BufReader::with_capacity(1 << 18, File::open(path)?))
}

/// Parses lines and does nothing else with them, on one core: the letters of their texts.
pub fn parse_lines(mut reader: impl BufRead) -> Result<usize, Failure> {
    let (mut line, mut letters) = (Vec::new(), 0);
    while reader.read_until(b'\n', &mut line)? > 0 {
        let event: Plain<'_> = serde_json::from_slice(&line).map_err(io::Error::from)?;
        let Plain { id, source, event_type, subject, time, project, data } = event;
        let texts = [&id, &source, &event_type, &subject, &time, &project, &data.kind];
        letters += texts.iter().map(|text| text.len()).sum::<usize>();
        letters += data.attributes.len() + data.state.map_or(0, |state| state.len());
        line.clear();
    }
    Ok(letters)
}

/// So many VMs are metered.
const VMS: u32 = 100_000;

/// The core alone: VM-months of ten events and four components, from kept records to rows, on one core.
fn core_alone(out: &mut dyn Write) -> Result<(), Failure> {
    let book = read_book(&plain::vm_book())?;
    let mut rater = Rater::new(&book, october(&book, None)?).map_err(out_of_range)?;
    for vm in 0..VMS {
        let reader = rater.reader();
        rater.take(reader.read(plain::vm_month(vm).into_bytes(), START), |_, _| {})?;
    }
    let (time, rows) = timed(|| {
        let priced = rater.finish_in_pieces(1, |_| (), |()| Ok::<_, Failure>(()))?;
        Ok(priced.charges)
    })?;
    let (rate, events) = (per_second(VMS.into(), time), plain::EVENTS_A_VM);
    writeln!(
        out,
        "core alone, one core: {rate} VM-months/s ({events} events, {} rows each)",
        rows / VMS as usize
    )?;
    Ok(())
}

/// The first place of a file.
const START: Origin = Origin { file: 0, line: 1 };

/// Components of the large book and of the small one.
const MANY: usize = 5_600;
const FEW: usize = 10;
/// Usage events that each rates.
const METERED: usize = 200_000;

/// What an event costs more where the book is large.
fn large_book(out: &mut dyn Write) -> Result<(), Failure> {
    let [large, small] = [MANY, FEW].map(|meters| read_book(&plain::meter_book(meters)));
    let (large, small) = (large?, small?);
    let (mut with_many, mut with_few) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        with_few = with_few.min(meter_uses(&small, FEW)?);
        with_many = with_many.min(meter_uses(&large, MANY)?);
    }
    let times = ratio(with_many, with_few);
    writeln!(out, "a book of {MANY} components: {times} times the cost an event of one of {FEW}")?;
    Ok(())
}

fn meter_uses(book: &PriceBook, meters: usize) -> Result<Duration, Failure> {
    // Ten of the meters are used, wherever they stand in the book.
    let lines = plain::meter_uses(METERED, FEW, meters / FEW);
    let mut rater = Rater::new(book, october(book, None)?).map_err(out_of_range)?;
    let reader = rater.reader();
    Ok(timed(|| Ok(rater.take(reader.read(lines.into_bytes(), START), |_, _| {})?))?.0)
}

fn sample_book() -> Result<PriceBook, Failure> {
    read_book(SAMPLE_BOOK)
}
