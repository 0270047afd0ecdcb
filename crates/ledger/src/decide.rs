//! What becomes of one request: the checks that are not about money, in the order of [`Refusal`], and the body of the
//! record. Nothing is changed.

use crate::account::{AccountKind, Opening};
use crate::amount::Amount;
use crate::books::Books;
use crate::ledger::{Known, OpenHold};
use crate::name::{AccountId, AccountNumber, HoldId, Moment, Text};
use crate::record::{Body, Hold, HoldEnd};
use crate::refusal::{Refusal, Shortage};
use crate::request::{NewAccount, NewHold, Request, Work};
use crate::{post, putting_right, storage};

/// What a request would write at `now`.
pub(crate) fn body(
    books: &impl Books,
    request: &Request,
    now: Moment,
    known: &impl Known,
) -> Result<Body, Refusal> {
    let asked = Asking { books, known, now, actor: request.actor.as_ref() };
    match &request.work {
        Work::Open(new) => asked.open(new),
        Work::SetCreditLimit { account, limit } => {
            asked.needs_actor()?;
            let account = asked.number(*account)?;
            asked.needs_kind(account, |kind| !kind.is_system())?;
            Ok(Body::CreditLimitSet { account, limit: not_negative(*limit)? })
        }
        Work::SetCoefficient { account, coefficient } => {
            asked.needs_actor()?;
            let account = asked.number(*account)?;
            asked.needs_kind(account, AccountKind::has_owner)?;
            Ok(Body::CoefficientSet { account, coefficient: *coefficient })
        }
        Work::SetAccrued { workspace, project, amount } => {
            let workspace = asked.number(*workspace)?;
            asked.needs_kind(workspace, |kind| kind == AccountKind::Workspace)?;
            Ok(Body::AccruedSet { workspace, project: project.clone(), amount: not_negative(*amount)? })
        }
        Work::Transact(transact) => post::transact(&asked, transact).map(Body::Posted),
        Work::Deposit(deposit) => post::deposit(&asked, deposit).map(Body::Posted),
        Work::Withdraw(withdraw) => post::withdraw(&asked, withdraw).map(Body::Posted),
        Work::PayJob(job) => post::job(&asked, job).map(Body::Posted),
        Work::PayCall(call) => post::call(&asked, call).map(Body::Posted),
        Work::PayStorage(clean_up) => post::storage(&asked, clean_up).map(Body::Posted),
        Work::PayService(charge) => post::service(&asked, charge).map(Body::Posted),
        Work::Correct(correct) => putting_right::correct(&asked, correct).map(Body::Posted),
        Work::Reverse(reverse) => putting_right::reverse(&asked, reverse).map(Body::Posted),
        Work::Hold(hold) => asked.hold(request, hold),
        Work::Release(hold) => {
            let open = asked.open_hold(*hold)?;
            Ok(Body::Released(HoldEnd { hold: *hold, account: open.account, amount: open.left }))
        }
    }
}

/// Who asks, when, and what is known then.
pub(crate) struct Asking<'a, B, K> {
    pub(crate) books: &'a B,
    pub(crate) known: &'a K,
    pub(crate) now: Moment,
    pub(crate) actor: Option<&'a Text>,
}

impl<B: Books, K: Known> Asking<'_, B, K> {
    /// Explicit requests say who asks.
    pub(crate) fn needs_actor(&self) -> Result<(), Refusal> {
        self.actor.map(|_| ()).ok_or(Refusal::ActorMissing)
    }

    /// The account of an id.
    pub(crate) fn number(&self, account: AccountId) -> Result<AccountNumber, Refusal> {
        self.books.number(account).ok_or(Refusal::UnknownAccount { account })
    }

    pub(crate) fn needs_kind(
        &self,
        number: AccountNumber,
        may: impl Fn(AccountKind) -> bool,
    ) -> Result<(), Refusal> {
        match self.books.account(number).map(|account| account.opening.kind) {
            Some(kind) if !may(kind) => Err(Refusal::KindMayNot { kind }),
            _ => Ok(()),
        }
    }

    /// A hold that is not resolved, or why there is none.
    pub(crate) fn open_hold(&self, hold: HoldId) -> Result<OpenHold, Refusal> {
        if let Some(open) = self.books.hold(hold) {
            return Ok(open);
        }
        match self.known.record(hold.0).map(|record| record.body) {
            Some(Body::Held(held)) if held.expires <= self.now => {
                Err(Refusal::HoldExpired { hold, expired: held.expires })
            }
            Some(Body::Held(_)) => Err(Refusal::HoldResolved { hold }),
            _ => Err(Refusal::UnknownHold { hold }),
        }
    }

    fn open(&self, new: &NewAccount) -> Result<Body, Refusal> {
        self.needs_actor()?;
        let owner = new.owner.map(|owner| self.number(owner)).transpose()?;
        if self.books.number(new.id).is_some() {
            return Err(Refusal::AccountExists { account: new.id });
        }
        self.single_is_free(new)?;
        let number = u32::try_from(self.books.count()).map_err(|_| Refusal::TooManyAccounts)?;
        self.owner_fits(new, owner)?;
        if storage::local_day(self.now, new.zone.as_ref()).is_none() {
            return Err(Refusal::UnknownZone);
        }
        if new.kind.is_system() && !new.credit_limit.is_zero() {
            return Err(Refusal::KindMayNot { kind: new.kind });
        }
        if let Some(owner) = owner.and_then(|owner| self.books.account(owner))
            && owner.opening.currency != new.currency
        {
            return Err(Refusal::CurrencyMismatch { debit: new.currency, credit: owner.opening.currency });
        }
        let opening = Opening {
            id: new.id,
            number: AccountNumber(number),
            kind: new.kind,
            name: new.name.clone(),
            owner,
            currency: new.currency,
            zone: new.zone.clone(),
        };
        let credit_limit = not_negative(new.credit_limit)?;
        Ok(Body::Opened { opening, credit_limit, coefficient: new.coefficient })
    }

    fn single_is_free(&self, new: &NewAccount) -> Result<(), Refusal> {
        let (kind, currency) = (new.kind, new.currency);
        let taken = self.books.single(kind, currency).and_then(|number| self.books.account(number));
        match taken {
            Some(taken) => Err(Refusal::SingleAccountExists { kind, currency, account: taken.opening.id }),
            None => Ok(()),
        }
    }

    fn owner_fits(&self, new: &NewAccount, owner: Option<AccountNumber>) -> Result<(), Refusal> {
        let kind = new.kind;
        match owner.and_then(|owner| self.books.account(owner)) {
            None if kind.has_owner() => Err(Refusal::OwnerMissing { kind }),
            Some(_) if !kind.has_owner() => Err(Refusal::OwnerNotAllowed { kind }),
            Some(owner) if owner.opening.kind != AccountKind::User => {
                Err(Refusal::OwnerNotUser { owner: owner.opening.id, kind: owner.opening.kind })
            }
            _ => Ok(()),
        }
    }

    fn hold(&self, request: &Request, new: &NewHold) -> Result<Body, Refusal> {
        let number = self.number(new.account)?;
        self.needs_kind(number, |kind| !kind.is_system())?;
        let amount = positive(new.amount)?;
        if new.expires <= self.now {
            return Err(Refusal::ExpiryPassed { expires: new.expires, now: self.now });
        }
        let account = self.books.account(number).ok_or(Refusal::UnknownAccount { account: new.account })?;
        let available = account.available().ok_or(Refusal::Overflow)?;
        let left = available.checked_sub(amount).ok_or(Refusal::Overflow)?;
        if let (true, Some(missing)) = (left.is_negative(), left.checked_neg()) {
            return Err(Shortage { account: new.account, available, needed: amount, missing }.into());
        }
        Ok(Body::Held(Hold {
            id: HoldId(request.id),
            account: number,
            amount,
            expires: new.expires,
            actor: request.actor.clone(),
            project: new.project.clone(),
            reference: new.reference.clone(),
        }))
    }
}

/// An amount that can be moved or held.
pub(crate) fn positive(amount: Amount) -> Result<Amount, Refusal> {
    if amount.is_zero() { Err(Refusal::AmountZero) } else { not_negative(amount) }
}

/// An amount from zero that fits a record.
pub(crate) fn not_negative(amount: Amount) -> Result<Amount, Refusal> {
    if amount.is_negative() {
        return Err(Refusal::AmountNegative { amount });
    }
    if amount > Amount::LARGEST { Err(Refusal::AmountTooLarge) } else { Ok(amount) }
}
