//! The written forms of single values: amounts as decimal texts, instants as RFC 3339, ids as UUIDs, names.
//!
//! Each wraps a value of the ledger that is valid by its type, so a document that was read holds nothing invalid.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use kopeck_directory::name::Price;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{Currency, Moment, Text};
use kopeck_ledger::purpose::{Mode, Origin, Purpose};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A value that documents write as a text: how it is read, and how the API's description shows it.
trait Form: Sized {
    /// Its name in the API's description.
    const NAME: &'static str;
    /// What is expected, for who wrote something else: "an amount as a text, such as \"12.50\"".
    const EXPECTED: &'static str;

    /// Reads it.
    fn read(text: &str) -> Result<Self, String>;

    /// How the API's description shows it.
    fn described(builder: ObjectBuilder) -> ObjectBuilder;
}

/// Reads texts into a form.
struct Reader<F>(std::marker::PhantomData<F>);

impl<F: Form> Visitor<'_> for Reader<F> {
    type Value = F;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(F::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<F, E> {
        F::read(text).map_err(E::custom)
    }
}

/// Defines a form around a value that prints itself.
macro_rules! form {
    ($(#[$about:meta])* $name:ident($inner:ty), $expected:literal) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl From<$inner> for $name {
            fn from(value: $inner) -> $name {
                $name(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                <$name as Form>::read(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                deserializer.deserialize_str(Reader::<$name>(std::marker::PhantomData))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let builder = ObjectBuilder::new().schema_type(Type::String);
                <$name as Form>::described(builder).build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(<$name as Form>::NAME)
            }
        }

        impl $name {
            const EXPECTED: &'static str = $expected;
        }
    };
}

form! {
    /// Money in the unit of its currency, with at most six decimals: `"12.50"`.
    Money(Amount), "an amount as a text, such as \"12.50\""
}

impl Form for Money {
    const NAME: &'static str = "Amount";
    const EXPECTED: &'static str = Money::EXPECTED;

    fn read(text: &str) -> Result<Money, String> {
        text.parse().map(Money).map_err(|error| format!("{error}"))
    }

    fn described(builder: ObjectBuilder) -> ObjectBuilder {
        builder
            .format(Some(SchemaFormat::Custom("decimal".to_owned())))
            .pattern(Some(r"^-?\d{1,30}(\.\d{1,6}0*)?$"))
            .description(Some(
                "A decimal number as a text, in units of its currency, with at most six places",
            ))
            .examples(["1234.50"])
    }
}

form! {
    /// A currency by its three capital letters: `"RUB"`.
    CurrencyCode(Currency), "a currency as a text, such as \"RUB\""
}

impl Form for CurrencyCode {
    const NAME: &'static str = "Currency";
    const EXPECTED: &'static str = CurrencyCode::EXPECTED;

    fn read(text: &str) -> Result<CurrencyCode, String> {
        text.parse().map(CurrencyCode).map_err(|error| format!("{error}"))
    }

    fn described(builder: ObjectBuilder) -> ObjectBuilder {
        builder
            .pattern(Some("^[A-Z]{3}$"))
            .description(Some("A currency by its three letters"))
            .examples(["RUB"])
    }
}

form! {
    /// An instant, RFC 3339 with an offset, written in UTC: `"2026-10-05T10:00:00Z"`.
    Time(Moment), "an instant as a text, such as \"2026-10-05T10:00:00+03:00\""
}

impl Form for Time {
    const NAME: &'static str = "Time";
    const EXPECTED: &'static str = Time::EXPECTED;

    fn read(text: &str) -> Result<Time, String> {
        let instant: Timestamp = text.parse().map_err(|_| {
            "is not an instant with an offset: write it like 2026-10-05T10:00:00+03:00".to_owned()
        })?;
        Moment::try_from(instant).map(Time).map_err(|error| error.to_string())
    }

    fn described(builder: ObjectBuilder) -> ObjectBuilder {
        builder
            .format(Some(SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
            .description(Some("An instant of the years 1900 to 2199, RFC 3339"))
            .examples(["2026-10-05T10:00:00Z"])
    }
}

form! {
    /// A local date: `"2026-10-05"`.
    Day(jiff::civil::Date), "a date as a text, such as \"2026-10-05\""
}

impl Form for Day {
    const NAME: &'static str = "Date";
    const EXPECTED: &'static str = Day::EXPECTED;

    fn read(text: &str) -> Result<Day, String> {
        // Jiff would also read instants.
        let is_date = text.len() == "2026-10-05".len();
        let date = is_date.then(|| text.parse().ok()).flatten();
        date.map(Day).ok_or_else(|| "is not a date: write it like 2026-10-05".to_owned())
    }

    fn described(builder: ObjectBuilder) -> ObjectBuilder {
        builder
            .format(Some(SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Date)))
            .description(Some("A local date"))
            .examples(["2026-10-05"])
    }
}

form! {
    /// A short text: 1 to 255 bytes without control characters.
    Label(Text), "a text"
}

impl Form for Label {
    const NAME: &'static str = "Text";
    const EXPECTED: &'static str = Label::EXPECTED;

    fn read(text: &str) -> Result<Label, String> {
        Text::new(text).map(Label).map_err(|error| format!("{error}: write 1 to 255 bytes on one line"))
    }

    fn described(builder: ObjectBuilder) -> ObjectBuilder {
        builder
            .min_length(Some(1))
            .max_length(Some(Text::LONGEST))
            .description(Some("1 to 255 bytes without control characters"))
    }
}

form! {
    /// A cost coefficient: a decimal of at most nine places, from 0 to 10⁹.
    Factor(Coefficient), "a coefficient as a text, such as \"1.25\""
}

impl Form for Factor {
    const NAME: &'static str = "Coefficient";
    const EXPECTED: &'static str = Factor::EXPECTED;

    fn read(text: &str) -> Result<Factor, String> {
        text.parse().map(Factor).map_err(|error| format!("{error}"))
    }

    fn described(builder: ObjectBuilder) -> ObjectBuilder {
        builder
            .format(Some(SchemaFormat::Custom("decimal".to_owned())))
            .description(Some(
                "A plan's cost coefficient k: of a payment g the platform takes g − g / k. At most nine places",
            ))
            .examples(["1.25"])
    }
}

form! {
    /// A price: a decimal below 10⁹ of at most nine places.
    PriceText(Price), "a price as a text, such as \"0.000611111\""
}

impl Form for PriceText {
    const NAME: &'static str = "Price";
    const EXPECTED: &'static str = PriceText::EXPECTED;

    fn read(text: &str) -> Result<PriceText, String> {
        text.parse().map(PriceText).map_err(|error| format!("{error}"))
    }

    fn described(builder: ObjectBuilder) -> ObjectBuilder {
        builder
            .format(Some(SchemaFormat::Custom("decimal".to_owned())))
            .pattern(Some(r"^\d{1,9}(\.\d{1,9}0*)?$"))
            .description(Some("A price as a decimal text below 10⁹, with at most nine places"))
            .examples(["0.000611111"])
    }
}

/// Defines the form of an enumeration of the ledger: its words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident($inner:ty), $called:literal, $expected:literal, $description:literal) => {
        form! { $(#[$about])* $name($inner), $expected }

        impl Form for $name {
            const NAME: &'static str = $called;
            const EXPECTED: &'static str = $name::EXPECTED;

            fn read(text: &str) -> Result<$name, String> {
                let all = || <$inner>::ALL.iter().map(|one| one.word()).collect::<Vec<_>>().join(", ");
                <$inner>::from_word(text).map($name).ok_or_else(|| format!("is unknown: write one of {}", all()))
            }

            fn described(builder: ObjectBuilder) -> ObjectBuilder {
                let values = <$inner>::ALL.iter().map(|one| one.word());
                builder.enum_values(Some(values)).description(Some($description))
            }
        }
    };
}

words! {
    /// Whose money an account holds.
    Kind(AccountKind), "AccountKind", "a kind of account as a text", "Whose money an account holds"
}
words! {
    /// What a transfer is for.
    PurposeWord(Purpose), "Purpose", "a purpose as a text", "What a transfer is for"
}
words! {
    /// Asked for, or following from a charge.
    OriginWord(Origin), "Origin", "an origin as a text", "Asked for by an actor, or following from a charge"
}
words! {
    /// At once, or on a schedule.
    ModeWord(Mode), "Mode", "a mode as a text", "At once, or on a schedule"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<F: for<'a> Deserialize<'a> + fmt::Debug>(json: &str) -> String {
        match serde_json::from_str::<F>(json) {
            Ok(read) => format!("{read:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn money_is_a_text_and_never_a_number() {
        assert!(check::<Money>("\"12.5\"").contains("12500000"));
        assert!(check::<Money>("12.5").contains("expected an amount as a text, such as \"12.50\""));
        assert!(check::<Money>("\"0.0000001\"").contains("has more than 6 decimals"));
    }

    #[test]
    fn instants_have_an_offset_and_dates_have_no_time() {
        assert!(check::<Time>("\"2026-10-05T10:00:00\"").contains("not an instant with an offset"));
        assert!(check::<Day>("\"2026-10-05T10:00:00Z\"").contains("is not a date"));
        assert!(check::<Day>("\"2026-10-05\"").contains("2026-10-05"));
    }

    #[test]
    fn an_unknown_word_is_answered_with_those_that_are_known() {
        assert!(check::<Kind>("\"bank\"").contains("write one of user, workspace"));
    }
}
