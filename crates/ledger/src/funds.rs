//! Whether the money is there: what a transaction would do to each account, and whom it may overdraw.

use smallvec::SmallVec;

use crate::account::{Account, AccountKind};
use crate::amount::Amount;
use crate::books::Books;
use crate::name::AccountNumber;
use crate::record::{Transaction, Transfer};
use crate::refusal::{Refusal, Shortage};

/// What the transfers of a transaction do to one account.
struct Effect {
    number: AccountNumber,
    /// The sum of its credits less the sum of its debits.
    net: Amount,
    is_debited: bool,
}

/// Whom a transaction may leave below zero, the system's accounts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leeway {
    /// Nobody.
    Nobody,
    /// Everybody: the cost has accrued already.
    Everybody,
    /// Who earned by the transaction that is put right: partners and the operator.
    Partners,
    /// Those, and the workspace that was paid by its users.
    PartnersAndWorkspace,
    /// The operator, who owes the tax.
    Operator,
}

impl Leeway {
    /// Whether accounts of that kind may be overdrawn.
    pub(crate) fn allows(self, kind: AccountKind) -> bool {
        let is_operator = kind == AccountKind::Platform;
        match self {
            Leeway::Nobody => kind.is_system(),
            Leeway::Everybody => true,
            Leeway::Partners => kind.is_system() || kind.is_partner() || is_operator,
            Leeway::PartnersAndWorkspace => Leeway::Partners.allows(kind) || kind == AccountKind::Workspace,
            Leeway::Operator => kind.is_system() || is_operator,
        }
    }
}

/// Refuses a transaction that would leave `available` of a debited account below zero and lower than before.
///
/// Accounts are looked at in the order in which they are debited first. What the transaction takes from an account's
/// holds and accrued cost is free for it.
pub(crate) fn check(books: &impl Books, transaction: &Transaction, leeway: Leeway) -> Result<(), Refusal> {
    for effect in effects(&transaction.transfers)? {
        let Some(account) = books.account(effect.number) else { continue };
        let freed = freed(transaction, effect.number).ok_or(Refusal::Overflow)?;
        // Whatever the leeway, the new balance must fit.
        let change = effect.net.checked_add(freed).ok_or(Refusal::Overflow)?;
        let before = account.available().ok_or(Refusal::Overflow)?;
        let after = before.checked_add(change).ok_or(Refusal::Overflow)?;
        if effect.is_debited && after.is_negative() && change.is_negative() && !may(leeway, account) {
            return Err(shortage(account, before, after).unwrap_or(Refusal::Overflow));
        }
    }
    Ok(())
}

fn may(leeway: Leeway, account: &Account) -> bool {
    leeway.allows(account.opening.kind)
}

fn shortage(account: &Account, available: Amount, after: Amount) -> Option<Refusal> {
    let needed = available.checked_sub(after)?;
    let missing = after.checked_neg()?;
    Some(Refusal::InsufficientFunds(Shortage { account: account.opening.id, available, needed, missing }))
}

/// What comes back to an account's `available` from its holds and its accrued cost.
fn freed(transaction: &Transaction, number: AccountNumber) -> Option<Amount> {
    let own = transaction.holds.iter().filter(|part| part.account == number);
    let held =
        own.flat_map(|part| [part.taken, part.released]).try_fold(Amount::ZERO, Amount::checked_add)?;
    match (transaction.accrued, transaction.transfers.first()) {
        (Some(accrued), Some(first)) if first.debit == number => held.checked_add(accrued),
        _ => Some(held),
    }
}

fn effects(transfers: &[Transfer]) -> Result<SmallVec<[Effect; 4]>, Refusal> {
    let mut effects = SmallVec::new();
    for transfer in transfers {
        let lost = transfer.amount.checked_neg().ok_or(Refusal::Overflow)?;
        note(&mut effects, transfer.debit, lost, true)?;
        note(&mut effects, transfer.credit, transfer.amount, false)?;
    }
    // An account that is credited first and debited later is looked at where it is debited.
    effects.sort_by_key(|effect: &Effect| first_debit(transfers, effect.number));
    Ok(effects)
}

fn first_debit(transfers: &[Transfer], number: AccountNumber) -> usize {
    transfers.iter().position(|transfer| transfer.debit == number).unwrap_or(usize::MAX)
}

fn note(
    effects: &mut SmallVec<[Effect; 4]>,
    number: AccountNumber,
    change: Amount,
    is_debited: bool,
) -> Result<(), Refusal> {
    match effects.iter_mut().find(|effect| effect.number == number) {
        Some(effect) => {
            effect.net = effect.net.checked_add(change).ok_or(Refusal::Overflow)?;
            effect.is_debited |= is_debited;
        }
        None => effects.push(Effect { number, net: change, is_debited }),
    }
    Ok(())
}
