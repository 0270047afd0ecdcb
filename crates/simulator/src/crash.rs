//! Crashes at every write: each picture of a commit's files is opened, and must be the ledger before or after.

use kopeck_reference::ledger::Model;
use kopeck_store::Store;
use kopeck_store::faults::{CrashImage, Point};

use crate::bank::{Bank, Outcome, told};
use crate::draw::Draw;
use crate::judge;

/// Opens every picture of a commit, and one of a log that was written up to some byte.
pub fn everywhere(
    bank: &Bank,
    pictures: &[(Point, CrashImage)],
    (before, after): (&Model, &Model),
    draw: &mut Draw,
) -> Outcome<u64> {
    let mut opened = 0;
    for (point, image) in pictures {
        // Before a commit begins the files are those after the last one, but for pages that were moved meanwhile.
        if *point == Point::Begin && !draw.percent(20) {
            continue;
        }
        opened += 1;
        let wanted = if *point == Point::Committed { after } else { before };
        bank.with_image(image, |store| judge::state(store, wanted).and_then(|()| judge::verified(store)))
            .map_err(|what| format!("after a crash at {point:?}: {what}"))?;
    }
    let Some(image) = torn(pictures, draw) else { return Ok(opened) };
    bank.with_image(&image, |store| {
        let wanted = which(store, before, after)?;
        judge::state(store, wanted).and_then(|()| judge::verified(store))
    })
    .map_err(|what| format!("after a power cut within a commit: {what}"))?;
    Ok(opened + 1)
}

/// What a power cut leaves of a commit: its log up to some byte. `None` where nothing was committed.
pub fn torn(pictures: &[(Point, CrashImage)], draw: &mut Draw) -> Option<CrashImage> {
    let (_, begin) = pictures.iter().find(|(point, _)| *point == Point::Begin)?;
    let (_, committed) = pictures.iter().rev().find(|(point, _)| *point == Point::Committed)?;
    let written = begin.log_written(committed);
    let cut = usize::try_from(draw.any() % (written.len() as u64 + 1)).unwrap_or(0);
    Some(begin.torn(committed, written.start + cut))
}

/// Which of two states a ledger is in, by the length of its journal.
pub fn which<'m>(store: &dyn Store, before: &'m Model, after: &'m Model) -> Outcome<&'m Model> {
    let records = store.head().map_err(told("reading the head"))?.sequence.0;
    if records == before.records() {
        Ok(before)
    } else if records == after.records() {
        Ok(after)
    } else {
        Err(format!("{records} records, and neither {} nor {}", before.records(), after.records()))
    }
}
