//! Random clouds: a price book, events, and a window to rate them in, around the edges of local calendars.
//!
//! A cloud is drawn as small choices from lists whose first entry is the plainest, and written out as text at the
//! end, so that a failing one shrinks to few events with plain values, and prints as the files that show it.

pub mod book;
pub mod events;

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use kopeck_rating::calendar::{Calendar, Second};
use kopeck_rating::charge::Window;
use kopeck_rating::event::Refusal;
use kopeck_rating::price_book::PriceBook;
use kopeck_reference::{Event, Fate, accepted, fates};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use book::BookPlan;
use events::EventPlan;

/// What a cloud may hold beyond the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taste {
    /// Each key has one content, so that the order of arrival does not matter.
    Orderly,
    /// Some keys come again with other content.
    Conflicting,
    /// The largest numbers that are accepted, everywhere.
    Extreme,
}

/// Files for `kopeck rate`, and its window.
#[derive(Clone)]
pub struct Cloud {
    pub prices: String,
    pub lines: Vec<String>,
    pub from: Date,
    pub to: Date,
    pub as_of: Option<Second>,
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n--- prices.toml\n{}--- events.jsonl\n{}", self.prices, self.lines.join("\n"))?;
        let as_of = self.as_of.map(|second| Timestamp::from_second(second).unwrap().to_string());
        writeln!(f, "--- window\n{} {} {}", self.from, self.to, as_of.unwrap_or_default())
    }
}

impl Cloud {
    pub fn book(&self) -> PriceBook {
        PriceBook::read(&self.prices).unwrap()
    }

    pub fn window(&self) -> Window {
        self.window_of(self.from, self.to)
    }

    pub fn window_of(&self, from: Date, to: Date) -> Window {
        Window::new(self.book().calendar(), from, to, self.as_of).unwrap()
    }

    /// A day at which the window can be cut in two, unless it is one day long.
    pub fn cut(&self, choice: prop::sample::Index) -> Option<Date> {
        let days: Vec<Date> = self.from.series(1.day()).skip(1).take_while(|day| *day < self.to).collect();
        (!days.is_empty()).then(|| *choice.get(&days))
    }

    /// What each line is, and the events that count.
    pub fn read(&self) -> (Vec<Result<Fate, Refusal>>, Vec<Event>) {
        let book = self.book();
        let read: Vec<Result<Event, Refusal>> =
            self.lines.iter().map(|line| Event::read(line.as_bytes(), &book)).collect();
        let events: Vec<Event> = read.iter().flatten().cloned().collect();
        let mut fates = fates(&events).into_iter();
        let answers = read.into_iter().map(|read| match read.map(|_| fates.next().unwrap()) {
            Ok(Fate::OtherContent) => Err(Refusal::OtherContent),
            other => other,
        });
        (answers.collect(), accepted(&events))
    }
}

/// Random clouds.
pub fn clouds(taste: Taste) -> impl Strategy<Value = Cloud> {
    let plan = CloudPlan::any(taste);
    plan.prop_map(|plan| plan.write())
}

/// A zone and a day at whose start or in which something odd happens to the calendar.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    pub zone: &'static str,
    pub day: (i16, i8, i8),
}

const SCENES: &[Scene] = &[
    Scene { zone: "UTC", day: (2024, 3, 1) },
    Scene { zone: "Europe/Moscow", day: (2026, 10, 1) },
    // Summer time for good, and back to winter time for good.
    Scene { zone: "Europe/Moscow", day: (2011, 3, 27) },
    Scene { zone: "Europe/Moscow", day: (2014, 10, 26) },
    Scene { zone: "Europe/Berlin", day: (2026, 3, 29) },
    Scene { zone: "Europe/Berlin", day: (2026, 10, 25) },
    // Half an hour back, and forward.
    Scene { zone: "Australia/Lord_Howe", day: (2026, 4, 5) },
    Scene { zone: "Australia/Lord_Howe", day: (2026, 10, 4) },
    // Midnight does not exist; 23:00 to midnight comes twice.
    Scene { zone: "America/Sao_Paulo", day: (2018, 11, 4) },
    Scene { zone: "America/Sao_Paulo", day: (2018, 2, 18) },
    // Midnight does not exist; midnight comes twice and begins a month.
    Scene { zone: "America/Havana", day: (2026, 3, 8) },
    Scene { zone: "America/Havana", day: (2026, 11, 1) },
    // One minute past midnight, at which a month has just begun, the clock goes back to the month before.
    Scene { zone: "America/St_Johns", day: (2009, 11, 1) },
    Scene { zone: "America/St_Johns", day: (2009, 3, 8) },
    // A quarter of an hour forward, at midnight of the new year.
    Scene { zone: "Asia/Kathmandu", day: (1986, 1, 1) },
    Scene { zone: "Asia/Kathmandu", day: (2026, 10, 1) },
    // From half past eleven to half past midnight; from 00:01:00 to 00:26:08, within an hour of the clock.
    Scene { zone: "America/Toronto", day: (1919, 3, 31) },
    Scene { zone: "Europe/Athens", day: (1916, 7, 28) },
    // A day that never was.
    Scene { zone: "Pacific/Apia", day: (2011, 12, 30) },
];

impl Scene {
    fn date(self) -> Date {
        let (year, month, day) = self.day;
        Date::new(year, month, day).unwrap()
    }

    fn calendar(self) -> Calendar {
        Calendar::of_zone(self.zone).unwrap()
    }

    /// The seconds around which events happen: starts of days and months, and changes of the clock.
    fn landmarks(self) -> Vec<Second> {
        let (calendar, day) = (self.calendar(), self.date());
        let first = day.first_of_month();
        let dates = [day, first, first + 1.month(), day + 1.day(), day - 1.day(), day + 7.days()];
        let mut landmarks: Vec<Second> =
            dates.iter().map(|date| calendar.day_start(*date).unwrap()).collect();
        let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
        let changes = calendar.zone().following(noon - 40.hours()).map(|change| change.timestamp());
        landmarks.extend(changes.take_while(|change| *change < noon + 40.hours()).map(Timestamp::as_second));
        landmarks
    }
}

/// A second, as the number of a landmark and the seconds after it.
type SecondPlan = (usize, i64);

#[derive(Debug, Clone)]
struct CloudPlan {
    scene: Scene,
    book: BookPlan,
    seconds: Vec<SecondPlan>,
    events: Vec<EventPlan>,
    /// The days from the scene's to those at which the window begins and ends.
    window: (i64, i64),
    as_of: Option<usize>,
}

impl CloudPlan {
    fn any(taste: Taste) -> impl Strategy<Value = CloudPlan> {
        let window = (select(&[0, -1, -2, -5, -10, -20, -30, 1]), select(&[2, 3, 5, 9, 16, 25, 31]));
        let parts = (
            select(SCENES),
            BookPlan::any(taste),
            vec(second(), 3..=12),
            vec(EventPlan::any(taste), 0..=40),
            window,
            weighted(0.2, 0..12_usize),
        );
        parts.prop_map(|(scene, book, seconds, events, window, as_of)| CloudPlan {
            scene,
            book,
            seconds,
            events,
            window,
            as_of,
        })
    }

    fn write(&self) -> Cloud {
        let landmarks = self.scene.landmarks();
        let second = |(landmark, after): &SecondPlan| landmarks[landmark % landmarks.len()] + after;
        let seconds: Vec<Second> = self.seconds.iter().map(second).collect();
        let from = self.scene.date() + self.window.0.days();
        let start = self.scene.calendar().day_start(from).unwrap();
        // An end before the start makes the window empty: so do few of them.
        let ends: Vec<Second> = seconds.iter().copied().filter(|second| *second > start - 3_600).collect();
        Cloud {
            prices: self.book.write(self.scene.zone, self.scene.date()),
            lines: events::write(&self.events, &seconds),
            from,
            to: self.scene.date() + self.window.1.days(),
            as_of: self.as_of.and_then(|number| ends.get(number).copied()),
        }
    }
}

/// Seconds at, next to, some clock hours from, and anywhere around a landmark.
fn second() -> impl Strategy<Value = SecondPlan> {
    let near = select(&[0, 1, -1, 30, -30, 60, 3_599]);
    let hours = (-30..=30_i64, select(&[0, 0, -1, 1, 1_800, 1_799]));
    let after = prop_oneof![
        near.clone(),
        hours.prop_map(|(hours, seconds)| hours * 3_600 + seconds),
        -2_000_000..=2_000_000_i64,
    ];
    (0..12_usize, after)
}
