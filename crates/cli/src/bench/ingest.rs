//! `kopeck bench ingest`: what a server on the embedded store does with events and transactions that come over HTTP.
//!
//! The server is a process of its own on a simulated clock; this one sends. What is measured is the drain: from the
//! first request until every event is durable, judged for duplicates, rated, posted to the ledger and visible. Making
//! the events is not. One event in twenty was sent before. The clock is set from hour to hour of the sample, so that
//! what runs is billed as it would be; where events are measured, it is set before, and what that takes is told by
//! itself. At the end all costs are compared with those that rating the same events gives.
//!
//! The baselines parse the same lines with `serde_json` alone, on one core, and insert them with a unique key into
//! SQLite alone, which knows as many keys. With a database PostgreSQL's own bench is run beside it.

pub(super) mod child;
mod cloud;
mod senders;
mod singles;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use indicatif::ProgressBar;
use kopeck_ledger::amount::Amount;
use kopeck_rating::rate::{Origin, Rater};
use kopeck_sample::Sample;
use kopeck_store::sqlite::events::bench::{GROUP_EVENTS, inserts_alone};

use crate::args::{BenchIngestArgs, Format};
use crate::bench::rate::parse_lines;
use crate::bench::{SAMPLE_BOOK, folder, load, october, per_second, quantile, ratio, read_book, timed};
use crate::bill;
use crate::caller::Caller;
use crate::failure::{Done, Failure};
use crate::rate::{out_of_range, threads};
use child::{Server, Stopped};
use cloud::Cloud;
use senders::Drained;
use singles::Accounts;

/// Where the clock begins: the day before the sample.
const OPENING: &str = "2026-09-30T00:00:00+03:00";
/// The sample's month.
const MONTH: &str = "2026-10";

/// Runs the command.
pub fn run(args: &BenchIngestArgs) -> Result<Done, Failure> {
    let folder = folder(args.folder.as_deref())?;
    let mut out = io::stdout().lock();
    writeln!(out, "{} cores, load {}, in {}", threads(), load(), folder.path().display())?;
    let server = Server::new(&folder.path().join("data"), args.database.as_deref())?;
    let binary = fs::metadata(std::env::current_exe()?)?.len();
    writeln!(out, "binary: {}; an idle server: {}", megabytes(binary), megabytes(server.memory("VmRSS")))?;
    let mut cloud = Cloud::new(&server.caller(), args.vms)?;
    fill(&mut cloud, &server, args, &mut out)?;
    drain(&mut cloud, &server, args, (folder.path(), &mut out))?;
    transactions(&mut cloud, &server, args, &mut out)?;
    writeln!(out, "the most memory so far: {}", megabytes(server.memory("VmHWM")))?;
    let server = restarted("it was killed", server.kill()?, &mut out)?;
    compare(&cloud, &server.caller(), args.vms, &mut out)?;
    let (stopped, time) = server.stop()?;
    writeln!(out, "stopping, with the state written down: {} ms", time.as_millis())?;
    restarted("it was stopped", stopped, &mut out)?.stop()?;
    match &args.database {
        Some(address) => pgbench(address, &mut out)?,
        None => many_live(&folder.path().join("live"), args, &mut out)?,
    }
    if args.keep {
        writeln!(out, "the data stays in {}", folder.keep().display())?;
    }
    Ok(Done::Whole)
}

/// Makes so many events known, by sending them.
fn fill(
    cloud: &mut Cloud,
    server: &Server,
    args: &BenchIngestArgs,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let progress = ProgressBar::new(args.known);
    let taken = |events| progress.set_position(events);
    let drained = senders::stream(cloud, &server.caller(), (args.known, args.connections), taken)?;
    progress.finish_and_clear();
    write!(out, "made known, with making them: ")?;
    tell(&drained, out)?;
    writeln!(out, "resident after that: {}", megabytes(server.memory("VmRSS")))?;
    Ok(())
}

/// The measurement itself, and its baselines.
fn drain(
    cloud: &mut Cloud,
    server: &Server,
    args: &BenchIngestArgs,
    (folder, out): (&Path, &mut dyn Write),
) -> Result<(), Failure> {
    let made = senders::prepare(cloud, args.events);
    let lines = made.batches.concat();
    let operator = server.caller();
    let hours = made.clocks.len();
    let (time, ()) =
        timed(|| made.clocks.iter().try_for_each(|second| senders::set_clock(&operator, *second)))?;
    let each = time.as_millis() / hours.max(1) as u128;
    writeln!(
        out,
        "an hour passes, in which all that runs is looked at and posted: {each} ms, {hours} hours"
    )?;
    let drained = senders::send(made.batches, &operator, args.connections)?;
    write!(out, "{} connections, batches of {}: ", args.connections, cloud::BATCH)?;
    tell(&drained, out)?;
    let events = drained.events();
    let (parsing, _) = timed(|| parse_lines(&lines[..]))?;
    let rate = per_second(events, parsing);
    writeln!(out, "  parsing alone, one core: {rate}/s; {} of it", ratio(parsing, drained.settled))?;
    drop(lines);
    let inserts = folder.join("inserts");
    fs::create_dir(&inserts)?;
    let inserted = inserts_alone(&inserts, args.known, 200)
        .map_err(|error| Failure::input(error, None, "`kopeck bench ingest --folder` names another place"))?;
    fs::remove_dir_all(&inserts)?;
    let rate = per_second(200 * GROUP_EVENTS, inserted.time);
    let hundredths = per_second(events, drained.settled) * 100 / rate.max(1);
    writeln!(out, "  SQLite alone: {rate}/s; {}.{:02} times that", hundredths / 100, hundredths % 100)?;
    Ok(())
}

/// Single transactions, while nothing else is done and while events come in.
fn transactions(
    cloud: &mut Cloud,
    server: &Server,
    args: &BenchIngestArgs,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let (operator, clients) = (server.caller(), args.clients);
    let accounts = Accounts::new(&operator, clients)?;
    let idle = accounts.transfer(&operator, clients, args.transactions)?;
    writeln!(out, "single transactions, {clients} clients: {}", spread(&idle))?;
    let made = senders::prepare(cloud, args.events);
    made.clocks.iter().try_for_each(|second| senders::set_clock(&operator, *second))?;
    let (drained, busy) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| senders::send(made.batches, &operator.apart(), args.connections));
        let mut times = Vec::new();
        while !sending.is_finished() {
            times.extend(accounts.transfer(&operator, clients, 50)?);
        }
        let drained = sending.join().unwrap_or_else(|_| Err(broken("senders that broke")))?;
        times.sort_unstable();
        Ok::<_, Failure>((drained, times))
    })?;
    writeln!(out, "the same while events come in: {}", spread(&busy))?;
    write!(out, "  ")?;
    tell(&drained, out)
}

/// Starts a server again.
fn restarted(how: &str, stopped: Stopped, out: &mut dyn Write) -> Result<Server, Failure> {
    let (server, time) = stopped.start()?;
    let resident = megabytes(server.memory("VmRSS"));
    let peak = megabytes(server.memory("VmHWM"));
    writeln!(out, "ready after {how}: {} ms, {resident} resident, {peak} at most", time.as_millis())?;
    Ok(server)
}

/// What PostgreSQL's own bench says of the same database.
fn pgbench(address: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let ran = |arguments: &[&str]| Command::new("pgbench").args(arguments).arg(address).output();
    let made = ran(&["--initialize", "--quiet", "--scale=10"]);
    let told = made.and_then(|_| ran(&["--no-vacuum", "--client=8", "--jobs=2", "--time=10"]));
    let told = match told {
        Ok(told) if told.status.success() => told,
        _ => {
            writeln!(
                out,
                "pgbench did not run: with it on the PATH the same database is measured by it as well"
            )?;
            return Ok(());
        }
    };
    let told = String::from_utf8_lossy(&told.stdout);
    let rate = told.lines().find(|line| line.starts_with("tps")).unwrap_or("tps: not told");
    writeln!(out, "pgbench on the same database, TPC-B, 8 clients: {rate}")?;
    Ok(())
}

/// A server with so many live resources, each of which was reported once, is started again.
fn many_live(data: &Path, args: &BenchIngestArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let server = Server::new(data, None)?;
    let mut cloud = Cloud::new(&server.caller(), args.live / 2)?;
    let told = (u64::from(args.live), args.connections);
    senders::stream(&mut cloud, &server.caller(), told, |_| {})?;
    writeln!(out, "a server with {} live resources", args.live)?;
    let (stopped, _) = server.stop()?;
    restarted("it was stopped", stopped, out)?.stop()?;
    Ok(())
}

/// Compares what everything costs with the rating of the same events, to the last digit.
fn compare(cloud: &Cloud, operator: &Caller, vms: u32, out: &mut dyn Write) -> Result<(), Failure> {
    let mut told = 0;
    for project in &cloud.projects {
        let spend = operator.get(&format!("/v1/projects/{project}/spend?month={MONTH}"))?;
        let total: Option<Amount> = spend["total"].as_str().and_then(|total| total.parse().ok());
        told += total.ok_or_else(|| broken("spend without a total"))?.micros();
    }
    let told = Amount::from_micros(told);
    let rated = rated(cloud, vms)?;
    if told.to_string() != rated {
        return Err(broken(&format!("costs of {told} where rating says {rated}")));
    }
    writeln!(
        out,
        "{} projects cost {told}, as rating the {} events says",
        cloud.projects.len(),
        cloud.taken
    )?;
    Ok(())
}

/// What rating says of the events that were sent, as they were made.
fn rated(cloud: &Cloud, vms: u32) -> Result<String, Failure> {
    let book = read_book(SAMPLE_BOOK)?;
    let mut rater = Rater::new(&book, october(&book, Some(cloud.now()))?).map_err(out_of_range)?;
    let mut sample = Sample::new(&cloud::options(vms)).map_err(|error| broken(&error.to_string()))?;
    let (mut line, mut lines) = (Vec::new(), Vec::new());
    for number in 1..=cloud.taken {
        sample.next_line(&mut line);
        lines.extend_from_slice(&line);
        lines.push(b'\n');
        if lines.len() > 1 << 20 || number == cloud.taken {
            let batch = rater.reader().read(std::mem::take(&mut lines), Origin { file: 0, line: 1 });
            rater.take(batch, |_, _| {})?;
        }
    }
    Ok(bill::print(rater, Format::Csv, threads(), &mut io::sink())?.total.to_string())
}

fn tell(drained: &Drained, out: &mut dyn Write) -> Result<(), Failure> {
    let Drained { duplicates, busy, acknowledged, settled, .. } = *drained;
    let events = drained.events();
    let [at_first, whole] = [acknowledged, settled].map(|time| per_second(events, time));
    writeln!(
        out,
        "{events} events, {duplicates} of them known, acknowledged at {at_first}/s, settled at {whole}/s; told to come \
         later {busy} times"
    )?;
    Ok(())
}

fn spread(times: &[Duration]) -> String {
    let [half, most, all] = [50, 99, 100].map(|hundredth| quantile(times, hundredth).as_micros());
    format!("median {half} µs, 99 of 100 within {most} µs, all {} within {all} µs", times.len())
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

/// Something that kopeck's own server should not do.
pub(super) fn broken(what: &str) -> Failure {
    Failure::input(format!("the bench met {what}"), None, "this is a fault of kopeck: report it")
}
