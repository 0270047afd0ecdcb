//! Numbers, texts and quantities as bytes: what all packed forms are written with.
//!
//! Numbers are LEB128, each in its shortest form; a text is its length and its bytes; a quantity is its sign and count
//! of bytes, then the bytes, low ones first. A stored form ends in 32 bits of a keyed hash of all before.

use std::hash::Hasher;

use ethnum::{I256, U256};
use siphasher::sip::SipHasher13;

use super::UnpackError;
use crate::money::Quantity;

const CHECKSUM_BYTES: usize = 4;

/// What is stored: each form has checksums of its own, so that none is taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The state of one resource.
    State,
    /// A whole rater.
    Whole,
    /// A step of settling.
    Step,
    /// A shard of settling.
    Shard,
}

/// Adds the checksum.
pub fn seal(form: Form, mut bare: Vec<u8>) -> Vec<u8> {
    let checksum = checksum(form, &bare);
    bare.extend_from_slice(&checksum);
    bare
}

/// A list is stored in pieces of about so many bytes, so that nobody needs room for all of it at once.
const PIECE_BYTES: usize = 4 << 20;
/// A list that has come to so many bytes most likely fills its piece: then room for all of it is made at once.
const SMALL_BYTES: usize = 128 << 10;
/// Room beyond a piece for its last item and its checksum.
const SPARE_BYTES: usize = 64 << 10;

/// Adds sealed pieces that hold a list to others: each has some of the items, whole, after its version.
pub fn in_pieces<T>(
    (form, version): (Form, u8),
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
    pieces: &mut Vec<Vec<u8>>,
) {
    let mut open = vec![version];
    for item in items {
        write(&mut open, item);
        if open.len() >= SMALL_BYTES && open.capacity() < PIECE_BYTES {
            open.reserve_exact(PIECE_BYTES + SPARE_BYTES - open.len());
        }
        if open.len() >= PIECE_BYTES {
            pieces.push(seal(form, std::mem::replace(&mut open, vec![version])));
        }
    }
    if open.len() > 1 {
        pieces.push(seal(form, open));
    }
}

/// Reads a list of so many items from the pieces that [`in_pieces`] made of it.
///
/// # Errors
/// [`UnpackError`] where the pieces are not those that were made, or what `read` answers.
pub fn of_pieces<E: From<UnpackError>>(
    (form, version): (Form, u8),
    count: usize,
    pieces: &mut dyn Iterator<Item = Vec<u8>>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut left = count;
    while left > 0 {
        let piece = pieces.next().ok_or(UnpackError::Truncated)?;
        let mut from = Reader(unseal(form, version, &piece)?);
        from.byte()?;
        while from.left() > 0 {
            left = left.checked_sub(1).ok_or(UnpackError::TooLong(from.left()))?;
            read(&mut from)?;
        }
    }
    Ok(())
}

/// Takes off the checksum. An unknown version, in the first byte, is told before: its checksum may be another.
///
/// # Errors
/// [`UnpackError`] where the bytes are not those that were sealed.
pub fn unseal(form: Form, version: u8, bytes: &[u8]) -> Result<&[u8], UnpackError> {
    if let Some(other) = bytes.first().filter(|other| **other != version) {
        return Err(UnpackError::Version { found: *other, known: version });
    }
    let (bare, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(UnpackError::Truncated)?;
    if checksum(form, bare) == *sum { Ok(bare) } else { Err(UnpackError::Checksum) }
}

fn checksum(form: Form, bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let key = match form {
        Form::State => 1,
        Form::Whole => 2,
        Form::Step => 3,
        Form::Shard => 4,
    };
    let mut hasher = SipHasher13::new_with_keys(0x6b6f_7065_636b, key);
    hasher.write(bytes);
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    [a, b, c, d]
}

/// Writes a number.
pub fn number(to: &mut Vec<u8>, mut number: u64) {
    while let Ok(low) = u8::try_from(number & 0x7f) {
        number >>= 7;
        if number == 0 {
            to.push(low);
            return;
        }
        to.push(low | 0x80);
    }
}

/// Writes a size.
pub fn size(to: &mut Vec<u8>, size: usize) {
    number(to, size as u64);
}

/// Writes the number of a name.
pub fn name(to: &mut Vec<u8>, name: u32) {
    number(to, u64::from(name));
}

/// Writes an instant: 8 bytes.
pub fn instant(to: &mut Vec<u8>, instant: i64) {
    to.extend_from_slice(&instant.to_le_bytes());
}

/// Writes bytes after their length.
pub fn bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    size(to, bytes.len());
    to.extend_from_slice(bytes);
}

/// One more than the length, and the bytes; 0 for none.
pub fn optional(to: &mut Vec<u8>, value: Option<&[u8]>) {
    size(to, value.map_or(0, |value| value.len() + 1));
    to.extend_from_slice(value.unwrap_or_default());
}

const NEGATIVE: u8 = 0x80;

/// Writes a quantity.
pub fn quantity(to: &mut Vec<u8>, quantity: Quantity) {
    let units = quantity.units();
    let bytes = units.unsigned_abs().to_le_bytes();
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let sign = if units.is_negative() { NEGATIVE } else { 0 };
    to.push(sign | u8::try_from(length).unwrap_or(0));
    to.extend_from_slice(&bytes[..length]);
}

/// Reads values one by one, in the order in which they were written.
#[derive(Debug)]
pub struct Reader<'a>(
    /// What is left.
    pub &'a [u8],
);

impl<'a> Reader<'a> {
    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// Says so where bytes are left.
    ///
    /// # Errors
    /// [`UnpackError`] where it is otherwise.
    pub fn end(&self) -> Result<(), UnpackError> {
        match self.left() {
            0 => Ok(()),
            more => Err(UnpackError::TooLong(more)),
        }
    }

    /// A byte.
    ///
    /// # Errors
    /// [`UnpackError`] where there is none.
    pub fn byte(&mut self) -> Result<u8, UnpackError> {
        Ok(self.array::<1>()?[0])
    }

    /// So many bytes.
    ///
    /// # Errors
    /// [`UnpackError`] where there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], UnpackError> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(UnpackError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    /// An instant.
    ///
    /// # Errors
    /// [`UnpackError`] where there is none.
    pub fn instant(&mut self) -> Result<i64, UnpackError> {
        self.array().map(i64::from_le_bytes)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], UnpackError> {
        let (own, rest) = self.0.split_at_checked(length).ok_or(UnpackError::Truncated)?;
        self.0 = rest;
        Ok(own)
    }

    /// A number.
    ///
    /// # Errors
    /// [`UnpackError`] where there is none, or none in its shortest form.
    pub fn number(&mut self) -> Result<u64, UnpackError> {
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
    ///
    /// # Errors
    /// [`UnpackError`] where it is otherwise.
    pub fn below(&mut self, bound: usize, what: &'static str) -> Result<usize, UnpackError> {
        let number = usize::try_from(self.number()?).ok().filter(|number| *number < bound);
        number.ok_or(UnpackError::Impossible(what))
    }

    /// A number of a table with so many entries.
    ///
    /// # Errors
    /// [`UnpackError`] where it is otherwise.
    pub fn name(&mut self, bound: usize, what: &'static str) -> Result<u32, UnpackError> {
        u32::try_from(self.below(bound, what)?).map_err(|_| UnpackError::Impossible(what))
    }

    /// How many follow: no more than there are bytes.
    ///
    /// # Errors
    /// [`UnpackError`] where it is otherwise.
    pub fn count(&mut self) -> Result<usize, UnpackError> {
        let bound = self.left().saturating_add(1);
        self.below(bound, "count")
    }

    /// Bytes after their length.
    ///
    /// # Errors
    /// [`UnpackError`] where there are fewer.
    pub fn bytes(&mut self) -> Result<&'a [u8], UnpackError> {
        let length = self.count()?;
        self.slice(length)
    }

    /// A text.
    ///
    /// # Errors
    /// [`UnpackError`] where it ends early or is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, UnpackError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| UnpackError::Impossible("text"))
    }

    /// Bytes, or that there are none.
    ///
    /// # Errors
    /// [`UnpackError`] where there are fewer.
    pub fn optional(&mut self) -> Result<Option<&'a [u8]>, UnpackError> {
        match self.count()?.checked_sub(1) {
            Some(length) => self.slice(length).map(Some),
            None => Ok(None),
        }
    }

    /// A text, or that there is none.
    ///
    /// # Errors
    /// [`UnpackError`] where it ends early or is not UTF-8.
    pub fn optional_text(&mut self) -> Result<Option<&'a str>, UnpackError> {
        let text = self.optional()?.map(std::str::from_utf8).transpose();
        text.map_err(|_| UnpackError::Impossible("text"))
    }

    /// A quantity.
    ///
    /// # Errors
    /// [`UnpackError`] where there is none.
    pub fn quantity(&mut self) -> Result<Quantity, UnpackError> {
        let head = self.byte()?;
        let length = usize::from(head & !NEGATIVE);
        let impossible = UnpackError::Impossible("quantity");
        let mut bytes = [0; 32];
        let into = bytes.get_mut(..length).ok_or(impossible)?;
        let own = self.slice(length)?;
        into.copy_from_slice(own);
        if own.last() == Some(&0) || head == NEGATIVE {
            return Err(impossible);
        }
        let units = I256::try_from(U256::from_le_bytes(bytes)).map_err(|_| impossible)?;
        Ok(Quantity::from_units(if head & NEGATIVE == 0 { units } else { -units }))
    }
}
