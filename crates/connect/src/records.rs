//! The JSON objects of a stream, one by one: the elements of an array, one object a line, or objects in any layout.
//!
//! A file of any size is never held whole: of each object at most [`LONGEST_RECORD`] bytes are kept. Only strings
//! and brackets are followed here; whether an object is well formed is for its reader to say. What stands where no
//! object can be is answered as a record that is refused, and reading goes on: a raw line end closes a string, and
//! an opening brace where JSON allows none begins the next object, so that a torn record does not take its
//! neighbours with it. An array that is not closed is answered as one more refused record: the file is not whole.

use std::io::{self, BufRead};

use serde::Deserialize;

use crate::convert::{Flaw, Reading, Run, quoted};

/// A record is at most this long, in bytes.
const LONGEST_RECORD: usize = 1 << 18;
/// Arrays and objects nest at most so deep.
const DEEPEST: usize = 100;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads all objects of an input. A flaw of one that shares its line with the one before names its number too.
pub(crate) fn convert(
    input: &mut dyn BufRead,
    run: &mut Run<'_>,
    read: &mut dyn FnMut(&[u8]) -> Result<Reading, Flaw>,
) -> io::Result<()> {
    let mut records = Records::new(input);
    while let Some(record) = records.next()? {
        let number = record.shares_line.then_some(record.number);
        let reading = record.text.and_then(&mut *read);
        run.take(record.line, reading.map_err(|flaw| flaw.in_record(number)))?;
    }
    Ok(())
}

/// The text of an object as the JSON of what a format says there, `what` in words.
pub(crate) fn parse<'a, T: Deserialize<'a>>(object: &'a [u8], what: &str) -> Result<T, Flaw> {
    let text = std::str::from_utf8(object).map_err(|error| {
        let reason = format!("byte {} of the record is not valid UTF-8", error.valid_up_to() + 1);
        Flaw::of_record(reason, "write the file as UTF-8")
    })?;
    serde_json::from_str(text).map_err(|error| {
        // The parser counts lines from the record's first; only what it says is of use.
        let error = error.to_string();
        let reason = error.split(" at line ").next().unwrap_or(&error);
        Flaw::of_record(format!("not {what}: {reason}"), "export the record again")
    })
}

/// One object, or what stands in the place of one.
struct Record<'r> {
    /// The line on which it begins, from 1.
    line: u64,
    /// Its place among the records, from 1.
    number: u64,
    /// Whether the record before it begins on the same line.
    shares_line: bool,
    /// The text of the object.
    text: Result<&'r [u8], Flaw>,
}

/// Reads records one by one.
struct Records<'a> {
    input: &'a mut dyn BufRead,
    scan: Scan,
    number: u64,
    line_before: u64,
    is_fresh: bool,
}

impl<'a> Records<'a> {
    fn new(input: &'a mut dyn BufRead) -> Records<'a> {
        Records { input, scan: Scan::default(), number: 0, line_before: 0, is_fresh: true }
    }

    /// The next record, if there is one.
    fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        self.scan.begin();
        let end = loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break self.scan.at_end();
            }
            let skip =
                if self.is_fresh && chunk.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            self.is_fresh = false;
            let (used, end) = self.scan.feed(&chunk[skip..]);
            self.input.consume(skip + used);
            if end.is_some() {
                break end;
            }
        };
        let Some(end) = end else { return Ok(None) };
        self.number += 1;
        let line = self.scan.began;
        let shares_line = line == self.line_before;
        self.line_before = line;
        Ok(Some(Record { line, number: self.number, shares_line, text: self.scan.text(end) }))
    }
}

/// How a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its brackets are closed.
    Closed,
    /// Something else began before they were.
    Torn,
    /// It was no object from the start.
    NoObject,
    /// No record but the end of the input, within an array.
    OpenArray,
}

/// Where a scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Between,
    /// In an object, outside its strings.
    Object,
    String,
    /// Behind a backslash.
    Escape,
    /// In something that is no object.
    Other,
}

#[derive(Debug, Default)]
struct Scan {
    place: Place,
    /// The opening brackets that wait to be closed.
    open: Vec<u8>,
    /// How many more of them there are than may be.
    deeper: u64,
    is_too_deep: bool,
    /// The last byte outside of strings that is not white space.
    last: u8,
    /// Arrays around the records.
    arrays: u64,
    /// Line ends so far.
    line_ends: u64,
    /// The line on which the record began.
    began: u64,
    text: Vec<u8>,
}

impl Scan {
    fn begin(&mut self) {
        self.place = Place::Between;
        self.open.clear();
        (self.deeper, self.is_too_deep) = (0, false);
        self.text.clear();
    }

    /// Takes bytes up to the end of the record: how many, and how it ended if it did.
    fn feed(&mut self, chunk: &[u8]) -> (usize, Option<End>) {
        for (at, byte) in chunk.iter().enumerate() {
            let (takes, end) = match self.place {
                Place::Between => (true, self.between(*byte)),
                Place::Object => self.in_object(*byte),
                Place::String | Place::Escape => (true, self.in_string(*byte)),
                Place::Other => self.in_other(*byte),
            };
            if takes {
                self.keep(*byte);
            }
            if end.is_some() {
                return (at + usize::from(takes), end);
            }
        }
        (chunk.len(), None)
    }

    fn keep(&mut self, byte: u8) {
        self.line_ends += u64::from(byte == b'\n');
        // One byte more than the limit, so that its reader can tell.
        if self.place != Place::Between && self.text.len() <= LONGEST_RECORD {
            self.text.push(byte);
        }
    }

    fn between(&mut self, byte: u8) -> Option<End> {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => return None,
            b'[' => self.arrays += 1,
            b']' => self.arrays = self.arrays.saturating_sub(1),
            _ => {
                self.began = self.line_ends + 1;
                self.place = if byte == b'{' { Place::Object } else { Place::Other };
                self.open.push(byte);
                self.last = byte;
            }
        }
        None
    }

    /// Whether the byte is part of the record, and whether the record ends with or before it.
    fn in_object(&mut self, byte: u8) -> (bool, Option<End>) {
        let innermost = self.open.last().copied();
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return (true, None),
            b'"' => self.place = Place::String,
            b'{' if !self.admits_value(innermost) => return (false, Some(End::Torn)),
            b'{' | b'[' if self.open.len() == DEEPEST => {
                self.deeper += 1;
                self.is_too_deep = true;
            }
            b'}' | b']' if self.deeper > 0 => self.deeper -= 1,
            b'{' | b'[' => self.open.push(byte),
            b']' if innermost == Some(b'[') => {
                self.open.pop();
            }
            b']' => return (false, Some(End::Torn)),
            b'}' => {
                // An array within it that was left open: the reader of the object will say so.
                while self.open.pop() == Some(b'[') {}
                if self.open.is_empty() {
                    return (true, Some(End::Closed));
                }
            }
            _ => {}
        }
        self.last = byte;
        (true, None)
    }

    fn admits_value(&self, innermost: Option<u8>) -> bool {
        self.deeper > 0 || self.last == b':' || innermost == Some(b'[') && matches!(self.last, b'[' | b',')
    }

    fn in_string(&mut self, byte: u8) -> Option<End> {
        self.place = match (self.place, byte) {
            (_, b'\n') => Place::Object,
            (Place::Escape, _) => Place::String,
            (_, b'\\') => Place::Escape,
            (_, b'"') => Place::Object,
            _ => Place::String,
        };
        self.last = b'"';
        None
    }

    fn in_other(&mut self, byte: u8) -> (bool, Option<End>) {
        let ends = matches!(byte, b'\n' | b',' | b'{' | b'[' | b']');
        (!ends, ends.then_some(End::NoObject))
    }

    /// What the end of the input ends.
    fn at_end(&mut self) -> Option<End> {
        let end = match self.place {
            Place::Between if self.arrays == 0 => return None,
            Place::Between => {
                self.began = self.line_ends + 1;
                End::OpenArray
            }
            Place::Other => End::NoObject,
            Place::Object | Place::String | Place::Escape => End::Torn,
        };
        if end != End::NoObject {
            self.arrays = 0;
        }
        Some(end)
    }

    fn text(&self, end: End) -> Result<&[u8], Flaw> {
        let refuse = |reason: String, remedy| Err(Flaw::of_record(reason, remedy));
        match end {
            _ if self.text.len() > LONGEST_RECORD => {
                let reason = format!("the record is longer than {LONGEST_RECORD} bytes");
                refuse(reason, "leave out fields with long texts; is this the right file?")
            }
            End::Closed if self.is_too_deep => refuse(
                format!("nested deeper than {DEEPEST} levels"),
                "leave out the field; is this the right file?",
            ),
            End::Closed => Ok(&self.text),
            End::Torn => refuse(
                "the record ends before its last brace is closed".to_owned(),
                "export the record again: a part of it is missing",
            ),
            End::NoObject => {
                let text = String::from_utf8_lossy(&self.text);
                let reason = format!("{} is not a JSON object", quoted(text.trim()));
                refuse(reason, "export an array of JSON objects, or one object a line")
            }
            End::OpenArray => refuse(
                "the file ends before its array is closed".to_owned(),
                "export the file again: records are missing at its end",
            ),
        }
    }
}
