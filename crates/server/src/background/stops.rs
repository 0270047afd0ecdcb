//! Stops on their way: sent when they are durable, and again until the cloud's events say that the resource is stopped.
//!
//! A stop that could not be brought to the cloud's adapter is tried again after a pause that doubles, by the machine's clock;
//! one that was taken and not obeyed in the declared time, by the installation's. A start sends all open ones at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use kopeck_directory::name::ProjectId;
use kopeck_ledger::name::Moment;
use kopeck_metering::Metering;
use kopeck_metering::guard::command::StopCommand;
use kopeck_metering::guard::outbox::Outbox;
use kopeck_rating::event::second_of;
use tokio::sync::{Notify, mpsc};

use crate::app::App;
use crate::commander::Commander;

/// Stops that are brought to adapters at a time.
const ABREAST: usize = 32;
/// The pause after the first failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause after a stop that was taken and not obeyed doubles up to this.
const LONGEST_WAIT_S: i64 = 600;
/// What was learnt of stops within this time is written together.
const TOGETHER: Duration = Duration::from_millis(100);

/// What this process knows of a stop beside the outbox.
#[derive(Debug, Default, Clone, Copy)]
struct Known {
    /// Failures in a row.
    failures: u32,
    /// How often it was taken.
    taken: u32,
}

/// Stops that wait for their turn: projects take turns, so that one with many keeps no other waiting.
#[derive(Debug, Default)]
struct Turns {
    stops: BTreeMap<ProjectId, VecDeque<u64>>,
    projects: VecDeque<ProjectId>,
}

impl Turns {
    fn push(&mut self, number: u64, project: ProjectId) {
        let stops = self.stops.entry(project.clone()).or_default();
        if stops.is_empty() {
            self.projects.push_back(project);
        }
        stops.push_back(number);
    }

    fn next(&mut self) -> Option<u64> {
        let project = self.projects.pop_front()?;
        let stops = self.stops.get_mut(&project)?;
        let next = stops.pop_front();
        if stops.is_empty() {
            self.stops.remove(&project);
        } else {
            self.projects.push_back(project);
        }
        next
    }
}

/// What the sender has before it.
#[derive(Default)]
struct Sender {
    turns: Turns,
    /// When those are tried again that could not be brought to the adapter.
    failed: BTreeSet<(Instant, u64)>,
    /// When those are sent again that were taken and not obeyed, in seconds of Unix time.
    taken: BTreeSet<(i64, u64)>,
    known: BTreeMap<u64, Known>,
    on_their_way: BTreeSet<u64>,
}

/// Sends the stops of all shards that are here, until the server ends.
pub async fn run(app: Arc<App>, commander: Option<Commander>) {
    let mut moves = app.shards.moves();
    let mut served: Vec<Weak<Metering>> = Vec::new();
    while !app.stop.has_begun() {
        moves.mark_unchanged();
        served.retain(|known| known.strong_count() > 0);
        for metering in app.shards.all_here() {
            let metering = Arc::downgrade(&metering);
            if !served.iter().any(|known| known.ptr_eq(&metering)) {
                served.push(Weak::clone(&metering));
                tokio::spawn(send_of(Arc::clone(&app), metering, commander.clone()));
            }
        }
        tokio::select! {
            _ = moves.changed() => {}
            () = app.stop.begun() => {}
        }
    }
}

/// Sends the stops of a shard while it is here. Whoever has it next sends what is open.
async fn send_of(app: Arc<App>, shard: Weak<Metering>, commander: Option<Commander>) {
    let Some(mut changes) = shard.upgrade().map(|metering| metering.outbox().changes()) else { return };
    let (done, mut dones) = mpsc::unbounded_channel::<(u64, Result<(), String>)>();
    let learnt = Arc::new(Notify::new());
    tokio::spawn(keep(Arc::clone(&app), Weak::clone(&shard), Arc::clone(&learnt)));
    let mut sender = Sender::default();
    while !app.stop.has_begun() {
        let Some(metering) = shard.upgrade() else { break };
        for command in sender.next(&app, metering.outbox()) {
            tokio::spawn(send(Arc::clone(&app), commander.clone(), command, done.clone()));
        }
        // Nobody is kept waiting who gives the shard back.
        drop(metering);
        let pause = sender.pause(app.now());
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { break },
            Some(first) = dones.recv() => {
                let Some(metering) = shard.upgrade() else { break };
                let rest = std::iter::from_fn(|| dones.try_recv().ok());
                for (number, outcome) in std::iter::once(first).chain(rest) {
                    sender.came(&app, metering.outbox(), (number, outcome));
                }
                learnt.notify_one();
            }
            () = app.clock.pause(pause) => {}
            () = app.stop.begun() => {}
        }
    }
    // Its keeper learns that nothing more comes.
    drop(shard);
    learnt.notify_one();
}

impl Sender {
    /// The stops that go out now.
    fn next(&mut self, app: &App, outbox: &Outbox) -> Vec<StopCommand> {
        for (number, project) in outbox.take_fresh() {
            self.turns.push(number, project);
        }
        self.take_due(app, outbox);
        let mut next = Vec::new();
        while self.on_their_way.len() < ABREAST {
            let Some(number) = self.turns.next() else { break };
            // It may have ended meanwhile, or be on its way.
            let Some(command) = outbox.get(number) else {
                self.known.remove(&number);
                continue;
            };
            if self.on_their_way.insert(number) {
                next.push(command);
            }
        }
        next
    }

    /// Gives those their turn again whose time has come.
    fn take_due(&mut self, app: &App, outbox: &Outbox) {
        let (now, second) = (Instant::now(), second_of(app.now().nanoseconds()));
        let mut due = Vec::new();
        while self.failed.first().is_some_and(|(at, _)| *at <= now) {
            due.extend(self.failed.pop_first().map(|(_, number)| number));
        }
        while self.taken.first().is_some_and(|(at, _)| *at <= second) {
            due.extend(self.taken.pop_first().map(|(_, number)| number));
        }
        for number in due {
            match outbox.get(number) {
                Some(command) => self.turns.push(number, command.project),
                None => drop(self.known.remove(&number)),
            }
        }
    }

    /// Notes what came of a try.
    fn came(&mut self, app: &App, outbox: &Outbox, (number, outcome): (u64, Result<(), String>)) {
        self.on_their_way.remove(&number);
        let known = self.known.entry(number).or_default();
        match &outcome {
            Ok(()) => {
                *known = Known { failures: 0, taken: known.taken.saturating_add(1) };
                let within = outbox.get(number).map_or(0, |command| command.within_s);
                let due = second_of(app.now().nanoseconds()).saturating_add(wait(known.taken, within));
                self.taken.insert((due, number));
            }
            Err(why) => {
                tracing::warn!(number, why, "a stop could not be sent; it is tried again");
                let pause = FIRST_PAUSE.saturating_mul(1 << known.failures.min(16)).min(LONGEST_PAUSE);
                known.failures = known.failures.saturating_add(1);
                self.failed.insert((Instant::now() + pause, number));
            }
        }
        outbox.tried(number, outcome, app.now());
    }

    /// How long nothing is to be done, if nothing comes.
    fn pause(&self, now: Moment) -> Duration {
        let failed = self.failed.first().map(|(at, _)| at.saturating_duration_since(Instant::now()));
        let taken = self.taken.first().map(|(at, _)| {
            let seconds = at.saturating_sub(second_of(now.nanoseconds())).max(0);
            Duration::from_secs(seconds.unsigned_abs())
        });
        let soonest = failed.into_iter().chain(taken).min().unwrap_or(LONGEST_PAUSE);
        soonest.clamp(Duration::from_millis(1), LONGEST_PAUSE)
    }
}

/// How many seconds a stop that was taken so often has to be obeyed before it is sent again.
fn wait(taken: u32, within_s: i64) -> i64 {
    let doubled = within_s.max(1).saturating_mul(1 << taken.clamp(1, 16).saturating_sub(1));
    doubled.clamp(1, LONGEST_WAIT_S.max(within_s))
}

/// Makes durable what was learnt of stops, many at a time: what a crash forgets of it is sent again.
async fn keep(app: Arc<App>, shard: Weak<Metering>, learnt: Arc<Notify>) {
    while !app.stop.has_begun() {
        tokio::select! {
            () = learnt.notified() => {}
            () = app.stop.begun() => {}
        }
        let Some(metering) = shard.upgrade() else { return };
        if let Err(error) = app.blocking(move |_| Ok(metering.keep_commands()?)).await {
            tracing::error!(%error, "what became of stops could not be written down");
        }
        tokio::select! {
            () = tokio::time::sleep(TOGETHER) => {}
            () = app.stop.begun() => {}
        }
    }
}

async fn send(
    app: Arc<App>,
    commander: Option<Commander>,
    command: StopCommand,
    done: mpsc::UnboundedSender<(u64, Result<(), String>)>,
) {
    let outcome = match commander {
        Some(commander) => commander.send(&command, app.now()).await,
        None => Err("nothing brings stops to clouds: start the server with --stop-program or --stop-webhook"
            .to_owned()),
    };
    // Whoever waits for it may have ended.
    let _ = done.send((command.number, outcome));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_sent_again_when_it_is_not_obeyed_in_time_and_then_less_often() {
        assert_eq!([1, 2, 3, 4, 30].map(|taken| wait(taken, 60)), [60, 120, 240, 480, 600]);
        assert_eq!([wait(1, 0), wait(1, 3_600)], [1, 3_600]);
    }

    #[test]
    fn projects_take_turns() {
        let project = |name: &str| ProjectId::new(name).unwrap();
        let mut turns = Turns::default();
        for (number, name) in [(1, "many"), (2, "many"), (3, "many"), (4, "few"), (5, "one")] {
            turns.push(number, project(name));
        }
        let order: Vec<u64> = std::iter::from_fn(|| turns.next()).collect();
        assert_eq!(order, [1, 4, 5, 2, 3]);
    }
}
