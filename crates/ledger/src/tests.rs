//! What ledger.md says of requests, rule by rule.

use crate::account::AccountKind;
use crate::amount::Amount;
use crate::name::{HoldId, TransactionId};
use crate::purpose::{Origin, Purpose};
use crate::refusal::Refusal;
use crate::request::{
    Correct, Deposit, InvoiceOf, JobUser, Movement, PayCall, PayJob, PayStorage, Rest, Reverse, Right,
    Transact, Withdraw, Work,
};
use crate::testing::{World, account, amount, at, charge, coefficient, hold, part_of, text, transfer};
use kopeck_rating::number::Number;

fn job(sum: &str, right: Option<Right>) -> PayJob {
    let user = right.map(|right| JobUser { account: account("bob"), right, hold: None });
    PayJob { charge: charge("workspace", sum), executor: account("executor"), user }
}

fn clean_up(megabytes: &str, cleaned_at: &str) -> PayStorage {
    PayStorage {
        storage: account("storage"),
        workspace: account("workspace"),
        project: text("p"),
        reference: text("clean-up"),
        price: Number::from_json("0.01").unwrap(),
        megabytes: Number::from_json(megabytes).unwrap(),
        cleaned_at: at(cleaned_at),
        accrued: false,
    }
}

fn corrected(transaction: TransactionId, sum: &str) -> Work {
    let (reference, origin) = (None, Origin::Explicit);
    Work::Correct(Correct { transaction, amount: amount(sum), reference, origin, accrued: false })
}

fn reversed(transaction: TransactionId) -> Work {
    Work::Reverse(Reverse { transaction, reference: None, origin: Origin::Explicit })
}

#[test]
fn a_deposit_tops_up_a_user_and_a_withdrawal_takes_it_out() {
    let mut world = World::new();
    world.deposited("ann", "100");
    let withdraw =
        |sum| Withdraw { account: account("ann"), amount: amount(sum), reference: None, hold: None };
    world.done(Work::Withdraw(withdraw("30")));
    assert_eq!(world.shows("ann"), "70 0 0 70");
    assert_eq!(world.shows("external"), "-70 0 0 -70");
    let refusal = world.refused(Work::Withdraw(withdraw("70.000001")));
    assert!(
        refusal.ends_with("has 70.000000 available, 70.000001 are needed: 0.000001 are missing"),
        "{refusal}"
    );
}

#[test]
fn a_deposit_that_names_an_invoice_is_passed_on_in_the_same_transaction() {
    let mut world = World::new();
    let invoice = Some(InvoiceOf { workspace: account("workspace"), number: text("2026-1") });
    let deposit = Deposit { account: account("ann"), amount: amount("100"), reference: None, invoice };
    let id = world.done(Work::Deposit(deposit));
    assert_eq!(world.shows("ann"), "0 0 0 0");
    assert_eq!(world.shows("workspace"), "100 0 0 100");
    world.done(reversed(id));
    assert_eq!(world.shows("workspace"), "0 0 0 0");
}

#[test]
fn an_executor_is_paid_gross_and_the_platform_takes_its_commission_of_it() {
    let mut world = World::new();
    world.funded("200");
    world.done(Work::PayJob(job("32.76", None)));
    assert_eq!(world.shows("executor"), "26.208000 0 0 26.208000");
    world.done(Work::PayJob(job("113.81", None)));
    assert_eq!(world.shows("platform"), "29.314000 0 0 29.314000");
    assert_eq!(world.shows("workspace"), "53.430000 0 0 53.430000");
}

#[test]
fn a_user_of_a_paid_role_reimburses_the_cost_times_the_coefficient() {
    let mut world = World::new();
    world.funded("10");
    world.deposited("bob", "50");
    world.done(Work::PayJob(job("20", Some(Right::PaidRole(coefficient("1.5"))))));
    assert_eq!(world.shows("bob"), "20 0 0 20");
    assert_eq!(world.shows("workspace"), "20 0 0 20");
    world.done(Work::PayJob(job("20", Some(Right::ApiKey))));
    assert_eq!(world.shows("bob"), "0 0 0 0");
    assert_eq!(world.shows("workspace"), "20 0 0 20");
}

#[test]
fn the_price_of_a_call_goes_to_the_workspace_less_commission() {
    let mut world = World::new();
    world.deposited("bob", "5");
    world.done(Work::PayCall(PayCall { charge: charge("bob", "5"), workspace: account("workspace") }));
    assert_eq!(world.shows("workspace"), "4 0 0 4");
    assert_eq!(world.shows("platform"), "1 0 0 1");
}

#[test]
fn cost_that_has_accrued_is_posted_even_where_it_overdraws() {
    let mut world = World::new();
    world.funded("10");
    let accrue = |sum: &str| Work::SetAccrued {
        workspace: account("workspace"),
        project: text("p"),
        amount: amount(sum),
    };
    world.done(accrue("12"));
    assert_eq!(world.shows("workspace"), "10 0 12 -2");
    assert!(world.refused(transfer("workspace", "ann", "1")).contains("3.000000 are missing"));
    let mut service = charge("workspace", "12");
    service.accrued = true;
    world.done(Work::PayService(service));
    assert_eq!(world.shows("workspace"), "-2 0 0 -2");
    assert!(world.refused(Work::PayService(charge("workspace", "1"))).contains("3.000000 are missing"));
}

#[test]
fn a_credit_limit_is_available() {
    let mut world = World::new();
    let limit = |sum| Work::SetCreditLimit { account: account("ann"), limit: amount(sum) };
    world.done(limit("100"));
    world.done(transfer("ann", "bob", "80"));
    assert_eq!(world.shows("ann"), "-80 0 0 20");
    world.done(limit("50"));
    assert_eq!(world.shows("ann"), "-80 0 0 -30");
    assert!(world.refused(transfer("ann", "bob", "1")).contains("31.000000 are missing"));
}

#[test]
fn money_moves_only_where_the_table_says_and_to_the_owner() {
    let mut world = World::new();
    world.funded("10");
    assert!(world.refused(transfer("workspace", "bob", "1")).contains("pays its own owner only"));
    assert_eq!(
        world.refused(transfer("ann", "executor", "1")),
        "direct_transfer may not move money from user to executor"
    );
    assert!(world.refused(transfer("ann", "nobody", "1")).starts_with("there is no account"));
    world.done(transfer("workspace", "ann", "10"));
    assert_eq!(world.shows("ann"), "10 0 0 10");
}

#[test]
fn a_retry_gets_the_first_answer_and_other_content_is_refused() {
    let mut world = World::new();
    world.deposited("ann", "10");
    let mut request = world.request(transfer("ann", "bob", "7"));
    let first = world.send(&request);
    let before = world.ledger.clone();
    assert_eq!(world.send(&request), first);
    request.work = transfer("ann", "bob", "8");
    assert_eq!(world.send(&request), Err(Refusal::IdReusedWithOtherContent { id: request.id }));
    assert_eq!(world.ledger, before);
}

#[test]
fn an_id_refused_for_lack_of_funds_stays_refused() {
    let mut world = World::new();
    let request = world.request(transfer("ann", "bob", "7"));
    let first = world.send(&request);
    assert!(matches!(first, Err(Refusal::InsufficientFunds(_))));
    world.deposited("ann", "10");
    assert_eq!(world.send(&request), first);
    assert_eq!(world.shows("bob"), "0 0 0 0");
}

#[test]
fn a_hold_is_posted_in_parts_and_the_last_part_releases_the_rest() {
    let mut world = World::new();
    world.funded("100");
    let id = world.done(hold("workspace", "60", "2026-10-02T00:00:00Z"));
    assert_eq!(world.shows("workspace"), "100 60 0 40");
    let mut part = job("25", None);
    part.charge.hold = part_of(id, Rest::Keep);
    world.done(Work::PayJob(part.clone()));
    assert_eq!(world.shows("workspace"), "75 35 0 40");
    part.charge.amount = amount("36");
    assert!(world.refused(Work::PayJob(part.clone())).ends_with("has 35.000000 left, 36.000000 are needed"));
    part.charge.amount = amount("15");
    part.charge.hold = part_of(id, Rest::Release);
    world.done(Work::PayJob(part.clone()));
    assert_eq!(world.shows("workspace"), "60 0 0 60");
    assert!(world.refused(Work::PayJob(part)).ends_with("is posted or released already"));
    assert!(world.refused(Work::Release(HoldId(id))).ends_with("is posted or released already"));
}

#[test]
fn a_job_that_exceeds_its_hold_is_posted_whole_where_its_cost_has_accrued() {
    let mut world = World::new();
    world.funded("10");
    let id = world.done(hold("workspace", "10", "2026-10-02T00:00:00Z"));
    let mut ended = job("15", None);
    ended.charge.hold = part_of(id, Rest::Release);
    ended.charge.accrued = true;
    world.done(Work::PayJob(ended));
    assert_eq!(world.shows("workspace"), "-5 0 0 -5");
}

#[test]
fn a_hold_expires_at_its_instant_and_not_when_somebody_looks() {
    let mut world = World::new();
    world.deposited("ann", "10");
    let id = world.done(hold("ann", "10", "2026-10-02T00:00:00Z"));
    world.now = at("2026-10-01T23:59:59.999999999Z");
    assert!(world.refused(transfer("ann", "bob", "1")).contains("1.000000 are missing"));
    world.now = at("2026-10-05T00:00:00Z");
    let request = world.request(transfer("ann", "bob", "10"));
    let expires = at("2026-10-02T00:00:00Z");
    let early = world.ledger.decide(&request, world.now, &world.journal);
    assert_eq!(early.reply, Err(Refusal::HoldsDue { at: expires }));
    world.send(&request).unwrap();
    let expired = &world.journal.records[world.journal.records.len() - 2];
    assert_eq!(expired.at, expires);
    assert!(world.refused(Work::Release(HoldId(id))).ends_with("has expired at 2026-10-02T00:00:00Z"));
}

#[test]
fn a_second_clean_up_on_a_day_charges_only_the_growth() {
    let mut world = World::new();
    world.funded("100");
    world.now = at("2026-10-03T00:00:00Z");
    world.done(Work::PayStorage(clean_up("1000", "2026-10-01T21:00:00Z")));
    assert_eq!(world.shows("storage"), "8 0 0 8");
    world.done(Work::PayStorage(clean_up("1500", "2026-10-02T20:59:59Z")));
    assert_eq!(world.shows("storage"), "12 0 0 12");
    let again = world.refused(Work::PayStorage(clean_up("1400", "2026-10-02T20:00:00Z")));
    assert_eq!(again, "there is nothing to charge: 1500 MB of that day are charged already");
    let next_day = world.done(Work::PayStorage(clean_up("1400", "2026-10-02T21:00:00Z")));
    assert_eq!(world.shows("storage"), "23.200000 0 0 23.200000");
    world.done(reversed(next_day));
    assert_eq!(world.shows("storage"), "12 0 0 12");
    world.done(Work::PayStorage(clean_up("1400", "2026-10-02T21:00:00Z")));
    assert_eq!(world.shows("storage"), "23.200000 0 0 23.200000");
}

#[test]
fn a_correction_moves_the_difference_with_its_commission_and_may_overdraw_a_partner() {
    let mut world = World::new();
    world.funded("100");
    world.deposited("bob", "100");
    let id = world.done(Work::PayJob(job("50", Some(Right::PaidRole(coefficient("1.5"))))));
    world.done(transfer("executor", "ann", "40"));
    world.done(corrected(id, "30"));
    assert_eq!(world.shows("executor"), "-16 0 0 -16");
    assert_eq!(world.shows("platform"), "6 0 0 6");
    assert_eq!(world.shows("bob"), "55 0 0 55");
    assert_eq!(world.shows("workspace"), "115 0 0 115");
    assert!(world.refused(corrected(id, "30")).starts_with("the transaction is about 30.000000 already"));
    world.done(corrected(id, "60"));
    assert_eq!(world.shows("platform"), "12 0 0 12");
    assert_eq!(world.shows("bob"), "10 0 0 10");
    world.done(reversed(id));
    assert_eq!(world.shows("platform"), "0 0 0 0");
    assert_eq!(world.shows("bob"), "100 0 0 100");
    assert_eq!(world.shows("workspace"), "100 0 0 100");
    assert!(world.refused(reversed(id)).ends_with("is reversed already"));
    assert!(world.refused(corrected(id, "1")).ends_with("is reversed already"));
}

#[test]
fn a_reversal_never_overdraws_a_user() {
    let mut world = World::new();
    let id = world.deposited("ann", "10");
    world.done(transfer("ann", "bob", "4"));
    assert!(world.refused(reversed(id)).contains("4.000000 are missing"));
}

#[test]
fn a_reversal_is_not_put_right_itself() {
    let mut world = World::new();
    let id = world.deposited("ann", "10");
    let reversal = world.done(reversed(id));
    assert!(world.refused(reversed(reversal)).contains("name the transaction that first moved the money"));
    let unknown = TransactionId(uuid::Uuid::from_u128(u128::MAX));
    assert!(world.refused(reversed(unknown)).starts_with("there is no transaction"));
}

#[test]
fn a_chain_posts_all_or_nothing_and_its_ids_stay_refused_together() {
    let mut world = World::new();
    world.deposited("ann", "10");
    let good =
        [world.request(transfer("ann", "bob", "10")), world.request(transfer("bob", "workspace", "10"))];
    let first = world.send_chain(&good);
    assert!(first.is_ok());
    assert_eq!(world.send_chain(&good), first);
    assert_eq!(world.shows("workspace"), "10 0 0 10");
    let before = world.ledger.pack();
    let bad = [world.request(transfer("workspace", "ann", "10")), world.request(transfer("bob", "ann", "1"))];
    let refusal = world.send_chain(&bad);
    assert!(matches!(&refusal, Err(Refusal::InChain { id, .. }) if *id == bad[1].id));
    assert_eq!(world.ledger.pack()[crate::pack::HEAD_BYTES..], before[crate::pack::HEAD_BYTES..]);
    world.deposited("bob", "5");
    assert_eq!(world.send_chain(&bad), refusal);
    assert_eq!(world.send(&bad[0]), Err(Refusal::WithChain { by: bad[1].id }));
    let mixed = [good[0].clone(), world.request(transfer("bob", "ann", "1"))];
    assert_eq!(world.send_chain(&mixed), Err(Refusal::ChainPartlyKnown { id: mixed[1].id }));
}

#[test]
fn there_is_one_account_of_the_system_for_each_currency() {
    let mut world = World::new();
    let kind = AccountKind::Platform;
    let mut new = match world.journal.records[0].body.clone() {
        crate::record::Body::Opened { opening, .. } => crate::request::NewAccount {
            id: account("second"),
            kind,
            name: opening.name,
            owner: None,
            currency: opening.currency,
            zone: None,
            credit_limit: Amount::ZERO,
            coefficient: coefficient("1"),
        },
        _ => unreachable!("the first record opens an account"),
    };
    assert!(world.refused(Work::Open(new.clone())).starts_with("RUB has its platform account"));
    new.currency = "USD".parse().unwrap();
    world.done(Work::Open(new.clone()));
    new.id = account("third");
    new.kind = AccountKind::User;
    new.currency = "USD".parse().unwrap();
    world.done(Work::Open(new));
    assert_eq!(world.refused(transfer("ann", "third", "1")), "the accounts are in RUB and USD");
}

#[test]
fn the_close_moves_rounding_and_tax() {
    let mut world = World::new();
    let movement = |debit: &str, credit: &str, sum: &str, purpose| Movement {
        debit: account(debit),
        credit: account(credit),
        amount: amount(sum),
        purpose,
    };
    let movements = vec![
        movement("platform", "tax", "20", Purpose::Tax),
        movement("rounding", "workspace", "0.003", Purpose::Rounding),
    ];
    world.done(Work::Transact(Transact {
        movements,
        project: None,
        reference: Some(text("2026-10")),
        hold: None,
    }));
    assert_eq!(world.shows("platform"), "-20 0 0 -20");
    let asked = movement("ann", "bob", "1", Purpose::PaidRolePayment);
    let transact = Transact { movements: vec![asked], project: None, reference: None, hold: None };
    assert_eq!(world.refused(Work::Transact(transact)), "paid_role_payment can not be asked for directly");
}

#[test]
fn amounts_are_above_zero_and_fit_a_record() {
    let mut world = World::new();
    world.deposited("ann", "18446744073709.551615");
    assert_eq!(world.refused(transfer("ann", "bob", "0")), "the amount is zero");
    assert_eq!(world.refused(transfer("ann", "bob", "-1")), "-1.000000 is below zero");
    assert!(
        world.refused(transfer("ann", "bob", "18446744073709.551616")).starts_with("the amount is above")
    );
    world.done(transfer("ann", "bob", "18446744073709.551615"));
}

#[test]
fn what_is_packed_is_unpacked_the_same() {
    let mut world = World::new();
    world.funded("100");
    world.done(hold("workspace", "7", "2026-10-02T00:00:00Z"));
    world.done(Work::PayStorage(clean_up("1000", "2026-10-01T00:00:00Z")));
    let id = world.done(Work::PayJob(job("5", None)));
    world.done(corrected(id, "4"));
    world.done(Work::SetAccrued { workspace: account("workspace"), project: text("p"), amount: amount("3") });
    let packed = world.ledger.pack();
    assert_eq!(crate::ledger::Ledger::unpack(&packed), Ok(world.ledger.clone()));
    for cut in 0..packed.len() {
        assert!(crate::ledger::Ledger::unpack(&packed[..cut]).is_err(), "{cut}");
    }
    let mut folded = crate::ledger::Ledger::default();
    for record in &world.journal.records {
        folded.apply(record).unwrap();
    }
    assert_eq!(folded.pack(), packed);
}
