//! The objects of a JSON file, one by one: the elements of an array, or objects that follow each other.
//!
//! A JSON parser gives up at the first error; here a broken object must not take its neighbours with it. So an
//! object is cut out first, by its brackets and quotation marks, and parsed on its own. JSON has no line end within
//! a text and, directly within an object, no object without a name, so where a mark or bracket is missing the
//! reading finds its way again at the next line or the next object. Only if all stands on one line, an open
//! quotation mark can cost the objects behind it: they are refused with the one that is broken.
//!
//! What is not here: what the objects mean, and objects in objects as records of their own.

use std::io::{self, BufRead};

use crate::convert::{Flaw, quoted};
use crate::lines::LONGEST_LINE;

/// An object, or what is wrong with it, and the line where it begins.
type Numbered<'a> = (u64, Result<&'a [u8], Flaw>);

/// A record has no more levels than this.
const DEEPEST: usize = 64;

/// Cuts an input into objects.
pub(crate) struct Objects<'a> {
    input: &'a mut dyn BufRead,
    line: u64,
    /// A byte that was read and belongs to the next object.
    back: Option<u8>,
    object: Vec<u8>,
}

impl<'a> Objects<'a> {
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Objects<'a> {
        Objects { input, line: 1, back: None, object: Vec::new() }
    }

    /// The next object, and the line where it begins. Whatever else stands between objects is refused.
    pub(crate) fn next(&mut self) -> io::Result<Option<Numbered<'_>>> {
        while let Some(byte) = self.byte()? {
            if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'[' | b']' | b',' | 0xef | 0xbb | 0xbf) {
                continue;
            }
            let line = self.line;
            self.object.clear();
            self.object.push(byte);
            let cut = if byte == b'{' { self.cut_object()? } else { self.cut_stray()? };
            let cut = cut.and_then(|()| check_length(self.object.len()));
            return Ok(Some((line, cut.map(|()| self.object.as_slice()))));
        }
        Ok(None)
    }

    /// Reads on to the end of an object that has begun.
    fn cut_object(&mut self) -> io::Result<Result<(), Flaw>> {
        const REMEDY: &str = "close each object with a brace, and each text with a quotation mark";
        let mut open = vec![b'{'];
        let mut before = b'{';
        while !open.is_empty() {
            let Some(byte) = self.byte()? else {
                return Ok(Err(Flaw::of_record("the file ends within the record", REMEDY)));
            };
            match (byte, open.last()) {
                (b'{', Some(b'{')) if before != b':' => {
                    self.back = Some(byte);
                    return Ok(Err(Flaw::of_record("the record is not closed", REMEDY)));
                }
                (b']', Some(b'{')) if open.len() == 1 => {
                    return Ok(Err(Flaw::of_record("the record is not closed", REMEDY)));
                }
                (b'{' | b'[', _) => open.push(byte),
                (b']', Some(b'[')) => {
                    open.pop();
                }
                (b'}', _) => while open.pop().is_some_and(|closed| closed != b'{') {},
                _ => {}
            }
            self.keep(byte);
            if byte == b'"' {
                self.cut_text()?;
            }
            // Levels cost memory too.
            if open.len() > DEEPEST {
                return Ok(Err(Flaw::of_record("objects lie too deep in each other", REMEDY)));
            }
            if !byte.is_ascii_whitespace() {
                before = byte;
            }
        }
        Ok(Ok(()))
    }

    /// Reads on to the end of a text, or of the line.
    fn cut_text(&mut self) -> io::Result<()> {
        let mut escaped = false;
        while let Some(byte) = self.byte()? {
            self.keep(byte);
            match byte {
                b'\n' => return Ok(()),
                b'"' if !escaped => return Ok(()),
                _ => escaped = byte == b'\\' && !escaped,
            }
        }
        Ok(())
    }

    /// Reads what is no object up to where one may begin.
    fn cut_stray(&mut self) -> io::Result<Result<(), Flaw>> {
        while let Some(byte) = self.byte()? {
            if matches!(byte, b'{' | b'[' | b']' | b',' | b'\n') {
                self.back = Some(byte);
                break;
            }
            self.keep(byte);
        }
        let reason = format!("{} is not a record", quoted(String::from_utf8_lossy(&self.object).trim_end()));
        Ok(Err(Flaw::of_record(reason, "write an array of objects")))
    }

    /// Of an object that is too long no more is kept than shows it.
    fn keep(&mut self, byte: u8) {
        if self.object.len() <= LONGEST_LINE {
            self.object.push(byte);
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        if let Some(byte) = self.back.take() {
            return Ok(Some(byte));
        }
        let Some(byte) = self.input.fill_buf()?.first().copied() else { return Ok(None) };
        self.input.consume(1);
        if byte == b'\n' {
            self.line += 1;
        }
        Ok(Some(byte))
    }
}

fn check_length(length: usize) -> Result<(), Flaw> {
    if length > LONGEST_LINE {
        let reason = format!("the record is longer than {LONGEST_LINE} bytes");
        return Err(Flaw::of_record(reason, "leave out fields with long texts; is this the right file?"));
    }
    Ok(())
}
