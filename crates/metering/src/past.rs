//! The events of the past that a price book prices: for telling what other prices would have come to. Read from the
//! log alone, so that nobody who settles waits for it.

use std::collections::HashMap;
use std::ops::Range;

use kopeck_directory::Directory;
use kopeck_directory::entity::Emitter;
use kopeck_directory::name::MeterId;
use kopeck_ledger::name::Moment;
use kopeck_rating::calendar::Second;
use kopeck_rating::event::{self, Envelope, EventType};
use kopeck_settlement::meter_id::MeterId as Metered;
use kopeck_store::StoreError;
use kopeck_store::events::{EventReader, Position};

use crate::pricing;

/// Hands the lines of a book's events to `take` until it answers `false`: the usage that the book has priced, and the
/// states of those projects that it has priced at some time of the window, also before it. What comes after the window
/// is left out.
///
/// # Errors
/// What `take` answers, or [`StoreError`] where the log can not be read.
pub fn priced(
    log: &dyn EventReader,
    directory: &Directory,
    (meter, window): (MeterId, Range<Second>),
    take: &mut dyn FnMut(&[u8]) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut past = Past { directory, meter: Metered(meter.0), window, billed: HashMap::new() };
    log.read(Position::NONE, &mut |event| {
        if event::second_of(event.time) >= past.window.end || !past.concerns(event.line) {
            return Ok(true);
        }
        take(event.line)
    })
}

struct Past<'d> {
    directory: &'d Directory,
    meter: Metered,
    window: Range<Second>,
    /// When the meter bills a project at an emitter: what was looked up before.
    billed: HashMap<Emitter, HashMap<String, Vec<Range<Second>>>>,
}

impl Past<'_> {
    /// Whether an event is one of the book's.
    fn concerns(&mut self, line: &[u8]) -> bool {
        let Ok(event) = Envelope::read(line) else { return false };
        let at = Moment::from_nanoseconds(event.time).unwrap_or(Moment::FIRST);
        let Some(emitter) = self.directory.emitter(&event.source, at) else { return false };
        let second = event::second_of(event.time);
        let is_state = event.event_type == EventType::State;
        let window = self.window.clone();
        let billed = self.billed(emitter, &event.project);
        match is_state {
            true => billed.iter().any(|billed| billed.start < window.end && window.start < billed.end),
            false => billed.iter().any(|billed| billed.contains(&second)),
        }
    }

    fn billed(&mut self, emitter: Emitter, name: &str) -> &[Range<Second>] {
        let (directory, meter) = (self.directory, self.meter);
        let of_emitter = self.billed.entry(emitter).or_default();
        if !of_emitter.contains_key(name) {
            let project = directory.project(name);
            let billed = project.map(|project| pricing::billed(directory, emitter, project, meter));
            let billed = billed.unwrap_or_default();
            of_emitter.insert(name.to_owned(), billed);
        }
        of_emitter.get(name).map_or(&[], Vec::as_slice)
    }
}
