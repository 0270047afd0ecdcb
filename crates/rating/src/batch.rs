//! Batches: lines of events read, checked and hashed ahead of their turn.
//!
//! This is the part of intake that needs no memory of other events, so several threads can do it at once. What is
//! left for the one that keeps the order is to look up hashes. A batch owns its bytes; names are read from them
//! again only where they are new.

use std::{iter, mem};

use crate::content;
use crate::event::{Description, Envelope, EventType, LONGEST_LINE, Refusal};

/// Where an event was read: the number of its file and of its line in it, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The number of the file, from 0, in the order given.
    pub file: u32,
    /// The number of the line, from 1.
    pub line: u64,
}

/// Consecutive lines of one file.
#[derive(Debug, Clone)]
pub struct Batch {
    bytes: Vec<u8>,
    first: Origin,
    entries: Vec<Entry>,
    labels: Vec<u8>,
}

/// A line that is not blank.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) origin: Origin,
    start: usize,
    end: usize,
    pub(crate) read: Result<Read, Box<Refusal>>,
}

/// A line that holds an event, as far as it can be judged alone.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    /// The hash of (source, id).
    pub(crate) key: u128,
    /// The hash of (source, subject).
    pub(crate) resource: u128,
    /// The hash of the project.
    pub(crate) project: u128,
    /// The instant, in nanoseconds of Unix time.
    pub(crate) time: i64,
    /// The hash of the content; of a state event, without that of its data.
    pub(crate) content: u64,
    pub(crate) data: Data,
    /// Where the label stands in the batch: its start, the end of its id, and that of its actor.
    label: [usize; 3],
}

/// The data of an event: that of state events repeats, so it is read where its text is new.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// The hash of the text.
    State(u128),
    /// The data itself.
    Usage(Box<Description>),
}

impl Batch {
    /// Reads consecutive lines of a file; the last one may lack its end. Blank lines are passed over.
    #[must_use]
    pub fn read(bytes: Vec<u8>, first: Origin) -> Batch {
        let mut batch = Batch { bytes: Vec::new(), first, entries: Vec::new(), labels: Vec::new() };
        let ends = memchr::memchr_iter(b'\n', &bytes).chain(iter::once(bytes.len()));
        let mut start = 0;
        for (number, end) in (first.line..).zip(ends) {
            let piece = &bytes[start..end];
            let mark =
                if number == 1 && piece.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            let line = piece[mark..].trim_ascii_end();
            let from = start + mark;
            start = end + 1;
            if line.trim_ascii_start().is_empty() {
                continue;
            }
            let read = batch.line(line).map_err(Box::new);
            let origin = Origin { line: number, ..first };
            batch.entries.push(Entry { origin, start: from, end: from + line.len(), read });
        }
        batch.bytes = bytes;
        batch
    }

    /// Where its first line was read.
    #[must_use]
    pub fn first(&self) -> Origin {
        self.first
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The lines, each once; the batch keeps none of them.
    pub(crate) fn take_entries(&mut self) -> Vec<Entry> {
        mem::take(&mut self.entries)
    }

    /// The envelope of a line that was read before.
    pub(crate) fn envelope(&self, entry: &Place) -> Result<Envelope<'_>, Refusal> {
        Envelope::read(&self.bytes[entry.start..entry.end])
    }

    /// The label of an event as it is written, with its actor where that is asked for.
    pub(crate) fn label(&self, read: &Read, with_actor: bool) -> &[u8] {
        let [start, id_end, actor_end] = read.label;
        &self.labels[start..if with_actor { actor_end } else { id_end }]
    }

    fn line(&mut self, line: &[u8]) -> Result<Read, Refusal> {
        if line.len() > LONGEST_LINE {
            return Err(Refusal::TooLong);
        }
        let envelope = Envelope::read(line)?;
        let (content, data) = match envelope.event_type {
            EventType::State => {
                (envelope.content_without_data(), Data::State(content::of_key("data", envelope.data.get())))
            }
            EventType::Usage => {
                let data = Description::read(EventType::Usage, envelope.data)?;
                (envelope.content(&data), Data::Usage(Box::new(data)))
            }
        };
        let start = self.labels.len();
        let parts = LabelParts {
            sequence: envelope.sequence.as_deref().map(str::as_bytes),
            id: envelope.id.as_bytes(),
            actor: envelope.actor.as_deref().map(str::as_bytes),
        };
        let id_end = parts.write(&mut self.labels);
        let label = [start, id_end, self.labels.len()];
        Ok(Read {
            key: envelope.key(),
            resource: content::of_key(&envelope.source, &envelope.subject),
            project: content::of_name(&envelope.project),
            time: envelope.time,
            content,
            data,
            label,
        })
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Where the text of an entry stands in its batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    start: usize,
    end: usize,
}

impl Entry {
    pub(crate) fn place(&self) -> Place {
        Place { start: self.start, end: self.end }
    }
}

/// The texts of an event that order it among those of the same instant, and its actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LabelParts<'a> {
    pub(crate) sequence: Option<&'a [u8]>,
    pub(crate) id: &'a [u8],
    pub(crate) actor: Option<&'a [u8]>,
}

/// A length in the first byte of a text, or this where four more bytes hold it.
const LONG: u8 = u8::MAX;

impl<'a> LabelParts<'a> {
    /// Appends the parts: for each its length, one more than the text's and 0 for none, and the text. Answers where
    /// the actor begins, which comes last and may be cut off.
    pub(crate) fn write(&self, to: &mut Vec<u8>) -> usize {
        write_part(self.sequence, to);
        write_part(Some(self.id), to);
        let id_end = to.len();
        write_part(self.actor, to);
        id_end
    }

    /// Reads parts that were written with an actor, or whose actor is not looked at.
    pub(crate) fn at(bytes: &'a [u8], at: usize) -> LabelParts<'a> {
        let (sequence, at) = part(bytes, at);
        let (id, at) = part(bytes, at);
        LabelParts { sequence, id: id.unwrap_or_default(), actor: part(bytes, at).0 }
    }
}

fn write_part(part: Option<&[u8]>, to: &mut Vec<u8>) {
    let length = part.map_or(0, |text| text.len() + 1);
    match u8::try_from(length) {
        Ok(short) if short != LONG => to.push(short),
        // A line limits texts to far below 2³² bytes.
        _ => {
            to.push(LONG);
            to.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        }
    }
    to.extend_from_slice(part.unwrap_or_default());
}

fn part(bytes: &[u8], at: usize) -> (Option<&[u8]>, usize) {
    let (length, start) = match bytes.get(at) {
        None | Some(0) => return (None, at + 1),
        Some(&LONG) => {
            let word = bytes.get(at + 1..).and_then(|rest| rest.first_chunk::<4>());
            (word.map_or(1, |word| u32::from_le_bytes(*word) as usize), at + 5)
        }
        Some(length) => (usize::from(*length), at + 1),
    };
    let end = start + length.saturating_sub(1);
    (bytes.get(start..end), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read_as_it_was_written() {
        let long = vec![b'x'; 100_000];
        let mut bytes = Vec::new();
        let labels = [
            LabelParts { sequence: None, id: b"e1", actor: None },
            LabelParts { sequence: Some(b""), id: &long, actor: Some(b"ada") },
            LabelParts { sequence: Some(&long[..254]), id: &long[..253], actor: Some(&long) },
        ];
        let places: Vec<_> = labels
            .iter()
            .map(|label| {
                let at = bytes.len();
                label.write(&mut bytes);
                at
            })
            .collect();
        for (label, at) in labels.iter().zip(places) {
            assert_eq!(LabelParts::at(&bytes, at), *label);
        }
    }

    #[test]
    fn blank_lines_are_passed_over_and_lines_keep_their_numbers() {
        let batch = Batch::read(b"\xef\xbb\xbf{}\r\n\n  \n[]".to_vec(), Origin { file: 0, line: 1 });
        let found: Vec<_> =
            batch.entries.iter().map(|entry| (entry.origin.line, entry.start, entry.end)).collect();
        assert_eq!(found, [(1, 3, 5), (4, 11, 13)]);
        assert!(batch.entries.iter().all(|entry| entry.read.is_err()));
    }
}
