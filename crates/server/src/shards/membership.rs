//! A node among others: it shows that it lives, takes its share of the shards and gives back what is more.
//!
//! One thread looks at the database a few times a second. Opening and closing a shard takes longer and is done beside it,
//! one thread each. A node that stops leaves first, so that the others take its shards while it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kopeck_metering::Metering;
use kopeck_metering::placement::ShardNumber;
use kopeck_store::StoreError;
use kopeck_store::postgres::PostgresError;
use kopeck_store::postgres::nodes::{Nodes, View};

use super::balance::{Plan, plan};
use super::peers::NodeUrl;
use super::{Place, Places};
use crate::app::App;
use crate::clock::Offset;
use crate::serve::ServeError;

/// A node looks so often at the others.
const BEAT: Duration = Duration::from_millis(200);
/// A node that was not seen for so long is dead.
pub const DEAD_AFTER: Duration = Duration::from_millis(2_500);
/// A look that took longer tells too little of the database's clock.
const QUICK: Duration = Duration::from_millis(100);
/// Requests that still use a shard which is given back are waited for in steps of this.
const STEP: Duration = Duration::from_millis(5);
/// They are waited for at most so often.
const STEPS: u32 = 400;

/// What opens a shard here: it has its lease from then on.
pub type Open = Arc<dyn Fn(ShardNumber) -> Result<Metering, ServeError> + Send + Sync>;

/// What takes part, from its start to its stop.
pub struct Membership {
    thread: Option<JoinHandle<()>>,
    tell: Sender<News>,
}

/// What the thread is told.
enum News {
    /// A shard was opened, or could not be.
    Opened(ShardNumber, Result<Metering, ServeError>),
    /// A shard was closed.
    Closed(ShardNumber),
    /// The node stops.
    Stop,
}

impl Membership {
    /// Takes part from now on.
    ///
    /// # Errors
    /// [`ServeError::Threads`].
    pub fn start(app: Arc<App>, nodes: Nodes, clock: Offset, open: Open) -> Result<Membership, ServeError> {
        let (tell, news) = mpsc::channel();
        let member = Member {
            app,
            nodes,
            clock,
            open,
            tell: tell.clone(),
            here: BTreeMap::new(),
            moving: BTreeSet::new(),
        };
        let thread = thread::Builder::new().name("kopeck-nodes".to_owned());
        let thread = thread.spawn(move || member.run(&news)).map_err(ServeError::Threads)?;
        Ok(Membership { thread: Some(thread), tell })
    }

    /// What begins to give all back, without waiting for it.
    pub fn leaving(&self) -> impl Fn() + Send + 'static {
        let tell = self.tell.clone();
        // A thread that has ended has left.
        move || drop(tell.send(News::Stop))
    }

    /// Gives all back, and ends.
    pub fn stop(mut self) {
        self.leaving()();
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing more to give back: its leases run out.
            let _ = thread.join();
        }
    }
}

/// The thread's state.
struct Member {
    app: Arc<App>,
    nodes: Nodes,
    clock: Offset,
    open: Open,
    tell: Sender<News>,
    here: BTreeMap<ShardNumber, Arc<Metering>>,
    /// Shards that are being opened or closed.
    moving: BTreeSet<ShardNumber>,
}

impl Member {
    fn run(mut self, news: &Receiver<News>) {
        let mut next = Instant::now();
        loop {
            match news.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(News::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(news) => self.take(news),
                Err(RecvTimeoutError::Timeout) => {
                    next = Instant::now() + BEAT;
                    match self.beat() {
                        Ok(view) => self.follow(&view),
                        Err(error) => tracing::warn!(%error, "the other nodes can not be seen"),
                    }
                }
            }
        }
        self.leave(news);
    }

    /// Shows that the node lives, sees who else does, and what time it is for all of them.
    fn beat(&self) -> Result<View, StoreError> {
        let (asked, began) = (crate::clock::system_now(), Instant::now());
        let view = self.nodes.beat()?;
        let took = began.elapsed();
        if took < QUICK {
            self.clock.set(view.now, asked, took / 2);
        }
        Ok(view)
    }

    fn follow(&mut self, view: &View) {
        let own = self.nodes.name().to_owned();
        let shards = self.app.shards.placement().shards();
        let owners: BTreeMap<ShardNumber, Option<String>> =
            shards.map(|shard| (shard, view.owners.get(&shard.0).cloned())).collect();
        let lost: Vec<ShardNumber> = self.here.keys().copied().collect();
        for shard in lost.into_iter().filter(|shard| owners[shard].as_ref() != Some(&own)) {
            tracing::warn!(%shard, "another node has taken a shard");
            self.give(shard);
        }
        self.app.shards.moved(self.places(&owners, view));
        let living = view.living.keys().cloned().collect();
        let Plan { give, take } = plan(&own, &living, &owners);
        for shard in give.into_iter().filter(|shard| self.here.contains_key(shard)).collect::<Vec<_>>() {
            self.give(shard);
        }
        for shard in take {
            self.take_up(shard);
        }
    }

    /// Where the shards are, as this node sees it.
    fn places(&self, owners: &BTreeMap<ShardNumber, Option<String>>, view: &View) -> Places {
        let there = |owner: &Option<String>| {
            let url =
                view.living.get(owner.as_ref()?).filter(|_| owner.as_deref() != Some(self.nodes.name()));
            NodeUrl::read(url?).ok().map(Place::There)
        };
        let place = |(shard, owner): (&ShardNumber, &Option<String>)| {
            let here = self.here.get(shard).map(|metering| Place::Here(Arc::clone(metering)));
            here.or_else(|| there(owner)).map(|place| (*shard, place))
        };
        owners.iter().filter_map(place).collect()
    }

    /// Begins to open a shard.
    fn take_up(&mut self, shard: ShardNumber) {
        if self.here.contains_key(&shard) || !self.moving.insert(shard) {
            return;
        }
        let (open, tell) = (Arc::clone(&self.open), self.tell.clone());
        self.beside(shard, move || {
            // The node may have ended meanwhile: then the lease goes back with what was opened.
            let _ = tell.send(News::Opened(shard, open(shard)));
        });
    }

    /// Begins to give a shard back: nobody is sent to it from now on.
    fn give(&mut self, shard: ShardNumber) {
        let Some(metering) = self.here.remove(&shard) else { return };
        self.app.shards.moved_one(shard, None);
        self.moving.insert(shard);
        let tell = self.tell.clone();
        self.beside(shard, move || {
            metering.stop();
            for _ in 0..STEPS {
                if Arc::strong_count(&metering) == 1 {
                    break;
                }
                thread::sleep(STEP);
            }
            drop(metering);
            let _ = tell.send(News::Closed(shard));
        });
    }

    /// Does something with a shard on a thread of its own.
    fn beside(&mut self, shard: ShardNumber, work: impl FnOnce() + Send + 'static) {
        if let Err(error) = thread::Builder::new().name(format!("kopeck-shard-{shard}")).spawn(work) {
            tracing::error!(%error, %shard, "no thread moves the shard; tried again");
            self.moving.remove(&shard);
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Opened(shard, Ok(metering)) => {
                tracing::info!(%shard, "a shard is here");
                self.moving.remove(&shard);
                let metering = Arc::new(metering);
                self.app.shards.moved_one(shard, Some(Place::Here(Arc::clone(&metering))));
                self.here.insert(shard, metering);
            }
            News::Opened(shard, Err(error)) => {
                // Another node was quicker, which is seen at the next look.
                let is_held =
                    matches!(&error, ServeError::Store(StoreError::Postgres(PostgresError::Held { .. })));
                if !is_held {
                    tracing::error!(%error, %shard, "a shard can not be opened; tried again");
                }
                self.moving.remove(&shard);
            }
            News::Closed(shard) => {
                tracing::info!(%shard, "a shard was given back");
                self.moving.remove(&shard);
            }
            News::Stop => {}
        }
    }

    /// Gives all back.
    fn leave(mut self, news: &Receiver<News>) {
        if let Err(error) = self.nodes.leave() {
            tracing::warn!(%error, "the other nodes are not told that this one leaves");
        }
        loop {
            for shard in self.here.keys().copied().collect::<Vec<_>>() {
                self.give(shard);
            }
            if self.moving.is_empty() {
                return;
            }
            match news.recv() {
                Ok(told) => self.take(told),
                Err(_) => return,
            }
        }
    }
}
