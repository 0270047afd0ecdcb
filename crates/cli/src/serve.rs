//! `kopeck serve`: the server, its signals and its log.

use std::env;
use std::io::{self, IsTerminal, Write};

use kopeck_server::clock::Clock;
use kopeck_server::config::{Location, Shared};
use kopeck_server::serve::{ServeError, Started};
use kopeck_server::{Config, serve};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::args::{ClockSource, ServeArgs};
use crate::books::failed;
use crate::failure::{Done, Failure};

/// Where the operator's token may be given.
const OPERATOR_TOKEN: &str = "KOPECK_OPERATOR_TOKEN";
/// How much is logged: a level, or levels by module.
const LOG: &str = "KOPECK_LOG";

/// Runs the command.
pub fn run(args: &ServeArgs) -> Result<Done, Failure> {
    log()?;
    let mut config = Config::new(location(args), args.listen);
    config.clock = clock(args)?;
    config.operator_token = env::var(OPERATOR_TOKEN).ok().filter(|token| !token.is_empty());
    let mut printed = Ok(());
    serve(&config, stopping, |started| printed = tell(started, args)).map_err(|error| failure(&error))?;
    printed?;
    Ok(Done::Whole)
}

fn location(args: &ServeArgs) -> Location {
    match &args.database {
        Some(address) => Location::Database(Shared {
            address: address.clone(),
            advertise: args.advertise.clone(),
            shards: args.shards,
        }),
        None => Location::Folder(args.data.clone()),
    }
}

fn clock(args: &ServeArgs) -> Result<Clock, Failure> {
    match (args.clock, args.now) {
        (ClockSource::System, None) => Ok(Clock::System),
        (ClockSource::Simulated, Some(now)) => Ok(Clock::simulated(now)),
        (ClockSource::System, Some(_)) | (ClockSource::Simulated, None) => Err(Failure::input(
            "--now belongs to a simulated clock",
            None,
            "give --clock simulated --now TIME, or leave both out",
        )),
    }
}

/// One line each to standard error: for people on a terminal, otherwise JSON.
fn log() -> Result<(), Failure> {
    let levels = env::var(LOG).unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(&levels).map_err(|error| {
        Failure::input(
            format!("{LOG} says {levels:?}: {error}"),
            None,
            "write a level: error, warn, info, debug or trace",
        )
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let begun = if io::stderr().is_terminal() {
        log.try_init()
    } else {
        log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    begun.map_err(|error| Failure::input(error, None, "this is a fault of kopeck"))
}

/// Waits for SIGTERM or Ctrl-C, which are listened to from now on.
pub fn stopping() -> impl Future<Output = ()> + Send + 'static {
    let come = |kind| signal(kind).map_err(|error| tracing::error!(%error, "signals can not be waited for"));
    let (mut term, mut interrupt) = (come(SignalKind::terminate()), come(SignalKind::interrupt()));
    async move {
        tokio::select! {
            () = received(&mut term) => {}
            () = received(&mut interrupt) => {}
        }
    }
}

async fn received(signal: &mut Result<Signal, ()>) {
    match signal {
        Ok(signal) => {
            signal.recv().await;
        }
        Err(()) => std::future::pending().await,
    }
}

/// Tells where the server is, and its token when it was made.
fn tell(started: &Started, args: &ServeArgs) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if started.new_ledger {
        match &args.database {
            Some(_) => writeln!(out, "Made a ledger in the database")?,
            None => writeln!(out, "Made a ledger in {}", args.data.display())?,
        }
    }
    if let Some(token) = &started.new_token {
        writeln!(out, "The operator's token, which is not shown again: {token}")?;
    }
    writeln!(out, "kopeck serves at http://{}, and is described at /docs", started.address)?;
    out.flush()
}

/// Why a server did not start, or ended, in words for a person.
pub fn failure(error: &ServeError) -> Failure {
    match error {
        ServeError::Store(error) => failed(error),
        ServeError::Url(_) => {
            Failure::input(error, None, "say with --advertise where the others reach this one")
        }
        ServeError::Simulated => Failure::input(error, None, "or leave --clock out"),
        ServeError::Listen { .. } => Failure::input(error, None, "choose another address with --listen"),
        ServeError::Token(_) => {
            Failure::input(error, None, "a token may also be given as KOPECK_OPERATOR_TOKEN")
        }
        ServeError::FirstStart(_) | ServeError::Metering(_) | ServeError::Threads(_) => {
            Failure::input(error, None, "nothing was served; start it again when that is mended")
        }
    }
}
