//! The packed form of a resource's live state: what is written to a store, and kept in memory between events.
//!
//! Version 1 is, in this order: the byte 1; the last instant (8 bytes, nanoseconds of Unix time, little endian); flags
//! (1: alive, 2: was ever alive, 4 and 8: the class); project, description and age of what it is now; the age at
//! which it was born; what `once` it paid; its meters. Ages are seconds before the second of the last event. Numbers
//! are LEB128; a quantity is its sign and count of bytes, then the bytes, low ones first. The stored form ends in 32
//! bits of a keyed hash of all that. Parts are numbered through all versions of the book, names and descriptions as
//! the tables number them that are stored beside.

use std::hash::Hasher;

use ethnum::{I256, U256};
use siphasher::sip::SipHasher13;

use crate::accumulator::{Accumulator, Metered, Paid};
use crate::calendar::Second;
use crate::event;
use crate::meter::Meter;
use crate::money::Quantity;
use crate::plan::Plan;
use crate::price_book::{Class, Model, Prorate};
use crate::resource::{Current, ResourceState, Said};

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
    #[error("the packed state is of version {0}; {VERSION} is known")]
    Version(u8),
    /// The bytes are not those that were written.
    #[error("the packed state does not match its checksum")]
    Checksum,
    /// A value that no state of this book, these names and descriptions has.
    #[error("the packed state has an impossible {0}")]
    Impossible(&'static str),
}

/// What the numbers in a packed state mean.
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'a, 'b> {
    /// The open plan; it must hold the second of the last event.
    pub plan: &'a Plan<'b>,
    /// How many names are known.
    pub names: usize,
    /// How many descriptions are known.
    pub descriptions: usize,
}

const CHECKSUM_BYTES: usize = 4;
const ALIVE: u8 = 1;
const BORN: u8 = 2;
const ACTIVE: u8 = 4;
const INACTIVE: u8 = 8;

impl ResourceState {
    /// The stored form.
    #[must_use]
    pub fn pack(&self, plan: &Plan<'_>) -> Vec<u8> {
        seal(self.pack_bare(plan))
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`UnpackError`]; any bytes are read without a panic.
    pub fn unpack(bytes: &[u8], numbers: Numbers<'_, '_>) -> Result<ResourceState, UnpackError> {
        ResourceState::unpack_bare(unseal(bytes)?, numbers)
    }

    /// The form in memory: without the checksum.
    pub(crate) fn pack_bare(&self, plan: &Plan<'_>) -> Vec<u8> {
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

    pub(crate) fn unpack_bare(bytes: &[u8], numbers: Numbers<'_, '_>) -> Result<ResourceState, UnpackError> {
        let last = last_instant(bytes)?;
        let second = event::second_of(last);
        let mut from = Reader { bytes: bytes.get(HEAD_BYTES..).unwrap_or_default(), numbers, second };
        let flags = from.byte()?;
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
        for _ in 0..from.count()? {
            let paid = Paid {
                part: from.part()?,
                project: from.name()?,
                at: from.ago()?,
                quantity: from.quantity()?,
            };
            sums.paid.push(paid);
        }
        for _ in 0..from.count()? {
            sums.meters.push(from.meter()?);
        }
        match from.bytes.len() {
            0 => Ok(ResourceState { last, current, sums }),
            more => Err(UnpackError::TooLong(more)),
        }
    }
}

/// The instant of the last event of a stored state: the plan must hold it before the rest is read.
///
/// # Errors
/// [`UnpackError`] where the bytes are no state.
pub fn last_of(bytes: &[u8]) -> Result<i64, UnpackError> {
    last_instant(unseal(bytes)?)
}

/// Bytes of the version and the last instant.
const HEAD_BYTES: usize = 9;

fn last_instant(bytes: &[u8]) -> Result<i64, UnpackError> {
    match bytes.first() {
        None => return Err(UnpackError::Truncated),
        Some(&VERSION) => {}
        Some(other) => return Err(UnpackError::Version(*other)),
    }
    let last = bytes[1..].first_chunk::<8>().ok_or(UnpackError::Truncated)?;
    Ok(i64::from_le_bytes(*last))
}

/// Adds the checksum.
pub(crate) fn seal(mut bare: Vec<u8>) -> Vec<u8> {
    let checksum = checksum(&bare);
    bare.extend_from_slice(&checksum);
    bare
}

/// Takes off the checksum. An unknown version is told before: its checksum may be another.
fn unseal(bytes: &[u8]) -> Result<&[u8], UnpackError> {
    if let Some(other) = bytes.first().filter(|version| **version != VERSION) {
        return Err(UnpackError::Version(*other));
    }
    let (bare, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(UnpackError::Truncated)?;
    if checksum(bare) == *sum { Ok(bare) } else { Err(UnpackError::Checksum) }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = SipHasher13::new_with_keys(0x6b6f_7065_636b, u64::from(VERSION));
    hasher.write(bytes);
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    [a, b, c, d]
}

fn number(to: &mut Vec<u8>, mut number: u64) {
    while let Ok(low) = u8::try_from(number & 0x7f) {
        number >>= 7;
        if number == 0 {
            to.push(low);
            return;
        }
        to.push(low | 0x80);
    }
}

fn size(to: &mut Vec<u8>, size: usize) {
    number(to, size as u64);
}

/// Seconds are not after the last event's, save in no state at all, which then does not read back.
fn age(to: &mut Vec<u8>, second: Second, at: Second) {
    number(to, second.abs_diff(at));
}

const NEGATIVE: u8 = 0x80;

fn quantity(to: &mut Vec<u8>, quantity: Quantity) {
    let units = quantity.units();
    let bytes = units.unsigned_abs().to_le_bytes();
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let sign = if units.is_negative() { NEGATIVE } else { 0 };
    to.push(sign | u8::try_from(length).unwrap_or(0));
    to.extend_from_slice(&bytes[..length]);
}

fn meter(to: &mut Vec<u8>, plan: &Plan<'_>, metered: &Metered) {
    size(to, metered.part);
    number(to, u64::from(plan.months()[metered.month].name.number()));
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

/// The number of a month's first hour, or day: slots are written as distances from it, whatever the plan begins with.
fn first_slot(plan: &Plan<'_>, part: usize, month: usize) -> i64 {
    match plan.parts()[part].component.model {
        Model::HourlyPeak { .. } => plan.hours().index(plan.months()[month].start),
        _ => 0,
    }
}

/// More hours than any month has.
const MOST_SLOTS: u64 = 1_000;

/// Reads a state's numbers one by one, and checks that they mean something.
struct Reader<'a, 'n, 'b> {
    bytes: &'a [u8],
    numbers: Numbers<'n, 'b>,
    /// The second of the last event.
    second: Second,
}

impl Reader<'_, '_, '_> {
    fn byte(&mut self) -> Result<u8, UnpackError> {
        let (first, rest) = self.bytes.split_first().ok_or(UnpackError::Truncated)?;
        self.bytes = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, UnpackError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7f);
            if low << shift >> shift != low || (byte == 0 && shift > 0) {
                break;
            }
            number |= low << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(UnpackError::Impossible("number"))
    }

    /// A number below a bound.
    fn below(&mut self, bound: usize, what: &'static str) -> Result<usize, UnpackError> {
        let number = usize::try_from(self.number()?).ok().filter(|number| *number < bound);
        number.ok_or(UnpackError::Impossible(what))
    }

    /// How many follow: no more than there are bytes.
    fn count(&mut self) -> Result<usize, UnpackError> {
        let bytes = self.bytes.len();
        self.below(bytes.saturating_add(1), "count")
    }

    fn part(&mut self) -> Result<usize, UnpackError> {
        self.below(self.numbers.plan.parts().len(), "part")
    }

    fn name(&mut self) -> Result<u32, UnpackError> {
        let name = self.below(self.numbers.names, "name")?;
        u32::try_from(name).map_err(|_| UnpackError::Impossible("name"))
    }

    fn description(&mut self) -> Result<u32, UnpackError> {
        let description = self.below(self.numbers.descriptions, "description")?;
        u32::try_from(description).map_err(|_| UnpackError::Impossible("description"))
    }

    fn ago(&mut self) -> Result<Second, UnpackError> {
        let age = self.number()?;
        self.second.checked_sub_unsigned(age).ok_or(UnpackError::Impossible("age"))
    }

    fn quantity(&mut self) -> Result<Quantity, UnpackError> {
        let head = self.byte()?;
        let length = usize::from(head & !NEGATIVE);
        let impossible = UnpackError::Impossible("quantity");
        let mut bytes = [0; 32];
        let into = bytes.get_mut(..length).ok_or(impossible)?;
        let (own, rest) = self.bytes.split_at_checked(length).ok_or(UnpackError::Truncated)?;
        into.copy_from_slice(own);
        self.bytes = rest;
        if own.last() == Some(&0) || head == NEGATIVE {
            return Err(impossible);
        }
        let units = I256::try_from(U256::from_le_bytes(bytes)).map_err(|_| impossible)?;
        Ok(Quantity::from_units(if head & NEGATIVE == 0 { units } else { -units }))
    }

    fn meter(&mut self) -> Result<Metered, UnpackError> {
        let plan = self.numbers.plan;
        let part = self.part()?;
        let first = plan.months().first().map_or(0, |month| month.name.number());
        let month =
            self.number()?.checked_sub(u64::from(first)).and_then(|number| usize::try_from(number).ok());
        let month = month.filter(|number| *number < plan.months().len());
        let month = month.ok_or(UnpackError::Impossible("month"))?;
        let project = self.name()?;
        let meter = match plan.parts()[part].component.model {
            Model::PerSecond { .. } | Model::Monthly { prorate: Prorate::Second, .. } => {
                Meter::Seconds(self.quantity()?)
            }
            Model::Monthly { prorate: Prorate::None, .. } => Meter::Largest(self.quantity()?),
            Model::HourlyPeak { .. } | Model::Monthly { prorate: Prorate::Day, .. } => {
                let after = self.number()?;
                let after = i64::try_from(after).ok().filter(|_| after < MOST_SLOTS);
                let after = after.ok_or(UnpackError::Impossible("slot"))?;
                let slot = first_slot(plan, part, month) + after;
                Meter::Slots { slot, peak: self.quantity()?, closed: self.quantity()? }
            }
            _ => return Err(UnpackError::Impossible("part")),
        };
        Ok(Metered { part, month, project, meter })
    }
}
