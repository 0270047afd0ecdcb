//! Lines from files and standard input: streamed, numbered, bounded, with progress on a terminal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;

/// Names standard input among the files.
const STANDARD_INPUT: &str = "-";
/// The buffer between the system and the lines, in bytes.
const BUFFER: usize = 1 << 18;

/// Files to be read one after the other.
pub struct Inputs {
    files: Vec<(String, Box<dyn Read>)>,
    progress: ProgressBar,
}

impl Inputs {
    /// Opens all files before the first is read, so that a wrong path is told at once.
    pub fn open(paths: &[String]) -> Result<Inputs, Failure> {
        if paths.iter().filter(|path| *path == STANDARD_INPUT).count() > 1 {
            let remedy = "give `-` once";
            return Err(Failure::input("standard input can be read only once", None, remedy));
        }
        let mut files: Vec<(String, Box<dyn Read>)> = Vec::with_capacity(paths.len());
        let mut bytes = Some(0_u64);
        for path in paths {
            if path == STANDARD_INPUT {
                bytes = None;
                files.push(("<stdin>".to_owned(), Box::new(io::stdin().lock())));
                continue;
            }
            let file = File::open(path).map_err(|error| Failure::file(path, "open", &error))?;
            let metadata = file.metadata().map_err(|error| Failure::file(path, "open", &error))?;
            if metadata.is_dir() {
                return Err(Failure::input(format!("{path} is a folder"), None, "name the files in it"));
            }
            bytes = bytes.filter(|_| metadata.is_file()).map(|sum| sum + metadata.len());
            files.push((path.clone(), Box::new(file)));
        }
        Ok(Inputs { files, progress: progress_bar(bytes) })
    }

    /// The name of a file, as messages give it.
    pub fn names(&self) -> Vec<String> {
        self.files.iter().map(|(name, _)| name.clone()).collect()
    }

    /// A reader over each file in turn, with its number and name; progress counts its bytes.
    pub fn each(
        self,
        mut read: impl FnMut(u32, &str, &mut dyn BufRead) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for (number, (name, file)) in (0_u32..).zip(self.files) {
            let plain = BufReader::with_capacity(BUFFER, self.progress.wrap_read(file));
            let mut reader = unzipped(plain).map_err(|error| Failure::file(&name, "read", &error))?;
            read(number, &name, &mut *reader)?;
        }
        self.progress.finish_and_clear();
        Ok(())
    }
}

/// The first bytes of a gzip file (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads what a gzip file holds, and any other file as it is.
fn unzipped<'a>(mut plain: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    if plain.fill_buf()?.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain))));
    }
    Ok(Box::new(plain))
}

fn progress_bar(bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match bytes {
        Some(bytes) => {
            (ProgressBar::new(bytes), "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Calls `take` with each line that is not blank, without its end, and its number from 1. Of a line longer than
/// `longest` the first `longest` + 1 bytes are given, and the rest is passed over.
pub fn each_line(
    reader: &mut dyn BufRead,
    longest: usize,
    mut take: impl FnMut(u64, &[u8]) -> Result<(), Failure>,
) -> io::Result<Result<(), Failure>> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if !next_line(reader, longest, &mut line)? {
            break;
        }
        let text = line.strip_suffix(b"\r").unwrap_or(&line);
        let text = if number == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if let Err(failure) = take(number, text) {
            return Ok(Err(failure));
        }
    }
    Ok(Ok(()))
}

/// Reads a line without its end; answers whether there was one.
fn next_line(reader: &mut dyn BufRead, longest: usize, line: &mut Vec<u8>) -> io::Result<bool> {
    // One byte more than the longest shows that a line is too long, one more may be its end.
    let room = longest + 2;
    if (&mut *reader).take(room as u64).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.ends_with(b"\n") {
        line.pop();
    } else if line.len() == room {
        reader.skip_until(b'\n')?;
    }
    line.truncate(longest + 1);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], longest: usize) -> Vec<(u64, String)> {
        let mut reader = BufReader::with_capacity(3, text);
        let mut found = Vec::new();
        each_line(&mut reader, longest, |number, line| {
            found.push((number, String::from_utf8_lossy(line).into_owned()));
            Ok(())
        })
        .unwrap()
        .unwrap();
        found
    }

    fn numbered(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        expected.iter().map(|(number, text)| (*number, (*text).to_owned())).collect()
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_passed_over() {
        assert_eq!(lines(b"one\r\n\n  \nfour", 9), numbered(&[(1, "one"), (4, "four")]));
        assert_eq!(lines(b"", 9), numbered(&[]));
        assert_eq!(lines(b"\xef\xbb\xbfone\n", 9), numbered(&[(1, "one")]));
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        assert_eq!(lines(b"0123456789\nnext\n", 4), numbered(&[(1, "01234"), (2, "next")]));
    }
}
