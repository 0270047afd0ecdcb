//! The packed form of a resource's live state: what is written to a store, and kept in memory between events.
//!
//! Version 1 is, in this order: the byte 1; the last instant (8 bytes, nanoseconds of Unix time, little endian); flags
//! (1: alive, 2: was ever alive, 4 and 8: the class); project, description and age of what it is now; the age at
//! which it was born; what `once` it paid; its meters. Ages are seconds before the second of the last event. How
//! numbers and quantities are written, and the checksum of the stored form, is in `codec`. Parts are numbered through
//! all versions of the book, names and descriptions as the tables number them that are stored beside.

pub mod codec;

use crate::accumulator::{Accumulator, Metered, Paid};
use crate::calendar::Second;
use crate::event;
use crate::meter::Meter;
use crate::plan::Plan;
use crate::price_book::{Class, Model, Prorate};
use crate::resource::{Current, ResourceState, Said};
use codec::{Form, Reader, number, quantity, size};

/// The version that is written, in the first byte.
pub const VERSION: u8 = 1;

/// Why bytes are no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// Fewer bytes than the state says, or none.
    #[error("the packed state ends early")]
    Truncated,
    /// More bytes than the state says.
    #[error("{0} bytes follow the packed state")]
    TooLong(usize),
    /// Written by another version of the program.
    #[error("the packed state is of version {found}; {known} is known")]
    Version {
        /// Its first byte.
        found: u8,
        /// The version that this program writes.
        known: u8,
    },
    /// The bytes are not those that were written.
    #[error("the packed state does not match its checksum")]
    Checksum,
    /// A value that no state of this book, these names and descriptions has.
    #[error("the packed state has an impossible {0}")]
    Impossible(&'static str),
    /// The book of a whole rater is not the one that it was packed with, give or take versions after its latest event.
    #[error("the packed rater is of another price book, or of one whose past was edited")]
    OtherBook,
}

/// What the numbers in a packed state mean.
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'a> {
    /// The open plan; it must hold the second of the last event.
    pub plan: &'a Plan,
    /// How many names are known.
    pub names: usize,
    /// How many descriptions are known.
    pub descriptions: usize,
}

const ALIVE: u8 = 1;
const BORN: u8 = 2;
const ACTIVE: u8 = 4;
const INACTIVE: u8 = 8;

impl ResourceState {
    /// The stored form.
    #[must_use]
    pub fn pack(&self, plan: &Plan) -> Vec<u8> {
        codec::seal(Form::State, self.pack_bare(plan))
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`UnpackError`]; any bytes are read without a panic.
    pub fn unpack(bytes: &[u8], numbers: Numbers<'_>) -> Result<ResourceState, UnpackError> {
        ResourceState::unpack_bare(codec::unseal(Form::State, VERSION, bytes)?, numbers)
    }

    /// The form in memory: without the checksum.
    pub(crate) fn pack_bare(&self, plan: &Plan) -> Vec<u8> {
        let mut to = Vec::with_capacity(64 + 40 * self.sums.meters.len());
        let second = event::second_of(self.last);
        to.push(VERSION);
        to.extend_from_slice(&self.last.to_le_bytes());
        let class = match self.current.and_then(|current| current.class) {
            None => 0,
            Some(Class::Active) => ACTIVE,
            Some(Class::Inactive) => INACTIVE,
        };
        let alive = if self.current.is_some() { ALIVE } else { 0 };
        let born = if self.sums.born.is_some() { BORN } else { 0 };
        to.push(alive | born | class);
        if let Some(current) = self.current {
            number(&mut to, u64::from(current.said.project));
            number(&mut to, u64::from(current.said.description));
            age(&mut to, second, current.start);
        }
        if let Some(born) = self.sums.born {
            age(&mut to, second, born);
        }
        size(&mut to, self.sums.paid.len());
        for paid in &self.sums.paid {
            size(&mut to, paid.part);
            number(&mut to, u64::from(paid.project));
            age(&mut to, second, paid.at);
            quantity(&mut to, paid.quantity);
        }
        size(&mut to, self.sums.meters.len());
        for metered in &self.sums.meters {
            meter(&mut to, plan, metered);
        }
        to
    }

    /// Whether a state in memory is of a resource that lives.
    pub(crate) fn is_alive(bare: &[u8]) -> bool {
        bare.get(HEAD_BYTES).is_some_and(|flags| flags & ALIVE != 0)
    }

    pub(crate) fn unpack_bare(bytes: &[u8], numbers: Numbers<'_>) -> Result<ResourceState, UnpackError> {
        let last = last_instant(bytes)?;
        let second = event::second_of(last);
        let own = Reader(bytes.get(HEAD_BYTES..).unwrap_or_default());
        let mut from = StateReader { from: own, numbers, second };
        let flags = from.from.byte()?;
        let class = match flags & !(ALIVE | BORN) {
            0 => None,
            ACTIVE => Some(Class::Active),
            INACTIVE => Some(Class::Inactive),
            _ => return Err(UnpackError::Impossible("class")),
        };
        let current = match flags & ALIVE {
            0 if class.is_some() => return Err(UnpackError::Impossible("class")),
            0 => None,
            _ => {
                let said = Said { project: from.name()?, description: from.description()? };
                Some(Current { said, start: from.ago()?, class })
            }
        };
        let born = if flags & BORN == 0 { None } else { Some(from.ago()?) };
        let mut sums = Accumulator { born, ..Accumulator::default() };
        for _ in 0..from.from.count()? {
            let paid = Paid {
                part: from.part()?,
                project: from.name()?,
                at: from.ago()?,
                quantity: from.from.quantity()?,
            };
            sums.paid.push(paid);
        }
        for _ in 0..from.from.count()? {
            sums.meters.push(from.meter()?);
        }
        from.from.end()?;
        Ok(ResourceState { last, current, sums })
    }
}

/// The instant of the last event of a stored state: the plan must hold it before the rest is read.
///
/// # Errors
/// [`UnpackError`] where the bytes are no state.
pub fn last_of(bytes: &[u8]) -> Result<i64, UnpackError> {
    last_instant(codec::unseal(Form::State, VERSION, bytes)?)
}

/// Bytes of the version and the last instant.
const HEAD_BYTES: usize = 9;

fn last_instant(bytes: &[u8]) -> Result<i64, UnpackError> {
    match bytes.first() {
        None => return Err(UnpackError::Truncated),
        Some(&VERSION) => {}
        Some(other) => return Err(UnpackError::Version { found: *other, known: VERSION }),
    }
    let last = bytes[1..].first_chunk::<8>().ok_or(UnpackError::Truncated)?;
    Ok(i64::from_le_bytes(*last))
}

/// Seconds are not after the last event's, save in no state at all, which then does not read back.
fn age(to: &mut Vec<u8>, second: Second, at: Second) {
    number(to, second.abs_diff(at));
}

fn meter(to: &mut Vec<u8>, plan: &Plan, metered: &Metered) {
    size(to, metered.part);
    write_month(to, plan, metered.month);
    number(to, u64::from(metered.project));
    match &metered.meter {
        Meter::Seconds(sum) => quantity(to, *sum),
        Meter::Largest(largest) => quantity(to, *largest),
        Meter::Slots { slot, peak, closed } => {
            let base = first_slot(plan, metered.part, metered.month);
            number(to, slot.abs_diff(base));
            quantity(to, *peak);
            quantity(to, *closed);
        }
    }
}

/// A month of the plan, written as its number since January of the year 0.
pub(crate) fn read_month(from: &mut Reader<'_>, plan: &Plan) -> Result<usize, UnpackError> {
    let first = plan.months().first().map_or(0, |month| month.name.number());
    let month = from.number()?.checked_sub(u64::from(first)).and_then(|number| usize::try_from(number).ok());
    month.filter(|number| *number < plan.months().len()).ok_or(UnpackError::Impossible("month"))
}

/// Writes a month of the plan.
pub(crate) fn write_month(to: &mut Vec<u8>, plan: &Plan, month: usize) {
    number(to, u64::from(plan.months()[month].name.number()));
}

/// The number of a month's first hour, or day: slots are written as distances from it, whatever the plan begins with.
fn first_slot(plan: &Plan, part: usize, month: usize) -> i64 {
    match plan.parts()[part].component.model {
        Model::HourlyPeak { .. } => plan.hours().index(plan.months()[month].start),
        _ => 0,
    }
}

/// More hours than any month has.
const MOST_SLOTS: u64 = 1_000;

/// Reads a state's numbers one by one, and checks that they mean something.
struct StateReader<'a, 'n> {
    from: Reader<'a>,
    numbers: Numbers<'n>,
    /// The second of the last event.
    second: Second,
}

impl StateReader<'_, '_> {
    fn part(&mut self) -> Result<usize, UnpackError> {
        self.from.below(self.numbers.plan.parts().len(), "part")
    }

    fn name(&mut self) -> Result<u32, UnpackError> {
        self.from.name(self.numbers.names, "name")
    }

    fn description(&mut self) -> Result<u32, UnpackError> {
        self.from.name(self.numbers.descriptions, "description")
    }

    fn ago(&mut self) -> Result<Second, UnpackError> {
        let age = self.from.number()?;
        self.second.checked_sub_unsigned(age).ok_or(UnpackError::Impossible("age"))
    }

    fn meter(&mut self) -> Result<Metered, UnpackError> {
        let plan = self.numbers.plan;
        let part = self.part()?;
        let month = read_month(&mut self.from, plan)?;
        let project = self.name()?;
        let meter = match plan.parts()[part].component.model {
            Model::PerSecond { .. } | Model::Monthly { prorate: Prorate::Second, .. } => {
                Meter::Seconds(self.from.quantity()?)
            }
            Model::Monthly { prorate: Prorate::None, .. } => Meter::Largest(self.from.quantity()?),
            Model::HourlyPeak { .. } | Model::Monthly { prorate: Prorate::Day, .. } => {
                let after = self.from.number()?;
                let after = i64::try_from(after).ok().filter(|_| after < MOST_SLOTS);
                let after = after.ok_or(UnpackError::Impossible("slot"))?;
                let slot = first_slot(plan, part, month) + after;
                Meter::Slots { slot, peak: self.from.quantity()?, closed: self.from.quantity()? }
            }
            _ => return Err(UnpackError::Impossible("part")),
        };
        Ok(Metered { part, month, project, meter })
    }
}
