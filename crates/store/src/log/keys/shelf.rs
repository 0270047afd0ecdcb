//! Where runs of keys lie: files of a folder, or rows of a table.

use std::fmt::Debug;

use crate::error::StoreError;

/// A page of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOf {
    /// The run's number.
    pub run: u64,
    /// The page's number, from 0.
    pub page: usize,
}

/// The runs of one log. What a run consists of is bytes here: pages of one size, then a last part.
pub trait Shelf: Debug + Send + Sync {
    /// The last part of a run that has so many pages.
    ///
    /// # Errors
    /// [`StoreError`] where the run is not there or can not be read.
    fn last_part(&self, run: u64, pages: usize) -> Result<Vec<u8>, StoreError>;

    /// So many pages of a run, one after the other.
    ///
    /// # Errors
    /// As [`Shelf::last_part`].
    fn pages(&self, run: u64, first: usize, count: usize) -> Result<Vec<u8>, StoreError>;

    /// Single pages, in the order in which they are wanted.
    ///
    /// # Errors
    /// As [`Shelf::last_part`].
    fn scattered(&self, wanted: &[PageOf]) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Begins to write a run, whose number nobody has used.
    ///
    /// # Errors
    /// [`StoreError`] where there is no room for it.
    fn begin(&self, run: u64) -> Result<Box<dyn NewRun>, StoreError>;

    /// Removes a run that nobody needs, whole or not. Whoever is reading it may go on.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be removed.
    fn remove(&self, run: u64) -> Result<(), StoreError>;

    /// Removes all runs but those of these numbers, and answers the greatest number that there was.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be removed.
    fn remove_others(&self, kept: &[u64]) -> Result<u64, StoreError>;

    /// What people call a run.
    fn name_of(&self, run: u64) -> String;

    /// What people do about a run that is broken.
    fn remedy(&self) -> &'static str;

    /// What people do about runs that are not those of the log.
    fn remedy_for_all(&self) -> &'static str;
}

/// A run that is being written.
pub trait NewRun: Debug + Send {
    /// Writes the next page.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be written.
    fn page(&mut self, page: &[u8]) -> Result<(), StoreError>;

    /// Writes the last part. The run survives whatever lists it when this returns.
    ///
    /// # Errors
    /// As [`NewRun::page`].
    fn finish(self: Box<Self>, last: &[u8]) -> Result<(), StoreError>;
}
