//! `kopeck demo`: a server on a fresh store, and a month of projects, payers and a marketplace played through its API.
//!
//! Nothing here reaches into the server: all is done by calls that anybody can make, so that it shows how they are made.

mod live;
mod month;
mod script;
mod summary;
mod world;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use jiff::Timestamp;
use jiff::civil::date;
use kopeck_ledger::name::Moment;
use kopeck_sample::Options;
use kopeck_server::clock::Clock;
use kopeck_server::config::Location;
use kopeck_server::serve::{ServeError, Started};
use kopeck_server::{Config, serve};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::args::DemoArgs;
use crate::caller::Caller;
use crate::failure::{Done, Failure};
use crate::serve as serving;
use script::Script;
use world::World;

/// When the people are made: a day before the month.
const OPENING: &str = "2026-09-30T12:00:00+03:00";
/// When the projects begin to be billed, and the month.
const START: &str = "2026-10-01T00:00:00+03:00";
const DAY: i64 = 24 * 3_600;

/// Runs the command.
pub fn run(args: &DemoArgs) -> Result<Done, Failure> {
    let folder = Folder::new(args)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let server = Server::start(args, folder.path(), &interrupted)?;
    let shown = show(args, &server, folder.path(), &interrupted);
    let ended = server.end();
    if let (true, Some(path)) = (shown.is_ok(), folder.kept(args.keep)) {
        writeln!(io::stdout(), "The data stays in {}", path.display())?;
    }
    match shown {
        // The server has ended under the calls, because somebody wanted that.
        Err(_) if interrupted.load(Ordering::Acquire) => Ok(Done::Whole),
        Err(failure) => Err(failure),
        Ok(()) => ended.map(|()| Done::Whole),
    }
}

/// Plays, prints, and goes on.
fn show(args: &DemoArgs, server: &Server, folder: &Path, interrupted: &AtomicBool) -> Result<(), Failure> {
    let start = second(START)?;
    let options = Options {
        seed: args.seed,
        vms: args.vms,
        days: args.days,
        start: date(2026, 10, 1),
        ..Options::default()
    };
    let script = Script::write(&options)?;
    let files = write_files(folder, &script)?;
    let operator = Caller::new(&server.url, &server.token);
    let mut world = World::make(operator, &script, args.seed, START)?;
    let end = start + i64::from(args.days) * DAY;
    let sent = month::play(&mut world, &script, (start, end))?;
    let totals = summary::print(&world, &sent)?;
    if totals.services != totals.posted {
        let reason = format!("charges of {} and postings of {} differ", totals.services, totals.posted);
        return Err(Failure::input(reason, None, "this is a fault of kopeck: report it"));
    }
    let rated = format!(
        "kopeck rate --prices {files}/prices.toml --events {files}/events.jsonl --from {first} --to {last}",
        files = files.display(),
        first = options.start,
        last = options.start.saturating_add(jiff::Span::new().days(i64::from(args.days))),
    );
    summary::tour(&world, (&server.url, &server.token), &rated)?;
    if args.exit {
        return Ok(());
    }
    writeln!(io::stdout(), "\nIt goes on, live; Ctrl-C ends it.")?;
    live::go_on(&world, &script, end, interrupted)
}

/// Writes what the operator's book prices, so that it can be rated without a server.
fn write_files(folder: &Path, script: &Script) -> Result<PathBuf, Failure> {
    let files = folder.join("files");
    let events: String = script
        .lines
        .iter()
        .filter(|line| script.is_service(line))
        .map(|line| line.text.clone() + "\n")
        .collect();
    let written = fs::create_dir_all(&files)
        .and_then(|()| fs::write(files.join("prices.toml"), world::BOOK))
        .and_then(|()| fs::write(files.join("events.jsonl"), events));
    written.map_err(|error| Failure::file(&files.display().to_string(), "write", &error))?;
    Ok(files)
}

fn second(instant: &str) -> Result<i64, Failure> {
    let instant: Timestamp = instant.parse().map_err(|_| world::unexpected("an instant that is none"))?;
    Ok(instant.as_second())
}

/// Where the data is.
enum Folder {
    Named(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    /// A folder with nothing in it.
    fn new(args: &DemoArgs) -> Result<Folder, Failure> {
        let Some(path) = &args.data else { return Ok(Folder::Temporary(tempfile::tempdir()?)) };
        let name = path.display().to_string();
        fs::create_dir_all(path).map_err(|error| Failure::file(&name, "make", &error))?;
        let mut entries = fs::read_dir(path).map_err(|error| Failure::file(&name, "read", &error))?;
        if entries.next().is_some() {
            let reason = format!("{name} is not empty");
            return Err(Failure::input(reason, None, "a demo begins with nothing: name a new folder"));
        }
        Ok(Folder::Named(path.clone()))
    }

    fn path(&self) -> &Path {
        match self {
            Folder::Named(path) => path,
            Folder::Temporary(folder) => folder.path(),
        }
    }

    /// The folder, where it stays.
    fn kept(self, keep: bool) -> Option<PathBuf> {
        match self {
            Folder::Named(path) => Some(path),
            Folder::Temporary(folder) if keep => Some(folder.keep()),
            Folder::Temporary(_) => None,
        }
    }
}

/// A server on threads of its own.
struct Server {
    url: String,
    token: String,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), ServeError>>,
}

impl Server {
    fn start(args: &DemoArgs, folder: &Path, interrupted: &Arc<AtomicBool>) -> Result<Server, Failure> {
        let opening = OPENING.parse::<Timestamp>().ok().and_then(|opening| Moment::try_from(opening).ok());
        let opening = opening.ok_or_else(|| world::unexpected("an instant that is none"))?;
        let mut config = Config::new(Location::Folder(folder.join("data")), args.listen);
        config.clock = Clock::simulated(opening);
        let (stop, stopped) = oneshot::channel();
        let (started, tell) = (mpsc::channel::<Started>(), Arc::clone(interrupted));
        let (sender, receiver) = started;
        let thread = std::thread::spawn(move || {
            let stopping = move || {
                let signal = serving::stopping();
                async move {
                    tokio::select! {
                        () = signal => tell.store(true, Ordering::Release),
                        _ = stopped => {}
                    }
                }
            };
            serve(&config, stopping, |started| {
                // Who waits for it has not gone.
                let _ = sender.send(started.clone());
            })
        });
        let Ok(Started { address, new_token: Some(token), .. }) = receiver.recv() else {
            return Err(joined(thread)
                .err()
                .unwrap_or_else(|| world::unexpected("a server without a token")));
        };
        Ok(Server { url: format!("http://{address}"), token, stop, thread })
    }

    /// Ends the server, where it has not ended by itself, and waits until all is written.
    fn end(self) -> Result<(), Failure> {
        // It may have ended.
        let _ = self.stop.send(());
        joined(self.thread)
    }
}

fn joined(thread: JoinHandle<Result<(), ServeError>>) -> Result<(), Failure> {
    match thread.join() {
        Ok(ended) => ended.map_err(|error| serving::failure(&error)),
        Err(_) => Err(world::unexpected("a server that broke")),
    }
}
