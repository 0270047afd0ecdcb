//! Numbers and texts as bytes, high ones first, and back.
//!
//! High bytes first makes the numbers of a stored record readable with nothing but `hex()` of a database.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use uuid::Uuid;

use crate::amount::Amount;
use crate::coefficient::Coefficient;
use crate::name::{AccountId, AccountNumber, Currency, HoldId, Moment, Sequence, Text, TransactionId};

/// Where bytes go: into a record, or into a hash of what a request says.
pub(crate) trait Sink {
    /// Takes bytes.
    fn put(&mut self, bytes: &[u8]);

    #[inline]
    fn byte(&mut self, byte: u8) {
        self.put(&[byte]);
    }

    #[inline]
    fn u64(&mut self, number: u64) {
        self.put(&number.to_be_bytes());
    }

    #[inline]
    fn i64(&mut self, number: i64) {
        self.put(&number.to_be_bytes());
    }

    #[inline]
    fn i128(&mut self, number: i128) {
        self.put(&number.to_be_bytes());
    }

    #[inline]
    fn amount(&mut self, amount: Amount) {
        self.i128(amount.micros());
    }

    #[inline]
    fn coefficient(&mut self, coefficient: Coefficient) {
        self.u64(coefficient.units());
    }

    #[inline]
    fn account(&mut self, id: AccountId) {
        self.put(id.0.as_bytes());
    }

    #[inline]
    fn number(&mut self, number: AccountNumber) {
        self.put(&number.0.to_be_bytes());
    }

    #[inline]
    fn transaction(&mut self, id: TransactionId) {
        self.put(id.0.as_bytes());
    }

    #[inline]
    fn hold(&mut self, id: HoldId) {
        self.transaction(id.0);
    }

    #[inline]
    fn moment(&mut self, moment: Moment) {
        self.i64(moment.nanoseconds());
    }

    #[inline]
    fn currency(&mut self, currency: Currency) {
        self.put(&currency.letters());
    }

    /// A text after its length, which fits one byte.
    #[inline]
    fn text(&mut self, text: &Text) {
        let bytes = text.as_str().as_bytes();
        self.byte(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        self.put(bytes);
    }

    /// A text, or the length 0 where there is none: no text is empty.
    #[inline]
    fn maybe_text(&mut self, text: Option<&Text>) {
        match text {
            Some(text) => self.text(text),
            None => self.byte(0),
        }
    }
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Hashes what is put in blocks: most of it comes in pieces that are shorter than a call is long.
pub(crate) struct Hashing {
    hasher: SipHasher13,
    block: [u8; Hashing::BLOCK],
    used: usize,
}

impl Hashing {
    const BLOCK: usize = 256;

    pub(crate) fn new(key: (u64, u64)) -> Hashing {
        let hasher = SipHasher13::new_with_keys(key.0, key.1);
        Hashing { hasher, block: [0; Hashing::BLOCK], used: 0 }
    }

    pub(crate) fn finish(mut self) -> u64 {
        self.flush();
        self.hasher.finish()
    }

    fn flush(&mut self) {
        self.hasher.write(&self.block[..self.used]);
        self.used = 0;
    }
}

impl Sink for Hashing {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        if bytes.len() > Hashing::BLOCK - self.used {
            self.flush();
        }
        match self.block.get_mut(self.used..self.used + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.used += bytes.len();
            }
            None => self.hasher.write(bytes),
        }
    }
}

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than they say.
    #[error("ends early")]
    Truncated,
    /// More bytes than they say.
    #[error("has {0} bytes too many")]
    TooLong(usize),
    /// Written by another version of the program.
    #[error("is of format {0}, which this version does not know")]
    Version(u8),
    /// A value that is never written.
    #[error("has an impossible {0}")]
    Impossible(&'static str),
}

/// What is left to be read.
pub(crate) struct Source<'a>(pub(crate) &'a [u8]);

impl<'a> Source<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::TooLong(self.0.len())) }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn i128(&mut self) -> Result<i128, DecodeError> {
        self.array().map(i128::from_be_bytes)
    }

    pub(crate) fn amount(&mut self) -> Result<Amount, DecodeError> {
        self.i128().map(Amount::from_micros)
    }

    /// An amount that is stored in 64 bits.
    pub(crate) fn small_amount(&mut self) -> Result<Amount, DecodeError> {
        self.u64().map(Amount::from)
    }

    pub(crate) fn coefficient(&mut self) -> Result<Coefficient, DecodeError> {
        Coefficient::from_units(self.u64()?).map_err(|_| DecodeError::Impossible("coefficient"))
    }

    pub(crate) fn account(&mut self) -> Result<AccountId, DecodeError> {
        self.array().map(|bytes| AccountId(Uuid::from_bytes(bytes)))
    }

    pub(crate) fn number(&mut self) -> Result<AccountNumber, DecodeError> {
        self.u32().map(AccountNumber)
    }

    pub(crate) fn transaction(&mut self) -> Result<TransactionId, DecodeError> {
        self.array().map(|bytes| TransactionId(Uuid::from_bytes(bytes)))
    }

    pub(crate) fn hold(&mut self) -> Result<HoldId, DecodeError> {
        self.transaction().map(HoldId)
    }

    pub(crate) fn moment(&mut self) -> Result<Moment, DecodeError> {
        Moment::from_nanoseconds(self.i64()?).map_err(|_| DecodeError::Impossible("instant"))
    }

    pub(crate) fn sequence(&mut self) -> Result<Sequence, DecodeError> {
        self.u64().map(Sequence)
    }

    pub(crate) fn currency(&mut self) -> Result<Currency, DecodeError> {
        Currency::from_letters(self.array()?).ok_or(DecodeError::Impossible("currency"))
    }

    pub(crate) fn text(&mut self) -> Result<Text, DecodeError> {
        self.maybe_text()?.ok_or(DecodeError::Impossible("empty text"))
    }

    pub(crate) fn maybe_text(&mut self) -> Result<Option<Text>, DecodeError> {
        let length = usize::from(self.byte()?);
        if length == 0 {
            return Ok(None);
        }
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| DecodeError::Impossible("text"))?;
        Text::new(text).map(Some).map_err(|_| DecodeError::Impossible("text"))
    }

    pub(crate) fn named<T>(
        &mut self,
        from_code: fn(u8) -> Option<T>,
        what: &'static str,
    ) -> Result<T, DecodeError> {
        from_code(self.byte()?).ok_or(DecodeError::Impossible(what))
    }
}
