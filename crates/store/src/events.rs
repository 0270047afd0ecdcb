//! What the rest of kopeck asks of the event log: the verbs of a durable list of usage events and of what came of them.
//!
//! The log knows of an event what others have found out about it: the hashes of its key, content and resource, and its
//! instant. It decides one thing, which of two events of one key was first, and tells when that is durable. Beside the
//! events lie the steps in which they were settled, and snapshots of the settling state, as bytes that only their
//! author reads. Contract: rating.md, "Usage events".

use std::fmt;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use kopeck_ledger::name::Moment;

use crate::answer::Copied;
use crate::error::StoreError;
use crate::store::{Answer, Ticket};

/// The place of an event in the log: 1 for the first that was accepted, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const NONE: Position = Position(0);

    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Position {
        Position(self.0.saturating_add(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event that has passed all checks but one: whether its key was seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The keyed hash of (source, id).
    pub key: u128,
    /// The keyed hash of all that it says: equal JSON and equal instants have equal ones.
    pub content: u64,
    /// The keyed hash of (source, subject).
    pub resource: u128,
    /// Its instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Where its line stands in the bytes of its group, without the line's end.
    pub line: Range<usize>,
}

/// Events that arrived together and are answered together: those of one request.
#[derive(Debug, Clone)]
pub struct Group<P> {
    /// The bytes that the lines of the arrivals are parts of. They may hold more: what is in no line is not kept.
    pub bytes: Bytes,
    /// The events, in the order in which they are judged.
    pub arrivals: Vec<Arrival>,
    /// What whoever is told of the group wants to have again.
    pub payload: P,
}

/// What became of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log, at this place.
    Accepted(Position),
    /// An event of the same key and content was accepted before; nothing has changed.
    Duplicate,
    /// An event of the same key and other content was accepted before: it is refused.
    OtherContent,
}

/// A promise of outcomes: one for each arrival of the group in the same order, when they are durable.
pub type EventTicket = Ticket<Vec<Outcome>>;

/// What one commit has made durable.
#[derive(Debug)]
pub struct Durable<P> {
    /// When the log received it. It never goes back, whatever the clock does.
    pub received: Moment,
    /// The groups in the order of the log, each with the outcomes of its arrivals.
    pub groups: Vec<(Group<P>, Vec<Outcome>)>,
}

/// An event in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedEvent<'l> {
    /// Its place.
    pub position: Position,
    /// When the log received it.
    pub received: Moment,
    /// The hash of its key.
    pub key: u128,
    /// The hash of its content.
    pub content: u64,
    /// The hash of its resource.
    pub resource: u128,
    /// Its instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Its line, as it arrived.
    pub line: &'l [u8],
}

/// A step of settling: what was decided to be posted, written down before it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Its number: one more than that of the step before it, 1 for the first.
    pub number: u64,
    /// The last event that it takes into account.
    pub through: Position,
    /// The instant as of which it was decided.
    pub at: Moment,
    /// What it posts, as its author writes it.
    pub postings: Vec<u8>,
}

/// A step in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedStep {
    /// The step.
    pub step: StepRow,
    /// Whether its postings are known to be in the ledger.
    pub is_confirmed: bool,
}

/// The settling state at some place of the log, to be written down in parts.
pub struct NewSnapshot<'p> {
    /// The last event that it has taken.
    pub through: Position,
    /// The last step that it has taken.
    pub step: u64,
    /// Its bytes: each part is written by itself, while events go on being appended.
    pub parts: &'p mut dyn Iterator<Item = Vec<u8>>,
}

/// The settling state as it was written down, whose parts are read one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Its number.
    pub number: u64,
    /// The last event that it has taken.
    pub through: Position,
    /// The last step that it has taken.
    pub step: u64,
    /// How many parts it has.
    pub parts: u64,
}

/// Something that whoever settles keeps beside the log and changes as it goes on, such as a command on its way to a cloud
/// and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// In which of its author's lists.
    pub list: u8,
    /// Its name in that list, which is also its order there: at most 512 bytes.
    pub name: Vec<u8>,
    /// Whether something is still to be done about it: those are found without reading the others.
    pub is_open: bool,
    /// What it says, as its author writes it.
    pub bytes: Vec<u8>,
}

/// How far verifying an event log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventProgress {
    /// Events that are proven.
    pub events: u64,
    /// Events in all.
    pub of: u64,
}

/// What verifying an event log has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventReport {
    /// Events that are proven.
    pub events: u64,
    /// Steps that are there without a gap.
    pub steps: u64,
    /// What is broken first, in words that say where.
    pub problem: Option<String>,
}

impl EventReport {
    /// What two logs have come to together: the first problem of the first one that has any.
    #[must_use]
    pub fn and(self, other: EventReport) -> EventReport {
        EventReport {
            events: self.events + other.events,
            steps: self.steps + other.steps,
            problem: self.problem.or(other.problem),
        }
    }
}

/// What is durable of a log, for whoever reads it: that need not be the one who writes it.
pub trait EventReader: Send + Sync {
    /// Hands all events after a place to `take`, in their order, until it answers `false`.
    ///
    /// # Errors
    /// What `take` answers, or [`StoreError`] where the log can not be read.
    fn read(&self, after: Position, take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>) -> Answer<()>;

    /// Hands the events of a resource after a place to `take`, in their order, until it answers `false`. Reads what
    /// may hold them and not the whole log.
    ///
    /// # Errors
    /// As [`EventReader::read`].
    fn of_resource(
        &self,
        resource: u128,
        after: Position,
        take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>,
    ) -> Answer<()>;

    /// Hands all steps after a number to `take`, in their order, until it answers `false`.
    ///
    /// # Errors
    /// What `take` answers, or [`StoreError`] where they can not be read.
    fn steps_after(&self, number: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()>;

    /// The last step that was confirmed, with all before it: their postings are in the ledger.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn confirmed(&self) -> Answer<u64>;

    /// Checks the whole log: that every event can be read and has its place, that its key is known with its content,
    /// and the steps and the snapshot. Reads as of one instant.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be read; what is wrong in it is the report's matter.
    fn verify(&self, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport>;
}

/// A durable log of usage events.
///
/// Groups are judged one after the other and written together; a ticket's outcomes come when they are durable. What is
/// read is durable as well. Whoever opens a log gives it a function that is told of every group which was judged, in
/// the order of the log, after the commit and before the answers.
pub trait EventLog<P>: EventReader {
    /// Hands over a group. Never waits.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where too much is waiting already; [`StoreError::Closed`]. The ticket tells of a commit
    /// that has failed: [`StoreError::Unknown`] alone leaves open whether the events are in the log, and sending them
    /// again changes nothing twice.
    fn submit(&self, group: Group<P>) -> Answer<EventTicket>;

    /// The last event of the log.
    fn end(&self) -> Position;

    /// Writes a step down, to be found by the keys of what it posts, as hashes of its author's; it is durable when this
    /// returns. The same step again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::StepOutOfOrder`] where it does not follow the last one, or has its number and differs from it;
    /// [`StoreError`] where it can not be written.
    fn record_step(&self, step: StepRow, keys: &[u64]) -> Answer<()>;

    /// Hands the steps that may post something of a key to `take`, newest first, until it answers `false`. Reads no
    /// others; steps that were written without keys may be among them.
    ///
    /// # Errors
    /// What `take` answers, or [`StoreError`] where they can not be read.
    fn steps_of(&self, key: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()>;

    /// Notes that the postings of a step are in the ledger; durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::StepOutOfOrder`] where there is no such step; [`StoreError`] where it can not be written.
    fn confirm_step(&self, number: u64) -> Answer<()>;

    /// The steps that were never confirmed, in their order: their postings may be in the ledger or not.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn unconfirmed(&self) -> Answer<Vec<StepRow>>;

    /// Notes that something which is due by the clock was done, at the instant at which it was due; durable when this
    /// returns. An earlier instant than is known changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be written.
    fn note_duty(&self, name: [u8; 16], at: Moment) -> Answer<()>;

    /// What is due by the clock, with the instant at which each was done last.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn duties(&self) -> Answer<Vec<([u8; 16], Moment)>>;

    /// Keeps these entries, each in the place of what its list had under its name: all of them or none, durable when this
    /// returns. The last of two of one name counts.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be written.
    fn keep(&self, entries: Vec<Kept>) -> Answer<()>;

    /// Hands what a list has after a name to `take`, in the order of names, until it answers `false`; where `which` says
    /// `true` beside the name, only what is open.
    ///
    /// # Errors
    /// What `take` answers, or [`StoreError`] where it can not be read.
    fn kept(&self, list: u8, which: (&[u8], bool), take: &mut dyn FnMut(Kept) -> Answer<bool>) -> Answer<()>;

    /// Writes the settling state down, part by part, while events go on being appended. It takes the place of the one
    /// before when it is whole.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be written; the one before then stays.
    fn save_snapshot(&self, snapshot: NewSnapshot<'_>) -> Answer<()>;

    /// The last state that was written down whole. `None` where there is none or its bytes are not what was written:
    /// then all events and steps tell it again.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn snapshot(&self) -> Answer<Option<Snapshot>>;

    /// A part of the last snapshot, from 0.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it is not what was written, or another snapshot has taken its place.
    fn snapshot_part(&self, snapshot: &Snapshot, part: u64) -> Answer<Vec<u8>>;

    /// Lets go of the keys of events before an instant, in nanoseconds of Unix time: whoever hands over groups refuses
    /// such events from now on. The events stay.
    ///
    /// # Errors
    /// [`StoreError`] where that can not be written.
    fn forget_keys(&self, older_than: i64) -> Answer<()>;

    /// Copies the log, as it is at one instant, to a new file, while it is written.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Full`], and what else a file can do.
    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()>;

    /// Hands over a group and waits for the outcomes. Not for use inside async code.
    ///
    /// # Errors
    /// As [`EventLog::submit`].
    fn append(&self, group: Group<P>) -> Result<Vec<Outcome>, StoreError> {
        self.submit(group)?.wait()
    }
}

impl fmt::Debug for NewSnapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSnapshot")
            .field("through", &self.through)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
