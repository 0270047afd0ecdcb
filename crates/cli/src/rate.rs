//! `kopeck rate`: events and a price book in, charges out.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::thread;

use kopeck_rating::charge::Window;
use kopeck_rating::event::Refusal;
use kopeck_rating::notice::{Classless, Notices, Seen};
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::rate::{Origin, Rater};

use crate::args::{RateArgs, RateInput};
use crate::events_in::{Inputs, each_chunk};
use crate::failure::{Done, Failure, paragraph};
use crate::refusals::Refusals;
use crate::scratch::memory_limit;
use crate::{bill, book_file};

/// Runs the command.
pub fn run(args: &RateArgs) -> Result<Done, Failure> {
    let book = book_file::load(&args.input.prices)?;
    let window = window(&args.input, &book)?;
    let limit = memory_limit(&args.memory)?;
    let mut rater = Rater::with_limit(&book, window, limit).map_err(out_of_range)?;
    let read = read_events(&args.input.events, Refusals::new(args.input.all_errors), &mut rater)?;
    let summary = bill::print(rater, args.format, threads(), &mut io::stdout().lock())?;
    tell_notices(&summary.notices, &read.files)?;
    Ok(if read.refused == 0 { Done::Whole } else { Done::SomeRefused })
}

/// The window that the arguments name, in the zone of the book.
pub fn window(input: &RateInput, book: &PriceBook) -> Result<Window, Failure> {
    let window = Window::new(book.calendar(), input.from, input.to, input.as_of);
    window.map_err(|error| Failure::input(error, None, "give --from and --to like 2026-10-01 and 2026-11-01"))
}

/// A window whose months the calendar can not hold.
pub fn out_of_range(error: kopeck_rating::calendar::OutOfRange) -> Failure {
    Failure::input(format!("the window {error}"), None, "give --from and --to within them")
}

/// What was read.
pub struct Read {
    /// The names of the files, by their numbers.
    pub files: Vec<String>,
    /// How many events were refused.
    pub refused: u64,
}

/// Feeds all events to the rater; what is refused is told on standard error, and the rest goes on.
pub fn read_events(paths: &[String], refusals: Refusals, rater: &mut Rater) -> Result<Read, Failure> {
    read_events_for(paths, refusals, (rater, &mut []))
}

/// Feeds all events to the first rater and to the others; what the first refuses is told.
pub fn read_events_for(
    paths: &[String],
    mut refusals: Refusals,
    (rater, others): (&mut Rater, &mut [Rater]),
) -> Result<Read, Failure> {
    let inputs = Inputs::open(paths)?;
    let files = inputs.names();
    let (reader, other_readers) = (rater.reader(), others.iter().map(Rater::reader).collect::<Vec<_>>());
    let read = |bytes: Vec<u8>, first| {
        let batches: Vec<_> = other_readers.iter().map(|reader| reader.read(bytes.clone(), first)).collect();
        (reader.read(bytes, first), batches)
    };
    each_chunk(inputs, threads(), read, |(batch, batches)| {
        for (other, batch) in others.iter_mut().zip(batches) {
            other.take(batch, |_, _| {})?;
        }
        rater.take(batch, |origin, outcome| {
            let Err(refusal) = outcome else { return };
            refusals.take(|| refusal_text(&refusal, &place(&files, origin)));
        })?;
        refusals.failure()
    })?;
    let refused = refusals.finish("events")?;
    if refused > 0 {
        let accepted = rater.accepted();
        tell(&format!("refused: {refused}; accepted and rated: {accepted}\n"))?;
    }
    Ok(Read { files, refused })
}

fn refusal_text(refusal: &Refusal, place: &str) -> String {
    paragraph("error", format_args!("event refused: {refusal}"), Some(place), refusal.remedy())
}

/// The file and line of an event.
pub fn place(files: &[String], origin: Origin) -> String {
    let name = usize::try_from(origin.file).ok().and_then(|file| files.get(file));
    format!("{}:{}", name.map_or("?", String::as_str), origin.line)
}

/// As many threads as the machine has cores for.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Writes to standard error.
pub fn tell(text: &str) -> Result<(), Failure> {
    io::stderr().write_all(text.as_bytes()).map_err(Failure::Output)
}

/// Tells what a person should know beside the charges.
pub fn tell_notices(notices: &Notices, files: &[String]) -> Result<(), Failure> {
    let mut text = String::new();
    let mut warn = |reason: String, seen: &Seen, remedy: &str| {
        let place = place(files, seen.first);
        // Writing to a text can not fail.
        let _ = write!(text, "{}", paragraph("warning", reason, Some(&place), remedy));
    };
    for (what, seen) in &notices.lacking {
        let reason = format!(
            "component {} charges by `{}`, which is missing or no number in {}: it counts as 0",
            what.component,
            what.attribute,
            events(seen.count),
        );
        warn(
            reason,
            seen,
            "send the attribute as a number, or correct `quantity` or `when` of the component",
        );
    }
    for (kind, seen) in &notices.unpriced {
        let reason = format!("no component prices kind \"{kind}\" in {}", events(seen.count));
        warn(reason, seen, "add a component for it, or leave it free knowingly");
    }
    for (Classless { kind, state, inherits }, seen) in &notices.classless {
        let resources = match seen.count {
            1 => "1 resource".to_owned(),
            count => format!("{count} resources"),
        };
        let (why, first) = if *inherits {
            (
                "keeps the class of the state before, and there was none",
                "give the events before it too, also those before --from",
            )
        } else {
            ("stands in no list of states", "add a component without `when.state`")
        };
        let reason = format!("{resources} of kind \"{kind}\" cost nothing: state {state} {why}");
        let remedy = &format!("{first}, or name the state in `active` or `inactive` under [states.{kind}]");
        warn(reason, seen, remedy);
    }
    if let Some(seen) = &notices.disputed {
        let reason = format!(
            "{} under another project or kind than the resource lives under: disputed, not rated",
            events(seen.count),
        );
        warn(reason, seen, "end the life with DELETED before the resource changes hands");
    }
    tell(&text)
}

fn events(count: u64) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}
