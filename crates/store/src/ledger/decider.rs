//! Deciding, ahead of the disk: one thread asks the ledger about request after request and hands over what to write.
//!
//! Its ledger is ahead of what is durable by the batches on their way. Nobody sees it: replies are sent when the batch
//! that they came of is durable, and readers see the durable state. Where a batch can not be written, all that was
//! decided after it is void as well; then it begins again from the durable state.
//!
//! Where a journal has other writers, what they have overtaken is decided again in a turn, in which they can not write; and
//! turns are taken from then on, until nobody else has written for a while. Nothing is decided ahead in turns, so the
//! state follows others record by record.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, PoisonError};

use kopeck_ledger::ledger::{Decision, Known, Ledger};
use kopeck_ledger::name::{Moment, Sequence, TransactionId};
use kopeck_ledger::record::{Outcome, Record, Reply};

use crate::error::StoreError;
use crate::ledger::batch::{Asked, Batch, Landmark, landmarks_of};
use crate::ledger::id_index::{IdIndex, SealedRun};
use crate::ledger::journal;
use crate::ledger::queue::{Job, Work};
use crate::ledger::shared::{Clock, Shared};
use crate::ledger::tables::Tables;
use crate::ledger::writer::{Command, Followed, Turn};

/// A batch takes whatever waits, up to so many requests.
const BATCH_REQUESTS: usize = 8_192;
/// Batches whose records are kept at hand, because they may not be in the database yet: one is being written, one is
/// handed over.
const BATCHES_AT_HAND: usize = 3;
/// Others who have not written in so many turns are not waited for any more.
const QUIET_TURNS: u32 = 64;

/// The deciding thread's state.
pub struct Decider {
    shared: Arc<Shared>,
    writer: SyncSender<Command>,
    clock: Clock,
    tables: Box<dyn Tables + Send>,
    ahead: Ledger,
    ids: IdIndex,
    at_hand: VecDeque<Arc<Vec<Record>>>,
    /// What was decided last is void: begin again from what is durable.
    void: bool,
    /// Whether the journal may have other writers.
    has_others: bool,
    /// So many turns are taken yet.
    turns: u32,
    /// Others can not write until the next batch is handed over.
    is_turn: bool,
    /// What is to be decided again before all else.
    undecided: Vec<Asked>,
}

impl Decider {
    /// Begins with nothing in memory: the first job loads it.
    pub fn new(
        shared: Arc<Shared>,
        writer: SyncSender<Command>,
        clock: Clock,
        tables: Box<dyn Tables + Send>,
    ) -> Decider {
        Decider {
            shared,
            writer,
            clock,
            tables,
            ahead: Ledger::default(),
            ids: IdIndex::default(),
            at_hand: VecDeque::new(),
            void: true,
            has_others: false,
            turns: 0,
            is_turn: false,
            undecided: Vec::new(),
        }
    }

    /// Takes over a state that was just loaded.
    pub fn starting_with(mut self, ledger: Ledger, ids: IdIndex) -> Decider {
        (self.ahead, self.ids, self.void) = (ledger, ids, false);
        self
    }

    /// Of a journal that may have other writers.
    pub fn among_others(mut self, has_others: bool) -> Decider {
        self.has_others = has_others;
        self
    }

    /// Decides until the queue is closed and empty.
    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        while let Some(jobs) = shared.queue.take(BATCH_REQUESTS) {
            let mut asked = Vec::with_capacity(jobs.len());
            for job in jobs {
                match job {
                    Job::Decide(work, answer) => asked.push(Asked { work, answer }),
                    // Who asked may have gone.
                    Job::Find(id, answer) => drop(answer.send(self.find(id))),
                    Job::Again => {}
                }
            }
            if !self.perform(asked) {
                return;
            }
        }
        // What is on its way may meet others, and is then decided again.
        while self.has_others && self.follow(Turn::Leave).is_ok() && !self.undecided.is_empty() {
            self.perform(Vec::new());
        }
        self.refuse(Vec::new(), &StoreError::Closed);
    }

    /// Decides and hands over; false where there is no writer any more.
    fn perform(&mut self, asked: Vec<Asked>) -> bool {
        if !self.is_turn
            && (self.is_void() || self.turns > 0)
            && let Err(error) = self.follow(Turn::Take)
        {
            return self.refuse(asked, &error);
        }
        let mut all = std::mem::take(&mut self.undecided);
        all.extend(asked);
        if all.is_empty() {
            return self.pass();
        }
        match self.decide(&all) {
            Ok((draft, replies)) => self.hand_over(draft, all.into_iter().zip(replies).collect()),
            Err(error) => {
                self.void = true;
                self.refuse(all, &error);
                self.pass()
            }
        }
    }

    /// Tells that nothing was decided.
    fn refuse(&mut self, asked: Vec<Asked>, error: &StoreError) -> bool {
        self.undecided.drain(..).chain(asked).for_each(|asked| asked.refuse(error));
        true
    }

    /// Lets others write; false where there is no writer any more.
    fn pass(&mut self) -> bool {
        !std::mem::take(&mut self.is_turn) || self.writer.send(Command::Pass).is_ok()
    }

    fn is_void(&self) -> bool {
        self.void || self.shared.has_failed()
    }

    /// The record of an id, durable or on its way.
    fn find(&mut self, id: TransactionId) -> Result<Option<Sequence>, StoreError> {
        if self.is_void() {
            self.follow(Turn::Take)?;
        } else if self.has_others && !self.is_turn {
            self.follow(Turn::Leave)?;
        }
        Ok(self.ids.find(id.0.as_u128(), &*self.tables)?.map(Sequence))
    }

    /// Sends a batch to the writer; false where there is none any more.
    fn hand_over(&mut self, draft: Draft, replies: Vec<(Asked, Vec<Reply>)>) -> bool {
        self.is_turn = false;
        let Draft { records, landmarks, run, .. } = draft;
        let records = Arc::new(records);
        self.at_hand.push_back(Arc::clone(&records));
        while self.at_hand.len() > BATCHES_AT_HAND {
            self.at_hand.pop_front();
        }
        let batch = Batch { records, landmarks, run, replies };
        match self.writer.send(Command::Commit(Box::new(batch))) {
            Ok(()) => true,
            Err(mpsc::SendError(Command::Commit(batch))) => {
                batch.answer(&Err(StoreError::Closed));
                false
            }
            Err(_) => false,
        }
    }

    fn decide(&mut self, asked: &[Asked]) -> Result<(Draft, Vec<Vec<Reply>>), StoreError> {
        if self.turns > 0 && self.ids.is_full() {
            // Others may have written them down.
            self.ids.follow(&*self.tables)?;
        }
        let run = self.ids.seal(self.ahead.head().sequence.0);
        let now = (self.clock)();
        let requests = asked.iter().map(|asked| asked.work.len()).sum();
        let mut draft = Draft { records: Vec::with_capacity(requests), landmarks: Vec::new(), run, now };
        while let Some(expired) = self.ahead.due(now) {
            self.take([expired], &mut draft)?;
        }
        let mut replies = Vec::with_capacity(asked.len());
        for asked in asked {
            replies.push(self.work(&asked.work, &mut draft)?);
        }
        Ok((draft, replies))
    }

    fn work(&mut self, work: &Work, draft: &mut Draft) -> Result<Vec<Reply>, StoreError> {
        match work {
            Work::Each(requests) => {
                let mut replies = Vec::with_capacity(requests.len());
                for request in requests {
                    let now = draft.now;
                    let decide = |ledger: &Ledger, known: &Lookup<'_>| ledger.decide(request, now, known);
                    replies.push(self.decide_one(decide, draft)?);
                }
                Ok(replies)
            }
            Work::Chain(members) => {
                let now = draft.now;
                let decide = |ledger: &Ledger, known: &Lookup<'_>| ledger.decide_chain(members, now, known);
                Ok(vec![self.decide_one(decide, draft)?])
            }
        }
    }

    fn decide_one(
        &mut self,
        decide: impl FnOnce(&Ledger, &Lookup<'_>) -> Decision,
        draft: &mut Draft,
    ) -> Result<Reply, StoreError> {
        let failure = RefCell::new(None);
        let lookup = Lookup {
            ids: &self.ids,
            decided: &draft.records,
            at_hand: &self.at_hand,
            tables: &*self.tables,
            failure: &failure,
        };
        let decision = decide(&self.ahead, &lookup);
        if let Some(error) = failure.take() {
            return Err(error);
        }
        self.take(decision.records, draft)?;
        Ok(decision.reply)
    }

    fn take(
        &mut self,
        records: impl IntoIterator<Item = Record>,
        draft: &mut Draft,
    ) -> Result<(), StoreError> {
        // Records are large: they are moved once, to where they stay, and looked at there.
        let first = draft.records.len();
        draft.records.extend(records);
        for record in &draft.records[first..] {
            self.ahead.apply(record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            if let Some(asked) = record.asked {
                self.ids.note(asked.id.0.as_u128(), record.sequence.0);
            }
            landmarks_of(record, &self.ahead, &mut draft.landmarks);
        }
        Ok(())
    }

    /// Waits until the writer has dealt with all that was handed over, and brings the state to where the journal ends. In
    /// a turn nobody else writes until the next batch is handed over.
    fn follow(&mut self, turn: Turn) -> Result<(), StoreError> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.writer.send(Command::Follow(turn, answer)).map_err(|_| StoreError::Closed)?;
        let followed = answered.recv().map_err(|_| StoreError::Closed)?;
        self.void |= followed.as_ref().map_or(true, |followed| followed.is_void);
        let Followed { end, undecided, .. } = followed?;
        self.is_turn = turn == Turn::Take;
        if !undecided.is_empty() {
            self.turns = QUIET_TURNS;
        } else if self.is_turn {
            self.turns = self.turns.saturating_sub(1);
        }
        self.undecided.extend(undecided);
        let was_void = self.void;
        self.void = true;
        if was_void {
            self.begin_again()?;
        } else {
            self.read_on(end)?;
        }
        self.void = false;
        Ok(())
    }

    /// Takes the durable state, and forgets what was decided beyond it.
    fn begin_again(&mut self) -> Result<(), StoreError> {
        self.ahead = self.shared.durable.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.ids = load_ids(&*self.tables)?;
        self.at_hand.clear();
        Ok(())
    }

    /// Takes what others have written.
    fn read_on(&mut self, end: Sequence) -> Result<(), StoreError> {
        let next = self.ahead.head().sequence.next();
        if next > end {
            return Ok(());
        }
        let (ahead, ids) = (&mut self.ahead, &mut self.ids);
        journal::records_from(next, &*self.tables, |record| {
            if record.sequence > end {
                return Ok(false);
            }
            ahead.apply(&record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            if let Some(asked) = record.asked {
                ids.note(asked.id.0.as_u128(), record.sequence.0);
            }
            Ok(true)
        })?;
        self.turns = QUIET_TURNS;
        Ok(())
    }
}

/// The ids of a journal: those in runs, and those of its tail.
///
/// # Errors
/// [`StoreError`] where they can not be read.
pub fn load_ids(tables: &dyn Tables) -> Result<IdIndex, StoreError> {
    let mut ids = IdIndex::load(tables)?;
    journal::records_from(Sequence(ids.through()).next(), tables, |record| {
        if let Some(asked) = record.asked {
            ids.note(asked.id.0.as_u128(), record.sequence.0);
        }
        Ok(true)
    })?;
    Ok(ids)
}

/// A batch that is being decided.
struct Draft {
    records: Vec<Record>,
    landmarks: Vec<Landmark>,
    run: Option<SealedRun>,
    now: Moment,
}

/// What was asked before: in the journal, in batches on their way to it, or in the batch that is being decided.
struct Lookup<'a> {
    ids: &'a IdIndex,
    decided: &'a [Record],
    at_hand: &'a VecDeque<Arc<Vec<Record>>>,
    tables: &'a dyn Tables,
    /// Why something could not be looked up: then the answer counts for nothing.
    failure: &'a RefCell<Option<StoreError>>,
}

impl Lookup<'_> {
    fn find(&self, id: TransactionId) -> Result<Option<Record>, StoreError> {
        let Some(sequence) = self.ids.find(id.0.as_u128(), self.tables)? else { return Ok(None) };
        let sequence = Sequence(sequence);
        let batches = self.at_hand.iter().map(|records| records.as_slice());
        match batches.chain([self.decided]).find_map(|records| record_in(records, sequence)) {
            Some(record) => Ok(Some(record.clone())),
            None => journal::record(sequence, self.tables).map(Some),
        }
    }
}

/// A record among records without gaps.
fn record_in(records: &[Record], sequence: Sequence) -> Option<&Record> {
    let place = sequence.0.checked_sub(records.first()?.sequence.0)?;
    records.get(usize::try_from(place).ok()?)
}

impl Known for Lookup<'_> {
    fn outcome(&self, id: TransactionId) -> Option<Outcome> {
        self.record(id).and_then(|record| record.outcome())
    }

    fn record(&self, id: TransactionId) -> Option<Record> {
        match self.find(id) {
            Ok(found) => found,
            Err(error) => {
                self.failure.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}
