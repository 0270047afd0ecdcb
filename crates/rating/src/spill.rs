//! What a run does when it remembers more than it may: keys go to sorted runs, state events and sums to a log.
//!
//! Names, resources, statements and descriptions stay in memory: they grow with what there is, not with the events.

use crate::batch::Entry;
use crate::buckets::Buckets;
use crate::intake::{Name, Records};
use crate::log::{Log, LoggedRecord};
use crate::register::Register;
use crate::route::{Position, Route};
use crate::runs::Runs;
use crate::scratch::{ScratchError, Scratches, Written};
use crate::sums::{GATHERED_SUM_BYTES, Sums};

/// How much a run may remember of its events in memory, and where the rest goes.
#[derive(Debug)]
pub struct MemoryLimit {
    /// In bytes: of the keys, state events and sums of usage together. A batch may go beyond it.
    pub bytes: usize,
    /// Makes the scratch files.
    pub scratches: Box<dyn Scratches>,
}

/// Bytes of a log that are written at a time.
const BLOCK: usize = 1 << 18;
/// Resources whose records are looked up together.
const ABREAST: usize = 64;

/// What a run with a limit has spilled so far.
#[derive(Debug)]
pub(crate) struct Spill {
    limit: MemoryLimit,
    runs: Runs,
    log: Option<(Log, Written)>,
    samples: Samples,
    /// Why the run can not go on: what it has spilled is not whole.
    failed: Option<ScratchError>,
}

impl Spill {
    /// Nothing yet.
    pub(crate) fn new(limit: MemoryLimit) -> Spill {
        let samples = Samples { step: (limit.bytes / SAMPLES).max(LEAST_STEP), ..Samples::default() };
        Spill { limit, runs: Runs::default(), log: None, samples, failed: None }
    }

    /// Brings back to memory what was kept of those events of a batch that were accepted before.
    ///
    /// # Errors
    /// [`ScratchError`], from then on at each call.
    pub(crate) fn recall<U>(
        &mut self,
        entries: &[Entry<U>],
        register: &mut Register,
    ) -> Result<(), ScratchError> {
        self.once_failed(|spill| {
            if spill.log.is_none() {
                return Ok(());
            }
            let key = |entry: &Entry<U>| entry.read.as_ref().ok().map(|read| read.key);
            let wanted: Vec<u128> = entries.iter().filter_map(key).collect();
            spill.runs.recall(&wanted, &mut register.keys)
        })
    }

    /// Spills all that may be spilled, if it is too much.
    ///
    /// # Errors
    /// [`ScratchError`], from then on at each call.
    pub(crate) fn relieve(&mut self, register: &mut Register, sums: &mut Sums) -> Result<(), ScratchError> {
        self.once_failed(|spill| {
            let Register { keys, records, labels, .. } = &*register;
            let remembered = keys.bytes() + records.bytes() + labels.bytes() + sums.bytes();
            if remembered <= spill.room() {
                return Ok(());
            }
            spill.runs.seal(&mut register.keys, &*spill.limit.scratches)?;
            spill.log(register, sums)
        })
    }

    /// What may be remembered beside the filters of the runs: at least a quarter of the limit.
    fn room(&self) -> usize {
        let limit = self.limit.bytes;
        limit.saturating_sub(self.runs.bytes()).max(limit / 4)
    }

    /// What was spilled and what is still in memory, cut into parts of a bill that fit it one after the other; `None`
    /// where nothing was spilled. The register keeps its resources.
    ///
    /// # Errors
    /// [`ScratchError`].
    pub(crate) fn finish(
        mut self,
        register: &mut Register,
        sums: &mut Sums,
        route: &Route,
    ) -> Result<Option<Buckets>, ScratchError> {
        self.once_failed(|spill| {
            // Nothing is accepted any more.
            spill.runs = Runs::default();
            if spill.log.is_none() { Ok(()) } else { spill.log(register, sums) }
        })?;
        let Spill { limit, log, samples, .. } = self;
        let Some((mut log, mut written)) = log else { return Ok(None) };
        log.flush(&mut written)?;
        let cuts = samples.cuts(limit.bytes, &register.records, route);
        if cuts.is_empty() {
            return Ok(Some(Buckets::whole(log, written)));
        }
        let mut buckets = Buckets::new(cuts, limit.bytes, &*limit.scratches)?;
        buckets.distribute((&log, &written), &register.records, route)?;
        Ok(Some(buckets))
    }

    /// Writes all state events and sums, and forgets them in memory.
    fn log(&mut self, register: &mut Register, sums: &mut Sums) -> Result<(), ScratchError> {
        let (log, written) = match &mut self.log {
            Some(log) => log,
            None => self.log.insert((Log::default(), Written::new(&*self.limit.scratches)?)),
        };
        let Register { records, labels, .. } = register;
        let all: Vec<u32> = (0..records.resource_count()).filter(|one| records.has_events(*one)).collect();
        let mut sorted = Vec::new();
        for abreast in all.chunks(ABREAST) {
            records.sorted(abreast, labels, &mut sorted);
            for (resource, of_resource) in abreast.iter().zip(&sorted) {
                for record in of_resource {
                    let label = labels.written(record.label);
                    let (resource, statement, place) = (*resource, record.statement, record.place);
                    let logged = LoggedRecord { resource, time: record.time, statement, place, label };
                    log.record(&logged, BLOCK, written)?;
                    self.samples.pass(RECORD_BYTES + label.len(), (None, resource));
                }
            }
        }
        for number in (0..).take(sums.len()) {
            let (key, readings) = sums.get(number);
            log.sum((key, readings), BLOCK, written)?;
            self.samples.pass(GATHERED_SUM_BYTES, (Some(key.project), key.resource));
        }
        records.forget();
        (*labels, *sums) = Default::default();
        Ok(())
    }

    /// Does something that leaves the run useless where it fails.
    fn once_failed(
        &mut self,
        act: impl FnOnce(&mut Spill) -> Result<(), ScratchError>,
    ) -> Result<(), ScratchError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        act(self).inspect_err(|error| self.failed = Some(error.clone()))
    }
}

/// What a state event takes in memory beside its label, in bytes, the rest of its label's last step included.
const RECORD_BYTES: usize = 26;
/// Samples of what fills the memory once.
const SAMPLES: usize = 4_096;
/// Fewer bytes than that are not sampled apart.
const LEAST_STEP: usize = 64;

/// Which resources and projects what was spilled belongs to: of each so many bytes, one.
#[derive(Debug, Default)]
struct Samples {
    /// Bytes in memory that each stands for.
    step: usize,
    /// Bytes that passed since the last.
    passed: usize,
    /// The project of a sum, and the resource. A state event is wanted under every project of its resource.
    taken: Vec<(Option<Name>, u32)>,
}

impl Samples {
    fn pass(&mut self, bytes: usize, owner: (Option<Name>, u32)) {
        self.passed += bytes;
        while self.passed >= self.step {
            self.passed -= self.step;
            self.taken.push(owner);
        }
    }

    /// Where to cut the bill so that what each part needs takes about three quarters of the limit: the parts are not
    /// measured but sampled.
    fn cuts(self, limit: usize, records: &Records, route: &Route) -> Vec<Position> {
        let mut positions = Vec::with_capacity(self.taken.len());
        for (project, resource) in self.taken {
            let at = |project| route.position(records, project, resource);
            match project {
                Some(project) => positions.push(at(project)),
                None => positions.extend(records.projects(resource).map(at)),
            }
        }
        positions.sort_unstable();
        let part = (limit.min(LARGEST_PART) / 4 * 3 / self.step).max(1);
        let mut cuts: Vec<_> =
            positions.iter().step_by(part).skip(1).map(|position| route.cut(*position)).collect();
        cuts.dedup();
        cuts
    }
}

/// A part of a bill needs no more, whatever the limit: its records must have numbers.
const LARGEST_PART: usize = u32::MAX as usize;
