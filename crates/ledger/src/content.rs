//! What a request says, as bytes that are hashed: two requests are the same if and only if these are.

use crate::bytes::Sink;
use crate::request::{
    Charge, Correct, Deposit, HoldUse, JobUser, NewAccount, NewHold, PayCall, PayJob, PayStorage, Request,
    Reverse, Right, Transact, Withdraw, Work,
};

impl Request {
    /// All but the id.
    pub(crate) fn feed(&self, to: &mut impl Sink) {
        to.maybe_text(self.actor.as_ref());
        match &self.work {
            Work::Open(new) => new.feed(to),
            Work::SetCreditLimit { account, limit } => {
                to.byte(2);
                to.account(*account);
                to.amount(*limit);
            }
            Work::SetCoefficient { account, coefficient } => {
                to.byte(3);
                to.account(*account);
                to.coefficient(*coefficient);
            }
            Work::SetAccrued { workspace, project, amount } => {
                to.byte(4);
                to.account(*workspace);
                to.text(project);
                to.amount(*amount);
            }
            Work::Transact(transact) => transact.feed(to),
            Work::Deposit(deposit) => deposit.feed(to),
            Work::Withdraw(withdraw) => withdraw.feed(to),
            Work::PayJob(job) => job.feed(to),
            Work::PayCall(call) => call.feed(to),
            Work::PayStorage(storage) => storage.feed(to),
            Work::PayService(charge) => {
                to.byte(11);
                charge.feed(to);
            }
            Work::Correct(correct) => correct.feed(to),
            Work::Reverse(reverse) => reverse.feed(to),
            Work::Hold(hold) => hold.feed(to),
            Work::Release(hold) => {
                to.byte(15);
                to.hold(*hold);
            }
        }
    }
}

impl NewAccount {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(1);
        to.account(self.id);
        to.byte(self.kind.code());
        to.text(&self.name);
        to.byte(u8::from(self.owner.is_some()));
        if let Some(owner) = self.owner {
            to.account(owner);
        }
        to.currency(self.currency);
        to.maybe_text(self.zone.as_ref());
        to.amount(self.credit_limit);
        to.coefficient(self.coefficient);
    }
}

impl Transact {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(5);
        to.u64(self.movements.len() as u64);
        for movement in &self.movements {
            to.account(movement.debit);
            to.account(movement.credit);
            to.amount(movement.amount);
            to.byte(movement.purpose.code());
        }
        to.maybe_text(self.project.as_ref());
        to.maybe_text(self.reference.as_ref());
        feed_hold(self.hold, to);
    }
}

impl Deposit {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(6);
        to.account(self.account);
        to.amount(self.amount);
        to.maybe_text(self.reference.as_ref());
        to.maybe_text(self.invoice.as_ref().map(|invoice| &invoice.number));
        if let Some(invoice) = &self.invoice {
            to.account(invoice.workspace);
        }
    }
}

impl Withdraw {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(7);
        to.account(self.account);
        to.amount(self.amount);
        to.maybe_text(self.reference.as_ref());
        feed_hold(self.hold, to);
    }
}

impl Charge {
    fn feed(&self, to: &mut impl Sink) {
        to.account(self.payer);
        to.text(&self.project);
        to.text(&self.reference);
        to.amount(self.amount);
        feed_hold(self.hold, to);
        to.byte(u8::from(self.accrued));
    }
}

impl PayJob {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(8);
        self.charge.feed(to);
        to.account(self.executor);
        to.byte(u8::from(self.user.is_some()));
        if let Some(JobUser { account, right, hold }) = self.user {
            to.account(account);
            match right {
                Right::ApiKey => to.byte(1),
                Right::PaidRole(coefficient) => {
                    to.byte(2);
                    to.coefficient(coefficient);
                }
            }
            feed_hold(hold, to);
        }
    }
}

impl PayCall {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(9);
        self.charge.feed(to);
        to.account(self.workspace);
    }
}

impl PayStorage {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(10);
        to.account(self.storage);
        to.account(self.workspace);
        to.text(&self.project);
        to.text(&self.reference);
        to.i128(self.price.units());
        to.i128(self.megabytes.units());
        to.moment(self.cleaned_at);
        to.byte(u8::from(self.accrued));
    }
}

impl Correct {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(12);
        to.transaction(self.transaction);
        to.amount(self.amount);
        to.maybe_text(self.reference.as_ref());
        to.byte(self.origin.code());
        to.byte(u8::from(self.accrued));
    }
}

impl Reverse {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(13);
        to.transaction(self.transaction);
        to.maybe_text(self.reference.as_ref());
        to.byte(self.origin.code());
    }
}

impl NewHold {
    fn feed(&self, to: &mut impl Sink) {
        to.byte(14);
        to.account(self.account);
        to.amount(self.amount);
        to.moment(self.expires);
        to.maybe_text(self.project.as_ref());
        to.maybe_text(self.reference.as_ref());
    }
}

fn feed_hold(used: Option<HoldUse>, to: &mut impl Sink) {
    match used {
        None => to.byte(0),
        Some(used) => {
            to.byte(used.rest.code());
            to.hold(used.hold);
        }
    }
}
