//! The outbox: commands on their way to clouds, shared by the settler, who decides on them, and whoever sends them.
//!
//! A command is shown to senders when it is durable, and not before. What is learnt of one later is written behind: a crash
//! forgets at most that it was sent, and it is sent again under the same key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kopeck_directory::name::ProjectId;
use kopeck_ledger::name::Moment;
use kopeck_store::StoreError;
use kopeck_store::events::{EventLog, Kept};
use tokio::sync::watch;

use super::command::{COMMANDS, End, StopCommand};

/// The list of what there is one of.
const SINGLE: u8 = 0;
/// The name of the last command's number in that list.
const LAST_COMMAND: &[u8] = b"last command";

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    inner: Mutex<Inner>,
    /// Held while something is written, so that an older state never comes after a newer one.
    writing: Mutex<()>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    /// By their numbers; those that have ended leave when that is durable.
    commands: BTreeMap<u64, Entry>,
    /// The numbers of those that have not left, by their project.
    of_projects: BTreeMap<ProjectId, BTreeSet<u64>>,
    /// Those that changed since they were written.
    changed: BTreeSet<u64>,
    /// Those that are to be sent at once.
    fresh: BTreeSet<u64>,
}

impl Inner {
    fn insert(&mut self, entry: Entry) {
        let (number, project) = (entry.command.number, entry.command.project.clone());
        self.of_projects.entry(project).or_default().insert(number);
        self.commands.insert(number, entry);
    }

    fn remove(&mut self, number: u64) {
        let Some(entry) = self.commands.remove(&number) else { return };
        if let Some(others) = self.of_projects.get_mut(&entry.command.project) {
            others.remove(&number);
            if others.is_empty() {
                self.of_projects.remove(&entry.command.project);
            }
        }
    }
}

#[derive(Debug)]
struct Entry {
    command: StopCommand,
    /// Counts its changes, and which of them is durable.
    changes: u64,
    durable: u64,
}

/// Why an outbox can not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The log can not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was kept is no command.
    #[error("a kept command can not be read: {0}")]
    Json(#[from] serde_json::Error),
}

impl Default for Outbox {
    fn default() -> Outbox {
        Outbox { inner: Mutex::default(), writing: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

impl Outbox {
    /// The open commands of a log.
    ///
    /// # Errors
    /// [`OutboxError`] where they can not be read.
    pub fn of<P>(log: &dyn EventLog<P>) -> Result<Outbox, OutboxError> {
        let (mut inner, mut failed) = (Inner::default(), None);
        log.kept(COMMANDS, (&[], true), &mut |kept| {
            match serde_json::from_slice::<StopCommand>(&kept.bytes) {
                Ok(command) => {
                    inner.last = inner.last.max(command.number);
                    inner.fresh.insert(command.number);
                    inner.insert(Entry { command, changes: 1, durable: 1 });
                }
                Err(error) => failed = Some(error),
            }
            Ok(failed.is_none())
        })?;
        log.kept(SINGLE, (&[], false), &mut |kept| {
            if kept.name == LAST_COMMAND {
                let last = serde_json::from_slice::<u64>(&kept.bytes).map_err(|error| failed = Some(error));
                inner.last = inner.last.max(last.unwrap_or_default());
            }
            Ok(failed.is_none())
        })?;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(Outbox { inner: Mutex::new(inner), ..Outbox::default() }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whoever panicked has changed whole commands or nothing.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a new command in; it gets its number and key. Nobody sends it before [`flush`](Outbox::flush).
    pub fn put(&self, shard: u64, mut command: StopCommand) {
        let mut inner = self.lock();
        inner.last += 1;
        command.number = inner.last;
        command.key = StopCommand::key_of(shard, command.number, command.decided);
        inner.changed.insert(command.number);
        inner.insert(Entry { command, changes: 1, durable: 0 });
    }

    /// Changes an open command; nothing where it has ended.
    pub fn change(&self, number: u64, change: impl FnOnce(&mut StopCommand)) {
        let mut inner = self.lock();
        if let Some(entry) = inner.commands.get_mut(&number).filter(|entry| entry.command.end.is_none()) {
            change(&mut entry.command);
            entry.changes += 1;
            inner.changed.insert(number);
        }
    }

    /// Has a command sent again at once: what it had stopped was started since.
    pub fn send_again(&self, number: u64) {
        self.change(number, |command| command.taken = None);
        self.lock().fresh.insert(number);
    }

    /// Ends an open command.
    pub fn end(&self, number: u64, end: End) {
        self.change(number, |command| command.end = Some(end));
    }

    /// All open commands of a project, durable or not.
    #[must_use]
    pub fn open_of(&self, project: &str) -> Vec<StopCommand> {
        let inner = self.lock();
        let numbers = inner.of_projects.get(project).into_iter().flatten();
        let of_it = numbers.filter_map(|number| inner.commands.get(number)).map(|entry| &entry.command);
        of_it.filter(|command| command.end.is_none()).cloned().collect()
    }

    /// All open commands that may be sent, in the order in which they were decided.
    #[must_use]
    pub fn sendable(&self) -> Vec<StopCommand> {
        let inner = self.lock();
        let durable = inner.commands.values().filter(|entry| entry.durable > 0);
        durable.map(|entry| &entry.command).filter(|command| command.end.is_none()).cloned().collect()
    }

    /// An open command that may be sent.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<StopCommand> {
        let inner = self.lock();
        let entry = inner.commands.get(&number).filter(|entry| entry.durable > 0)?;
        Some(entry.command.clone()).filter(|command| command.end.is_none())
    }

    /// Those that are to be sent at once and were not told before: their numbers and projects, in the order in which they
    /// were decided.
    #[must_use]
    pub fn take_fresh(&self) -> Vec<(u64, ProjectId)> {
        let mut inner = self.lock();
        let fresh = std::mem::take(&mut inner.fresh);
        let of = |number: &u64| Some((*number, inner.commands.get(number)?.command.project.clone()));
        fresh.iter().filter_map(of).collect()
    }

    /// Notes what came of a try to send a command.
    pub fn tried(&self, number: u64, outcome: Result<(), String>, at: Moment) {
        self.change(number, |command| {
            command.tries = command.tries.saturating_add(1);
            match outcome {
                Ok(()) => (command.taken, command.failure) = (Some(at), None),
                Err(why) => command.failure = Some(why),
            }
        });
    }

    /// Follows whether there is something to send: whoever waits looks at [`sendable`](Outbox::sendable) again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Writes what has changed, and `beside` it, all or nothing; then commands may be sent. Waits for the disk.
    ///
    /// # Errors
    /// [`OutboxError`]; what has changed is written the next time.
    pub fn flush<P>(&self, log: &dyn EventLog<P>, mut beside: Vec<Kept>) -> Result<(), OutboxError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = Vec::new();
        {
            let inner = self.lock();
            let mut is_new = false;
            for entry in inner.changed.iter().filter_map(|number| inner.commands.get(number)) {
                beside.push(entry.command.kept()?);
                written.push((entry.command.number, entry.changes));
                is_new |= entry.durable == 0;
            }
            if is_new {
                let bytes = serde_json::to_vec(&inner.last)?;
                beside.push(Kept { list: SINGLE, name: LAST_COMMAND.to_vec(), is_open: false, bytes });
            }
        }
        if beside.is_empty() {
            return Ok(());
        }
        log.keep(beside)?;
        let mut inner = self.lock();
        for (number, changes) in &written {
            let Some(entry) = inner.commands.get_mut(number) else { continue };
            let (was_new, has_ended) = (entry.durable == 0, entry.command.end.is_some());
            let is_last = entry.changes == *changes;
            entry.durable = *changes;
            if is_last {
                inner.changed.remove(number);
            }
            if was_new && !has_ended {
                inner.fresh.insert(*number);
            }
            if is_last && has_ended {
                inner.remove(*number);
            }
        }
        drop(inner);
        if !written.is_empty() {
            self.changed.send_modify(|count| *count += 1);
        }
        Ok(())
    }
}
