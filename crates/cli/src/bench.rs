//! `kopeck bench`: how fast kopeck is on this machine, next to a baseline of the same run.

pub mod guard;
pub mod ingest;
pub mod ledger;
pub mod rate;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use kopeck_rating::charge::Window;
use kopeck_rating::price_book::PriceBook;
use tempfile::TempDir;

use crate::failure::Failure;

/// The price book that prices everything in the sample.
pub const SAMPLE_BOOK: &str = include_str!("../../../examples/sample.toml");

/// A book of kopeck's own.
fn read_book(text: &str) -> Result<PriceBook, Failure> {
    PriceBook::read(text).map_err(|problems| {
        let reasons: Vec<_> = problems.iter().map(|problem| problem.reason.as_str()).collect();
        Failure::input(reasons.join("; "), None, "this book is kopeck's own: report it")
    })
}

/// October 2026, in which the sample begins, up to an instant.
fn october(book: &PriceBook, as_of: Option<i64>) -> Result<Window, Failure> {
    let [from, to] = [jiff::civil::date(2026, 10, 1), jiff::civil::date(2026, 11, 1)];
    Window::new(book.calendar(), from, to, as_of)
        .map_err(|error| Failure::input(error, None, "this window is kopeck's own: report it"))
}

/// A folder that is gone at the end, on the disk that is to be measured.
fn folder(parent: Option<&Path>) -> Result<TempDir, Failure> {
    Ok(match parent {
        Some(parent) => tempfile::tempdir_in(parent),
        None => tempfile::tempdir(),
    }?)
}

/// How long some work takes, and what comes of it.
fn timed<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<(Duration, T), Failure> {
    let start = Instant::now();
    let done = work()?;
    Ok((start.elapsed(), done))
}

/// So many in a second.
fn per_second(count: u64, time: Duration) -> u128 {
    u128::from(count) * 1_000_000 / time.as_micros().max(1)
}

/// `one` / `other` with two decimals.
fn ratio(one: Duration, other: Duration) -> String {
    let hundredths = one.as_micros() * 100 / other.as_micros().max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The time within which so many of a hundred sorted times lie.
fn quantile(times: &[Duration], hundredth: usize) -> Duration {
    let last = times.len().saturating_sub(1);
    times.get((times.len() * hundredth / 100).min(last)).copied().unwrap_or_default()
}

/// A figure of a process's memory, in bytes, where the system tells: `VmRSS` is now, `VmHWM` the most so far.
fn memory(process: &str, figure: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1_024)
}

/// How busy the machine is otherwise, where the system tells.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}
