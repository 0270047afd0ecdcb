//! Tables in CSV whose first line names the columns: the frame of all converters of such files.
//!
//! The delimiter is the one of comma, semicolon and tab that the header has most of. Names are compared without
//! case, spaces and punctuation; of a name with another in brackets, as in localised exports (`Abonnement-GUID
//! (SubscriptionGuid)`), the one in brackets counts, even if the bracket is not closed. A header that stands again
//! further down, as in files that were joined, is read again.
//!
//! One bad line must not swallow its neighbours. A text in quotation marks may contain line ends, as RFC 4180
//! allows, up to the length of [`LONGEST_LINE`] in all; if the mark is not closed by then, or is followed by more
//! text, only the line where the record begins is refused and reading goes on with the next one. (The csv crate
//! alone would read on to the end of the file.)
//!
//! A line must have as many fields as the header. Some exports name a column at the end that their lines leave out:
//! if the first line below the header lacks the last field, all must lack it. The last field that is left is never a
//! required one, so an amount that was cut off is noticed; and a line of another length, where an amount with a decimal
//! comma may have become two fields, never passes.
//!
//! What is not here: what the columns mean, and tables without a header.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::io::{self, BufRead, Read};

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};
use kopeck_rating::number::Number;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::convert::{Flaw, Reading, Run, quoted};
use crate::job;
use crate::lines::{self, LONGEST_LINE, Lines};

/// A column that is read.
#[derive(Debug)]
pub(crate) struct Column {
    /// As refusals name it.
    pub(crate) name: &'static str,
    /// Other names, the first that the header has wins; all in small letters without spaces and punctuation.
    pub(crate) also: &'static [&'static str],
    /// Whether a file without it can not be converted.
    pub(crate) required: bool,
}

/// What is known of a format.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) columns: &'static [Column],
    /// What stands for an empty field.
    pub(crate) null: &'static str,
    /// The columns whose values make a record what it is, as in [`Column::also`]; none means all.
    pub(crate) identity: &'static [&'static str],
}

/// Converts each record of a table.
pub(crate) fn convert(
    input: &mut dyn BufRead,
    run: &mut Run<'_>,
    layout: &'static Layout,
    read: &mut dyn FnMut(&Row<'_>) -> Result<Reading, Flaw>,
) -> io::Result<()> {
    let mut records = Records::new(input);
    let mut header: Option<Header> = None;
    while let Some((line, whole)) = records.next()? {
        let Some(header) =
            header.as_mut().filter(|header| whole.is_err() || !header.repeats(&records.record))
        else {
            match whole {
                Ok(()) => header = Some(Header::read(layout, &records.record, records.delimiter)),
                Err(flaw) => {
                    header = Some(Header::broken(layout, flaw.clone()));
                    run.take(line, Err(flaw))?;
                }
            }
            continue;
        };
        let reading = whole.and_then(|()| read(&header.row(&records.record)?));
        run.take(line, reading)?;
    }
    Ok(())
}

/// Which column stands where.
struct Header {
    layout: &'static Layout,
    delimiter: u8,
    /// The place of each column of the layout, or what is wrong with the header.
    at: Result<Vec<Option<usize>>, Flaw>,
    /// The names, ready to be compared.
    names: Vec<String>,
    /// The required columns, as they are written: no record has them all among its values.
    marks: Vec<Vec<u8>>,
    /// How many fields a line has, by the first one below; see the module's text.
    fields: Option<usize>,
}

impl Header {
    fn read(layout: &'static Layout, record: &ByteRecord, delimiter: u8) -> Header {
        let mut names = Vec::with_capacity(record.len());
        for name in record {
            // A currency that is not found because of an umlaut would be taken for the book's.
            let Ok(name) = std::str::from_utf8(name) else {
                let reason =
                    format!("the header is not valid UTF-8 in {}", quoted(&String::from_utf8_lossy(name)));
                return Header::broken(layout, Flaw::of_record(reason, "write the file as UTF-8"));
            };
            names.push(comparable(name));
        }
        let at = place(layout, &names);
        let mut marks = Vec::new();
        for (column, place) in layout.columns.iter().zip(at.iter().flatten()) {
            marks.extend(
                place.filter(|_| column.required).and_then(|place| record.get(place)).map(<[u8]>::to_vec),
            );
        }
        Header { layout, delimiter, at, names, marks, fields: None }
    }

    fn broken(layout: &'static Layout, flaw: Flaw) -> Header {
        Header { layout, delimiter: b',', at: Err(flaw), names: Vec::new(), marks: Vec::new(), fields: None }
    }

    /// Whether a line is a header again. Under a header without the columns that are needed, a better one is.
    fn repeats(&self, record: &ByteRecord) -> bool {
        match &self.at {
            Ok(_) => self.marks.iter().all(|mark| record.iter().any(|field| field == mark)),
            Err(_) => Header::read(self.layout, record, self.delimiter).at.is_ok(),
        }
    }

    /// A line below the header, which must have the right number of fields, all in UTF-8.
    fn row<'a>(&'a mut self, record: &'a ByteRecord) -> Result<Row<'a>, Flaw> {
        let at = self.at.as_ref().map_err(Flaw::clone)?;
        let fields = *self.fields.get_or_insert_with(|| {
            let required = self.layout.columns.iter().zip(at).filter(|(column, _)| column.required);
            let last = required.filter_map(|(_, place)| *place).max().unwrap_or(0);
            let lacks_last = record.len() + 1 == self.names.len() && record.len() >= last + 2;
            self.names.len() - usize::from(lacks_last)
        });
        if record.len() != fields {
            let plural = if record.len() == 1 { "" } else { "s" };
            let reason = format!("{} field{plural}, not {}", record.len(), fields);
            return Err(Flaw::of_record(
                reason,
                "export the line again; a text with the delimiter in it must stand in quotation marks",
            ));
        }
        for (place, field) in record.iter().enumerate() {
            std::str::from_utf8(field).map_err(|error| {
                let column = at.iter().position(|other| *other == Some(place));
                not_utf8(column.map(|column| self.layout.columns[column].name), place, error)
            })?;
        }
        Ok(Row { layout: self.layout, delimiter: self.delimiter, at, names: &self.names, record })
    }
}

/// Finds each column of the layout among the names of a header.
fn place(layout: &'static Layout, names: &[String]) -> Result<Vec<Option<usize>>, Flaw> {
    let mut at = Vec::with_capacity(layout.columns.len());
    let mut missing = Vec::new();
    for column in layout.columns {
        let own = comparable(column.name);
        let known = [own.as_str()].into_iter().chain(column.also.iter().copied());
        let mut places = known.filter_map(|name| names.iter().position(|other| other == name));
        let found = places.next();
        if let Some(found) = found.filter(|found| names[found + 1..].contains(&names[*found])) {
            let reason = format!("the header names {} twice", quoted(&names[found]));
            return Err(Flaw::of_field(column.name, reason, "export the table with each column once"));
        }
        if found.is_none() && column.required {
            missing.push(column.name);
        }
        at.push(found);
    }
    match missing.as_slice() {
        [] => Ok(at),
        [one] => {
            let reason = "the header of the file does not name this column";
            Err(Flaw::of_field(one, reason, "export the table with this column; is this the right format?"))
        }
        several => {
            let reason = format!("the header of the file does not name the columns {}", several.join(", "));
            Err(Flaw::of_record(reason, "export the table with these columns; is this the right format?"))
        }
    }
}

/// A column's name, ready to be compared.
fn comparable(name: &str) -> String {
    let name = match name.rsplit_once('(') {
        Some((_, within)) if within.contains(char::is_alphanumeric) => within,
        _ => name,
    };
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn not_utf8(name: Option<&'static str>, place: usize, error: std::str::Utf8Error) -> Flaw {
    const REMEDY: &str = "write the file as UTF-8";
    let byte = error.valid_up_to() + 1;
    match name {
        Some(name) => Flaw::of_field(name, format!("byte {byte} is not valid UTF-8"), REMEDY),
        None => Flaw::of_record(format!("byte {byte} of field {} is not valid UTF-8", place + 1), REMEDY),
    }
}

/// A record with its columns.
pub(crate) struct Row<'a> {
    layout: &'static Layout,
    delimiter: u8,
    at: &'a [Option<usize>],
    names: &'a [String],
    record: &'a ByteRecord,
}

impl<'a> Row<'a> {
    /// Whether the file is delimited as where a comma stands in numbers.
    pub(crate) fn is_delimited_by_semicolons(&self) -> bool {
        self.delimiter == b';'
    }

    /// Whether the file has the column.
    pub(crate) fn has(&self, column: usize) -> bool {
        self.at[column].is_some()
    }

    pub(crate) fn name(&self, column: usize) -> &'static str {
        self.layout.columns[column].name
    }

    /// A field without the spaces around it; `None` where it is empty or the file does not have the column.
    pub(crate) fn text(&self, column: usize) -> Option<&'a str> {
        self.at[column].and_then(|place| self.value(place))
    }

    /// A field that must say something.
    pub(crate) fn required(&self, column: usize, remedy: &'static str) -> Result<&'a str, Flaw> {
        self.text(column).ok_or_else(|| Flaw::of_field(self.name(column), "is empty", remedy))
    }

    /// A field that counts something.
    pub(crate) fn count(&self, column: usize) -> Result<Number, Flaw> {
        let text = self.text(column).unwrap_or_default();
        job::count(text).ok_or_else(|| {
            let reason = format!("{} is not a whole number of at most 12 digits", quoted(text));
            Flaw::of_field(self.name(column), reason, "export it as a plain number")
        })
    }

    /// The hash of what the record says, whatever the order of the columns is. Fields that are empty say nothing.
    pub(crate) fn identity(&self) -> u128 {
        let mut sum = 0_u128;
        for (place, name) in self.names.iter().enumerate() {
            let counts = self.layout.identity.is_empty() || self.layout.identity.contains(&name.as_str());
            let Some(value) = self.value(place).filter(|_| counts) else { continue };
            let mut hasher = SipHasher13::new_with_keys(0x6b6f_7065_636b, 2);
            hasher.write(name.as_bytes());
            // No name contains it.
            hasher.write_u8(b'=');
            hasher.write(value.as_bytes());
            sum = sum.wrapping_add(hasher.finish128().as_u128());
        }
        sum
    }

    fn value(&self, place: usize) -> Option<&'a str> {
        let text = std::str::from_utf8(self.record.get(place)?).ok()?.trim();
        Some(text).filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case(self.layout.null))
    }
}

/// Splits an input into records.
struct Records<'a> {
    lines: Lines<'a>,
    /// Lines that were read in search of a closing quotation mark.
    ahead: VecDeque<(u64, Vec<u8>)>,
    delimiter: u8,
    /// Known from the first line on.
    reader: Option<Reader<Feed>>,
    /// The record that was read last.
    record: ByteRecord,
}

impl<'a> Records<'a> {
    fn new(input: &'a mut dyn BufRead) -> Records<'a> {
        Records {
            lines: Lines::new(input),
            ahead: VecDeque::new(),
            delimiter: b',',
            reader: None,
            record: ByteRecord::new(),
        }
    }

    /// Reads the next record into `record`, and answers the line where it begins. Lines without text are none.
    fn next(&mut self) -> io::Result<Option<(u64, Result<(), Flaw>)>> {
        loop {
            let Some((line, text)) = self.next_line()? else { return Ok(None) };
            if text.trim_ascii().is_empty() {
                continue;
            }
            if let Err(flaw) = lines::check_length(text.len()) {
                return Ok(Some((line, Err(flaw))));
            }
            if self.reader.is_none() {
                self.delimiter = delimiter_of(&text);
            }
            let whole = match self.close(text)? {
                Ok(whole) => whole,
                Err(flaw) => return Ok(Some((line, Err(flaw)))),
            };
            self.split(whole)?;
            return Ok(Some((line, Ok(()))));
        }
    }

    fn next_line(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        match self.ahead.pop_front() {
            Some(line) => Ok(Some(line)),
            None => Ok(self.lines.next()?.map(|(line, text)| (line, text.to_vec()))),
        }
    }

    /// Appends lines until no quotation mark is open.
    fn close(&mut self, mut text: Vec<u8>) -> io::Result<Result<Vec<u8>, Flaw>> {
        const REMEDY: &str = "close the quotation mark, and double the marks within a text";
        let mut quotes = Quotes::new(self.delimiter);
        quotes.pass(&text);
        let mut used = 0;
        while quotes.within == Within::Quoted {
            if used == self.ahead.len() {
                let Some((line, next)) = self.lines.next()? else {
                    return Ok(Err(Flaw::of_record("a quotation mark is not closed", REMEDY)));
                };
                self.ahead.push_back((line, next.to_vec()));
            }
            let (_, next) = &self.ahead[used];
            used += 1;
            if text.len() + 1 + next.len() > LONGEST_LINE {
                let reason = format!("a quotation mark is not closed within {LONGEST_LINE} bytes");
                return Ok(Err(Flaw::of_record(reason, REMEDY)));
            }
            text.push(b'\n');
            quotes.pass(b"\n");
            text.extend_from_slice(next);
            quotes.pass(next);
        }
        if quotes.within == Within::Broken {
            return Ok(Err(Flaw::of_record("text stands behind a closing quotation mark", REMEDY)));
        }
        self.ahead.drain(..used);
        Ok(Ok(text))
    }

    fn split(&mut self, mut whole: Vec<u8>) -> io::Result<()> {
        whole.push(b'\n');
        let reader = self.reader.get_or_insert_with(|| {
            ReaderBuilder::new()
                .delimiter(self.delimiter)
                .flexible(true)
                .has_headers(false)
                .terminator(Terminator::Any(b'\n'))
                .from_reader(Feed { bytes: Vec::new(), given: 0 })
        });
        *reader.get_mut() = Feed { bytes: whole, given: 0 };
        reader.read_byte_record(&mut self.record)?;
        Ok(())
    }
}

/// One whole record at a time, so that the csv reader stops where the record ends.
struct Feed {
    bytes: Vec<u8>,
    given: usize,
}

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = (&self.bytes[self.given..]).read(into)?;
        self.given += count;
        Ok(count)
    }
}

/// Which delimiter a header has most of; a comma if it has none.
fn delimiter_of(header: &[u8]) -> u8 {
    let count = |delimiter: u8| header.iter().filter(|byte| **byte == delimiter).count();
    // Of equal counts the last wins.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// Where in a field the reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Start,
    Plain,
    Quoted,
    /// Behind a mark that closes the text, or is the first of two.
    Closed,
    /// A closed text goes on.
    Broken,
}

struct Quotes {
    delimiter: u8,
    within: Within,
}

impl Quotes {
    fn new(delimiter: u8) -> Quotes {
        Quotes { delimiter, within: Within::Start }
    }

    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.within = match (self.within, *byte) {
                (Within::Broken, _) => Within::Broken,
                (Within::Start | Within::Closed, b'"') => Within::Quoted,
                (Within::Quoted, b'"') => Within::Closed,
                (Within::Quoted, _) => Within::Quoted,
                (_, byte) if byte == self.delimiter => Within::Start,
                (Within::Closed, _) => Within::Broken,
                (Within::Start | Within::Plain, _) => Within::Plain,
            };
        }
    }
}
