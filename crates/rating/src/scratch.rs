//! Scratch files: where a run puts what does not fit its memory. The core does no I/O, so the shell gives them.

use std::fmt::Debug;

/// A scratch file could not be made, written or read. The text says why and where, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScratchError(pub String);

/// Bytes that are appended, and read again until it is dropped.
pub trait Scratch: Debug + Send {
    /// Writes bytes behind all that were written.
    ///
    /// # Errors
    /// [`ScratchError`] where not all of them could be written; the scratch is of no use then.
    fn append(&mut self, bytes: &[u8]) -> Result<(), ScratchError>;

    /// Fills `into` with what was written from `offset` on, in bytes.
    ///
    /// # Errors
    /// [`ScratchError`] where so many bytes could not be read.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), ScratchError>;
}

/// Makes scratch files.
pub trait Scratches: Debug + Send {
    /// An empty one of its own.
    ///
    /// # Errors
    /// [`ScratchError`] where there is no room for one.
    fn make(&self) -> Result<Box<dyn Scratch>, ScratchError>;
}

/// Scratches in memory: for machines without files, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct InMemory;

impl Scratches for InMemory {
    fn make(&self) -> Result<Box<dyn Scratch>, ScratchError> {
        Ok(Box::<Bytes>::default())
    }
}

/// A scratch in memory.
#[derive(Debug, Default)]
struct Bytes(Vec<u8>);

impl Scratch for Bytes {
    fn append(&mut self, bytes: &[u8]) -> Result<(), ScratchError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), ScratchError> {
        let written = usize::try_from(offset).ok().and_then(|start| self.0.get(start..)?.get(..into.len()));
        into.copy_from_slice(
            written.ok_or_else(|| ScratchError("fewer bytes were written than are read".to_owned()))?,
        );
        Ok(())
    }
}

/// A scratch that counts what was written to it.
#[derive(Debug)]
pub(crate) struct Written {
    scratch: Box<dyn Scratch>,
    bytes: u64,
}

impl Written {
    /// One of its own, which is empty.
    pub(crate) fn new(scratches: &dyn Scratches) -> Result<Written, ScratchError> {
        Ok(Written { scratch: scratches.make()?, bytes: 0 })
    }

    /// Writes bytes behind all that were written, and answers where they begin.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<u64, ScratchError> {
        let begin = self.bytes;
        self.scratch.append(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(begin)
    }

    /// Fills `into` with what was written from `offset` on.
    pub(crate) fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), ScratchError> {
        self.scratch.read_at(offset, into)
    }
}
