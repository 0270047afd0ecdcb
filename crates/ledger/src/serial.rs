//! Names in JSON: each is written as the text that it prints, and read by its one constructor that refuses.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use uuid::Uuid;

use crate::amount::Amount;
use crate::coefficient::Coefficient;
use crate::name::{AccountId, Currency, Moment, Text, TransactionId};

/// What is read from its text.
trait Worded: Sized {
    /// What a message says was expected.
    const WHAT: &'static str;

    /// The value of a text, or why there is none.
    fn of(text: &str) -> Result<Self, String>;
}

fn parsed<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

impl Worded for Text {
    const WHAT: &'static str = "a text of 1 to 255 bytes without control characters";

    fn of(text: &str) -> Result<Text, String> {
        Text::new(text).map_err(|error| error.to_string())
    }
}

impl Worded for Moment {
    const WHAT: &'static str = "an instant in RFC 3339";

    fn of(text: &str) -> Result<Moment, String> {
        Moment::try_from(parsed::<Timestamp>(text)?).map_err(|error| error.to_string())
    }
}

impl Worded for Currency {
    const WHAT: &'static str = "a currency by three capital letters";

    fn of(text: &str) -> Result<Currency, String> {
        parsed(text)
    }
}

impl Worded for Coefficient {
    const WHAT: &'static str = "a coefficient as a decimal text";

    fn of(text: &str) -> Result<Coefficient, String> {
        parsed(text)
    }
}

impl Worded for AccountId {
    const WHAT: &'static str = "an account's id";

    fn of(text: &str) -> Result<AccountId, String> {
        parsed::<Uuid>(text).map(AccountId)
    }
}

impl Worded for TransactionId {
    const WHAT: &'static str = "a transaction's id";

    fn of(text: &str) -> Result<TransactionId, String> {
        parsed::<Uuid>(text).map(TransactionId)
    }
}

/// Reads a [`Worded`] from text.
struct Reading<T>(std::marker::PhantomData<T>);

impl<T: Worded> Visitor<'_> for Reading<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WHAT)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::of(text).map_err(E::custom)
    }
}

macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                deserializer.deserialize_str(Reading(std::marker::PhantomData))
            }
        }
    )+};
}

impl Worded for Amount {
    const WHAT: &'static str = "an amount as a text";

    fn of(text: &str) -> Result<Amount, String> {
        parsed(text)
    }
}

as_text!(Amount, Text, Moment, Currency, Coefficient, AccountId, TransactionId);
