//! Opening accounts, and what is said of them.

use jiff::tz::TimeZoneDatabase;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::AccountId;
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::request::{NewAccount, Request};

use super::{Account, Model, is_system, not_negative};

impl Model {
    pub(super) fn open(&mut self, request: &Request, new: &NewAccount) -> Result<(), Refusal> {
        need_actor(request)?;
        let owner = new.owner.map(|owner| self.need(owner)).transpose()?;
        if self.account(new.id).is_some() {
            return Err(Refusal::AccountExists { account: new.id });
        }
        let (kind, currency) = (new.kind, new.currency);
        if kind == AccountKind::Platform || is_system(kind) {
            let same = |account: &&Account| account.kind == kind && account.currency == currency;
            if let Some(taken) = self.accounts.iter().find(same) {
                return Err(Refusal::SingleAccountExists { kind, currency, account: taken.id });
            }
        }
        let belongs = [AccountKind::Workspace, AccountKind::Storage, AccountKind::Executor].contains(&kind);
        match owner {
            None if belongs => return Err(Refusal::OwnerMissing { kind }),
            Some(_) if !belongs => return Err(Refusal::OwnerNotAllowed { kind }),
            Some(owner) if owner.kind != AccountKind::User => {
                return Err(Refusal::OwnerNotUser { owner: owner.id, kind: owner.kind });
            }
            _ => {}
        }
        let zone = new.zone.as_ref().map_or("UTC", |zone| zone.as_str()).to_owned();
        if TimeZoneDatabase::bundled().get(&zone).is_err() {
            return Err(Refusal::UnknownZone);
        }
        if is_system(kind) && new.credit_limit.micros() != 0 {
            return Err(Refusal::KindMayNot { kind });
        }
        if let Some(owner) = owner.filter(|owner| owner.currency != currency) {
            return Err(Refusal::CurrencyMismatch { debit: currency, credit: owner.currency });
        }
        let limit = not_negative(new.credit_limit)?;
        let coefficient = new.coefficient;
        let owner = new.owner;
        self.accounts.push(Account { id: new.id, kind, owner, currency, zone, limit, coefficient });
        Ok(())
    }

    pub(super) fn set_limit(
        &mut self,
        request: &Request,
        id: AccountId,
        limit: Amount,
    ) -> Result<(), Refusal> {
        need_actor(request)?;
        let kind = self.need(id)?.kind;
        if is_system(kind) {
            return Err(Refusal::KindMayNot { kind });
        }
        let limit = not_negative(limit)?;
        self.change(id, |account| account.limit = limit);
        Ok(())
    }

    pub(super) fn set_coefficient(
        &mut self,
        request: &Request,
        id: AccountId,
        coefficient: Coefficient,
    ) -> Result<(), Refusal> {
        need_actor(request)?;
        let account = self.need(id)?;
        if account.owner.is_none() {
            return Err(Refusal::KindMayNot { kind: account.kind });
        }
        self.change(id, |account| account.coefficient = coefficient);
        Ok(())
    }

    pub(super) fn set_accrued(
        &mut self,
        workspace: AccountId,
        project: &str,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let kind = self.need(workspace)?.kind;
        if kind != AccountKind::Workspace {
            return Err(Refusal::KindMayNot { kind });
        }
        let amount = not_negative(amount)?;
        self.accrued.insert((workspace, project.to_owned()), amount);
        Ok(())
    }

    fn change(&mut self, id: AccountId, change: impl Fn(&mut Account)) {
        self.accounts.iter_mut().filter(|account| account.id == id).for_each(change);
    }
}

pub(super) fn need_actor(request: &Request) -> Result<(), Refusal> {
    if request.actor.is_some() { Ok(()) } else { Err(Refusal::ActorMissing) }
}
