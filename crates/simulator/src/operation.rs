//! What may happen in the life of a ledger.

use kopeck_ledger::name::Moment;
use kopeck_ledger::request::Request;
use kopeck_store::faults::{Fate, Point};

use crate::draw::Draw;
use crate::past::Past;
use crate::work::{Maker, SECOND};

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Requests are sent, and the disk may fail them.
    Ask(Asking),
    /// Several callers send requests at once.
    Flood(Vec<Vec<Request>>),
    /// The clock moves so many nanoseconds, forwards or back.
    Pass(i64),
    /// The store is closed and opened.
    Reopen,
    /// Histories, old balances and old requests are looked at.
    Look,
    /// A backup is made, and restored elsewhere.
    Backup,
}

/// Requests that are sent together.
#[derive(Debug, Clone)]
pub struct Asking {
    /// What is sent.
    pub requests: Vec<Request>,
    /// All or nothing.
    pub is_chain: bool,
    /// Holds that are due expire before, on their own.
    pub is_settled: bool,
    /// What the disk does.
    pub fault: Option<(Point, Fate)>,
}

impl Operation {
    /// Draws what happens next at an instant, when the next hold expires at another.
    pub fn draw(draw: &mut Draw, past: &mut Past, now: Moment, expiry: Option<Moment>) -> Operation {
        match draw.below(100) {
            0..74 => Operation::Ask(asking(draw, past, now)),
            74..78 => Operation::Flood((0..draw.between(2, 5)).map(|_| batch(draw, past, now)).collect()),
            78..91 => Operation::Pass(to_expiry(draw, now, expiry).unwrap_or_else(|| clock_step(draw))),
            91..95 => Operation::Reopen,
            95..99 => Operation::Look,
            _ => Operation::Backup,
        }
    }
}

fn asking(draw: &mut Draw, past: &mut Past, now: Moment) -> Asking {
    let again = if draw.percent(12) { draw.of(&past.sent).cloned() } else { None };
    let requests = again.unwrap_or_else(|| batch(draw, past, now));
    let fault = fault(draw);
    Asking { is_chain: draw.percent(25), is_settled: draw.percent(50), requests, fault }
}

fn batch(draw: &mut Draw, past: &mut Past, now: Moment) -> Vec<Request> {
    let count = match draw.below(20) {
        0..12 => 1,
        12..19 => draw.between(2, 7),
        _ => draw.between(0, 40),
    };
    let requests: Vec<Request> = (0..count).map(|_| Maker { draw, past, now }.request()).collect();
    past.note(&requests);
    requests
}

fn fault(draw: &mut Draw) -> Option<(Point, Fate)> {
    match draw.below(100) {
        0..6 => Some((draw.pick([Point::Begin, Point::Written]), Fate::Full)),
        6..12 => Some((draw.pick([Point::Begin, Point::Written, Point::Committed]), Fate::Doubt)),
        12..28 => {
            Some((draw.pick([Point::Begin, Point::Written, Point::Committed, Point::Committed]), Fate::Die))
        }
        _ => None,
    }
}

/// Now and then the clock goes to where the next hold expires: to the instant, or just before it.
fn to_expiry(draw: &mut Draw, now: Moment, expiry: Option<Moment>) -> Option<i64> {
    let expiry = expiry.filter(|_| draw.percent(40))?;
    Some(expiry.nanoseconds() - now.nanoseconds() - draw.between(0, 2))
}

fn clock_step(draw: &mut Draw) -> i64 {
    match draw.below(20) {
        0..9 => draw.between(0, 1_000_000_000),
        9..15 => draw.between(1, 3_000) * SECOND,
        15..17 => draw.between(3_000, 40_000) * SECOND,
        17 => draw.between(1, 70) * 86_400 * SECOND,
        _ => -draw.between(1, 7_200) * SECOND,
    }
}
