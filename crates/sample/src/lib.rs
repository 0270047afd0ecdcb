//! A realistic stream of usage events of any size: what a collector of two regions of a cloud, its orders and its
//! marketplace would deliver. It feeds `kopeck sample`, the demo and the benchmarks.
//!
//! The same [`Options`] give the same bytes on every machine: the draws are those of `ChaCha8`, all arithmetic is
//! in integers, and nothing looks at a clock, an environment or a hash order. Events are made when they are asked
//! for. What is kept is one place in the fleet for each VM, one entry in the plan for each place, and the few lines
//! that are delivered later: memory grows with the VMs and not with the events.
//!
//! # What is in it
//!
//! Of twenty VMs of [`Options::vms`] eleven are office machines that are started on working mornings and stopped in
//! the evening, seven are servers that run for months, and two are places where short CI machines follow one
//! another. A VM that is deleted makes room for a new one, so the fleet keeps its size. At the start a collector
//! reports what already exists; that is about two events for each VM, once. After that come, on the average of a
//! whole week:
//!
//! | source | events | for |
//! |---|---|---|
//! | office VM: starts, stops, reboots, resizes, disks, checkpoints | 19 a week | each office VM |
//! | server: reboots, resizes, disks, checkpoints | 3 a week | each server |
//! | CI machines, six events each, about six machines a day | 255 a week | each CI place |
//! | jobs on executors | 95 a week | 20 VMs |
//! | API calls, in sums of half an hour to an hour | 95 a week | 20 VMs |
//! | clean-ups of storages, each night, of four buckets each | 28 a week | 40 VMs |
//! | dedicated hosts and options, amended about once a month | 1 in two weeks | 50 VMs |
//!
//! Together these are about 7 events for each VM and day, and 30 times that for a VM-month. The number grows
//! linearly with VMs × days.
//!
//! # How it is delivered
//!
//! Roughly in time order. What happens to a resource within four minutes is delivered together, so lines of different
//! resources cross by that much. Of a thousand events five come late, by one to twelve hours, and ten come twice,
//! the second time byte for byte the same and up to an hour later.

mod clock;
mod delivery;
mod draw;
mod fleet;
mod market;
mod names;
mod order;
pub mod plain;
mod stage;
mod vm;

use jiff::civil::Date;

use clock::DAY_MS;
use fleet::Fleet;
use stage::Stage;

/// Options of a sample hold at most this many VMs. A VM takes about 200 bytes of memory.
pub const MOST_VMS: u32 = 10_000_000;
/// A sample is at most this many days long: ten years.
pub const MOST_DAYS: u32 = 3_660;
/// The years in which a sample may start: Moscow keeps +03:00 since 2014, and usage events end with 2199.
pub const START_YEARS: std::ops::RangeInclusive<i16> = 2015..=2188;

/// What a sample is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Another seed gives another stream.
    pub seed: u64,
    /// How many VMs are alive at a time, from 1 to [`MOST_VMS`].
    pub vms: u32,
    /// How many local days it lasts, from 1 to [`MOST_DAYS`].
    pub days: u32,
    /// Its first local day in Moscow, in one of the [`START_YEARS`].
    pub start: Date,
    /// What the ids of events look like.
    pub ids: Ids,
}

/// What the ids of events look like. Within a sample no two events have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ids {
    /// The seed and the number of the event: `1-42`.
    #[default]
    InOrder,
    /// 32 hexadecimal digits without an order, as clouds make them.
    Random,
}

impl Default for Options {
    /// A hundred VMs in October 2026.
    fn default() -> Self {
        Options { seed: 1, vms: 100, days: 31, start: jiff::civil::date(2026, 10, 1), ids: Ids::InOrder }
    }
}

/// Why there is no such sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// No VM, or too many.
    #[error("{0} VMs: a sample has 1 to {MOST_VMS}")]
    Vms(u32),
    /// No day, or too many.
    #[error("{0} days: a sample has 1 to {MOST_DAYS}")]
    Days(u32),
    /// A start in a year that is out of range.
    #[error("start {0}: a sample starts in a year from {first} to {last}", first = START_YEARS.start(), last = START_YEARS.end())]
    Start(Date),
}

impl Options {
    /// Checks the limits.
    ///
    /// # Errors
    /// [`OptionsError`], the first that is found.
    pub fn check(&self) -> Result<(), OptionsError> {
        if !(1..=MOST_VMS).contains(&self.vms) {
            return Err(OptionsError::Vms(self.vms));
        }
        if !(1..=MOST_DAYS).contains(&self.days) {
            return Err(OptionsError::Days(self.days));
        }
        if !START_YEARS.contains(&self.start.year()) {
            return Err(OptionsError::Start(self.start));
        }
        Ok(())
    }
}

/// A stream of usage events, one JSON line at a time.
///
/// ```
/// use kopeck_sample::{Options, Sample};
///
/// let mut sample = Sample::new(&Options { vms: 3, days: 1, ..Options::default() })?;
/// let (mut line, mut lines) = (Vec::new(), 0);
/// while sample.next_line(&mut line) {
///     assert!(line.starts_with(b"{") && line.ends_with(b"}"));
///     lines += 1;
/// }
/// assert!(lines > 10);
/// # Ok::<(), kopeck_sample::OptionsError>(())
/// ```
#[derive(Debug)]
pub struct Sample {
    fleet: Fleet,
    stage: Stage,
    /// The length of the sample.
    end_ms: u64,
    /// How far it has come.
    now_ms: u64,
}

impl Sample {
    /// A sample, at its start.
    ///
    /// # Errors
    /// [`OptionsError`], where the options are beyond their limits.
    pub fn new(options: &Options) -> Result<Sample, OptionsError> {
        options.check()?;
        let end_ms = u64::from(options.days) * DAY_MS;
        let mut stage = Stage::new(options, end_ms);
        let fleet = Fleet::new(options.vms, &mut stage);
        Ok(Sample { fleet, stage, end_ms, now_ms: 0 })
    }

    /// The names of all projects that its events may have, the largest first.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        self.stage.projects.names()
    }

    /// Replaces `line` by the next event, without a line break. Answers false, with an empty line, after the last.
    pub fn next_line(&mut self, line: &mut Vec<u8>) -> bool {
        line.clear();
        while !self.stage.delivery.take(line) {
            let step = self.fleet.next_step_ms().filter(|at| *at < self.end_ms);
            // Lines that wait beyond the end are delivered after it: they tell what happened before.
            match (step, self.stage.delivery.next_waiting_ms()) {
                (None, None) => {
                    self.now_ms = self.end_ms;
                    return false;
                }
                (Some(at), waiting) if waiting.is_none_or(|waiting| at <= waiting) => {
                    self.now_ms = at;
                    self.fleet.step(&mut self.stage);
                }
                _ => self.stage.delivery.deliver_waiting(),
            }
        }
        true
    }

    /// How much of the sample's time has passed, in milliseconds. What was delivered happened at most four
    /// minutes later.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        self.now_ms
    }

    /// How much of the sample's time has passed, in thousandths.
    #[must_use]
    pub fn progress_permille(&self) -> u64 {
        self.now_ms * 1_000 / self.end_ms
    }
}

#[cfg(test)]
mod tests;
