//! The rules of an installation: the ledger has what the reference says and nothing else, and all three stores prove.

use std::collections::BTreeMap;

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::name::{AccountNumber, Sequence};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::record::{Body, Transaction};
use kopeck_store::events::EventReader;
use kopeck_store::events::Outcome as Fate;
use kopeck_store::{DirectoryStore, EventLog, Store};

use super::operation::{Answer, Operation};
use super::site::Site;
use super::truth::{Key, Legs, Posted, Truth};
use crate::bank::{Outcome, told};
use crate::judge::same;

/// Everything that was posted is what the reference says for the accepted events, once.
pub fn settled(site: &Site, wanted: &Posted) -> Outcome<()> {
    let found = found(site)?;
    differences("a service", &found.services, &wanted.services)?;
    differences("a job", &found.jobs, &wanted.jobs)?;
    same("clean-ups", &found.clean_ups, &wanted.clean_ups)
}

/// What the reference says for the accepted events as of now.
pub fn wanted(site: &Site, truth: &Truth) -> Outcome<Posted> {
    truth.posted(&site.directory.snapshot(), site.now())
}

/// What became of events is what the contract says.
pub fn answered(lines: &[String], fates: &[Option<Fate>], wanted: &[&'static str]) -> Outcome<()> {
    same("answers to events", &fates.len(), &lines.len())?;
    for ((line, fate), wanted) in lines.iter().zip(fates).zip(wanted) {
        let found = match fate {
            None => return Err(format!("an event was rejected: {line}")),
            Some(Fate::Accepted(_)) => "accepted",
            Some(Fate::Duplicate) => "a duplicate",
            Some(Fate::OtherContent) => "refused",
        };
        same(&format!("what became of {line}"), &found, wanted)?;
    }
    Ok(())
}

/// What was answered on a failing disk is so: what was acknowledged is stored, and nothing is stored of what was said not
/// to be. `is_full` says that the disk tells whether it has written.
pub fn honest(
    site: &Site,
    (operation, answer, is_full): (&Operation, &Answer, bool),
    (before, after): (&[String], &[String]),
) -> Outcome<()> {
    let lines = site.lines()?;
    match answer {
        Answer::Events(_) => {
            differences("an event that was acknowledged", &numbered(&lines), &numbered(after))?;
        }
        Answer::Failed(_) if is_full || lines.len() == before.len() => {
            differences("an event that was not written", &numbered(&lines), &numbered(before))?;
        }
        Answer::Failed(_) => differences("an event in doubt", &numbered(&lines), &numbered(after))?,
        _ => {}
    }
    let Operation::Ask(request) = operation else { return Ok(()) };
    let record = site.ledger.record(request.id).map_err(told("looking for a request"))?;
    match answer {
        // Most refusals leave nothing behind.
        Answer::Reply(reply) if reply.is_err() => Ok(()),
        Answer::Reply(_) => same("whether an answered request is in the journal", &record.is_some(), &true),
        _ if is_full => same("whether a request that was not written is", &record.is_some(), &false),
        _ => Ok(()),
    }
}

/// The log has these lines.
pub fn logged(site: &Site, lines: &[String]) -> Outcome<()> {
    differences("an event", &numbered(&site.lines()?), &numbered(lines))
}

fn numbered(lines: &[String]) -> BTreeMap<usize, &String> {
    lines.iter().enumerate().collect()
}

/// Tells the first thing that differs, and no more.
fn differences<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
) -> Outcome<()> {
    for key in wanted.keys().chain(found.keys()) {
        same(&format!("{what}, {key:?}"), &found.get(key), &wanted.get(key))?;
    }
    Ok(())
}

/// The journal of the ledger, the event log and the acts prove, and no money is made or lost.
pub fn verified(site: &Site) -> Outcome<()> {
    let ledger = site.ledger.verify(&mut |_| {}).map_err(told("verifying the ledger"))?;
    same("the ledger's problem", &ledger.problem, &None)?;
    let events = site.log.verify(&mut |_| {}).map_err(told("verifying the event log"))?;
    same("the event log's problem", &events.problem, &None)?;
    same("the events that are proven", &events.events, &site.log.end().0)?;
    let acts = site.directory.verify(&mut |_| {}).map_err(told("verifying the directory"))?;
    same("the directory's problem", &acts.problem, &None)?;
    let sum: i128 = site.ledger.accounts(0, usize::MAX).iter().map(|account| account.posted.micros()).sum();
    same("the sum of all balances", &sum, &0)
}

/// What the ledger's journal says was posted.
fn found(site: &Site) -> Outcome<Posted> {
    let accounts = site.ledger.accounts(0, usize::MAX);
    let kinds: BTreeMap<AccountNumber, AccountKind> =
        accounts.iter().map(|account| (account.opening.number, account.opening.kind)).collect();
    let mut posted = Posted::default();
    let mut problem = Ok(());
    let mut note = |record: kopeck_ledger::record::Record| {
        let noted = match &record.body {
            Body::Posted(transaction) => note(&mut posted, transaction, &kinds),
            // What people ask for may be refused; what settling asks for may not.
            Body::Refused(why) if is_of_settling(&record) => {
                Err(format!("the ledger has refused for ever: {why:?}"))
            }
            _ => Ok(()),
        };
        if noted.is_err() {
            problem = noted;
        }
        Ok(problem.is_ok())
    };
    site.ledger.records(Sequence(1), &mut note).map_err(told("reading the journal"))?;
    problem?;
    posted.services.retain(|_, amount| *amount != 0);
    posted.clean_ups.sort();
    Ok(posted)
}

/// Whether a request was made by settling: ids of its own have version 8.
fn is_of_settling(record: &kopeck_ledger::record::Record) -> bool {
    record.asked.is_some_and(|asked| asked.id.0.get_version_num() == 8)
}

fn note(
    posted: &mut Posted,
    transaction: &Transaction,
    kinds: &BTreeMap<AccountNumber, AccountKind>,
) -> Outcome<()> {
    let reference = transaction.reference.as_ref().map_or("", |reference| reference.as_str());
    let project = transaction.project.as_ref().map_or("", |project| project.as_str());
    let legs: Legs =
        transaction.transfers.iter().map(|leg| (leg.purpose.to_string(), leg.amount.micros())).collect();
    let first = transaction.transfers[0].purpose;
    match first {
        Purpose::Deposit | Purpose::Withdrawal | Purpose::DirectTransfer => Ok(()),
        Purpose::ServicePayment | Purpose::Correction => {
            let is_workspace = |number| kinds.get(&number) == Some(&AccountKind::Workspace);
            for leg in &transaction.transfers {
                let paid = i128::from(is_workspace(leg.debit)) - i128::from(is_workspace(leg.credit));
                *posted.services.entry(key(project, reference)?).or_default() += paid * leg.amount.micros();
            }
            Ok(())
        }
        Purpose::StoragePayment => {
            posted.clean_ups.push((project.to_owned(), legs));
            Ok(())
        }
        _ => match posted.jobs.insert(reference.to_owned(), legs) {
            None => Ok(()),
            Some(before) => Err(format!("{reference} is paid twice, first by {before:?}")),
        },
    }
}

/// What a service's posting belongs to, by its reference: book, component, version, month, and the step.
fn key(project: &str, reference: &str) -> Outcome<Key> {
    let words: Vec<&str> = reference.split(' ').collect();
    let [book, component, version, month, "step", _] = words.as_slice() else {
        return Err(format!("a posting for {reference:?}, which is no charge"));
    };
    let [book, component, version, month] = [book, component, version, month].map(|word| (*word).to_owned());
    Ok((project.to_owned(), book, component, version, month))
}
