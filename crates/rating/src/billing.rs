//! The bill of a run, piece by piece, in the order of a bill: what is known of all resources becomes rows.
//!
//! Resources are walked in the order in which a bill names them, project by project, so no row is kept longer than its
//! piece takes to be written. A piece is walked, priced, sorted and written on one thread; resources are independent of
//! each other but for `monthly_peak`, which sums over a project: then a project is never cut.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::intake::{Descriptions, Labels, Name, Names, Places, Record, Records, Statements};
use crate::money::{Amount, Overflow};
use crate::notice::Notices;
use crate::plan::Plan;
use crate::route::{Position, Route};
use crate::rows::{MeterKey, Piece, Row};
use crate::sums::{SumKey, Sums};
use crate::timeline::StateEvent;
use crate::walk::{Stop, Walker};

/// What a bill is made from.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The plan of the run.
    pub plan: &'a Plan,
    /// The data of the state events.
    pub descriptions: &'a Descriptions,
    /// What the records say.
    pub statements: &'a Statements,
    /// The labels of the records.
    pub labels: &'a Labels,
    /// The state events of all resources.
    pub records: &'a Records,
}

impl<'a> Known<'a> {
    /// Sorted records of a resource as its timeline wants them: the owner is the project and the kind.
    pub(crate) fn state_events(
        &self,
        records: &'a [Record],
    ) -> impl Iterator<Item = StateEvent<(Name, &'a str)>> {
        let known = *self;
        records.iter().map(move |record| {
            let statement = known.statements.get(record.statement);
            let data = known.descriptions.get(statement.description);
            let state = data.state.as_deref().unwrap_or_default();
            let meaning = known.plan.book().meaning(&data.kind, state);
            StateEvent { time: record.time, owner: (statement.project, data.kind.as_str()), meaning }
        })
    }
}

/// What is told of a bill when all of it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The sum of the amounts.
    pub total: Amount,
    /// How many charges there are.
    pub charges: usize,
    /// What a person should be told beside them.
    pub notices: Notices,
}

impl Summary {
    /// Adds what is told of the part of a bill that follows.
    ///
    /// # Errors
    /// [`Overflow`], which no accepted events cause.
    pub(crate) fn add(&mut self, next: Summary) -> Result<(), Overflow> {
        self.total = self.total.checked_add(next.total)?;
        self.charges += next.charges;
        self.notices.add(next.notices);
        Ok(())
    }
}

/// A bill to be made, or a part of one.
#[derive(Debug)]
pub struct Billing<'a> {
    known: Known<'a>,
    names: &'a Names,
    places: &'a Places,
    route: &'a Route,
    stops: &'a [(Position, Stop)],
    sums: &'a Sums,
    /// The numbers of the sums.
    summed: Vec<(Position, u32)>,
}

fn is_project_wide((_, source, subject): Position) -> bool {
    (source, subject) == (0, 0)
}

/// Resources that are written at a time, if they are not all of one project that must stay whole.
const PIECE: usize = 2_048;
/// Resources whose records are looked up together.
const ABREAST: usize = 64;
/// Pieces that may be begun before the last one is emitted.
const AHEAD: usize = 32;

impl<'a> Billing<'a> {
    /// A bill of these stops of the route and of all sums.
    #[must_use]
    pub(crate) fn new(
        known: Known<'a>,
        (names, places): (&'a Names, &'a Places),
        (route, stops): (&'a Route, &'a [(Position, Stop)]),
        sums: &'a Sums,
    ) -> Billing<'a> {
        let summed = |number| (route.position_of(known.records, sums.get(number).0), number);
        let mut summed: Vec<_> = (0..).take(sums.len()).map(summed).collect();
        summed.sort_unstable();
        Billing { known, names, places, route, stops, sums, summed }
    }

    /// Makes the bill on so many threads; `write` makes something of each piece, and `emit` gets that in order.
    ///
    /// # Errors
    /// What `emit` answers, and [`Overflow`] where a sum does not fit 256 bits.
    pub fn run<T: Send, E: From<Overflow>>(
        &self,
        threads: usize,
        write: impl Fn(&Piece<'_>) -> T + Sync,
        mut emit: impl FnMut(T) -> Result<(), E>,
    ) -> Result<Summary, E> {
        let (pieces, queue) = (self.pieces(), Queue::default());
        let (pieces, queue, write) = (&pieces, &queue, &write);
        thread::scope(|scope| {
            let (done, written) = mpsc::channel();
            let worker = |_| {
                let done = done.clone();
                scope.spawn(move || self.write_all((pieces, queue), write, &done))
            };
            let workers: Vec<_> = (0..threads.clamp(1, pieces.len())).map(worker).collect();
            drop(done);
            let emitted = emit_in_order((pieces.len(), queue), &written, &mut emit);
            queue.close();
            let mut summary = emitted?;
            for worker in workers {
                // A thread that panicked panics here: there is nothing to answer then.
                let notices = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                summary.notices.add(notices);
            }
            Ok(summary)
        })
    }

    /// Writes pieces until there are no more, or the run has failed.
    fn write_all<T>(
        &self,
        (pieces, queue): (&[Cut], &Queue),
        write: impl Fn(&Piece<'_>) -> T,
        done: &Sender<(usize, Result<Written<T>, Overflow>)>,
    ) -> Notices {
        let _last = CloseOnPanic(queue);
        let mut walker = Walker::new(self.known, self.places);
        while let Some((number, cut)) = queue.next(pieces) {
            let written = self.piece(&mut walker, cut).and_then(|()| {
                let groups = walker.matches.groups();
                let piece = Piece { plan: self.known.plan, names: self.names, groups, rows: &walker.rows };
                let total = piece.total()?;
                Ok(Written { total, charges: piece.rows.len(), what: write(&piece) })
            });
            if done.send((number, written)).is_err() {
                break;
            }
        }
        walker.notices
    }

    /// The rows of a piece, sorted.
    fn piece(&self, walker: &mut Walker<'a>, cut: &Cut) -> Result<(), Overflow> {
        walker.rows.clear();
        let (mut stops, mut sums) = (&self.stops[cut.stops.clone()], &self.summed[cut.sums.clone()]);
        let project = |(position, _): &(Position, _)| position.0;
        while let Some(next) =
            [stops.first().map(project), sums.first().map(|(at, _)| at.0)].iter().flatten().min()
        {
            let own_stops = stops.partition_point(|(position, _)| position.0 <= *next);
            let own_sums = sums.partition_point(|(position, _)| position.0 <= *next);
            self.project(walker, &stops[..own_stops], &sums[..own_sums])?;
            (stops, sums) = (&stops[own_stops..], &sums[own_sums..]);
        }
        Ok(())
    }

    /// Adds the rows of one project's part of a piece: first what is project-wide, then resource by resource.
    fn project(
        &self,
        walker: &mut Walker<'a>,
        stops: &[(Position, Stop)],
        sums: &[(Position, u32)],
    ) -> Result<(), Overflow> {
        let begin = walker.rows.len();
        let (wide, mut sums) =
            sums.split_at(sums.partition_point(|(position, _)| is_project_wide(*position)));
        let mut sorted = Vec::new();
        for abreast in stops.chunks(ABREAST) {
            let resources: Vec<u32> = abreast.iter().map(|(_, stop)| stop.resource).collect();
            self.known.records.sorted(&resources, self.known.labels, &mut sorted);
            for ((position, stop), records) in abreast.iter().zip(&sorted) {
                let before = sums.partition_point(|(other, _)| other < position);
                let own = sums.partition_point(|(other, _)| other <= position);
                self.only_used(walker, &sums[..before])?;
                let first = walker.rows.len();
                walker.stop(*stop, records)?;
                self.used(walker, &sums[before..own])?;
                self.sort(walker, first);
                sums = &sums[own..];
            }
        }
        self.only_used(walker, sums)?;
        let end = walker.rows.len();
        self.used(walker, wide)?;
        walker.end_project()?;
        self.sort(walker, end);
        let wide = walker.rows.len() - end;
        walker.rows[begin..].rotate_right(wide);
        Ok(())
    }

    /// Adds the rows of resources that live under other projects and were used by this one.
    fn only_used(&self, walker: &mut Walker<'a>, sums: &[(Position, u32)]) -> Result<(), Overflow> {
        for of_resource in sums.chunk_by(|one, other| one.0 == other.0) {
            let first = walker.rows.len();
            self.used(walker, of_resource)?;
            self.sort(walker, first);
        }
        Ok(())
    }

    fn used(&self, walker: &mut Walker<'a>, sums: &[(Position, u32)]) -> Result<(), Overflow> {
        for (_, number) in sums {
            walker.rows.extend(self.summed(*number)?);
        }
        Ok(())
    }

    fn summed(&self, number: u32) -> Result<Option<Row>, Overflow> {
        let (SumKey { part, month, project, resource }, readings) = self.sums.get(number);
        let resource = self.known.records.owner(resource);
        let key = MeterKey { part: part as usize, month: month as usize, project, resource };
        Row::new(self.known.plan, key, readings, None)
    }

    /// Sorts the rows of one resource, or of one project, from the first.
    fn sort(&self, walker: &mut Walker<'a>, first: usize) {
        let groups = walker.matches.groups();
        let group = |row: &Row| row.group.map(|group| group.map(|group| groups[group as usize].as_str()));
        let key = |row: &Row| (self.route.part(row.key.part), row.key.month);
        walker.rows[first..].sort_unstable_by(|one, other| {
            key(one).cmp(&key(other)).then_with(|| group(one).cmp(&group(other)))
        });
    }

    /// Cuts the bill into pieces, between two resources or, where sums over a project matter, between two projects.
    fn pieces(&self) -> Vec<Cut> {
        let begin = |at: usize| {
            let (position, project) = (self.stops[at].0, self.stops[at].0.0);
            let begins_project = at == 0 || self.stops[at - 1].0.0 != project;
            if begins_project { (project, 0, 0) } else { self.route.cut(position) }
        };
        let mut cuts: Vec<Position> = (0..self.stops.len()).step_by(PIECE).skip(1).map(begin).collect();
        cuts.dedup();
        let mut pieces = Vec::with_capacity(cuts.len() + 1);
        let (mut stops, mut sums) = (0, 0);
        let mut cut = |next_stop: usize, next_sum: usize| {
            pieces.push(Cut { stops: stops..next_stop, sums: sums..next_sum });
            (stops, sums) = (next_stop, next_sum);
        };
        for begin in cuts {
            let next_stop = self.stops.partition_point(|(position, _)| *position < begin);
            cut(next_stop, self.summed.partition_point(|(position, _)| *position < begin));
        }
        cut(self.stops.len(), self.summed.len());
        pieces
    }
}

/// A piece to be written.
#[derive(Debug)]
struct Cut {
    stops: Range<usize>,
    sums: Range<usize>,
}

/// A piece that was written.
struct Written<T> {
    what: T,
    total: Amount,
    charges: usize,
}

/// Which piece is next, for threads that take one when they have done another.
#[derive(Debug, Default)]
struct Queue {
    state: Mutex<QueueState>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    taken: usize,
    emitted: usize,
    closed: bool,
}

impl Queue {
    /// The next piece, once so few are ahead of the last one emitted that they may wait in memory.
    fn next<'p>(&self, pieces: &'p [Cut]) -> Option<(usize, &'p Cut)> {
        let wait = |state: &mut QueueState| !state.closed && state.taken >= state.emitted + AHEAD;
        let mut state = self.moved.wait_while(self.lock(), wait).unwrap_or_else(PoisonError::into_inner);
        let number = state.taken;
        let cut = pieces.get(number).filter(|_| !state.closed)?;
        state.taken += 1;
        Some((number, cut))
    }

    fn emitted(&self) {
        self.lock().emitted += 1;
        self.moved.notify_all();
    }

    /// Gives out no more pieces.
    fn close(&self) {
        self.lock().closed = true;
        self.moved.notify_all();
    }

    /// No thread panics while it holds the lock: it only counts.
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the other threads end where one panics: its piece will never come, and they would wait for their turn.
struct CloseOnPanic<'q>(&'q Queue);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.close();
        }
    }
}

/// Emits what threads have written, in the order of the pieces.
fn emit_in_order<T, E: From<Overflow>>(
    (pieces, queue): (usize, &Queue),
    written: &Receiver<(usize, Result<Written<T>, Overflow>)>,
    emit: &mut impl FnMut(T) -> Result<(), E>,
) -> Result<Summary, E> {
    let mut summary = Summary { total: Amount::ZERO, charges: 0, notices: Notices::default() };
    let mut early = BTreeMap::new();
    for next in 0..pieces {
        while !early.contains_key(&next) {
            // The threads end before the last piece only by a panic, which joining them passes on.
            let Ok((number, written)) = written.recv() else { return Ok(summary) };
            early.insert(number, written);
        }
        let Some(written) = early.remove(&next) else { continue };
        let Written { what, total, charges } = written?;
        summary.total = summary.total.checked_add(total)?;
        summary.charges += charges;
        emit(what)?;
        queue.emitted();
    }
    Ok(summary)
}
