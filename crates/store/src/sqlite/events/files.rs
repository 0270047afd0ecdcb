//! Runs of keys in files, each of its own, in a folder beside the database.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::StoreError;
use crate::log::keys::run::PAGE_BYTES;
use crate::log::keys::shelf::{NewRun, PageOf, Shelf};
use crate::sqlite::backup;

/// The name of the folder with the runs, in a store's folder.
pub const KEYS_FOLDER: &str = "events.keys";
/// So many pages are written to the disk together, 4 MB: a sync of other files does not have to wait for more.
const PAGES_TO_SYNC: usize = 1_024;

/// The runs in a folder. A file that was opened once stays open, so that whoever reads it may go on when it is removed.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    open: Mutex<HashMap<u64, File>>,
}

impl Files {
    /// Those in a folder that is there.
    pub fn of(folder: &Path) -> Files {
        Files { folder: folder.to_path_buf(), open: Mutex::default() }
    }

    /// Those of a store's folder, where the folder for them is made if it is missing.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn in_store(folder: &Path) -> Result<Files, StoreError> {
        let folder = folder.join(KEYS_FOLDER);
        if !folder.is_dir() {
            fs::create_dir_all(&folder).map_err(|error| StoreError::io("make", &folder, error))?;
            backup::sync_folder_of(&folder)?;
        }
        Ok(Files::of(&folder))
    }

    /// The path of a run.
    pub fn path_of(&self, run: u64) -> PathBuf {
        self.folder.join(format!("{run:08}.run"))
    }

    /// Reads a run's file from a place on. Files have one place to read at, so one reads at a time.
    fn read_at<T>(
        &self,
        (run, place): (u64, u64),
        read: impl FnOnce(&mut File) -> io::Result<T>,
    ) -> Result<T, StoreError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error| StoreError::io("read", &self.path_of(run), error);
        let file = match open.entry(run) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(File::open(self.path_of(run)).map_err(failed)?),
        };
        file.seek(SeekFrom::Start(place)).and_then(|_| read(file)).map_err(failed)
    }
}

/// Where a page begins.
fn place_of(page: usize) -> u64 {
    (page as u64).saturating_mul(PAGE_BYTES as u64)
}

impl Shelf for Files {
    fn last_part(&self, run: u64, pages: usize) -> Result<Vec<u8>, StoreError> {
        self.read_at((run, place_of(pages)), |file| {
            let mut last = Vec::new();
            file.read_to_end(&mut last).map(|_| last)
        })
    }

    fn pages(&self, run: u64, first: usize, count: usize) -> Result<Vec<u8>, StoreError> {
        self.read_at((run, place_of(first)), |file| {
            let mut pages = vec![0; count * PAGE_BYTES];
            file.read_exact(&mut pages).map(|()| pages)
        })
    }

    fn scattered(&self, wanted: &[PageOf]) -> Result<Vec<Vec<u8>>, StoreError> {
        wanted.iter().map(|wanted| self.pages(wanted.run, wanted.page, 1)).collect()
    }

    fn begin(&self, run: u64) -> Result<Box<dyn NewRun>, StoreError> {
        let path = self.path_of(run);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
        let file = BufWriter::new(file.map_err(|error| StoreError::io("make", &path, error))?);
        Ok(Box::new(NewFile { path, file, waiting: 0 }))
    }

    fn remove(&self, run: u64) -> Result<(), StoreError> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
        backup::remove(&self.path_of(run))
    }

    fn remove_others(&self, kept: &[u64]) -> Result<u64, StoreError> {
        let failed = |error| StoreError::io("read", &self.folder, error);
        let mut greatest = 0;
        for file in fs::read_dir(&self.folder).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let number =
                name.and_then(|name| name.strip_suffix(".run")).and_then(|number| number.parse().ok());
            // What has another name is not ours.
            let Some(number) = number else { continue };
            greatest = greatest.max(number);
            if !kept.contains(&number) {
                backup::remove(&path)?;
            }
        }
        Ok(greatest)
    }

    fn name_of(&self, run: u64) -> String {
        self.path_of(run).display().to_string()
    }

    fn remedy(&self) -> &'static str {
        "remove that file, and opening the log makes it anew"
    }

    fn remedy_for_all(&self) -> &'static str {
        "remove the folder events.keys, and opening the log makes it anew"
    }
}

/// A file that is being written.
#[derive(Debug)]
struct NewFile {
    path: PathBuf,
    file: BufWriter<File>,
    /// Pages written since the system was last told to write them to the disk.
    waiting: usize,
}

impl NewFile {
    fn sync(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_data()
    }
}

impl NewRun for NewFile {
    fn page(&mut self, page: &[u8]) -> Result<(), StoreError> {
        let mut written = self.file.write_all(page);
        self.waiting += 1;
        if self.waiting >= PAGES_TO_SYNC {
            self.waiting = 0;
            written = written.and_then(|()| self.sync());
        }
        written.map_err(|error| StoreError::io("write", &self.path, error))
    }

    fn finish(mut self: Box<Self>, last: &[u8]) -> Result<(), StoreError> {
        let written = self.file.write_all(last).and_then(|()| self.file.flush());
        let written = written.and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|error| StoreError::io("write", &self.path, error))?;
        backup::sync_folder_of(&self.path)
    }
}
