//! The server that is measured: this same binary in a process of its own, on a folder.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use uuid::Uuid;

use crate::bench::ingest::{OPENING, broken};
use crate::bench::memory;
use crate::caller::Caller;
use crate::failure::Failure;

/// A server that runs.
pub struct Server {
    process: Child,
    /// Its output stays open, so that it can write there.
    output: BufReader<ChildStdout>,
    place: Place,
    /// Where it listens.
    url: String,
}

/// Where its data is, and what it is asked with.
#[derive(Debug, Clone)]
struct Place {
    data: PathBuf,
    token: String,
    /// Further arguments, and what is in its environment.
    args: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Server {
    /// Starts one on an empty folder, or on an empty database.
    pub fn new(data: &Path, database: Option<&str>) -> Result<Server, Failure> {
        let mut arguments = vec!["--clock", "simulated", "--now", OPENING];
        // A clock that is set is for one shard.
        arguments.extend(database.iter().flat_map(|address| ["--database", *address, "--shards", "1"]));
        Server::with(data, &arguments, &[])
    }

    /// Starts one on an empty folder, with arguments and an environment of its own.
    pub fn with(data: &Path, args: &[&str], environment: &[(&str, &str)]) -> Result<Server, Failure> {
        let place = Place {
            data: data.to_owned(),
            token: format!("bench-{}", Uuid::now_v7()),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        Ok(start(place)?.0)
    }

    /// Somebody who calls it as the operator, on connections of its own.
    pub fn caller(&self) -> Caller {
        Caller::new(&self.url, &self.place.token)
    }

    /// Its resident memory, in bytes: `VmRSS` now, `VmHWM` the most so far.
    pub fn memory(&self, figure: &str) -> u64 {
        memory(&self.process.id().to_string(), figure).unwrap_or(0)
    }

    /// Ends it as an operator does: what was accepted is settled and written down. How long that takes.
    pub fn stop(mut self) -> Result<(Stopped, Duration), Failure> {
        let start = Instant::now();
        kill_process(Pid::from_child(&self.process), Signal::TERM)
            .map_err(|error| broken(&format!("a server that can not be ended: {error}")))?;
        let status = self.process.wait()?;
        if !status.success() {
            return Err(broken(&format!("a server that ended with {status}")));
        }
        Ok((Stopped(self.place.clone()), start.elapsed()))
    }

    /// Ends it at once, as a loss of power does.
    pub fn kill(mut self) -> Result<Stopped, Failure> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(Stopped(self.place.clone()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, or the bench has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that has ended.
pub struct Stopped(Place);

impl Stopped {
    /// Starts it again: how long it takes until it is ready.
    pub fn start(self) -> Result<(Server, Duration), Failure> {
        start(self.0)
    }
}

fn start(place: Place) -> Result<(Server, Duration), Failure> {
    let begun = Instant::now();
    let mut command = Command::new(env::current_exe()?);
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(&place.args).arg("--data");
    command
        .arg(&place.data)
        .envs(place.environment.iter().cloned())
        .env("KOPECK_OPERATOR_TOKEN", &place.token)
        .env("KOPECK_LOG", "warn");
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = process.stdout.take().ok_or_else(|| broken("a server without output"))?;
    let mut server = Server { process, output: BufReader::new(output), place, url: String::new() };
    let mut line = String::new();
    while server.url.is_empty() {
        line.clear();
        if server.output.read_line(&mut line)? == 0 {
            return Err(broken("a server that did not start"));
        }
        let address = line.split_once("serves at ").and_then(|(_, rest)| rest.split(',').next());
        server.url = address.unwrap_or_default().to_owned();
    }
    while server.caller().ask("/readyz")?.status != 200 {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok((server, begun.elapsed()))
}
