//! What may happen to an installation; done again after a crash or on a disk that is well again, it changes nothing twice.

use std::fmt;

use kopeck_directory::act::{Act, ExecutorPrices, NewPrices, OwnPrices};
use kopeck_directory::entity::Emitter;
use kopeck_directory::name::{BookId, ExecutorId, StorageId};
use kopeck_ledger::name::Moment;
use kopeck_ledger::record::Reply;
use kopeck_ledger::request::{Request, Work};
use kopeck_store::Store;
use kopeck_store::events::Outcome as Fate;
use uuid::Uuid;

use super::cast;
use super::site::{Site, failed, wait};
use crate::bank::{Outcome, told};

/// See the module.
pub enum Operation {
    /// Events come.
    Send(Vec<String>),
    /// Time passes, and all is done that is due until then.
    Pass(Moment),
    /// The machine's clock is set back, events come, and time passes until it is later than ever.
    Back(Moment, Vec<String>, Moment),
    /// The machine slept until then, and events come before it does what was due meanwhile.
    Wake(Moment, Vec<String>),
    /// The storage's owner starts a clean-up.
    CleanUp(Uuid),
    /// Money comes in, goes out, is set aside, given back or paid from what was set aside.
    Ask(Request),
    /// The operator announces a version of the list prices.
    Announce(String),
    /// The executor's owner has other prices from the first day on that the notice allows.
    Reprice(ExecutorPrices),
    /// The server is stopped and started again.
    Restart,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |lines: &[String]| lines.join("\n    ");
        match self {
            Operation::Send(lines) => write!(f, "Send:\n    {}", list(lines)),
            Operation::Pass(to) => write!(f, "Pass to {to}"),
            Operation::Back(at, lines, to) => {
                write!(f, "Back to {at}, then send:\n    {}\n    and pass to {to}", list(lines))
            }
            Operation::Wake(to, lines) => write!(f, "Wake at {to}, and send:\n    {}", list(lines)),
            Operation::CleanUp(id) => write!(f, "CleanUp {id}"),
            Operation::Ask(request) => write!(f, "Ask {request:?}"),
            Operation::Announce(text) => write!(f, "Announce {text}"),
            Operation::Reprice(prices) => write!(f, "Reprice {prices:?}"),
            Operation::Restart => f.write_str("Restart"),
        }
    }
}

/// What was answered.
#[derive(Debug)]
pub enum Answer {
    /// What became of events.
    Events(Vec<Option<Fate>>),
    /// What the ledger made of a request.
    Reply(Box<Reply>),
    /// That it is done.
    Done,
    /// That it is not, or not known to be, in words.
    Failed(String),
}

impl Operation {
    /// The events that it sends.
    pub fn lines(&self) -> &[String] {
        match self {
            Operation::Send(lines) | Operation::Back(_, lines, _) | Operation::Wake(_, lines) => lines,
            _ => &[],
        }
    }

    /// The instant to which it lets time pass.
    pub fn passes_to(&self) -> Option<Moment> {
        match self {
            Operation::Pass(to) | Operation::Back(_, _, to) | Operation::Wake(to, _) => Some(*to),
            _ => None,
        }
    }

    /// The hold that it makes.
    pub fn hold(&self) -> Option<&kopeck_ledger::request::NewHold> {
        match self {
            Operation::Ask(Request { work: Work::Hold(hold), .. }) => Some(hold),
            _ => None,
        }
    }

    /// Does it. What was answered first, and what came of the rest of it.
    pub fn perform(&self, site: &Site) -> Outcome<(Answer, Outcome<()>)> {
        Ok(match self {
            Operation::Send(lines) => (sent(site, lines)?, site.settle()),
            Operation::Pass(to) => (Answer::Done, site.advance(*to)),
            Operation::Back(at, lines, to) => {
                site.set_clock(*at);
                let answer = sent(site, lines)?;
                let rest = going_on(&answer).and_then(|()| site.settle()).and_then(|()| site.advance(*to));
                (answer, rest)
            }
            Operation::Wake(to, lines) => {
                site.set_clock(*to);
                let answer = sent(site, lines)?;
                let rest = going_on(&answer).and_then(|()| site.advance(*to));
                (answer, rest)
            }
            Operation::CleanUp(id) => {
                let storage = StorageId(cast::id(cast::STORAGE));
                let cleaned = wait(site.metering()?.clean_up(storage, *id)).map_err(failed("cleaning up"));
                (Answer::Done, cleaned.map(drop))
            }
            Operation::Ask(request) => match site.ledger.perform(vec![request.clone()]) {
                Ok(mut replies) => (Answer::Reply(Box::new(replies.remove(0))), Ok(())),
                Err(error) => failing(told("asking the ledger")(error)),
            },
            Operation::Announce(text) => {
                let book = BookId::new("list").map_err(|error| error.to_string())?;
                (Answer::Done, site.act(&[Act::AnnounceVersion { book, text: text.clone() }]))
            }
            Operation::Reprice(prices) => {
                let emitter = Emitter::Executor(ExecutorId(cast::id(cast::EXECUTOR)));
                let prices = OwnPrices::Executor(*prices);
                let act = Act::SetPrices(NewPrices { emitter, prices, effective: None });
                (Answer::Done, site.act(&[act]))
            }
            Operation::Restart => (Answer::Done, Ok(())),
        })
    }
}

fn sent(site: &Site, lines: &[String]) -> Outcome<Answer> {
    Ok(match site.send(lines)? {
        Ok(fates) => Answer::Events(fates),
        Err(error) => Answer::Failed(told("sending events")(error)),
    })
}

/// No more time passes before events are in that were to come first.
fn going_on(answer: &Answer) -> Outcome<()> {
    match answer {
        Answer::Failed(words) => Err(words.clone()),
        _ => Ok(()),
    }
}

fn failing(words: String) -> (Answer, Outcome<()>) {
    (Answer::Failed(words.clone()), Err(words))
}
