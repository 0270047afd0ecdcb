//! Files and standard input: streamed, in whole lines, bounded, with progress on a terminal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use kopeck_rating::event::LONGEST_LINE;
use kopeck_rating::rate::Origin;

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

/// Bytes that are read, and then parsed, at a time.
const CHUNK: usize = 1 << 16;
/// Chunks that wait for each thread, and batches that wait for their turn behind it.
const WAITING: usize = 8;

/// Consecutive lines of a file, and where the first was read.
type Chunk = (Vec<u8>, Origin);

/// Reads all files in chunks; `read` makes something of each, ahead on so many threads, and `take` gets that in order.
pub fn each_chunk<B: Send>(
    inputs: Inputs,
    threads: usize,
    read: impl Fn(Vec<u8>, Origin) -> B + Sync,
    mut take: impl FnMut(B) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let read = &read;
    thread::scope(|scope| {
        let lane = |_| {
            let (chunks, waiting) = mpsc::sync_channel(WAITING);
            let (done, batches) = mpsc::sync_channel(WAITING);
            scope.spawn(move || read_all(waiting, read, &done));
            Lane { chunks, batches }
        };
        let lanes: Vec<Lane<B>> = (0..threads.max(1)).map(lane).collect();
        let mut turns = Turns { lanes, sent: 0, taken: 0 };
        inputs.each(|file, name, reader| {
            let failed = |error| Failure::file(name, "read", &error);
            let (mut rest, mut line) = (Vec::new(), 1);
            while let Some(chunk) = next_chunk(reader, &mut rest).map_err(failed)? {
                let lines = memchr::memchr_iter(b'\n', &chunk).count() as u64;
                turns.send((chunk, Origin { file, line }), &mut take)?;
                line += lines;
            }
            Ok(())
        })?;
        turns.finish(&mut take)
    })
}

/// Reads chunks until there are no more, or nobody waits for them because the run has failed.
fn read_all<B>(chunks: Receiver<Chunk>, read: impl Fn(Vec<u8>, Origin) -> B, done: &SyncSender<B>) {
    for (bytes, first) in chunks {
        if done.send(read(bytes, first)).is_err() {
            return;
        }
    }
}

/// A thread that reads: chunks go in, batches come out in the same order.
struct Lane<B> {
    chunks: SyncSender<Chunk>,
    batches: Receiver<B>,
}

/// Chunks go round the lanes, and batches are taken in the same round.
struct Turns<B> {
    lanes: Vec<Lane<B>>,
    sent: usize,
    taken: usize,
}

impl<B> Turns<B> {
    fn send(&mut self, chunk: Chunk, take: &mut impl FnMut(B) -> Result<(), Failure>) -> Result<(), Failure> {
        if self.sent - self.taken == self.lanes.len() * WAITING {
            self.take_next(take)?;
        }
        let lane = &self.lanes[self.sent % self.lanes.len()];
        self.sent += 1;
        // A lane ends before its sender only by a panic, which the scope passes on.
        lane.chunks.send(chunk).map_err(|_| Failure::Output(io::ErrorKind::BrokenPipe.into()))
    }

    fn take_next(&mut self, take: &mut impl FnMut(B) -> Result<(), Failure>) -> Result<(), Failure> {
        let lane = &self.lanes[self.taken % self.lanes.len()];
        self.taken += 1;
        take(lane.batches.recv().map_err(|_| Failure::Output(io::ErrorKind::BrokenPipe.into()))?)
    }

    fn finish(mut self, take: &mut impl FnMut(B) -> Result<(), Failure>) -> Result<(), Failure> {
        while self.taken < self.sent {
            self.take_next(take)?;
        }
        Ok(())
    }
}

/// The next whole lines of a file, or what is left of it. Of a line that is too long for an event the beginning is
/// given, enough to be refused, and the rest is passed over.
fn next_chunk(reader: &mut dyn BufRead, rest: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let mut chunk = std::mem::take(rest);
    chunk.reserve(CHUNK);
    loop {
        let read = (&mut *reader).take(CHUNK as u64).read_to_end(&mut chunk)?;
        if read == 0 {
            return Ok((!chunk.is_empty()).then_some(chunk));
        }
        if let Some(end) = memchr::memrchr(b'\n', &chunk) {
            *rest = chunk.split_off(end + 1);
            return Ok(Some(chunk));
        }
        if chunk.len() > LONGEST_LINE {
            chunk.truncate(LONGEST_LINE + 1);
            chunk.push(b'\n');
            reader.skip_until(b'\n')?;
            return Ok(Some(chunk));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(text: &[u8]) -> Vec<Vec<u8>> {
        let mut reader = BufReader::with_capacity(7, text);
        let (mut rest, mut found) = (Vec::new(), Vec::new());
        while let Some(chunk) = next_chunk(&mut reader, &mut rest).unwrap() {
            found.push(chunk);
        }
        found
    }

    #[test]
    fn chunks_are_whole_lines_and_together_the_file() {
        let text = "0123456789\n".repeat(100_000) + "the end";
        let found = chunks(text.as_bytes());
        assert!(found.len() > 2);
        assert!(found[..found.len() - 1].iter().all(|chunk| chunk.ends_with(b"\n")));
        assert_eq!(found.concat(), text.as_bytes());
        assert_eq!(chunks(b""), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let text = [&vec![b'x'; 3 * LONGEST_LINE][..], b"\nnext\n"].concat();
        let found = chunks(&text).concat();
        let lines: Vec<_> = found.split(|byte| *byte == b'\n').map(<[u8]>::len).collect();
        assert_eq!(lines, [LONGEST_LINE + 1, 4, 0]);
    }
}
