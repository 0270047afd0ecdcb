//! What may be restored as a whole rater, and with which book.

use proptest::prelude::*;

use super::*;
use crate::live::tests::{
    ACTIVE, DAYS, HOURS, NOVEMBER, OCTOBER, ONCE, PEAK, SECONDS, USE, book, line, second, taken,
};
use crate::packed;
use crate::price_book::PriceBook;

const ALL: &[&str] = &[SECONDS, ACTIVE, HOURS, DAYS, PEAK, ONCE, USE, GROUPED];
const GROUPED: &str = "id = \"grouped\"\nmodel = \"monthly_peak\"\nquantity = []\ngroup_by = \"a\"";
const EVENTS: &str = "05T10:00:00 x RUNNING 4\n05T11:00:00 y STARTING 2\n06T10:00:00 x STOPPED 7\n\
                      06T11:00:00 z use 3\n06T12:00:00 x RUNNING 7\n06T12:30:00 w use null";

fn whole() -> PriceBook {
    book(&[("2026-09-01", ALL)])
}

fn refused(book: &PriceBook, pieces: &[Vec<u8>]) -> LiveError {
    Live::restore_all(book, pieces.to_vec()).map(|_| ()).unwrap_err()
}

#[test]
fn a_rater_without_events_is_restored_too() {
    let book = whole();
    let packed = Live::new(&book, OCTOBER).unwrap().pack_all().unwrap();
    let live = Live::restore_all(&book, packed.clone()).unwrap();
    assert_eq!(live.latest(), second("10-01T00:00:00"));
    assert_eq!(live.pack_all().unwrap(), packed);
}

#[test]
fn a_rater_is_refused_by_a_book_that_meters_its_past_otherwise() {
    let old = whole();
    let packed = taken(&old, OCTOBER, EVENTS).pack_all().unwrap();
    let lists = |change: &str, to: &str| ALL.iter().map(|text| text.replace(change, to)).collect::<Vec<_>>();
    let other = |change: &str, to: &str| {
        let parts = lists(change, to);
        book(&[("2026-09-01", &parts.iter().map(String::as_str).collect::<Vec<_>>())])
    };
    for (change, to) in [
        ("\"once\"\nmodel", "\"twice\"\nmodel"),
        ("quantity = [\"a\"]", "quantity = []"),
        ("quantity = [\"a\"]", "quantity = [\"a\"]\nround_up = { step = \"2\", min = \"2\" }"),
        ("state = \"active\"", "state = \"inactive\""),
        ("group_by = \"a\"", "group_by = \"b\""),
        ("model = \"monthly\"", "model = \"monthly\"\nprorate = \"none\""),
    ] {
        assert_eq!(refused(&other(change, to), &packed), UnpackError::OtherBook.into(), "{to}");
    }
    assert_eq!(refused(&book(&[("2026-09-02", ALL)]), &packed), UnpackError::OtherBook.into());
    assert_eq!(refused(&book(&[("2026-09-01", &ALL[1..])]), &packed), UnpackError::OtherBook.into());
    // A version in the midst of what was metered.
    let early = book(&[("2026-09-01", ALL), ("2026-10-06", ALL)]);
    assert_eq!(refused(&early, &packed), UnpackError::OtherBook.into());
}

#[test]
fn what_runs_is_in_the_sums_of_a_version_that_was_added_later() {
    let (old, new) = (whole(), book(&[("2026-09-01", ALL), ("2026-10-20", ALL), ("2026-11-01", &ALL[3..])]));
    let packed = taken(&old, OCTOBER, EVENTS).pack_all().unwrap();
    let mut parted = Live::restore_all(&new, packed).unwrap();
    let mut whole = taken(&new, OCTOBER, EVENTS);
    let at = second("12-01T00:00:00");
    let bills = |live: &mut Live| [OCTOBER, NOVEMBER].map(|month| live.charges(month, at).unwrap());
    let later = ["06T10:30:00 x RUNNING 9", "25T10:00:00 y RUNNING 5", "11-02T00:00:00 x DELETED 0"];
    for (number, text) in later.iter().enumerate() {
        assert_eq!(bills(&mut parted), bills(&mut whole), "before {text}");
        for live in [&mut parted, &mut whole] {
            live.accept(line(100 + number, text).as_bytes()).unwrap();
        }
    }
    assert_eq!(bills(&mut parted), bills(&mut whole));
}

#[test]
fn a_resource_is_no_rater_and_a_rater_is_no_resource() {
    let book = whole();
    let mut live = taken(&book, OCTOBER, EVENTS);
    let (state, all) = (live.pack("s", "x").unwrap(), live.pack_all().unwrap());
    // Also where both have the same version, their checksums differ.
    let of_version = |version: u8, bytes: &[u8]| [&[version], &bytes[1..]].concat();
    assert_eq!(refused(&book, &[of_version(VERSION, &state)]), UnpackError::Checksum.into());
    let all_as_state = of_version(packed::VERSION, &all[0]);
    assert_eq!(live.restore("s", "x", &all_as_state), Err(UnpackError::Checksum.into()));
    assert_eq!(refused(&book, &[]), UnpackError::Truncated.into());
    let newer = of_version(VERSION + 1, &all[0]);
    assert_eq!(refused(&book, &[newer]), UnpackError::Version { found: VERSION + 1, known: VERSION }.into());
}

proptest! {
    #[test]
    fn no_bytes_are_a_rater_by_accident_and_none_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let book = whole();
        let packed = taken(&book, OCTOBER, EVENTS).pack_all().unwrap();
        prop_assert!(Live::restore_all(&book, [bytes]).is_err());
        let which = length.index(packed.len());
        prop_assert!(Live::restore_all(&book, packed[..which].to_vec()).is_err());
        let mut cut = packed.clone();
        cut[which].truncate(length.index(packed[which].len()));
        prop_assert!(Live::restore_all(&book, cut).is_err());
        let mut changed = packed.clone();
        for (at, byte) in &changes {
            *at.get_mut(&mut changed[which][..]) = *byte;
        }
        prop_assert!(changed == packed || Live::restore_all(&book, changed.clone()).is_err());
        // With a checksum that matches, what is read is a rater that goes on, or refused.
        let mut bare = changed[which][..changed[which].len() - 4].to_vec();
        bare[0] = VERSION;
        changed[which] = codec::seal(Form::Whole, bare);
        if let Ok(mut live) = Live::restore_all(&book, changed) {
            for (number, text) in ["05T10:30:00 x RUNNING 4", "07T00:00:00 x DELETED 0"].iter().enumerate() {
                let _ = live.accept(line(100 + number, text).as_bytes());
            }
            let at = live.latest();
            let _ = (live.charges(OCTOBER, at), live.notices(OCTOBER, at), live.pack_all());
        }
    }
}
