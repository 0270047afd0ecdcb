//! Metering as a server sees it: shards, each of which is here, at another node, or between two nodes for a moment.
//!
//! An embedded installation has one shard, which is always here. Where nodes share a database each has some, and asks the
//! others (`peers`) about the rest; `membership` moves them.

pub mod balance;
pub mod membership;
pub mod peers;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use kopeck_directory::Directory;
use kopeck_directory::entity::{Emitter, Project};
use kopeck_ledger::name::Moment;
use kopeck_metering::Metering;
use kopeck_metering::judge::{HORIZON_DAYS, Judge, Judged, Memory};
use kopeck_metering::placement::{Placement, ShardNumber};
use kopeck_store::events::EventReader;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::error::AppError;
use peers::{NodeUrl, Peers};

/// How long somebody waits for a shard that is on its way to another node.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where a shard is.
#[derive(Clone)]
pub enum Place {
    /// In this process.
    Here(Arc<Metering>),
    /// At another node.
    There(NodeUrl),
}

/// Where the shards are that are anywhere.
pub type Places = BTreeMap<ShardNumber, Place>;

/// The log of a shard, for reading: it may be at another node.
pub type Log = Arc<dyn EventReader>;

/// What opens the log of a shard for reading, wherever it is.
pub type OpenLog = Box<dyn Fn(ShardNumber) -> Result<Log, AppError> + Send + Sync>;

/// All shards.
pub struct Shards {
    placement: Placement,
    places: watch::Sender<Places>,
    others: Option<Others>,
    memory: Memory,
}

/// What a node needs of the others.
struct Others {
    peers: Peers,
    logs: OpenLog,
}

impl Shards {
    /// The one shard of an embedded installation.
    #[must_use]
    pub fn alone(metering: Metering) -> Shards {
        let places = BTreeMap::from([(ShardNumber::ONLY, Place::Here(Arc::new(metering)))]);
        let places = watch::Sender::new(places);
        Shards { placement: Placement::WHOLE, places, others: None, memory: Memory::default() }
    }

    /// The shards of a node among others; none is anywhere yet.
    #[must_use]
    pub fn among(peers: Peers, placement: Placement, logs: OpenLog) -> Shards {
        let others = Some(Others { peers, logs });
        Shards { placement, places: watch::Sender::default(), others, memory: Memory::default() }
    }

    /// Whether there may be other nodes, and how they are asked.
    #[must_use]
    pub fn peers(&self) -> Option<&Peers> {
        self.others.as_ref().map(|others| &others.peers)
    }

    /// How projects are dealt out.
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Says where the shards are now.
    pub fn moved(&self, places: Places) {
        self.places.send_replace(places);
    }

    /// Says where a shard is now, or that it is nowhere.
    pub fn moved_one(&self, shard: ShardNumber, place: Option<Place>) {
        self.places.send_modify(|places| {
            match place {
                Some(place) => places.insert(shard, place),
                None => places.remove(&shard),
            };
        });
    }

    /// Where a shard is; waits while it is on its way.
    ///
    /// # Errors
    /// [`AppError::Moving`] where it has not arrived for too long.
    pub async fn place(&self, shard: ShardNumber) -> Result<Place, AppError> {
        let mut places = self.places.subscribe();
        let arrived = places.wait_for(|places| places.contains_key(&shard));
        match tokio::time::timeout(PATIENCE, arrived).await {
            Ok(Ok(places)) => places.get(&shard).cloned().ok_or(AppError::Moving),
            _ => Err(AppError::Moving),
        }
    }

    /// Waits until a shard is not at a node any more, or for too long.
    pub async fn wait_while(&self, shard: ShardNumber, node: &NodeUrl) {
        let mut places = self.places.subscribe();
        let is_there = |places: &Places| matches!(places.get(&shard), Some(Place::There(at)) if at == node);
        let gone = places.wait_for(|places| !is_there(places));
        // Whoever has waited for too long looks again, and tells.
        let _ = tokio::time::timeout(PATIENCE, gone).await;
    }

    /// The shard of a project, which must be here.
    ///
    /// # Errors
    /// [`AppError::Moving`] where it is not: requests about it are passed on before they come here.
    pub fn of(&self, project: &Project) -> Result<Arc<Metering>, AppError> {
        self.here(self.placement.of(project)).ok_or(AppError::Moving)
    }

    /// A shard, where it is here.
    #[must_use]
    pub fn here(&self, shard: ShardNumber) -> Option<Arc<Metering>> {
        match self.places.borrow().get(&shard) {
            Some(Place::Here(metering)) => Some(Arc::clone(metering)),
            _ => None,
        }
    }

    /// The shards that are here.
    #[must_use]
    pub fn all_here(&self) -> Vec<Arc<Metering>> {
        let here = |place: &Place| match place {
            Place::Here(metering) => Some(Arc::clone(metering)),
            Place::There(_) => None,
        };
        self.places.borrow().values().filter_map(here).collect()
    }

    /// The nodes that have the other shards, each once.
    ///
    /// # Errors
    /// [`AppError::Moving`] where a shard is at none.
    pub fn elsewhere(&self) -> Result<BTreeSet<NodeUrl>, AppError> {
        let places = self.places.borrow();
        let mut nodes = BTreeSet::new();
        for shard in self.placement.shards() {
            if let Place::There(node) = places.get(&shard).ok_or(AppError::Moving)? {
                nodes.insert(node.clone());
            }
        }
        Ok(nodes)
    }

    /// What the other nodes answer to a question about the shards that they have. Waits for them: not for use inside
    /// async code.
    ///
    /// # Errors
    /// [`AppError::Moving`] where a shard is at no node, or its node does not answer.
    pub fn ask_others<T: serde::de::DeserializeOwned>(
        &self,
        question: &str,
        about: &impl serde::Serialize,
    ) -> Result<Vec<T>, AppError> {
        let nodes = self.elsewhere()?;
        let Some(peers) = self.peers().filter(|_| !nodes.is_empty()) else { return Ok(Vec::new()) };
        let about = serde_json::to_vec(about).map_err(|error| AppError::Internal(error.to_string()))?;
        let ask = |node: &NodeUrl| Handle::current().block_on(peers.ask(node, question, about.clone()));
        nodes.iter().map(ask).collect()
    }

    /// The logs of all shards, each with its number, wherever they are.
    ///
    /// # Errors
    /// Those of opening one.
    pub fn logs(&self) -> Result<Vec<(ShardNumber, Log)>, AppError> {
        self.placement.shards().map(|shard| Ok((shard, self.log(shard)?))).collect()
    }

    /// The log of a shard, wherever it is.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn log(&self, shard: ShardNumber) -> Result<Log, AppError> {
        match (self.here(shard), &self.others) {
            (Some(metering), _) => Ok(metering.reader()),
            (None, Some(others)) => (others.logs)(shard),
            (None, None) => Err(AppError::Moving),
        }
    }

    /// Whether so much waits to be settled here that new events should come later.
    #[must_use]
    pub fn are_behind(&self) -> bool {
        self.places
            .borrow()
            .values()
            .any(|place| matches!(place, Place::Here(metering) if metering.is_behind()))
    }

    /// Judges the events of a request, each on a line. Computes; waits for nothing.
    #[must_use]
    pub fn judge(
        &self,
        lines: Vec<u8>,
        (directory, now): (Arc<Directory>, Moment),
        may_send: impl Fn(Emitter) -> bool,
    ) -> Judged {
        let judge = Judge { directory, now, horizon_days: Some(HORIZON_DAYS), placement: self.placement };
        judge.judge(lines, &self.memory, may_send)
    }

    /// Ends what is here, when all of it is written down.
    pub fn stop(&self) {
        self.all_here().iter().for_each(|metering| metering.stop());
    }
}

/// So many shards metering is dealt out over where nothing else is said: enough for as many nodes as one database feeds.
pub const SHARDS: NonZeroU32 = NonZeroU32::new(8).unwrap();
