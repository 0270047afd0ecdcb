//! The guard of a shard: when which limits are to be looked at, what is stopped, what is told (guard.md).
//!
//! ```text
//! events, limits, money ─▶ touched ─┐
//! instants that were named ─▶ due ──┴▶ look ─▶ limits    what each limit asks for
//!                                           ▶ memory    what was told and stopped; survives restarts
//!                                           ▶ outbox    commands; durable before they are sent
//!                                           ▶ the next instant
//! ```
//!
//! A holder of limits is looked at when an event of its projects was rated, when its limits or its money have changed, and at
//! the instant that the last look has named. Nothing is polled, and no instant is stored: a start looks at all holders.
//!
//! Where the contract is silent, we chose:
//!
//! | question | choice |
//! |---|---|
//! | Whose cap is a payer's? | A workspace's: what it pays for all its projects, in its currency and months |
//! | Is a wallet guarded by itself? | Where its owner or the operator has set the limit `wallet`: an empty account stops nothing that nobody wanted stopped |
//! | What lifts a stop? | A limit that allows more than it did, its end, a new month; of a wallet, more being available. What was stopped is not asked for again then, and nothing starts |
//! | Open commands when it is lifted | Are withdrawn |
//! | D and L of a project | The slowest of the clouds that have something of it |
//! | When is a cloud slow? | When a stop is not confirmed within D + L of its decision |
//! | What runs in the second of the stop | Is asked for again as long as its events say that it runs |

pub mod command;
pub mod limits;
pub mod memory;
pub mod notice;
pub mod outbox;
mod pace;
mod stopping;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kopeck_directory::Directory;
use kopeck_directory::entity::Provider;
use kopeck_directory::limit::{Holder, StopMakes};
use kopeck_directory::name as named;
use kopeck_guard::decide::{Reaction, excess};
use kopeck_guard::limit::Action;
use kopeck_ledger::amount::Amount as Money;
use kopeck_ledger::name::Moment;
use kopeck_rating::calendar::Second;
use kopeck_rating::event::second_of;
use kopeck_rating::money::Amount;
use kopeck_rating::price_book::{Class, PriceBook, StateMeaning};
use kopeck_rating::stops::Stops;
use kopeck_settlement::meter_id::MeterId;
use kopeck_settlement::shard::Shard;
use kopeck_store::Store;
use kopeck_store::events::{EventLog, Kept};

use crate::metering::MeteringError;
use limits::{Asked, Ground, Part};
use memory::{Beyond, Memory, Stopped, Told};
use notice::{Notice, What, name_of};
use outbox::Outbox;

/// The list of memories beside the log.
const MEMORIES: u8 = 3;

/// Where nothing is to be done for so many seconds, a whole look waits for as long.
const QUIET: i64 = 60;
/// What has had no answer is asked again after so many seconds.
const AGAIN: i64 = 60;

/// See the module.
#[derive(Default)]
pub struct Guard {
    /// The directory that it follows.
    directory: Option<Arc<Directory>>,
    /// The meters that keep sums of what runs: with which book, and what a stop makes there.
    kept: BTreeMap<MeterId, (Arc<PriceBook>, Stops)>,
    /// What clouds declare, by meter.
    reactions: BTreeMap<MeterId, Reaction>,
    subjects: BTreeMap<Holder, Subject>,
    /// When holders are to be looked at.
    queue: BTreeSet<(Second, Holder)>,
    touched: BTreeSet<Holder>,
    /// Of whom somebody wants to read what was spent, to the last digit.
    read: BTreeSet<Holder>,
    /// When a project's commands are to be looked at.
    checks: BTreeSet<(Second, named::ProjectId)>,
    /// Whether the commands that were open at the start were looked at.
    has_begun: bool,
    /// What is not durable yet of memories and notices.
    unwritten: Vec<Kept>,
    /// Notices so far: tells those of one instant apart.
    notices: u64,
}

/// A holder of limits.
#[derive(Default)]
struct Subject {
    memory: Memory,
    look: Option<Second>,
    /// By how many seconds an event came after its time, at the most, since the limits were last kept.
    late: i64,
    /// What was asked for at the last look.
    asked: Vec<Asked>,
}

/// What the guard works on besides its own state.
pub struct Around<'a> {
    /// What they have.
    pub ledger: &'a dyn Store,
    /// Commands.
    pub outbox: &'a Outbox,
    /// The number of the shard.
    pub shard: u64,
    /// What time it is.
    pub now: Moment,
}

/// What a holder's limits come to, as of the last look.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// What each limit asks for.
    pub asked: Vec<Asked>,
    /// What is stopped, told and beyond.
    pub memory: Memory,
}

impl Guard {
    /// A guard that remembers what a log has kept.
    ///
    /// # Errors
    /// [`MeteringError`] where it can not be read.
    pub fn of<P>(log: &dyn EventLog<P>) -> Result<Guard, MeteringError> {
        let (mut guard, mut failed) = (Guard::default(), None);
        log.kept(MEMORIES, (&[], false), &mut |kept| {
            match serde_json::from_slice::<(Holder, Memory)>(&kept.bytes) {
                Ok((holder, memory)) => {
                    guard.subjects.insert(holder, Subject { memory, ..Subject::default() });
                }
                Err(error) => failed = Some(error),
            }
            Ok(failed.is_none())
        })?;
        guard.touched = guard.subjects.keys().cloned().collect();
        failed.map_or(Ok(guard), |error| Err(error.into()))
    }

    /// Whether anything is limited.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Whether something is to be looked at, or written, at once.
    #[must_use]
    pub fn is_touched(&self) -> bool {
        self.is_on() && (!self.touched.is_empty() || !self.unwritten.is_empty())
    }

    /// When something is to be looked at, if nothing is touched before.
    #[must_use]
    pub fn next(&self) -> Option<Second> {
        let looks = self.queue.first().map(|(at, _)| *at);
        looks.into_iter().chain(self.checks.first().map(|(at, _)| *at)).min()
    }

    /// A holder's limits or money have changed.
    pub fn touch(&mut self, holder: Holder) {
        self.touched.insert(holder);
    }

    /// Somebody wants to read what a holder's limits come to.
    pub fn touch_to_read(&mut self, holder: Holder) {
        self.read.insert(holder.clone());
        self.touched.insert(holder);
    }

    /// What a holder's limits come to.
    #[must_use]
    pub fn shown(&self, holder: &Holder) -> Shown {
        let subject = self.subjects.get(holder);
        subject.map_or_else(Shown::default, |subject| Shown {
            asked: subject.asked.clone(),
            memory: subject.memory.clone(),
        })
    }

    /// What refuses whatever is new in a project: the limit, and whose it is.
    #[must_use]
    pub fn refuses(&self, directory: &Directory, project: &str, now: Moment) -> Option<(Holder, String)> {
        let holders = self.holders(directory, project, now);
        holders.into_iter().find_map(|holder| self.refuses_of(&holder))
    }

    /// What of a holder refuses whatever is new.
    #[must_use]
    pub fn refuses_of(&self, holder: &Holder) -> Option<(Holder, String)> {
        let subject = self.subjects.get(holder)?;
        let whole =
            |name: &String| subject.asked.iter().any(|asked| asked.name == *name && asked.part == Part::All);
        let stopped = subject.memory.stopped.keys().find(|name| whole(name)).cloned();
        let refuses =
            |asked: &&Asked| asked.part == Part::All && asked.decision.action >= Some(Action::RefuseNew);
        let refused = || subject.asked.iter().find(refuses).map(|asked| asked.name.clone());
        stopped.or_else(refused).map(|limit| (holder.clone(), limit))
    }

    /// Who limits a project: it itself, and whoever pays for it.
    fn holders(&self, directory: &Directory, project: &str, now: Moment) -> Vec<Holder> {
        let own = directory.project(project).map(|project| Holder::Project(project.id.clone()));
        let payer = directory.payer(project, now).map(|workspace| Holder::Workspace(workspace.id));
        own.into_iter().chain(payer).filter(|holder| self.subjects.contains_key(holder)).collect()
    }

    /// Follows a directory: whose limits there are, what clouds declare, what a stop makes of resources; and has the meters
    /// keep sums of what runs, once anything is limited. Costs nothing where the directory is the one that it knows.
    ///
    /// # Errors
    /// [`MeteringError::Settle`] where a meter has no answer.
    pub fn follow(
        &mut self,
        directory: &Arc<Directory>,
        shard: &mut Shard,
        books: impl Fn(MeterId) -> Option<Arc<PriceBook>>,
    ) -> Result<(), MeteringError> {
        if self.directory.as_ref().is_some_and(|known| Arc::ptr_eq(known, directory)) {
            return Ok(());
        }
        let before = self.directory.replace(Arc::clone(directory));
        if directory.limits().is_empty() {
            return Ok(());
        }
        // One without limits was not looked at.
        let before = before.filter(|before| !before.limits().is_empty());
        let is_same = before.as_ref().is_some_and(|before| before.prices_and_stops_as(directory));
        if !is_same {
            self.follow_clouds(directory);
        }
        self.keep_running(directory, shard, books)?;
        for (holder, _) in directory.limits().after(None) {
            let is_known = before.as_ref().is_some_and(|before| directory.limits_as(before, holder));
            if !is_same || !is_known {
                self.subjects.entry(holder.clone()).or_default();
                self.touched.insert(holder.clone());
            }
        }
        Ok(())
    }

    /// What the clouds behind each meter declare: the slowest counts.
    fn follow_clouds(&mut self, directory: &Directory) {
        self.reactions.clear();
        for (meter, provider) in clouds(directory) {
            let none = Reaction { delay: 0, latency: 0, horizon: Reaction::HORIZON };
            let slowest = self.reactions.entry(meter).or_insert(none);
            slowest.delay = slowest.delay.max(provider.delay_s.into());
            slowest.latency = slowest.latency.max(provider.latency_s.into());
        }
    }

    fn keep_running(
        &mut self,
        directory: &Directory,
        shard: &mut Shard,
        books: impl Fn(MeterId) -> Option<Arc<PriceBook>>,
    ) -> Result<(), MeteringError> {
        let mut stops: BTreeMap<MeterId, BTreeMap<String, StopMakes>> = BTreeMap::new();
        for (meter, provider) in clouds(directory) {
            let of_meter = stops.entry(meter).or_default();
            for (kind, makes) in &provider.stops {
                let known = of_meter.entry(kind.as_str().to_owned()).or_insert(*makes);
                // Of two clouds of one book the one that a stop helps less counts.
                if *makes == StopMakes::Nothing {
                    *known = StopMakes::Nothing;
                }
            }
        }
        let meters: Vec<MeterId> = shard.meters().map(|(meter, _)| meter).collect();
        for meter in meters {
            let Some(book) = books(meter) else { continue };
            let mut after = Stops::default();
            for (kind, makes) in stops.remove(&meter).unwrap_or_default() {
                after.set(&kind, meaning(makes));
            }
            let is_kept = self
                .kept
                .get(&meter)
                .is_some_and(|(known, stops)| Arc::ptr_eq(known, &book) && *stops == after);
            if !is_kept {
                shard.keep_running(meter, after.clone())?;
                self.kept.insert(meter, (book, after));
            }
        }
        Ok(())
    }

    /// Looks at whatever was touched or is due, and puts commands into the outbox. What is to be written beside them
    /// [`unwritten`](Guard::unwritten) tells.
    ///
    /// # Errors
    /// [`MeteringError`]; what was not looked at stays due.
    pub fn look(&mut self, shard: &mut Shard, around: &Around<'_>) -> Result<(), MeteringError> {
        let Some(directory) = self.directory.clone().filter(|_| self.is_on()) else { return Ok(()) };
        let at = second_of(around.now.nanoseconds());
        let mut moved = BTreeSet::new();
        for (project, late) in shard.take_arrived() {
            for holder in self.holders(&directory, &project, around.now) {
                if let Some(subject) = self.subjects.get_mut(&holder) {
                    subject.late = subject.late.max(late);
                }
                moved.insert(holder);
            }
        }
        while self.queue.first().is_some_and(|(due, _)| *due <= at) {
            self.touched.extend(self.queue.pop_first().map(|(_, holder)| holder));
        }
        let mut projects = self.due_projects(around.outbox, at);
        if !self.touched.is_empty() || !moved.is_empty() {
            shard.ready_to_stand(at, at + limits::AHEAD)?;
        }
        for holder in moved {
            if self.touched.contains(&holder) || !self.can_wait(shard, (around, &directory, at), &holder) {
                self.touched.insert(holder);
            }
        }
        while let Some(holder) = self.touched.first().cloned() {
            match self.look_at(shard, (around, &directory, at), &holder) {
                Ok(()) => projects.extend(limits::projects_of(&directory, &holder, around.now)),
                // One project that has no answer keeps no other from being looked at.
                Err(MeteringError::Settle(error)) => {
                    tracing::error!(%holder, %error, "limits can not be looked at");
                    self.queue.insert((at + AGAIN, holder.clone()));
                }
                Err(error) => return Err(error),
            }
            self.touched.remove(&holder);
        }
        // All limits of a project are known by now: its own, and those of whoever pays.
        for project in projects {
            if let Some(late) = self.enforce(shard, (around, &directory), &project)? {
                self.checks.insert((late, project));
            }
        }
        Ok(())
    }

    /// Whether what events have changed of a holder can wait for a whole look, which is then due in time. Many events change
    /// what is far from any limit: these cost little.
    fn can_wait(
        &mut self,
        shard: &mut Shard,
        (around, directory, at): (&Around<'_>, &Arc<Directory>, Second),
        holder: &Holder,
    ) -> bool {
        let Some(subject) = self.subjects.get_mut(holder) else { return true };
        let ground = Ground {
            directory,
            ledger: around.ledger,
            reactions: &self.reactions,
            now: around.now,
            at,
            is_exact: false,
        };
        // What has no answer is asked as a whole, which tells of it.
        let is_quiet = limits::is_quiet(shard, &ground, (holder, &subject.memory), QUIET).unwrap_or(false);
        let soon = at + QUIET;
        if is_quiet && subject.look.is_none_or(|look| look > soon) {
            if let Some(look) = subject.look.replace(soon) {
                self.queue.remove(&(look, holder.clone()));
            }
            self.queue.insert((soon, holder.clone()));
        }
        is_quiet
    }

    /// The projects whose commands are to be looked at.
    fn due_projects(&mut self, outbox: &Outbox, at: Second) -> BTreeSet<named::ProjectId> {
        let mut projects = BTreeSet::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            projects.extend(outbox.sendable().into_iter().map(|command| command.project));
        }
        while self.checks.first().is_some_and(|(due, _)| *due <= at) {
            projects.extend(self.checks.pop_first().map(|(_, project)| project));
        }
        projects
    }

    fn look_at(
        &mut self,
        shard: &mut Shard,
        (around, directory, at): (&Around<'_>, &Arc<Directory>, Second),
        holder: &Holder,
    ) -> Result<(), MeteringError> {
        let Some(mut subject) = self.subjects.remove(holder) else { return Ok(()) };
        let before = subject.memory.clone();
        let ground = Ground {
            directory,
            ledger: around.ledger,
            reactions: &self.reactions,
            now: around.now,
            at,
            is_exact: self.read.remove(holder),
        };
        let looked = limits::ask(shard, &ground, holder, &mut subject.memory);
        let looked =
            looked.and_then(|asked| self.take_in((around, directory, at), holder, (&mut subject, asked)));
        if let Some(look) = subject.look.take() {
            self.queue.remove(&(look, holder.clone()));
        }
        if looked.is_ok() {
            let look = subject.asked.iter().filter_map(|asked| asked.decision.look).min();
            subject.look = look.map(|look| look.max(at + 1));
            self.queue.extend(subject.look.map(|look| (look, holder.clone())));
        }
        if subject.memory != before {
            let bytes = serde_json::to_vec(&(holder, &subject.memory))?;
            self.unwritten.push(Kept { list: MEMORIES, name: name_of(holder), is_open: false, bytes });
        }
        self.subjects.insert(holder.clone(), subject);
        looked
    }

    /// Takes in what the limits of a holder ask for.
    fn take_in(
        &mut self,
        (around, directory, at): (&Around<'_>, &Arc<Directory>, Second),
        holder: &Holder,
        (subject, asked): (&mut Subject, Vec<Asked>),
    ) -> Result<(), MeteringError> {
        let slow = slowest(around, &limits::projects_of(directory, holder, around.now));
        for one in &asked {
            self.digest((around, at), holder, (subject, slow), one)?;
        }
        self.lift_others((around.now, holder), &mut subject.memory, &asked)?;
        subject.asked = asked;
        Ok(())
    }

    /// Remembers and tells what one limit asks for.
    fn digest(
        &mut self,
        (around, at): (&Around<'_>, Second),
        holder: &Holder,
        (subject, slow): (&mut Subject, i64),
        asked: &Asked,
    ) -> Result<(), MeteringError> {
        let name = &asked.name;
        for percent in &asked.decision.tell {
            self.tell((around.now, holder, name), What::Threshold { percent: *percent })?;
        }
        if let Some(percent) = asked.decision.tell.iter().max().copied() {
            subject.memory.told.insert(name.clone(), Told { month: asked.month, percent });
        }
        let stops = asked.decision.action == Some(Action::Stop);
        let allowed = allowed(asked)?;
        match (subject.memory.stopped.get_mut(name), stops) {
            (None, true) => {
                let stopped = Stopped { since: at, month: asked.month, allowed };
                subject.memory.stopped.insert(name.clone(), stopped);
                self.tell((around.now, holder, name), What::Stopped)?;
            }
            (Some(stopped), true) => {
                stopped.month = asked.month;
                stopped.allowed = stopped.allowed.min(allowed);
            }
            (Some(stopped), false) if stopped.month != asked.month || stopped.allowed < allowed => {
                subject.memory.stopped.remove(name);
                self.tell((around.now, holder, name), What::Lifted)?;
            }
            _ => {}
        }
        self.beyond((around, at), holder, (subject, slow), asked)
    }

    /// Follows what was spent beyond a cap or a wallet, and why.
    fn beyond(
        &mut self,
        (around, at): (&Around<'_>, Second),
        holder: &Holder,
        (subject, slow): (&mut Subject, i64),
        asked: &Asked,
    ) -> Result<(), MeteringError> {
        use kopeck_directory::limit::LimitTerms;
        let (name, bound) = (&asked.name, asked.limit.terms.amount().unwrap_or(Money::ZERO));
        let is_capped = matches!(asked.limit.terms, LimitTerms::Cap { .. } | LimitTerms::Wallet { .. });
        let Some(left) = asked.left.filter(|_| is_capped) else { return Ok(()) };
        if left >= Amount::ZERO {
            if subject.memory.kept_at.get(name) != Some(&bound) {
                subject.memory.kept_at.insert(name.clone(), bound);
            }
            let is_past = |beyond: &mut Beyond| beyond.month == asked.month;
            if subject.memory.beyond.get_mut(name).is_some_and(is_past) {
                subject.memory.beyond.remove(name);
            }
            subject.late = 0;
            return Ok(());
        }
        let over =
            Amount::ZERO.checked_sub(left).map_err(|overflow| MeteringError::Settle(overflow.into()))?;
        let amount = Money::try_from(over).map_err(|overflow| MeteringError::Settle(overflow.into()))?;
        if let Some(known) = subject.memory.beyond.get_mut(name).filter(|known| known.month == asked.month) {
            known.amount = amount;
            return Ok(());
        }
        let circumstances = kopeck_guard::decide::Circumstances {
            reported_after: subject.late,
            obeyed_after: slow.saturating_sub(asked.reaction.delay),
            was_lowered: subject.memory.kept_at.get(name).is_none_or(|kept| bound < *kept),
        };
        let Some(found) = excess(over, circumstances, asked.reaction) else { return Ok(()) };
        let beyond = Beyond { since: at, month: asked.month, amount, cause: found.cause };
        subject.memory.beyond.insert(name.clone(), beyond);
        let cause = memory::word_of(found.cause).to_owned();
        self.tell((around.now, holder, name), What::Beyond { amount, cause })
    }

    /// What is stopped by limits that are not there any more is lifted.
    fn lift_others(
        &mut self,
        (now, holder): (Moment, &Holder),
        memory: &mut Memory,
        asked: &[Asked],
    ) -> Result<(), MeteringError> {
        let is_there = |name: &String| asked.iter().any(|asked| asked.name == *name);
        let gone: Vec<String> = memory.stopped.keys().filter(|name| !is_there(name)).cloned().collect();
        for name in gone {
            memory.stopped.remove(&name);
            self.tell((now, holder, &name), What::Lifted)?;
        }
        memory.told.retain(|name, _| is_there(name));
        memory.kept_at.retain(|name, _| is_there(name));
        memory.paces.retain(|name, _| is_there(name));
        Ok(())
    }

    fn tell(
        &mut self,
        (at, holder, limit): (Moment, &Holder, &str),
        what: What,
    ) -> Result<(), MeteringError> {
        tracing::info!(%holder, limit, ?what, "the guard tells");
        self.notices += 1;
        let notice = Notice { at, holder: holder.clone(), limit: limit.to_owned(), what };
        self.unwritten.push(notice.kept(self.notices)?);
        Ok(())
    }

    /// What is not durable yet of memories and notices.
    #[must_use]
    pub fn unwritten(&self) -> Vec<Kept> {
        self.unwritten.clone()
    }

    /// The first of them are durable now.
    pub fn written(&mut self, count: usize) {
        self.unwritten.drain(..count.min(self.unwritten.len()));
    }
}

/// The longest time for which a project's clouds have not obeyed, in seconds.
fn slowest(around: &Around<'_>, projects: &[named::ProjectId]) -> i64 {
    let open = projects.iter().flat_map(|project| around.outbox.open_of(project.as_str()));
    let ages = open.map(|command| {
        second_of(around.now.nanoseconds()).saturating_sub(second_of(command.decided.nanoseconds()))
    });
    ages.max().unwrap_or(0)
}

/// How much a limit allows: of a wallet what is available.
fn allowed(asked: &Asked) -> Result<Money, MeteringError> {
    match asked.limit.terms.amount() {
        Some(amount) => Ok(amount),
        None => {
            let left = asked.left.unwrap_or(Amount::ZERO);
            Money::try_from(left).map_err(|overflow| MeteringError::Settle(overflow.into()))
        }
    }
}

/// The providers whose events each meter prices.
fn clouds(directory: &Directory) -> Vec<(MeterId, Arc<Provider>)> {
    let meter = |book: &named::BookId| Some(MeterId(directory.shelf(book.as_str())?.book.meter.0));
    let lists = directory.providers().after(None);
    let lists = lists.filter_map(|(_, provider)| Some((meter(&provider.book)?, Arc::clone(provider))));
    let contracts = directory.contracts().after(None).flat_map(|((_, id), contract)| {
        let provider = directory.providers().get(id).cloned();
        let books = contract.terms.iter().filter_map(|term| term.book.as_ref());
        books.filter_map(move |book| Some((meter(book)?, provider.clone()?)))
    });
    lists.chain(contracts).collect()
}

fn meaning(makes: StopMakes) -> Option<StateMeaning> {
    match makes {
        StopMakes::Inactive => Some(StateMeaning::Class(Some(Class::Inactive))),
        StopMakes::Classless => Some(StateMeaning::Class(None)),
        StopMakes::Gone => Some(StateMeaning::Deleted),
        StopMakes::Nothing => None,
    }
}
