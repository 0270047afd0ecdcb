//! Why a command could not be done, in words for a person: what happened, where, and what to do next.

use std::fmt;
use std::io;

use kopeck_rating::money::Overflow;
use kopeck_rating::rate::Unfinished;
use kopeck_rating::scratch::ScratchError;

/// How a command ended that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All of it.
    Whole,
    /// All but the records that were refused.
    SomeRefused,
}

/// Why a command did nothing, or stopped.
#[derive(Debug)]
pub enum Failure {
    /// Something of the caller's is wrong: printed as it is, one or several `error:` paragraphs.
    Input(String),
    /// What should be printed could not be.
    Output(io::Error),
    /// A sum does not fit the largest number that the program counts with.
    Overflow,
}

impl Failure {
    /// One `error:` paragraph: what is wrong, where (if there is a place), and the remedy.
    pub fn input(reason: impl fmt::Display, place: Option<&str>, remedy: impl fmt::Display) -> Failure {
        Failure::Input(paragraph("error", reason, place, remedy))
    }

    /// A file that could not be read or written.
    pub fn file(path: &str, doing: &str, error: &io::Error) -> Failure {
        Failure::input(format!("can not {doing} {path}: {error}"), None, "check the path and its permissions")
    }
}

/// A paragraph of the form that all of kopeck's messages have.
pub fn paragraph(
    level: &str,
    reason: impl fmt::Display,
    place: Option<&str>,
    remedy: impl fmt::Display,
) -> String {
    let place = place.map(|place| format!("  --> {place}\n")).unwrap_or_default();
    format!("{level}: {reason}\n{place}  {remedy}\n")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Input(text) => f.write_str(text),
            Failure::Output(error) => writeln!(f, "error: can not write the output: {error}"),
            Failure::Overflow => f.write_str(&paragraph(
                "error",
                Overflow,
                None,
                "rate a shorter period or fewer events at once",
            )),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

impl From<Overflow> for Failure {
    fn from(_: Overflow) -> Failure {
        Failure::Overflow
    }
}

impl From<ScratchError> for Failure {
    fn from(error: ScratchError) -> Failure {
        let remedy = "make room there, name another folder with --scratch, or give more memory with --memory";
        Failure::input(error, None, remedy)
    }
}

impl From<Unfinished> for Failure {
    fn from(unfinished: Unfinished) -> Failure {
        match unfinished {
            Unfinished::Overflow(overflow) => overflow.into(),
            Unfinished::Scratch(error) => error.into(),
        }
    }
}
