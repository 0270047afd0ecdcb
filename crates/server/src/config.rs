//! How a server is started.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::shards::peers::NodeUrl;

/// What a server is told at its start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where its data are.
    pub store: Location,
    /// Where it listens. Port 0 is any free one.
    pub listen: SocketAddr,
    /// The time it lives by.
    pub clock: Clock,
    /// The operator's token. `None`: the first start makes one.
    pub operator_token: Option<String>,
    /// How long connections have to end after SIGTERM.
    pub drain: Duration,
    /// What a client may cost.
    pub limits: Limits,
}

/// Where a server's data are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a folder of its own, made where it is missing.
    Folder(PathBuf),
    /// In a database that any number of nodes share.
    Database(Shared),
}

/// A database that nodes share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Its address.
    pub address: String,
    /// Where other nodes reach this one; left out, where it listens.
    pub advertise: Option<NodeUrl>,
    /// How many shards a new installation has.
    pub shards: NonZeroU32,
}

/// What a client may cost: nothing waits or grows without a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; less where the system gives fewer files. Others wait to be accepted.
    pub connections: usize,
    /// Until a request's head is read, and how long a connection may be idle between requests.
    pub head: Duration,
    /// Until a request's body is read.
    pub body: Duration,
    /// Until somebody has taken a further part of a long answer.
    pub write: Duration,
    /// Bytes of bodies that are held at a time, packed and unpacked; what finds no room is refused until there is some.
    pub bodies: usize,
    /// Long reads of the whole journal at a time: exports and verifications.
    pub long_reads: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 20_000,
            head: Duration::from_secs(30),
            body: Duration::from_secs(60),
            write: Duration::from_secs(60),
            bodies: 128 << 20,
            long_reads: 4,
        }
    }
}

impl Config {
    /// How a server is started where nothing else is said, but for its data and address.
    #[must_use]
    pub fn new(store: Location, listen: SocketAddr) -> Config {
        Config {
            store,
            listen,
            clock: Clock::System,
            operator_token: None,
            drain: Duration::from_secs(30),
            limits: Limits::default(),
        }
    }
}
