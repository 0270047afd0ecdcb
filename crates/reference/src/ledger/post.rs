//! Transactions that move money for the first time.

use jiff::civil::date;
use jiff::tz::TimeZoneDatabase;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, HoldId, Moment};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::request::{
    Charge, Deposit, HoldUse, JobUser, PayCall, PayJob, PayStorage, Request, Rest, Right, TRANSFER_LIMIT,
    Transact, Withdraw, Work,
};
use kopeck_rating::number::Number;

use super::accounts::need_actor;
use super::legs::{Leg, commission, priced, reimbursed};
use super::{First, Model};

/// A transaction that is being put together.
struct Draft {
    legs: Vec<Leg>,
    /// Holds, the account that they should be on, and what is needed from them.
    holds: Vec<(HoldUse, AccountId, i128)>,
    /// The payer and project of cost that has accrued.
    accrued: Option<(AccountId, String)>,
    coefficient: Option<Coefficient>,
    volume: Option<((AccountId, String, i32), i128)>,
    may_overdraw_platform: bool,
}

impl Model {
    /// Posts the transaction that a request asks for.
    pub(super) fn post(&mut self, request: &Request) -> Result<(), Refusal> {
        let draft = match &request.work {
            Work::Transact(transact) => self.transact(request, transact)?,
            Work::Deposit(deposit) => self.deposit(request, deposit)?,
            Work::Withdraw(withdraw) => self.withdraw(request, withdraw)?,
            Work::PayJob(job) => self.job(job)?,
            Work::PayCall(call) => self.call(call)?,
            Work::PayService(charge) => self.service(charge)?,
            Work::PayStorage(clean_up) => self.storage(clean_up)?,
            _ => return Err(Refusal::NoMovements),
        };
        let mut after = self.clone();
        let mut from_holds = 0;
        for (used, account, needed) in &draft.holds {
            // Each hold is what it was before the transaction, whatever another part has taken.
            self.on_account(used.hold, *account)?;
            let taken = after.take_from_hold(*used, *needed, draft.accrued.is_some())?;
            // What the first hold covers is not taken from the accrued cost as well.
            if draft.accrued.as_ref().is_some_and(|(payer, _)| payer == account) {
                from_holds += taken;
            }
        }
        if let (Some(key), Some(leading)) = (&draft.accrued, draft.legs.first()) {
            let accrued = after.accrued.entry(key.clone()).or_default();
            *accrued -= (*accrued).min(leading.amount - from_holds);
        }
        if let Some((key, grown)) = &draft.volume {
            *after.volumes.entry(key.clone()).or_default() += grown;
        }
        after.entries.extend(&draft.legs);
        self.affords(&after, &draft.legs, |kind| {
            draft.accrued.is_some() || (draft.may_overdraw_platform && kind == AccountKind::Platform)
        })?;
        let several = draft.legs.len() > 1 && matches!(request.work, Work::Transact(_));
        let first = First {
            request: request.clone(),
            gross: draft.legs.first().filter(|_| !several).map(|leg| leg.amount),
            legs: draft.legs,
            coefficient: draft.coefficient,
            is_reversed: false,
            volume: draft.volume,
        };
        after.firsts.insert(request.id, first);
        *self = after;
        Ok(())
    }

    fn take_from_hold(&mut self, used: HoldUse, needed: i128, is_accrued: bool) -> Result<i128, Refusal> {
        let hold = used.hold;
        let open = self.open_hold(hold)?.clone();
        if needed > open.left && !is_accrued {
            let [left, needed] = [open.left, needed].map(Amount::from_micros);
            return Err(Refusal::HoldExceeded { hold, left, needed });
        }
        let taken = needed.min(open.left);
        let left = if used.rest == Rest::Release { 0 } else { open.left - taken };
        self.holds.retain(|other| other.id != hold);
        if left > 0 {
            self.holds.push(super::Hold { left, ..open });
        }
        Ok(taken)
    }

    fn on_account(&self, hold: HoldId, account: AccountId) -> Result<(), Refusal> {
        match self.open_hold(hold)?.account {
            found if found == account => Ok(()),
            account => Err(Refusal::HoldOfOtherAccount { hold, account }),
        }
    }

    fn transact(&self, request: &Request, transact: &Transact) -> Result<Draft, Refusal> {
        let movements = &transact.movements;
        let of_the_close =
            !movements.is_empty() && movements.iter().all(|movement| is_close(movement.purpose));
        if !of_the_close {
            need_actor(request)?;
        } else if transact.reference.is_none() {
            return Err(Refusal::ReferenceMissing);
        }
        if movements.is_empty() {
            return Err(Refusal::NoMovements);
        }
        if movements.len() > TRANSFER_LIMIT {
            return Err(Refusal::TooManyMovements { movements: movements.len() });
        }
        let mut draft = Draft { may_overdraw_platform: of_the_close, ..Draft::new() };
        for movement in movements {
            self.need(movement.debit)?;
            self.need(movement.credit)?;
            if movement.debit == movement.credit {
                return Err(Refusal::SameAccount { account: movement.debit });
            }
            let purpose = movement.purpose;
            if purpose != Purpose::DirectTransfer && !is_close(purpose) {
                return Err(Refusal::PurposeNotOffered { purpose });
            }
            let (debit, credit, amount) = (movement.debit, movement.credit, movement.amount.micros());
            draft.legs.push(self.checked(Leg { debit, credit, amount, purpose })?);
        }
        if let Some(used) = transact.hold {
            let account = self.open_hold(used.hold)?.account;
            let needed = draft.legs.iter().filter(|leg| leg.debit == account).map(|leg| leg.amount).sum();
            if needed == 0 {
                return Err(Refusal::HoldOfOtherAccount { hold: used.hold, account });
            }
            draft.holds.push((used, account, needed));
        }
        Ok(draft)
    }

    fn deposit(&self, request: &Request, deposit: &Deposit) -> Result<Draft, Refusal> {
        need_actor(request)?;
        self.need(deposit.account)?;
        let workspace = deposit.invoice.as_ref().map(|invoice| invoice.workspace);
        let kind = workspace.map(|workspace| self.need(workspace)).transpose()?.map(|account| account.kind);
        let external = self.single(AccountKind::External, deposit.account)?;
        let (user, amount) = (deposit.account, deposit.amount.micros());
        let mut draft = Draft::new();
        let leg = Leg { debit: external, credit: user, amount, purpose: Purpose::Deposit };
        draft.legs.push(self.checked(leg)?);
        if let (Some(workspace), Some(kind)) = (workspace, kind) {
            if kind != AccountKind::Workspace {
                return Err(Refusal::KindMayNot { kind });
            }
            let leg = Leg { debit: user, credit: workspace, amount, purpose: Purpose::DirectTransfer };
            draft.legs.push(self.checked(leg)?);
        }
        Ok(draft)
    }

    fn withdraw(&self, request: &Request, withdraw: &Withdraw) -> Result<Draft, Refusal> {
        need_actor(request)?;
        let (account, amount) = (withdraw.account, withdraw.amount.micros());
        self.need(account)?;
        let external = self.single(AccountKind::External, account)?;
        if account == external {
            return Err(Refusal::SameAccount { account });
        }
        let mut draft = Draft::new();
        let leg = Leg { debit: account, credit: external, amount, purpose: Purpose::Withdrawal };
        draft.legs.push(self.checked(leg)?);
        draft.holds.extend(withdraw.hold.map(|used| (used, account, amount)));
        Ok(draft)
    }

    fn job(&self, job: &PayJob) -> Result<Draft, Refusal> {
        let charge = &job.charge;
        self.need(charge.payer)?;
        self.need(job.executor)?;
        job.user.map(|user| self.need(user.account)).transpose()?;
        let mut draft = Draft::charged(charge);
        let (payer, amount) = (charge.payer, charge.amount.micros());
        let leg = Leg { debit: payer, credit: job.executor, amount, purpose: Purpose::ExecutorPayment };
        draft.legs.push(self.checked(leg)?);
        self.take_commission(&mut draft, job.executor, amount)?;
        if let Some(user) = job.user {
            let leg = user_leg(user, payer, amount);
            if leg.amount == 0 {
                self.may_pay(leg)?;
            } else {
                draft.legs.push(self.checked(leg)?);
            }
            draft.holds.extend(user.hold.map(|used| (used, user.account, leg.amount)));
        }
        Ok(draft)
    }

    fn call(&self, call: &PayCall) -> Result<Draft, Refusal> {
        let charge = &call.charge;
        self.need(charge.payer)?;
        self.need(call.workspace)?;
        let mut draft = Draft::charged(charge);
        let amount = charge.amount.micros();
        let leg =
            Leg { debit: charge.payer, credit: call.workspace, amount, purpose: Purpose::ApiKeyPayment };
        draft.legs.push(self.checked(leg)?);
        self.take_commission(&mut draft, call.workspace, amount)?;
        Ok(draft)
    }

    fn service(&self, charge: &Charge) -> Result<Draft, Refusal> {
        self.need(charge.payer)?;
        let platform = self.single(AccountKind::Platform, charge.payer)?;
        let mut draft = Draft::charged(charge);
        let amount = charge.amount.micros();
        let leg = Leg { debit: charge.payer, credit: platform, amount, purpose: Purpose::ServicePayment };
        draft.legs.push(self.checked(leg)?);
        Ok(draft)
    }

    fn storage(&self, clean_up: &PayStorage) -> Result<Draft, Refusal> {
        let (payer, storage) = (clean_up.workspace, clean_up.storage);
        let zone = self.need(payer)?.zone.clone();
        self.need(storage)?;
        let leg = Leg { debit: payer, credit: storage, amount: 0, purpose: Purpose::StoragePayment };
        self.may_pay(leg)?;
        for number in [clean_up.price, clean_up.megabytes] {
            if number.is_negative() {
                return Err(Refusal::NumberNegative { number });
            }
        }
        let (at, now) = (clean_up.cleaned_at, self.now);
        if at > now {
            return Err(Refusal::InstantAhead { at, now });
        }
        let project = clean_up.project.as_str().to_owned();
        let day = local_day(at, &zone);
        let same = self
            .volumes
            .iter()
            .filter(|((owner, name, _), volume)| *owner == storage && *name == project && **volume > 0);
        let last = same.map(|((_, _, day), _)| *day).max();
        if last.is_some_and(|last| day < last - 62) {
            return Err(Refusal::StorageDayTooOld);
        }
        let key = (storage, project.clone(), day);
        let charged = self.volumes.get(&key).copied().unwrap_or(0);
        let grown = (clean_up.megabytes.units() - charged).max(0);
        let amount = priced(clean_up.price.units(), grown);
        if amount == 0 {
            let charged = Number::from_units(charged).unwrap_or(Number::ZERO);
            return Err(Refusal::NothingGrown { charged });
        }
        let mut draft = Draft::new();
        draft.volume = Some((key, grown));
        draft.accrued = clean_up.accrued.then_some((payer, project));
        draft.legs.push(self.checked(Leg { amount, ..leg })?);
        self.take_commission(&mut draft, storage, amount)?;
        Ok(draft)
    }

    fn take_commission(&self, draft: &mut Draft, earner: AccountId, gross: i128) -> Result<(), Refusal> {
        let coefficient = self.need(earner)?.coefficient;
        draft.coefficient = Some(coefficient);
        let amount = commission(gross, coefficient);
        if amount > 0 {
            let platform = self.single(AccountKind::Platform, earner)?;
            let leg = Leg { debit: earner, credit: platform, amount, purpose: Purpose::Commission };
            draft.legs.push(self.checked(leg)?);
        }
        Ok(())
    }
}

impl Draft {
    fn new() -> Draft {
        Draft {
            legs: Vec::new(),
            holds: Vec::new(),
            accrued: None,
            coefficient: None,
            volume: None,
            may_overdraw_platform: false,
        }
    }

    fn charged(charge: &Charge) -> Draft {
        let holds = charge.hold.map(|used| (used, charge.payer, charge.amount.micros()));
        let accrued = charge.accrued.then(|| (charge.payer, charge.project.as_str().to_owned()));
        Draft { holds: holds.into_iter().collect(), accrued, ..Draft::new() }
    }
}

/// What the user of a job pays its workspace.
pub(super) fn user_leg(user: JobUser, workspace: AccountId, cost: i128) -> Leg {
    let (amount, purpose) = match user.right {
        Right::ApiKey => (cost, Purpose::ApiKeyPayment),
        Right::PaidRole(coefficient) => (reimbursed(cost, coefficient), Purpose::PaidRolePayment),
    };
    Leg { debit: user.account, credit: workspace, amount, purpose }
}

fn is_close(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Rounding | Purpose::Tax)
}

/// Days from 1970-01-01 to the local date.
fn local_day(at: Moment, zone: &str) -> i32 {
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let local = at.timestamp().to_zoned(zone).date();
    local.since(date(1970, 1, 1)).map_or(0, |span| span.get_days())
}
