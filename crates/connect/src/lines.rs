//! The lines of an input, each of bounded length.
//!
//! A file without line ends, or with one endless line, must not fill the memory: of a line that is longer than
//! [`LONGEST_LINE`] only the beginning is kept, one byte more than the limit, so that its reader can tell. Line
//! ends may be LF or CRLF, the last line may have none, and a byte-order mark at the start is dropped.

use std::io::{self, BufRead, Read};

use crate::convert::Flaw;

/// A record is at most this long, in bytes. Even if each byte becomes an escape of six characters, the event with
/// the record's texts stays below the limit of its reader.
pub(crate) const LONGEST_LINE: usize = 1 << 16;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads lines one by one, or hands them over as a stream of bytes (see its [`Read`]).
pub(crate) struct Lines<'a> {
    input: &'a mut dyn BufRead,
    line: Vec<u8>,
    /// How much of `line` was handed over by [`Read`].
    given: usize,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Lines<'a> {
        Lines { input, line: Vec::new(), given: 0, number: 0 }
    }

    /// The next line without its end, and its number from 1.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        let found = self.advance()?;
        Ok(found.then_some((self.number, self.line.as_slice())))
    }

    fn advance(&mut self) -> io::Result<bool> {
        const AT_ONCE: usize = LONGEST_LINE + "\r\n".len();
        self.line.clear();
        let limit = AT_ONCE as u64;
        if (&mut *self.input).take(limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.line.ends_with(b"\n") {
            self.line.pop();
        } else if self.line.len() == AT_ONCE {
            self.input.skip_until(b'\n')?;
        }
        if self.line.ends_with(b"\r") {
            self.line.pop();
        }
        self.line.truncate(LONGEST_LINE + 1);
        if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(true)
    }
}

/// For readers that split lines themselves: each line, the last one too, ends with LF alone, so a line of the input
/// is a line of the stream.
impl Read for Lines<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() {
            if !self.advance()? {
                self.given = 0;
                return Ok(0);
            }
            self.line.push(b'\n');
            self.given = 0;
        }
        let rest = &self.line[self.given..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

/// Refuses a record that was cut, given the length that was kept.
pub(crate) fn check_length(length: usize) -> Result<(), Flaw> {
    if length > LONGEST_LINE {
        let reason = format!("the line is longer than {LONGEST_LINE} bytes");
        return Err(Flaw::of_record(reason, "leave out columns with long texts; is this the right file?"));
    }
    Ok(())
}
