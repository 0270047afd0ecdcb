//! Batches: lines of events read, checked and hashed ahead of their turn.
//!
//! This is the part of intake that needs no memory of other events, so several threads can do it at once. What is
//! left for the one that keeps the order is to look up hashes. A batch owns its bytes; names are read from them
//! again only where they are new.

use std::borrow::Cow;
use std::{iter, mem};

use serde_json::value::RawValue;

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

/// Consecutive lines of one file. Of each usage event its data is kept, or what a reader has made of it.
#[derive(Debug, Clone)]
pub struct Batch<U = Box<Description>> {
    bytes: Vec<u8>,
    first: Origin,
    entries: Vec<Entry<U>>,
    texts: Vec<u8>,
}

/// A line that is not blank.
#[derive(Debug, Clone)]
pub(crate) struct Entry<U> {
    pub(crate) origin: Origin,
    /// Where its line stands in the batch: the start and the end.
    line: [usize; 2],
    pub(crate) read: Result<Read<U>, Box<Refusal>>,
}

/// A line that holds an event, as far as it can be judged alone.
#[derive(Debug, Clone)]
pub(crate) struct Read<U> {
    /// The hash of (source, id).
    pub(crate) key: u128,
    /// The hash of (source, subject).
    pub(crate) resource: u128,
    /// The instant, in nanoseconds of Unix time.
    pub(crate) time: i64,
    /// The hash of the content; of a state event, without that of its project and data.
    pub(crate) content: u64,
    pub(crate) told: Told<U>,
    /// Where its texts stand in the batch: the start of its label, and the ends of its id and of its actor. Its source,
    /// subject, project and authorisation follow.
    texts: [usize; 3],
    /// Where the text of its data stands in the batch: the start and the end.
    data: [usize; 2],
}

/// What a line said, as it was written.
#[derive(Debug)]
pub(crate) struct Written<'e, U> {
    batch: &'e Batch<U>,
    pub(crate) read: &'e Read<U>,
}

/// The source, subject and project of an event.
#[derive(Debug)]
pub(crate) struct OwnerTexts<'e> {
    pub(crate) source: Cow<'e, str>,
    pub(crate) subject: Cow<'e, str>,
    pub(crate) project: Cow<'e, str>,
}

impl<U> Clone for Written<'_, U> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<U> Copy for Written<'_, U> {}

impl<'e, U> Written<'e, U> {
    /// The label of the event, with its actor where that is asked for.
    pub(crate) fn label(self, with_actor: bool) -> &'e [u8] {
        let [start, id_end, actor_end] = self.read.texts;
        &self.batch.texts[start..if with_actor { actor_end } else { id_end }]
    }

    /// Whose the event is.
    pub(crate) fn owner(self) -> OwnerTexts<'e> {
        let [.., actor_end] = self.read.texts;
        let bytes = &self.batch.texts;
        let (source, at) = part(bytes, actor_end);
        let (subject, at) = part(bytes, at);
        let (project, _) = part(bytes, at);
        let [source, subject, project] =
            [source, subject, project].map(|text| String::from_utf8_lossy(text.unwrap_or_default()));
        OwnerTexts { source, subject, project }
    }

    /// The authorisation that it names.
    pub(crate) fn authorisation(self) -> Option<Cow<'e, str>> {
        let [.., actor_end] = self.read.texts;
        let bytes = &self.batch.texts;
        let project_end = (0..3).fold(actor_end, |at, _| part(bytes, at).1);
        part(bytes, project_end).0.map(String::from_utf8_lossy)
    }

    /// The text of its data.
    ///
    /// # Errors
    /// [`Refusal::NotJson`], for no text that was read before.
    pub(crate) fn data(self) -> Result<&'e RawValue, Refusal> {
        let [start, end] = self.read.data;
        serde_json::from_slice(&self.batch.bytes[start..end])
            .map_err(|error| Refusal::NotJson(error.to_string()))
    }
}

/// The project and data of an event: those of state events repeat, so they are read where they are new.
#[derive(Debug, Clone)]
pub(crate) enum Told<U> {
    /// The hash of the project and the text of the data.
    State(u128),
    /// The hash of the project, and the data.
    Usage(u128, U),
}

impl Batch {
    /// Reads consecutive lines of a file; the last one may lack its end. Blank lines are passed over.
    #[must_use]
    pub fn read(bytes: Vec<u8>, first: Origin) -> Batch {
        Batch::read_with(bytes, first, |data, _| Ok(Box::new(data)))
    }
}

impl<U> Batch<U> {
    /// Reads consecutive lines of a file, and makes something of the data and time of each usage event.
    pub(crate) fn read_with(
        bytes: Vec<u8>,
        first: Origin,
        usage: impl Fn(Description, i64) -> Result<U, Refusal>,
    ) -> Batch<U> {
        let entries = Vec::with_capacity(bytes.len() / SHORT_LINE);
        let mut batch = Batch { bytes: Vec::new(), first, entries, texts: Vec::new() };
        let ends = memchr::memchr_iter(b'\n', &bytes).chain(iter::once(bytes.len()));
        let mut start = 0;
        for (number, end) in (first.line..).zip(ends) {
            let piece = &bytes[start..end];
            let mark =
                if number == 1 && piece.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            let line = piece[mark..].trim_ascii_end();
            start = end + 1;
            if line.trim_ascii_start().is_empty() {
                continue;
            }
            let read = batch.line(&bytes, line, &usage).map_err(Box::new);
            // The line is a part of the batch.
            let at = line.as_ptr().addr() - bytes.as_ptr().addr();
            let line = [at, at + line.len()];
            batch.entries.push(Entry { origin: Origin { line: number, ..first }, line, read });
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

    /// The bytes that were read.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.bytes
    }

    /// How many lines that are not blank it has: events are numbered from 0 among them, those that are none included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether all its lines are blank.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The lines.
    pub(crate) fn entries(&self) -> &[Entry<U>] {
        &self.entries
    }

    /// Where the line of an entry stands in the bytes.
    pub(crate) fn line_of(entry: &Entry<U>) -> std::ops::Range<usize> {
        entry.line[0]..entry.line[1]
    }

    /// The lines, each once; the batch keeps none of them.
    pub(crate) fn take_entries(&mut self) -> Vec<Entry<U>> {
        mem::take(&mut self.entries)
    }

    /// What one of its lines said.
    pub(crate) fn written<'e>(&'e self, read: &'e Read<U>) -> Written<'e, U> {
        Written { batch: self, read }
    }

    fn line(
        &mut self,
        bytes: &[u8],
        line: &[u8],
        usage: impl Fn(Description, i64) -> Result<U, Refusal>,
    ) -> Result<Read<U>, Refusal> {
        if line.len() > LONGEST_LINE {
            return Err(Refusal::TooLong);
        }
        let envelope = Envelope::read(line)?;
        let (key, resource) = (envelope.key(), envelope.resource());
        let mut content = envelope.content_but_told([key, resource]);
        let told = match envelope.event_type {
            EventType::State => Told::State(content::of_key(&envelope.project, envelope.data.get())),
            EventType::Usage => {
                let data = Description::read(EventType::Usage, envelope.data)?;
                let project = content::of_name(&envelope.project);
                content = content.wrapping_add(content::of_told(project, data.content()));
                Told::Usage(project, usage(data, envelope.time)?)
            }
        };
        let start = self.texts.len();
        let parts = LabelParts {
            sequence: envelope.sequence.as_deref().map(str::as_bytes),
            id: envelope.id.as_bytes(),
            actor: envelope.actor.as_deref().map(str::as_bytes),
        };
        let id_end = parts.write(&mut self.texts);
        let texts = [start, id_end, self.texts.len()];
        for text in [&envelope.source, &envelope.subject, &envelope.project] {
            write_part(Some(text.as_bytes()), &mut self.texts);
        }
        write_part(envelope.authorisation.as_deref().map(str::as_bytes), &mut self.texts);
        // The data is a part of the line, and the line of the batch.
        let data = envelope.data.get();
        let start = data.as_ptr().addr() - bytes.as_ptr().addr();
        Ok(Read {
            key,
            resource,
            time: envelope.time,
            content,
            told,
            texts,
            data: [start, start + data.len()],
        })
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Few lines with an event are shorter, in bytes.
const SHORT_LINE: usize = 200;

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

/// Appends a text, or that there is none.
pub(crate) fn write_part(part: Option<&[u8]>, to: &mut Vec<u8>) {
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

/// The text that was written at a place, and where the next one begins.
pub(crate) fn part(bytes: &[u8], at: usize) -> (Option<&[u8]>, usize) {
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
        let found: Vec<_> = batch.entries.iter().map(|entry| entry.origin.line).collect();
        assert_eq!(found, [1, 4]);
        assert!(batch.entries.iter().all(|entry| entry.read.is_err()));
    }
}
