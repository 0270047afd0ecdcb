//! What must be true of an installation: the events that count, and what the reference makes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use kopeck_directory::Directory;
use kopeck_ledger::name::Moment;
use kopeck_rating::calendar::Second;
use kopeck_rating::charge::Window;
use kopeck_rating::event::{Envelope, EventType, Value};
use kopeck_rating::money::Amount;
use kopeck_rating::price_book::PriceBook;
use kopeck_reference::{Event, gross};

use super::cast;
use super::cloud::SECOND;
use crate::bank::Outcome;

/// Project, book, component, version and month.
pub type Key = (String, String, String, String, String);
/// Purpose and amount in 10⁻⁶, in the order of a transaction's transfers.
pub type Legs = Vec<(String, i128)>;

/// See the module.
#[derive(Debug, Clone)]
pub struct Truth {
    /// The accepted lines, in the order of the log.
    pub lines: Vec<String>,
    /// What was accepted under each key.
    keys: BTreeMap<(String, String), String>,
    /// From when on everybody is billed.
    since: Second,
    /// The MB that a project was charged for on a local day.
    charged: BTreeMap<(String, Date), i128>,
    /// What clean-ups have charged: project and amount.
    pub clean_ups: Vec<(String, i128)>,
    /// The id of the key or paid role that a hold is for, by the hold's.
    pub rights: BTreeMap<String, String>,
}

/// What is posted when all is settled.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// Services, by what they are summed by.
    pub services: BTreeMap<Key, i128>,
    /// Jobs and calls, by source and id of the event.
    pub jobs: BTreeMap<String, Legs>,
    /// Clean-ups: project and legs, sorted.
    pub clean_ups: Vec<(String, Legs)>,
}

impl Truth {
    /// Of an installation whose projects are billed from an instant on.
    pub fn new(since: Moment) -> Truth {
        Truth {
            lines: Vec::new(),
            keys: BTreeMap::new(),
            since: since.nanoseconds().div_euclid(SECOND),
            charged: BTreeMap::new(),
            clean_ups: Vec::new(),
            rights: BTreeMap::new(),
        }
    }

    /// From when on everybody is billed.
    pub fn begun(&self) -> Moment {
        Moment::from_nanoseconds(self.since * SECOND + SECOND).unwrap_or(Moment::FIRST)
    }

    /// Takes lines that are sent; answers what must become of each.
    pub fn learn(&mut self, lines: &[String]) -> Outcome<Vec<&'static str>> {
        let mut wanted = Vec::new();
        for line in lines {
            let event = Envelope::read(line.as_bytes()).map_err(|refusal| refusal.to_string())?;
            let key = (event.source.to_string(), event.id.to_string());
            wanted.push(match self.keys.get(&key) {
                None => {
                    self.keys.insert(key, line.clone());
                    self.lines.push(line.clone());
                    "accepted"
                }
                Some(known) if known == line => "a duplicate",
                Some(_) => "refused",
            });
        }
        Ok(wanted)
    }

    /// A clean-up at an instant charges what projects keep then, beyond what the local day was charged.
    pub fn clean_up(&mut self, at: Moment, day: Date) -> Outcome<()> {
        let mut latest: BTreeMap<(String, String), (i64, String, i128)> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.contains("\"s3://1\"")) {
            let event = Envelope::read(line.as_bytes()).map_err(|refusal| refusal.to_string())?;
            if event.time > at.nanoseconds() {
                continue;
            }
            let data = kopeck_rating::event::Description::read(EventType::Usage, event.data);
            let data = data.map_err(|refusal| refusal.to_string())?;
            let Some(Value::Number(mb)) = data.attribute("mb") else { continue };
            let bucket = (event.project.to_string(), event.subject.to_string());
            let measured = (event.time, event.id.to_string(), mb.units() / 1_000_000_000);
            let known = latest.entry(bucket).or_insert_with(|| measured.clone());
            if (measured.0, &measured.1) > (known.0, &known.1) {
                *known = measured;
            }
        }
        let mut volumes: BTreeMap<String, i128> = BTreeMap::new();
        for ((project, _), (_, _, mb)) in latest {
            *volumes.entry(project).or_default() += mb;
        }
        for (project, mb) in volumes {
            let charged = self.charged.entry((project.clone(), day)).or_default();
            let grown = (mb - *charged).max(0);
            *charged += grown;
            if grown > 0 {
                self.clean_ups.push((project, grown * cast::MEGABYTE));
            }
        }
        Ok(())
    }

    /// All that is posted when costs before an instant are settled, by the books as they are.
    pub fn posted(&self, directory: &Arc<Directory>, at: Moment) -> Outcome<Posted> {
        let at = at.nanoseconds().div_euclid(SECOND);
        let mut by_book: BTreeMap<String, Vec<&String>> = BTreeMap::new();
        for line in &self.lines {
            let event = Envelope::read(line.as_bytes()).map_err(|refusal| refusal.to_string())?;
            let book = match (&*event.source, &*event.project) {
                ("cloud://g", _) | ("metal://m", "beta") => "deal".to_owned(),
                ("cloud://a" | "cloud://b" | "metal://m", _) => "list".to_owned(),
                ("executor://1", _) => format!("executor-{}", cast::id(cast::EXECUTOR)),
                ("api://1", _) => format!("api-{}", cast::id(0x50)),
                _ => continue,
            };
            by_book.entry(book).or_default().push(line);
        }
        let mut posted = Posted::default();
        for (name, lines) in by_book {
            let book = directory.shelf(&name).and_then(|shelf| shelf.prices());
            let book = book.ok_or_else(|| format!("there is no book {name}"))?;
            if ["list", "deal"].contains(&name.as_str()) {
                self.services(&mut posted, &book, (&lines, at))?;
            } else {
                self.jobs(&mut posted, &book, (&lines, at))?;
            }
        }
        for (project, amount) in &self.clean_ups {
            let mut legs = vec![("storage_payment".to_owned(), *amount)];
            commission(&mut legs, *amount);
            posted.clean_ups.push((project.clone(), legs));
        }
        posted.clean_ups.sort();
        Ok(posted)
    }

    fn services(
        &self,
        posted: &mut Posted,
        book: &PriceBook,
        (lines, at): (&[&String], Second),
    ) -> Outcome<()> {
        let events = read(lines, book)?;
        // What is below zero can not be posted: it is carried until there is more.
        let sums = self.sums(book, (&events, self.since), at)?.into_iter();
        posted.services.extend(sums.filter(|(_, amount)| *amount > 0));
        Ok(())
    }

    /// Each event by itself: their subjects are of their own, so each is rounded alone.
    fn jobs(&self, posted: &mut Posted, book: &PriceBook, (lines, at): (&[&String], Second)) -> Outcome<()> {
        for line in lines {
            let events = read(&[line], book)?;
            let first = events.iter().map(Event::second).max().unwrap_or(self.since);
            if first >= at || first < self.since {
                continue;
            }
            let amount: i128 = self.sums(book, (&events, first), first + 1)?.values().sum();
            let envelope = Envelope::read(line.as_bytes()).map_err(|refusal| refusal.to_string())?;
            let right = envelope.authorisation.as_deref().unwrap_or_default().to_owned();
            if amount > 0
                && let Some(legs) = legs(&envelope.source, self.rights.get(&right).unwrap_or(&right), amount)
            {
                // The reference of its transaction.
                let reference = format!("{} {} {right}", envelope.source, envelope.id);
                posted.jobs.insert(reference.trim_end().to_owned(), legs);
            }
        }
        Ok(())
    }

    /// The charges of the months from the one of a second to the one of an instant.
    fn sums(
        &self,
        book: &PriceBook,
        (events, first): (&[Event], Second),
        at: Second,
    ) -> Outcome<BTreeMap<Key, i128>> {
        let billed = cast::PROJECTS.iter().map(|(project, _)| ((*project).to_owned(), self.since)).collect();
        let local = |second| book.calendar().local(second).map(|local| local.date().first_of_month());
        let first = local(first).map_err(|error| error.to_string())?;
        let last = local(at).map_err(|error| error.to_string())?;
        let mut sums = BTreeMap::new();
        for month in first.series(1.month()).take_while(|month| *month <= last) {
            let window = Window::new(book.calendar(), month, month.saturating_add(1.month()), Some(at));
            let window = window.map_err(|error| error.to_string())?;
            let bill = gross(book, events, window, &billed).map_err(|error| error.to_string())?;
            for charge in bill.charges {
                let key = charge.key;
                let (version, month) = (key.version.to_string(), key.month.to_string());
                let key = (key.project, book.id().to_owned(), key.component, version, month);
                *sums.entry(key).or_insert(0) += micros(charge.amount)?;
            }
        }
        sums.retain(|_, amount| *amount != 0);
        Ok(sums)
    }
}

fn read(lines: &[&String], book: &PriceBook) -> Outcome<Vec<Event>> {
    let read = lines.iter().map(|line| Event::read(line.as_bytes(), book));
    read.collect::<Result<_, _>>().map_err(|refusal| refusal.to_string())
}

fn micros(amount: Amount) -> Outcome<i128> {
    let amount = kopeck_ledger::amount::Amount::try_from(amount).map_err(|_| "an amount is too large")?;
    Ok(amount.micros())
}

/// The transfers of a job or a call. `None` for a call that nobody pays.
fn legs(source: &str, right: &str, amount: i128) -> Option<Legs> {
    let (by_key, by_role) =
        (right == cast::id(cast::KEY).to_string(), right == cast::id(cast::GRANT).to_string());
    if source == "api://1" {
        let mut legs = vec![("api_key_payment".to_owned(), amount)];
        commission(&mut legs, amount);
        // The contract knows calls by key; one by paid role is the same user's to pay.
        return (by_key || by_role).then_some(legs);
    }
    let mut legs = vec![("executor_payment".to_owned(), amount)];
    commission(&mut legs, amount);
    if by_key {
        legs.push(("api_key_payment".to_owned(), amount));
    }
    if by_role {
        legs.push((
            "paid_role_payment".to_owned(),
            half_even(amount * cast::ROLE_COEFFICIENT, 1_000_000_000),
        ));
    }
    Some(legs)
}

/// g − g / k, where that is anything.
fn commission(legs: &mut Legs, gross: i128) {
    let taken = half_even(gross * (cast::COEFFICIENT - 1_000_000_000), cast::COEFFICIENT);
    if taken > 0 {
        legs.push(("commission".to_owned(), taken));
    }
}

/// A quotient, rounded half to even.
fn half_even(dividend: i128, divisor: i128) -> i128 {
    let (below, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let is_up = 2 * rest > divisor || (2 * rest == divisor && below % 2 != 0);
    below + i128::from(is_up)
}
