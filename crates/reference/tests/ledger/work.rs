//! Random work for a ledger: few accounts, small amounts, many retries, reused ids, bad accounts, clock steps.

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, HoldId, Moment, Text, TransactionId};
use kopeck_ledger::purpose::{Origin, Purpose};
use kopeck_ledger::request::{
    Charge, Correct, Deposit, HoldUse, InvoiceOf, JobUser, Movement, NewAccount, NewHold, PayCall, PayJob,
    PayStorage, Request, Rest, Reverse, Right, Transact, Withdraw, Work,
};
use kopeck_rating::number::Number;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

/// What is sent, and when.
#[derive(Debug, Clone)]
pub enum Step {
    One(Request, Moment),
    Chain(Vec<Request>, Moment),
}

/// The accounts, by the numbers in their ids; 0 is nobody's. Owners are users 1 and 2.
const CAST: [(AccountKind, Option<u128>, &str, &str, &str); 16] = [
    (AccountKind::User, None, "RUB", "UTC", "1"),
    (AccountKind::User, None, "RUB", "UTC", "1"),
    (AccountKind::Workspace, Some(1), "RUB", "Europe/Moscow", "1.25"),
    (AccountKind::Workspace, Some(2), "RUB", "America/New_York", "1"),
    (AccountKind::Executor, Some(1), "RUB", "UTC", "1.25"),
    (AccountKind::Executor, Some(2), "RUB", "UTC", "0.5"),
    (AccountKind::Executor, Some(2), "RUB", "UTC", "3"),
    (AccountKind::Storage, Some(2), "RUB", "UTC", "1.1"),
    (AccountKind::Platform, None, "RUB", "UTC", "1"),
    (AccountKind::External, None, "RUB", "UTC", "1"),
    (AccountKind::Rounding, None, "RUB", "UTC", "1"),
    (AccountKind::Tax, None, "RUB", "UTC", "1"),
    (AccountKind::User, None, "USD", "UTC", "1"),
    (AccountKind::Workspace, Some(13), "USD", "UTC", "2"),
    (AccountKind::Executor, Some(13), "USD", "UTC", "2"),
    (AccountKind::External, None, "USD", "UTC", "1"),
];

/// Requests are numbered; the opening ones lie above those that steps use.
const OPENING: u128 = 1_000;

pub fn start() -> Moment {
    Moment::from_nanoseconds(1_790_000_000_000_000_000).unwrap()
}

fn account_of(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(number))
}

fn id_of(number: u128) -> TransactionId {
    TransactionId(Uuid::from_u128(number))
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn asked(id: TransactionId, work: Work) -> Request {
    Request { id, actor: Some(text("operator")), work }
}

/// Opens the accounts, and gives the users some money.
pub fn opening() -> Vec<Request> {
    let mut requests = Vec::new();
    for (number, (kind, owner, currency, zone, coefficient)) in (1..).zip(CAST) {
        let new = NewAccount {
            id: account_of(number),
            kind,
            name: text(&format!("{kind} {number}")),
            owner: owner.map(account_of),
            currency: currency.parse().unwrap(),
            zone: Some(text(zone)),
            credit_limit: Amount::ZERO,
            coefficient: coefficient.parse().unwrap(),
        };
        requests.push(asked(id_of(OPENING + number), Work::Open(new)));
    }
    for (user, workspace) in [(1, Some(3)), (2, Some(4)), (1, None), (2, None), (13, None)] {
        let number = text("2026-0");
        let deposit = Deposit {
            account: account_of(user),
            amount: Amount::from_micros(100_000_000),
            reference: None,
            invoice: workspace.map(|workspace| InvoiceOf { workspace: account_of(workspace), number }),
        };
        requests.push(asked(id_of(OPENING + requests.len() as u128 + 1), Work::Deposit(deposit)));
    }
    requests
}

pub fn is_close(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Rounding | Purpose::Tax)
}

/// An account of one of these numbers; now and then any other, or none.
fn account(usual: &'static [u128]) -> impl Strategy<Value = AccountId> {
    prop_oneof![
        40 => proptest::sample::select(usual).prop_map(account_of),
        1 => (0..18_u128).prop_map(account_of),
    ]
}

const USERS: &[u128] = &[1, 1, 1, 1, 1, 2, 2, 2, 2, 13];
const WORKSPACES: &[u128] = &[3, 3, 3, 3, 3, 3, 4, 4, 4, 14];
const EXECUTORS: &[u128] = &[5, 5, 5, 5, 6, 6, 7, 7, 7, 15];
const STORAGES: &[u128] = &[8];
const PAYERS: &[u128] = &[1, 2, 3, 3, 4];

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        10 => (1..30_i128).prop_map(|units| units * 1_000_000),
        20 => 1..40_000_000_i128,
        6 => 1..10_i128,
        1 => Just(0),
        1 => -5..0_i128,
        1 => (i128::from(u64::MAX) - 1)..(i128::from(u64::MAX) + 2),
    ]
    .prop_map(Amount::from_micros)
}

/// Stands for an id of the past until the steps are put together; see `Past`.
fn earlier() -> impl Strategy<Value = TransactionId> {
    (0..600_u128).prop_map(id_of)
}

fn hold_use() -> impl Strategy<Value = Option<HoldUse>> {
    let rest = prop_oneof![Just(Rest::Keep), Just(Rest::Release)];
    option::weighted(0.4, (earlier(), rest).prop_map(|(id, rest)| HoldUse { hold: HoldId(id), rest }))
}

fn coefficient() -> impl Strategy<Value = Coefficient> {
    let common = proptest::sample::select(vec![0_u64, 1, 500_000_000, 1_000_000_000, 1_250_000_000]);
    prop_oneof![common, 0..10_000_000_000_u64].prop_map(|units| Coefficient::from_units(units).unwrap())
}

fn project() -> impl Strategy<Value = Text> {
    proptest::sample::select(vec!["p", "q"]).prop_map(text)
}

fn note() -> impl Strategy<Value = Option<Text>> {
    option::weighted(0.7, proptest::sample::select(vec!["a", "б", "счёт № 7"]).prop_map(text))
}

fn charge(payers: &'static [u128]) -> impl Strategy<Value = Charge> {
    (account(payers), project(), amount(), hold_use(), proptest::bool::weighted(0.3)).prop_map(
        |(payer, project, amount, hold, accrued)| Charge {
            payer,
            project,
            reference: text("charge"),
            amount,
            hold,
            accrued,
        },
    )
}

fn movement() -> impl Strategy<Value = Movement> {
    let direct =
        (account(&[1, 1, 2, 3, 4, 5, 8]), account(&[1, 1, 2, 2, 3, 3, 4]), Just(Purpose::DirectTransfer));
    let close = (
        account(&[3, 9, 11, 12]),
        account(&[3, 9, 11, 12]),
        prop_oneof![
            10 => Just(Purpose::Rounding),
            10 => Just(Purpose::Tax),
            1 => proptest::sample::select(Purpose::ALL),
        ],
    );
    (prop_oneof![5 => direct.boxed(), 1 => close.boxed()], amount())
        .prop_map(|((debit, credit, purpose), amount)| Movement { debit, credit, amount, purpose })
}

fn transact() -> impl Strategy<Value = Work> {
    let movements = prop_oneof![30 => vec(movement(), 1), 10 => vec(movement(), 1..5), 1 => Just(Vec::new())];
    (movements, option::of(project()), note(), hold_use()).prop_map(
        |(movements, project, reference, hold)| {
            Work::Transact(Transact { movements, project, reference, hold })
        },
    )
}

fn deposit() -> impl Strategy<Value = Work> {
    let invoice = option::weighted(0.4, account(WORKSPACES));
    (account(USERS), amount(), note(), invoice).prop_map(|(account, amount, reference, workspace)| {
        let invoice = workspace.map(|workspace| InvoiceOf { workspace, number: text("2026-1") });
        Work::Deposit(Deposit { account, amount, reference, invoice })
    })
}

fn withdraw() -> impl Strategy<Value = Work> {
    (account(&[1, 2, 9, 13]), amount(), note(), hold_use()).prop_map(|(account, amount, reference, hold)| {
        Work::Withdraw(Withdraw { account, amount, reference, hold })
    })
}

fn pay_job() -> impl Strategy<Value = Work> {
    let right = prop_oneof![Just(Right::ApiKey), coefficient().prop_map(Right::PaidRole)];
    let user = (account(USERS), right, hold_use()).prop_map(|(account, right, hold)| JobUser {
        account,
        right,
        hold,
    });
    (charge(WORKSPACES), account(EXECUTORS), option::of(user))
        .prop_map(|(charge, executor, user)| Work::PayJob(PayJob { charge, executor, user }))
}

fn number(most: i128) -> impl Strategy<Value = Number> {
    prop_oneof![
        30 => 0..most,
        1 => -most..0,
        1 => Just(999_999_999_999_000_000_000),
    ]
    .prop_map(|units| Number::from_units(units).unwrap())
}

fn pay_storage() -> impl Strategy<Value = Work> {
    let cleaned_at = (-200_000..100_000_i64).prop_map(|seconds| {
        Moment::from_nanoseconds(start().nanoseconds() + seconds * 1_000_000_000).unwrap()
    });
    let prices = (number(50_000_000), number(1_000_000_000_000));
    (account(STORAGES), account(WORKSPACES), project(), prices, cleaned_at, any::<bool>()).prop_map(
        |(storage, workspace, project, (price, megabytes), cleaned_at, accrued)| {
            let reference = text("clean-up");
            Work::PayStorage(PayStorage {
                storage,
                workspace,
                project,
                reference,
                price,
                megabytes,
                cleaned_at,
                accrued,
            })
        },
    )
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![Just(Origin::Explicit), Just(Origin::Implicit)]
}

fn putting_right() -> impl Strategy<Value = Work> {
    let correct = (earlier(), amount(), note(), origin(), any::<bool>()).prop_map(
        |(transaction, amount, reference, origin, accrued)| {
            Work::Correct(Correct { transaction, amount, reference, origin, accrued })
        },
    );
    let reverse = (earlier(), note(), origin()).prop_map(|(transaction, reference, origin)| {
        Work::Reverse(Reverse { transaction, reference, origin })
    });
    prop_oneof![3 => correct, 2 => reverse]
}

fn holding() -> impl Strategy<Value = Work> {
    let expires = (-10..400_i64).prop_map(|minutes| {
        Moment::from_nanoseconds(start().nanoseconds() + minutes * 60_000_000_000).unwrap()
    });
    let hold = (account(PAYERS), amount(), expires, option::of(project()), note()).prop_map(
        |(account, amount, expires, project, reference)| {
            Work::Hold(NewHold { account, amount, expires, project, reference })
        },
    );
    prop_oneof![6 => hold, 1 => earlier().prop_map(|id| Work::Release(HoldId(id)))]
}

fn setting() -> impl Strategy<Value = Work> {
    let limit =
        (account(PAYERS), amount()).prop_map(|(account, limit)| Work::SetCreditLimit { account, limit });
    let k = (account(&[3, 4, 5, 8]), coefficient())
        .prop_map(|(account, coefficient)| Work::SetCoefficient { account, coefficient });
    let accrued = (account(WORKSPACES), project(), amount())
        .prop_map(|(workspace, project, amount)| Work::SetAccrued { workspace, project, amount });
    prop_oneof![1 => limit, 2 => k, 6 => accrued]
}

fn open() -> impl Strategy<Value = Work> {
    let kinds = proptest::sample::select(AccountKind::ALL);
    let zone = proptest::sample::select(vec!["Asia/Tokyo", "Mars/Base"]);
    let currency = proptest::sample::select(vec!["RUB", "USD"]);
    (0..20_u128, kinds, option::of(account(USERS)), (currency, zone), amount(), coefficient()).prop_map(
        |(number, kind, owner, (currency, zone), credit_limit, coefficient)| {
            Work::Open(NewAccount {
                id: account_of(number),
                kind,
                name: text("new"),
                owner,
                currency: currency.parse::<Currency>().unwrap(),
                zone: Some(text(zone)),
                credit_limit,
                coefficient,
            })
        },
    )
}

fn work() -> impl Strategy<Value = Work> {
    let call = (charge(USERS), account(WORKSPACES))
        .prop_map(|(charge, workspace)| Work::PayCall(PayCall { charge, workspace }));
    prop_oneof![
        6 => transact(),
        3 => deposit(),
        2 => withdraw(),
        6 => pay_job(),
        2 => call,
        4 => pay_storage(),
        2 => charge(WORKSPACES).prop_map(Work::PayService),
        6 => putting_right(),
        6 => holding(),
        4 => setting(),
        1 => open(),
    ]
}

/// How a step comes by its ids and its time.
#[derive(Debug, Clone)]
enum Sending {
    New,
    /// The id of an earlier request with other content.
    Reused(prop::sample::Index),
    /// An earlier step again.
    Again(prop::sample::Index),
}

fn sending() -> impl Strategy<Value = Sending> {
    prop_oneof![
        16 => Just(Sending::New),
        1 => any::<prop::sample::Index>().prop_map(Sending::Reused),
        2 => any::<prop::sample::Index>().prop_map(Sending::Again),
    ]
}

/// What steps have asked for so far, so that later ones can name it.
#[derive(Default)]
struct Past {
    next: usize,
    holds: Vec<(TransactionId, AccountId)>,
    payments: Vec<TransactionId>,
}

impl Past {
    /// A request for some work, with ids of the past where it stands for them and expiries from `now` on.
    fn request(&mut self, (mut work, actor): (Work, Option<Text>), sending: &Sending, now: i64) -> Request {
        self.point(&mut work, now);
        let number = match sending {
            Sending::Reused(index) if self.next > 0 => index.index(self.next),
            _ => {
                self.next += 1;
                self.next - 1
            }
        };
        let id = id_of(number as u128);
        match &work {
            Work::Hold(hold) => self.holds.push((id, hold.account)),
            Work::Open(_) | Work::SetAccrued { .. } | Work::SetCoefficient { .. } => {}
            _ => self.payments.push(id),
        }
        Request { id, actor, work }
    }

    fn point(&self, work: &mut Work, now: i64) {
        match work {
            Work::Hold(hold) => {
                let from_now = hold.expires.nanoseconds() - start().nanoseconds();
                hold.expires = Moment::from_nanoseconds(now + from_now).unwrap();
            }
            Work::Release(hold) => *hold = self.hold(*hold, None),
            Work::Transact(transact) => {
                let payer = transact.movements.first().map(|movement| movement.debit);
                self.point_hold(&mut transact.hold, payer);
            }
            Work::Withdraw(withdraw) => self.point_hold(&mut withdraw.hold, Some(withdraw.account)),
            Work::PayService(charge) => self.point_hold(&mut charge.hold, Some(charge.payer)),
            Work::PayCall(call) => self.point_hold(&mut call.charge.hold, Some(call.charge.payer)),
            Work::PayJob(job) => {
                self.point_hold(&mut job.charge.hold, Some(job.charge.payer));
                if let Some(user) = &mut job.user {
                    self.point_hold(&mut user.hold, Some(user.account));
                }
            }
            Work::Correct(correct) => self.point_payment(&mut correct.transaction),
            Work::Reverse(reverse) => self.point_payment(&mut reverse.transaction),
            _ => {}
        }
    }

    fn point_hold(&self, used: &mut Option<HoldUse>, payer: Option<AccountId>) {
        if let Some(used) = used {
            used.hold = self.hold(used.hold, payer);
        }
        // No hold, no use: most of what names none could not post.
        if self.holds.iter().all(|(_, account)| Some(*account) != payer) {
            *used = used.filter(|used| used.hold.0.0.as_u128() % 20 == 0);
        }
    }

    /// A hold of the payer, or now and then any; one of the last.
    fn hold(&self, stands_for: HoldId, payer: Option<AccountId>) -> HoldId {
        let number = usize::try_from(stands_for.0.0.as_u128()).unwrap();
        let is_any = payer.is_none() || number.is_multiple_of(10);
        let own = self.holds.iter().filter(|(_, account)| is_any || Some(*account) == payer);
        let own: Vec<_> = own.map(|(id, _)| *id).rev().take(4).collect();
        own.get(number % own.len().max(1)).map_or(stands_for, |id| HoldId(*id))
    }

    fn point_payment(&self, transaction: &mut TransactionId) {
        let number = usize::try_from(transaction.0.as_u128()).unwrap();
        if !self.payments.is_empty() && !number.is_multiple_of(20) {
            *transaction = self.payments[number % self.payments.len()];
        }
    }
}

/// Up to 60 steps. New requests are numbered from 0.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let actor = option::weighted(0.98, Just(text("ann")));
    let works = prop_oneof![
        60 => vec((work(), actor.clone()), 1),
        10 => vec((work(), actor), 1..5),
        1 => Just(Vec::new()),
    ];
    let minutes = prop_oneof![8 => Just(0_i64), 4 => 0..30_i64, 1 => -20..0_i64, 1 => 0..2_000_i64];
    vec((works, any::<bool>(), sending(), minutes), 1..60).prop_map(|drawn| {
        let mut steps: Vec<Step> = Vec::new();
        let (mut past, mut now) = (Past::default(), start().nanoseconds());
        for (works, is_chain, sending, minutes) in drawn {
            now += minutes * 60_000_000_000;
            let at = Moment::from_nanoseconds(now).unwrap();
            if let (Sending::Again(index), false) = (&sending, steps.is_empty()) {
                steps.push(again(&steps[index.index(steps.len())], at));
                continue;
            }
            let is_one = works.len() == 1 && !(is_chain && minutes == 0);
            let requests = works.into_iter().map(|work| past.request(work, &sending, now));
            let requests: Vec<Request> = requests.collect();
            match requests.first() {
                Some(request) if is_one => steps.push(Step::One(request.clone(), at)),
                _ => steps.push(Step::Chain(requests, at)),
            }
        }
        steps
    })
}

fn again(step: &Step, at: Moment) -> Step {
    match step.clone() {
        Step::One(request, _) => Step::One(request, at),
        Step::Chain(members, _) => Step::Chain(members, at),
    }
}
