//! What things are called: ids, numbers, short texts, currencies, instants.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

/// Names an account for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId(pub Uuid);

/// Names a request, and the transaction or hold that came of it. UUID v7 is preferred: its time keeps neighbours
/// together in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransactionId(pub Uuid);

/// Names a hold: the id of the request that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HoldId(pub TransactionId);

fn hash_uuid<H: Hasher>(uuid: Uuid, state: &mut H) {
    let (high, low) = uuid.as_u64_pair();
    state.write_u64(high);
    state.write_u64(low);
}

impl Hash for AccountId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_uuid(self.0, state);
    }
}

impl Hash for TransactionId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_uuid(self.0, state);
    }
}

impl Hash for HoldId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The dense number of an account in one journal: 0 for the first that was opened, and so on. It stands for the
/// account inside the journal and is never shown as its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNumber(pub u32);

impl AccountNumber {
    /// The account's place in a list of all.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The place of a record in its journal: 1 for the first, without gaps. 0 stands for "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Before the first record.
    pub const NONE: Sequence = Sequence(0);

    /// The place after this one. A journal of 2⁶⁴ records does not exist.
    #[must_use]
    pub fn next(self) -> Sequence {
        Sequence(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An instant in nanoseconds of Unix time, in the years that rating accepts (1900 to 2199), which fit 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(i64);

/// An instant outside the years 1900 to 2199.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lies outside the years 1900 to 2199")]
pub struct OutOfRange;

impl Moment {
    /// Before every instant that a request may name.
    pub const FIRST: Moment = Moment(-2_208_988_800_000_000_000);
    /// After every instant that a request may name.
    pub const LAST: Moment = Moment(7_258_118_400_000_000_000);

    /// The instant of that many nanoseconds since 1970.
    ///
    /// # Errors
    /// [`OutOfRange`] outside [`Moment::FIRST`] to [`Moment::LAST`].
    pub fn from_nanoseconds(nanoseconds: i64) -> Result<Moment, OutOfRange> {
        let moment = Moment(nanoseconds);
        if (Moment::FIRST..=Moment::LAST).contains(&moment) { Ok(moment) } else { Err(OutOfRange) }
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// The same instant for calendars.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        // Every moment lies within jiff's years, so the fallback is never taken.
        Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl TryFrom<Timestamp> for Moment {
    type Error = OutOfRange;

    fn try_from(timestamp: Timestamp) -> Result<Moment, OutOfRange> {
        i64::try_from(timestamp.as_nanosecond()).map_err(|_| OutOfRange).and_then(Moment::from_nanoseconds)
    }
}

impl fmt::Display for Moment {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

/// A currency by its three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The default.
    pub const RUB: Currency = Currency(*b"RUB");

    /// The currency of three ASCII capital letters. `None` for anything else.
    #[must_use]
    pub fn from_letters(letters: [u8; 3]) -> Option<Currency> {
        letters.iter().all(u8::is_ascii_uppercase).then_some(Currency(letters))
    }

    /// Its three letters.
    #[must_use]
    pub fn letters(self) -> [u8; 3] {
        self.0
    }

    /// Its three letters, as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // ASCII letters are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A text is not three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a currency: write three capital letters, as in RUB")]
pub struct NoCurrency;

impl FromStr for Currency {
    type Err = NoCurrency;

    fn from_str(text: &str) -> Result<Currency, NoCurrency> {
        <[u8; 3]>::try_from(text.as_bytes()).ok().and_then(Currency::from_letters).ok_or(NoCurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A short text: an actor, a project, a reference, an account's name. 1 to 255 bytes without control characters;
/// copying it costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

/// Why a text is not a [`Text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It has no characters.
    #[error("is empty")]
    Empty,
    /// It has more than 255 bytes.
    #[error("has more than {} bytes", Text::LONGEST)]
    TooLong,
    /// It has a line end, a tabulator or another control character.
    #[error("has a control character")]
    Control,
}

impl Text {
    /// The most bytes that a text has.
    pub const LONGEST: usize = 255;

    /// A text that obeys the limits.
    ///
    /// # Errors
    /// [`TextError`] where it does not.
    pub fn new(text: &str) -> Result<Text, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > Text::LONGEST {
            return Err(TextError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(TextError::Control);
        }
        Ok(Text(Arc::from(text)))
    }

    /// Its characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
