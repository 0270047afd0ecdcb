//! Scratch files of a run of rating, in a folder. They have no names: whatever ends the run, nothing is left of them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kopeck_rating::scratch::{Scratch, ScratchError, Scratches};

/// Where scratch files are made.
#[derive(Debug)]
pub struct ScratchFolder(pub PathBuf);

/// A file without a name.
#[derive(Debug)]
struct ScratchFile {
    file: File,
    folder: PathBuf,
}

impl Scratches for ScratchFolder {
    fn make(&self) -> Result<Box<dyn Scratch>, ScratchError> {
        let file = tempfile::tempfile_in(&self.0).map_err(|error| failed("make", &self.0, &error))?;
        Ok(Box::new(ScratchFile { file, folder: self.0.clone() }))
    }
}

impl Scratch for ScratchFile {
    fn append(&mut self, bytes: &[u8]) -> Result<(), ScratchError> {
        let written = self.file.seek(SeekFrom::End(0)).and_then(|_| self.file.write_all(bytes));
        written.map_err(|error| failed("write", &self.folder, &error))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), ScratchError> {
        let mut file = &self.file;
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(into));
        read.map_err(|error| failed("read", &self.folder, &error))
    }
}

fn failed(doing: impl fmt::Display, folder: &Path, error: &io::Error) -> ScratchError {
    ScratchError(format!("can not {doing} a temporary file in {}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_appended_is_read_at_any_place_and_nothing_is_left_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut scratch = ScratchFolder(folder.path().to_owned()).make().unwrap();
        let mut read = [0; 4];
        for bytes in [b"abcd", b"efgh"] {
            scratch.append(bytes).unwrap();
            scratch.read_at(0, &mut read).unwrap();
        }
        assert_eq!(&read, b"abcd");
        scratch.read_at(2, &mut read).unwrap();
        assert_eq!(&read, b"cdef");
        assert!(scratch.read_at(5, &mut read).is_err());
        drop(scratch);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
