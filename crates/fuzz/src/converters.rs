//! Any bytes as records of other systems.

use jiff::tz::TimeZone;
use kopeck_connect::azure_rate_card::{self, BookOptions};
use kopeck_connect::convert::{Options, Refused, Source, Summary};
use kopeck_rating::event::{Description, Envelope};
use kopeck_rating::price_book::PriceBook;

use crate::OCTOBER;

/// Whatever the bytes say: a converter counts every record, and writes only events that will be accepted.
pub fn check(source: Source, bytes: &[u8]) {
    let berlin = TimeZone::get("Europe/Berlin").expect("the zone is known");
    let named = |name: &str| Some(name.to_owned());
    let (project, region, cloud) = (named("acme"), named("msk-1"), named("Birch Cloud"));
    let other = Options { timezone: berlin, as_state: true, project, region, cloud };
    for options in [Options::default(), other] {
        let (mut output, mut refused) = (Vec::new(), Vec::new());
        let summary = source
            .convert(&mut &*bytes, &mut output, &options, &mut |refusal| refused.push(refusal))
            .expect("neither reading nor writing fails");
        check_counts(bytes, &summary, &refused);
        let output = String::from_utf8(output).expect("what is written is UTF-8");
        assert!(output.is_empty() || output.ends_with('\n'));
        assert_eq!(output.lines().count() as u64, summary.events);
        assert!(summary.converted() <= summary.events, "a record became nothing");
        for line in output.lines() {
            let read = Envelope::read(line.as_bytes())
                .and_then(|envelope| Description::read(envelope.event_type, envelope.data));
            assert!(read.is_ok(), "{read:?}: {line}");
        }
    }
}

/// Whatever the bytes say: the book of a rate card is a book, or there is none.
pub fn check_rate_card(bytes: &[u8]) {
    let options = BookOptions {
        id: "azure".to_owned(),
        currency: Some("USD".to_owned()),
        timezone: "UTC".to_owned(),
        effective: OCTOBER,
    };
    let (mut output, mut refused) = (Vec::new(), Vec::new());
    let summary = azure_rate_card::price_book(&mut &*bytes, &options, &mut output, &mut |refusal| {
        refused.push(refusal);
    })
    .expect("neither reading nor writing fails");
    check_counts(bytes, &summary, &refused);
    let output = String::from_utf8(output).expect("what is written is UTF-8");
    let components = if output.is_empty() {
        0
    } else {
        PriceBook::read(&output).expect("what is written is a book").components().count()
    };
    assert_eq!(components as u64, summary.converted());
}

fn check_counts(bytes: &[u8], summary: &Summary, refused: &[Refused]) {
    assert_eq!(summary.records, summary.converted() + summary.skipped + summary.refused);
    assert_eq!(summary.skipped, summary.skipped_as.values().sum::<u64>());
    assert_eq!(summary.refused, refused.len() as u64);
    let last = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    for refusal in refused {
        assert!((1..=last).contains(&refusal.line), "{refusal} is not one of {last} lines");
        assert!(!refusal.reason.is_empty() && !refusal.remedy.is_empty());
    }
}
