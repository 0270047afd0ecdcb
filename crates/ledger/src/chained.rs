//! Several requests that post together or not at all.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::apply;
use crate::books::{Books, Draft};
use crate::decide;
use crate::ledger::{Decision, Known, Ledger, retried};
use crate::name::{Moment, Sequence, TransactionId};
use crate::record::{Asked, Body, Outcome, Receipt, Record, Reply};
use crate::refusal::{Lasting, Refusal, Shortage};
use crate::request::{CHAIN_LIMIT, Request};

/// Decides on a chain at `now`, at which nothing is due.
pub(crate) fn decide(ledger: &Ledger, members: &[Request], now: Moment, known: &impl Known) -> Decision {
    if let Err(refusal) = shape(members) {
        return Decision::without_trace(Err(refusal));
    }
    if let Some(reply) = asked_before(members, known) {
        return Decision::without_trace(reply);
    }
    let mut draft = Draft::of(ledger);
    let mut records: SmallVec<[Record; 1]> = SmallVec::new();
    for (place, member) in members.iter().enumerate() {
        let known = KnownInChain { known, earlier: &records };
        match decide::body(&draft, member, now, &known) {
            Ok(body) => {
                let sequence = draft.head().sequence.next();
                let record = record(members, place, sequence, now, body);
                if apply::apply(&mut draft, &record).is_err() {
                    return Decision::without_trace(in_chain(member.id, Refusal::Overflow));
                }
                records.push(record);
            }
            Err(Refusal::InsufficientFunds(shortage)) => {
                return refused(ledger, members, now, (member.id, shortage));
            }
            Err(refusal) => return Decision::without_trace(in_chain(member.id, refusal)),
        }
    }
    let sequence = ledger.head().sequence.next();
    Decision { reply: Ok(Receipt { sequence, at: now }), records }
}

/// What was asked before, and by earlier members of the chain.
struct KnownInChain<'a, K> {
    known: &'a K,
    earlier: &'a [Record],
}

impl<K: Known> KnownInChain<'_, K> {
    fn earlier(&self, id: TransactionId) -> Option<&Record> {
        self.earlier.iter().find(|record| record.asked.is_some_and(|asked| asked.id == id))
    }
}

impl<K: Known> Known for KnownInChain<'_, K> {
    fn outcome(&self, id: TransactionId) -> Option<Outcome> {
        self.earlier(id).map_or_else(|| self.known.outcome(id), Record::outcome)
    }

    fn record(&self, id: TransactionId) -> Option<Record> {
        self.earlier(id).cloned().or_else(|| self.known.record(id))
    }
}

fn shape(members: &[Request]) -> Result<(), Refusal> {
    if members.is_empty() {
        return Err(Refusal::ChainEmpty);
    }
    if members.len() > CHAIN_LIMIT {
        return Err(Refusal::ChainTooLong { members: members.len() });
    }
    let mut ids = BTreeSet::new();
    match members.iter().find(|member| !ids.insert(member.id)) {
        Some(member) => Err(Refusal::IdRepeated { id: member.id }),
        None => Ok(()),
    }
}

/// The answer to a chain of which any member was asked before.
fn asked_before(members: &[Request], known: &impl Known) -> Option<Reply> {
    let mut replies: Vec<Option<Reply>> = Vec::with_capacity(members.len());
    for member in members {
        let outcome = known.outcome(member.id);
        let reply = outcome.map(|outcome| retried(member.id, member.content(), outcome));
        if let Some(Err(refusal @ Refusal::IdReusedWithOtherContent { .. })) = reply {
            return Some(Err(refusal));
        }
        replies.push(reply);
    }
    if replies.iter().all(Option::is_none) {
        return None;
    }
    let new = members.iter().zip(&replies).find(|(_, reply)| reply.is_none());
    if let Some((member, _)) = new {
        return Some(Err(Refusal::ChainPartlyKnown { id: member.id }));
    }
    let of_its_own = |reply: &Reply| !matches!(reply, Err(Refusal::WithChain { .. }) | Ok(_));
    let mut known = members.iter().zip(replies.into_iter().flatten());
    let first = known.clone().next().map(|(_, reply)| reply);
    let refused = known.clone().find(|(_, reply)| of_its_own(reply));
    match refused.or_else(|| known.find(|(_, reply)| reply.is_err())) {
        Some((member, Err(refusal))) => Some(in_chain(member.id, refusal)),
        _ => first,
    }
}

/// Every member stays refused for ever: the one that lacks money for its own sake, the others with it.
fn refused(
    ledger: &Ledger,
    members: &[Request],
    now: Moment,
    (by, shortage): (TransactionId, Shortage),
) -> Decision {
    let mut sequence = ledger.head().sequence;
    let mut records = SmallVec::new();
    for (place, member) in members.iter().enumerate() {
        sequence = sequence.next();
        let lasting =
            if member.id == by { Lasting::InsufficientFunds(shortage) } else { Lasting::WithChain { by } };
        records.push(record(members, place, sequence, now, Body::Refused(lasting)));
    }
    Decision { reply: in_chain(by, Refusal::InsufficientFunds(shortage)), records }
}

fn record(members: &[Request], place: usize, sequence: Sequence, at: Moment, body: Body) -> Record {
    let member = &members[place];
    let asked = Some(Asked { id: member.id, content: member.content() });
    Record { sequence, at, linked: place + 1 < members.len(), asked, body }
}

fn in_chain(id: TransactionId, refusal: Refusal) -> Reply {
    Err(Refusal::InChain { id, refusal: Box::new(refusal) })
}
