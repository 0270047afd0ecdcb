//! What other prices would have done to last month: its events out of the log, rated by two versions of a book.
//!
//! Each version is taken as if it had been in force over all of the month and long before, as `kopeck prices diff` does
//! with files. The events are read once, past the settler and its state; what is remembered of them beyond a limit
//! goes to scratch files.

use std::collections::BTreeMap;
use std::env;

use jiff::ToSpan;
use jiff::civil::Date;
use kopeck_api::directory::prices::{AmountEffect, EffectDocument, ProjectEffect};
use kopeck_api::forms::{CurrencyCode, Day};
use kopeck_directory::directory::Shelf;
use kopeck_metering::priced;
use kopeck_rating::batch::Origin;
use kopeck_rating::charge::Window;
use kopeck_rating::money::{Amount, Overflow};
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::price_book::change::percent;
use kopeck_rating::rate::{MemoryLimit, Rater, Reader, Unfinished};
use kopeck_rating::rows::Piece;
use kopeck_store::StoreError;

use super::App;
use super::spend::second;
use crate::error::AppError;
use crate::scratch::ScratchFolder;

/// What each of the two runs remembers of its events in memory.
const MEMORY_BYTES: usize = 64 << 20;
/// Lines that are read together.
const CHUNK_BYTES: usize = 1 << 20;

/// What a version of a book would have done to last month, against the one that is in force now. `None` where none is.
///
/// # Errors
/// [`AppError::TooMany`] where others are reading as much already; others where the log can not be read.
pub fn effect(app: &App, shelf: &Shelf, effective: Date) -> Result<Option<EffectDocument>, AppError> {
    let Some(prices) = shelf.prices() else { return Ok(None) };
    let today = prices.calendar().local(second(app.now())).map_err(internal)?.date();
    let new = prices.versions().iter().position(|version| version.effective == effective);
    let Some((old, new)) = prices.version_on(today).zip(new) else { return Ok(None) };
    let to = today.first_of_month();
    let from = to.checked_sub(1.month()).map_err(internal)?;
    let place = app.long_read()?;
    let bills = Bills::of(app, (shelf, &prices), ([old, new], from, to))?;
    drop(place);
    let amounts = |pair: &[Amount; 2]| amounts(pair).map_err(internal);
    let projects = bills
        .projects
        .iter()
        .map(|(project, pair)| Ok(ProjectEffect { project: project.clone(), amounts: amounts(pair)? }));
    let date = |version: usize| Day(prices.versions()[version].effective);
    Ok(Some(EffectDocument {
        from: Day(from),
        to: Day(to),
        old: date(old),
        new: date(new),
        currency: CurrencyCode(shelf.book.currency),
        projects: projects.collect::<Result<_, AppError>>()?,
        total: amounts(&bills.total)?,
    }))
}

fn amounts([old, new]: &[Amount; 2]) -> Result<AmountEffect, Overflow> {
    Ok(AmountEffect {
        old: old.to_string(),
        new: new.to_string(),
        difference: new.checked_sub(*old)?.to_string(),
        percent: percent(old.micros(), new.micros()),
    })
}

fn internal(error: impl std::fmt::Display) -> AppError {
    AppError::Internal(error.to_string())
}

/// What each project would have paid by both versions.
struct Bills {
    projects: BTreeMap<String, [Amount; 2]>,
    total: [Amount; 2],
}

impl Bills {
    fn of(
        app: &App,
        (shelf, prices): (&Shelf, &PriceBook),
        (versions, from, to): ([usize; 2], Date, Date),
    ) -> Result<Bills, AppError> {
        let window = Window::new(prices.calendar(), from, to, None).map_err(internal)?;
        let mut runs = Vec::new();
        for version in versions {
            let Some(book) = prices.as_if_always(version) else {
                return Err(AppError::Internal(format!("book {} has lost a version", shelf.book.id)));
            };
            let scratches = Box::new(ScratchFolder(env::temp_dir()));
            let limit = MemoryLimit { bytes: MEMORY_BYTES, scratches };
            runs.push(Rater::with_limit(&book, window, limit).map_err(internal)?);
        }
        let mut feed = Feed { readers: runs.iter().map(Rater::reader).collect(), runs, chunk: Vec::new() };
        let mut failed = None;
        let mut take = |line: &[u8]| {
            if app.stop.has_begun() {
                return Err(StoreError::Closed);
            }
            failed = feed.take(line).err();
            Ok(failed.is_none())
        };
        let (directory, book) = (app.directory.snapshot(), (shelf.book.meter, window.from()..window.to()));
        for (_, log) in app.shards.logs()? {
            priced(&*log, &directory, book.clone(), &mut take)?;
        }
        failed.map_or_else(|| feed.flush(), Err)?;
        let mut bills = Bills { projects: BTreeMap::new(), total: [Amount::ZERO; 2] };
        for (side, run) in feed.runs.into_iter().enumerate() {
            bills.add(side, run).map_err(internal)?;
        }
        Ok(bills)
    }

    /// Adds the bill of one version.
    fn add(&mut self, side: usize, run: Rater) -> Result<(), Unfinished> {
        run.finish_in_pieces(1, sums, |sums| {
            for (project, amount) in sums? {
                let own = self.projects.entry(project).or_insert([Amount::ZERO; 2]);
                for pair in [own, &mut self.total] {
                    pair[side] = pair[side].checked_add(amount)?;
                }
            }
            Ok::<_, Unfinished>(())
        })?;
        Ok(())
    }
}

/// What the charges of a piece come to, by project.
fn sums(piece: &Piece<'_>) -> Result<BTreeMap<String, Amount>, Overflow> {
    let mut sums = BTreeMap::new();
    for charge in piece.charges() {
        let sum = sums.entry(charge.project.to_owned()).or_insert(Amount::ZERO);
        *sum = sum.checked_add(charge.amount)?;
    }
    Ok(sums)
}

/// Lines on their way to the runs.
struct Feed {
    runs: Vec<Rater>,
    readers: Vec<Reader>,
    chunk: Vec<u8>,
}

impl Feed {
    fn take(&mut self, line: &[u8]) -> Result<(), AppError> {
        self.chunk.extend_from_slice(line);
        self.chunk.push(b'\n');
        if self.chunk.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), AppError> {
        let chunk = std::mem::take(&mut self.chunk);
        for (run, reader) in self.runs.iter_mut().zip(&self.readers) {
            // What was accepted once is accepted again.
            let batch = reader.read(chunk.clone(), Origin { file: 0, line: 1 });
            run.take(batch, |_, _| {}).map_err(internal)?;
        }
        Ok(())
    }
}
