//! The rules: what must be true after every operation, whatever has happened.

use std::collections::BTreeMap;

use kopeck_ledger::account::{Account, AccountKind};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::AccountId;
use kopeck_ledger::record::Reply;
use kopeck_ledger::request::{Request, Work};
use kopeck_ledger::statement::lines;
use kopeck_reference::ledger::Model;
use kopeck_store::sqlite::SqliteStore;
use kopeck_store::{Span, Store};

use crate::bank::{Bank, Outcome, told};
use crate::draw::Draw;

/// Accounts that are read at once: more than any life opens.
const ALL: usize = 10_000;

/// The store is in the state that the reference is in, and that state obeys the invariants.
pub fn state(store: &SqliteStore, model: &Model) -> Outcome<()> {
    let accounts = store.accounts(0, ALL);
    same("accounts", &accounts.len(), &model.accounts().count())?;
    for (account, id) in accounts.iter().zip(model.accounts()) {
        same("account", &account.opening.id, &id)?;
        let expected = model.balance(id);
        let found = [Some(account.posted), Some(account.held), Some(account.accrued), account.available()];
        let wanted = [expected.posted, expected.held, expected.accrued, expected.available].map(Some);
        let what = format!("posted, held, accrued, available of {}", account.opening.name);
        same(&what, &found, &wanted)?;
    }
    let head = store.head().map_err(told("reading the head"))?;
    same("records", &head.sequence.0, &model.records())?;
    holds(store, model)?;
    conserved(&accounts)
}

fn holds(store: &SqliteStore, model: &Model) -> Outcome<()> {
    for (id, left, expires) in model.holds() {
        let open = store.open_hold(id).map(|open| (open.left, open.expires));
        same(&format!("hold {id}"), &open, &Some((left, expires)))?;
    }
    same("the next expiry", &store.next_expiry(), &model.holds().map(|(_, _, expires)| expires).min())?;
    // The sum of what is held is compared per account above; so no other hold is open.
    Ok(())
}

/// No money is made or lost.
fn conserved(accounts: &[Account]) -> Outcome<()> {
    let mut sums = BTreeMap::new();
    for account in accounts {
        *sums.entry(account.opening.currency).or_insert(0_i128) += account.posted.micros();
    }
    match sums.into_iter().find(|(_, sum)| *sum != 0) {
        Some((currency, sum)) => Err(format!("the balances in {currency} sum up to {sum}")),
        None => Ok(()),
    }
}

/// The journal proves.
pub fn verified(store: &SqliteStore) -> Outcome<()> {
    let report = store.verify(&mut |_| {}).map_err(told("verifying"))?;
    match report.problem {
        Some(problem) => Err(format!("verifying finds: {problem}")),
        None => same(
            "proven records",
            &report.records,
            &store.head().map_err(told("reading the head"))?.sequence.0,
        ),
    }
}

/// All that a refusal must leave as it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Picture {
    accounts: Vec<Account>,
    holds: Vec<Option<(Amount, i64)>>,
    accrued: Vec<Vec<(String, Amount)>>,
}

/// What a refusal must leave as it was.
pub fn picture_of(bank: &Bank) -> Outcome<Picture> {
    let (store, model) = (bank.store()?, &bank.model);
    let accounts = store.accounts(0, ALL);
    let hold = |id| store.open_hold(id).map(|open| (open.left, open.expires.nanoseconds()));
    let projects = |id: AccountId| {
        store.accrued(id).into_iter().map(|(project, amount)| (project.to_string(), amount)).collect()
    };
    Ok(Picture {
        holds: model.holds().map(|(id, _, _)| hold(id)).collect(),
        accrued: accounts.iter().map(|account| projects(account.opening.id)).collect(),
        accounts,
    })
}

/// Nobody's available amount has sunk below zero, but by accrued cost, by putting right, by a lower limit, or by the
/// close from the operator's account.
pub fn covered(before: &Model, after: &[Account], requests: &[Request], replies: &[Reply]) -> Outcome<()> {
    let was_done = |place: usize| replies.get(place).or(replies.first()).is_some_and(Result::is_ok);
    let done = requests.iter().enumerate().filter(|(place, _)| was_done(*place)).map(|(_, request)| request);
    if done.clone().any(|request| may_overdraw(&request.work)) {
        return Ok(());
    }
    let is_close = done.into_iter().any(|request| matches!(request.work, Work::Transact(_)));
    for account in after {
        let kind = account.opening.kind;
        let available = account.available().unwrap_or(Amount::ZERO);
        let sank = available.is_negative() && available < before.balance(account.opening.id).available;
        if sank && !kind.is_system() && !(is_close && kind == AccountKind::Platform) {
            return Err(format!("{} was overdrawn: {available} are available", account.opening.name));
        }
    }
    Ok(())
}

fn may_overdraw(work: &Work) -> bool {
    match work {
        Work::SetCreditLimit { .. } | Work::SetAccrued { .. } | Work::Correct(_) | Work::Reverse(_) => true,
        Work::PayJob(job) => job.charge.accrued,
        Work::PayCall(call) => call.charge.accrued,
        Work::PayStorage(storage) => storage.accrued,
        Work::PayService(charge) => charge.accrued,
        _ => false,
    }
}

/// Histories sum up to balances, and old balances are what they were.
pub fn past(bank: &Bank, draw: &mut Draw) -> Outcome<()> {
    let store = bank.store()?;
    let accounts = store.accounts(0, ALL);
    for account in &accounts {
        let (id, number) = (account.opening.id, account.opening.number);
        let history = store.history(id, Span::last(usize::MAX)).map_err(told("reading a history"))?;
        let records = history.ok_or_else(|| format!("{} has no history", account.opening.name))?.records;
        let lines: Vec<_> = records.iter().flat_map(|record| lines(record, number)).collect();
        let sum: i128 = lines.iter().map(|line| line.amount.micros()).sum();
        same("the sum of entries", &sum, &account.posted.micros())?;
        same("the number of entries", &(lines.len() as u64), &account.entries)?;
    }
    let instants: Vec<_> = bank.balances.keys().copied().collect();
    for _ in 0..4 {
        let Some(at) = draw.of(&instants).copied() else { return Ok(()) };
        for account in &accounts {
            let id = account.opening.id;
            let found = store.balance_at(id, at).map_err(told("reading an old balance"))?;
            let then = bank.balances.get(&at).and_then(|all| all.get(&id)).copied().unwrap_or(Amount::ZERO);
            same(&format!("what {} had at {at}", account.opening.name), &found, &Some(then))?;
        }
    }
    Ok(())
}

/// Two things are the same.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Outcome<()> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}:\n    found    {found:?}\n    expected {wanted:?}"))
}
