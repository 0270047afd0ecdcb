//! Stops on their way: sent when they are durable, and again until the cloud's events say that the resource is stopped.
//!
//! A stop that could not be brought to the cloud's adapter is tried again after a pause that doubles, by the machine's clock;
//! one that was taken and not obeyed in the declared time, by the installation's. A start sends all open ones at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use kopeck_ledger::name::Moment;
use kopeck_metering::Metering;
use kopeck_metering::guard::command::StopCommand;
use tokio::sync::mpsc;

use crate::app::App;
use crate::commander::Commander;

/// Stops that are brought to adapters at a time.
const ABREAST: usize = 32;
/// The pause after the first failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause after a stop that was taken and not obeyed doubles up to this.
const LONGEST_WAIT_S: i64 = 600;
const SECOND: i64 = 1_000_000_000;

/// What this process knows of a stop beside the outbox.
#[derive(Debug, Default, Clone, Copy)]
struct Known {
    is_sent: bool,
    /// Failures in a row, and not before when the next try may be.
    failures: u32,
    not_before: Option<Instant>,
    /// How often it was taken.
    taken: u32,
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

/// Sends the stops of a shard while it is here.
async fn send_of(app: Arc<App>, shard: Weak<Metering>, commander: Option<Commander>) {
    let Some(mut changes) = shard.upgrade().map(|metering| metering.outbox().changes()) else { return };
    let (done, mut dones) = mpsc::unbounded_channel::<(u64, Result<(), String>)>();
    let mut known: BTreeMap<u64, Known> = BTreeMap::new();
    while !app.stop.has_begun() {
        let Some(open) = shard.upgrade().map(|metering| metering.outbox().sendable()) else { return };
        known.retain(|number, known| known.is_sent || open.iter().any(|command| command.number == *number));
        let mut soonest = LONGEST_PAUSE;
        for command in open {
            let sending = known.values().filter(|known| known.is_sent).count();
            let state = known.entry(command.number).or_default();
            match pause(state, &command, app.now()) {
                None => {}
                Some(Duration::ZERO) if sending < ABREAST => {
                    state.is_sent = true;
                    tokio::spawn(send(Arc::clone(&app), commander.clone(), command, done.clone()));
                }
                Some(pause) => soonest = soonest.min(pause.max(Duration::from_millis(1))),
            }
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            Some(first) = dones.recv() => {
                let rest = std::iter::from_fn(|| dones.try_recv().ok());
                take_in((&app, &shard), &mut known, std::iter::once(first).chain(rest)).await;
            }
            () = app.clock.pause(soonest) => {}
            () = app.stop.begun() => {}
        }
    }
}

/// How long a stop waits for its next try; `None` while it is on its way.
fn pause(known: &Known, command: &StopCommand, now: Moment) -> Option<Duration> {
    if known.is_sent {
        return None;
    }
    if let Some(not_before) = known.not_before {
        return Some(not_before.saturating_duration_since(Instant::now()));
    }
    let (Some(taken), 1..) = (command.taken, known.taken) else { return Some(Duration::ZERO) };
    let doubled = command.within_s.max(1).saturating_mul(1 << known.taken.min(16).saturating_sub(1));
    let wait = doubled.clamp(1, LONGEST_WAIT_S.max(command.within_s));
    let due = taken.nanoseconds().saturating_add(wait.saturating_mul(SECOND));
    let left = due.saturating_sub(now.nanoseconds()).max(0);
    Some(Duration::from_nanos(left.unsigned_abs()))
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

/// Remembers what came of tries.
async fn take_in(
    (app, shard): (&Arc<App>, &Weak<Metering>),
    known: &mut BTreeMap<u64, Known>,
    outcomes: impl Iterator<Item = (u64, Result<(), String>)>,
) {
    // Another node sends what is open by what it knows.
    let Some(metering) = shard.upgrade() else { return };
    for (number, outcome) in outcomes {
        let state = known.entry(number).or_default();
        state.is_sent = false;
        match &outcome {
            Ok(()) => *state = Known { taken: state.taken.saturating_add(1), ..Known::default() },
            Err(why) => {
                tracing::warn!(number, why, "a stop could not be sent; it is tried again");
                let pause = FIRST_PAUSE.saturating_mul(1 << state.failures.min(16)).min(LONGEST_PAUSE);
                state.not_before = Instant::now().checked_add(pause);
                state.failures = state.failures.saturating_add(1);
            }
        }
        metering.outbox().tried(number, outcome, app.now());
    }
    let kept = app.blocking(move |_| Ok(metering.keep_commands()?)).await;
    if let Err(error) = kept {
        tracing::error!(%error, "what became of stops could not be written down");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kopeck_directory::name::ProjectId;
    use uuid::Uuid;

    fn at(second: i64) -> Moment {
        Moment::from_nanoseconds(second * SECOND).unwrap()
    }

    fn command(taken: Option<i64>) -> StopCommand {
        StopCommand {
            number: 1,
            key: Uuid::nil(),
            project: ProjectId::new("acme").unwrap(),
            source: "cloud://".to_owned(),
            subject: "vm".to_owned(),
            kind: "vm".to_owned(),
            limit: "cap:month of acme".to_owned(),
            decided: at(0),
            within_s: 60,
            tries: 0,
            taken: taken.map(at),
            failure: None,
            escalated: None,
            end: None,
        }
    }

    #[test]
    fn what_was_taken_is_sent_again_when_it_is_not_obeyed_in_time_and_then_less_often() {
        let wait = |known, taken, now| pause(&known, &command(taken), at(now)).map(|pause| pause.as_secs());
        let taken = |taken| Known { taken, ..Known::default() };
        // A start knows of no try of its own.
        assert_eq!(wait(taken(0), Some(10), 11), Some(0));
        assert_eq!(wait(taken(1), Some(10), 11), Some(59));
        assert_eq!(wait(taken(1), Some(10), 70), Some(0));
        assert_eq!(wait(taken(2), Some(70), 70), Some(120));
        assert_eq!(wait(taken(30), Some(70), 70), Some(600));
        // The resource was started since: it is stopped again at once.
        assert_eq!(wait(taken(5), None, 70), Some(0));
        assert_eq!(wait(Known { is_sent: true, ..taken(1) }, None, 70), None);
    }
}
