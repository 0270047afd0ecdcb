//! Who there is in an installation: two payers, a partner, a customer, their projects, and what prices them.

use std::collections::BTreeSet;

use jiff::civil::{Date, time};
use kopeck_directory::access::{Actor, Principal};
use kopeck_directory::act::{
    Act, Assignment, ExecutorPrices, NewApi, NewContract, NewExecutor, NewProject, NewRole, NewStorage,
    NewUser, NewWorkspace, ProviderTerms,
};
use kopeck_directory::entity::{
    InstallationRole, KeyLimits, Pattern, PlanLimits, PlanTerms, RoleEntry, RoleTerms,
};
use kopeck_directory::name::{
    ApiId, BookId, ExecutorId, GrantId, KeyId, PlanId, ProjectId, ProviderId, RoleId, StorageId, UserId,
    WorkspaceId,
};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, Currency, HoldId, Text, TransactionId};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::request::{Deposit, HoldUse, Movement, Request, Rest, Transact, Work};
use uuid::Uuid;

/// Who pays for the projects `acme` and `beta`.
pub const PAYER: u128 = 0x1;
/// Who owns the executor and the storage.
pub const PARTNER: u128 = 0x2;
/// Who pays for the project `gamma`.
pub const OTHER: u128 = 0x4;
/// Who works by key and by paid role.
pub const CUSTOMER: u128 = 0x5;
/// The workspace of [`PAYER`].
pub const WORKSPACE: u128 = 0x11;
/// The workspace of [`OTHER`].
pub const OTHER_WORKSPACE: u128 = 0x14;
/// The executor.
pub const EXECUTOR: u128 = 0x30;
/// The storage.
pub const STORAGE: u128 = 0x40;
/// The customer's key to the API of `acme`.
pub const KEY: u128 = 0x51;
/// The customer's paid role in `acme`.
pub const GRANT: u128 = 0x61;
/// The coefficient of the paid role, in 10⁻⁹.
pub const ROLE_COEFFICIENT: i128 = 1_500_000_000;
/// The coefficient of the plan that the payer and the partner have, in 10⁻⁹.
pub const COEFFICIENT: i128 = 1_250_000_000;
/// The storage's price for a MB, in 10⁻⁶.
pub const MEGABYTE: i128 = 95_000;
/// The local hour of the storage's clean-up.
pub const CLEAN_UP_HOUR: i8 = 2;
/// The projects, each with its workspace.
pub const PROJECTS: [(&str, u128); 3] =
    [("acme", WORKSPACE), ("beta", WORKSPACE), ("gamma", OTHER_WORKSPACE)];

/// An id of a small number.
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A text that is one.
pub fn text(words: &str) -> Text {
    Text::new(words).unwrap()
}

/// Whoever does what the directory needs done.
pub fn operator() -> Actor {
    let principal = Principal::Installation(InstallationRole::Operator);
    Actor { principal, name: text("operator"), address: None }
}

/// The reference of a hold for work by the customer's key.
pub const BY_KEY: (&str, u128) = ("api_key", KEY);
/// The reference of a hold for work by the customer's paid role.
pub const BY_ROLE: (&str, u128) = ("paid_role", GRANT);

/// A hold's reference to a right.
pub fn right((kind, of): (&str, u128)) -> Text {
    text(&format!("{kind} {}", id(of)))
}

/// What everybody has at first: enough for all that is set aside.
pub fn money() -> Vec<Request> {
    let (amount, half) = (Amount::from_micros(1_000_000_000_000), Amount::from_micros(500_000_000_000));
    let ask = |number: u128, work| Request {
        id: TransactionId(id(0xa00 + number)),
        actor: Some(text("operator")),
        work,
    };
    let deposit = |user: u128| {
        let account = AccountId(id(user));
        ask(user, Work::Deposit(Deposit { account, amount, reference: None, invoice: None }))
    };
    let transfer = |user: u128, workspace: u128| {
        let (debit, credit) = (AccountId(id(user)), AccountId(id(workspace)));
        let movement = Movement { debit, credit, amount: half, purpose: Purpose::DirectTransfer };
        let movements = vec![movement];
        ask(workspace, Work::Transact(Transact { movements, project: None, reference: None, hold: None }))
    };
    let mut money: Vec<Request> = [PAYER, OTHER, CUSTOMER].map(deposit).into();
    money.extend([transfer(PAYER, WORKSPACE), transfer(OTHER, OTHER_WORKSPACE)]);
    money
}

/// A payment from a hold on [`WORKSPACE`] by hand, of 10⁻⁶; the rest stays set aside.
pub fn payment(hold: HoldId, amount: i128) -> Transact {
    let (debit, credit) = (AccountId(id(WORKSPACE)), AccountId(id(PAYER)));
    let amount = Amount::from_micros(amount);
    Transact {
        movements: vec![Movement { debit, credit, amount, purpose: Purpose::DirectTransfer }],
        project: None,
        reference: None,
        hold: Some(HoldUse { hold, rest: Rest::Keep }),
    }
}

/// The executor's prices, so many tenths of the first ones.
pub fn executor_prices(tenths: i64) -> ExecutorPrices {
    // Ten tenths of 0.000611111 are not nine places.
    let price = |units: i64| format!("0.{:09}", units * tenths / 10).parse().unwrap();
    ExecutorPrices {
        job: price(400_000_000),
        second: price(200_000),
        core_second: price(611_111),
        gpu_second: price(30_500_000),
        megabyte: price(12_000),
    }
}

/// A version of the prices, from a date on: `cheap` for the contract, and dearer with each `raise`.
pub fn version(effective: Date, raise: u32, cheap: bool) -> String {
    let price = |kopecks: u32| if cheap { kopecks / 2 } else { kopecks + raise * 7 };
    let component = |id: &str, rest: &str| format!("[[version.component]]\nid = \"{id}\"\n{rest}\n\n");
    let rub = |kopecks: u32| format!("{}.{:02}3", price(kopecks) / 100, price(kopecks) % 100);
    [
        format!("[[version]]\neffective = {effective}\n\n"),
        component("vm.vcpu", &format!("kind = \"vm\"\nwhen = {{ state = \"active\" }}\nmodel = \"per_second\"\nquantity = [\"vcpu\"]\nprice = \"{}\"\nper = \"hour\"", rub(1_001))),
        component("vm.hour", &format!("kind = \"vm\"\nmodel = \"hourly_peak\"\nquantity = [\"gb\"]\nprice = \"{}\"", rub(30))),
        component("vm.disk", &format!("kind = \"vm\"\nmodel = \"monthly\"\nquantity = [\"gb\"]\nprice = \"{}\"", rub(777))),
        component("vm.start", &format!("kind = \"vm\"\nmodel = \"once\"\nquantity = []\nprice = \"{}\"\nvat = {{ rate = \"10\", included = false }}", rub(5_000))),
        component("vm.peak", &format!("kind = \"vm\"\nmodel = \"monthly_peak\"\nquantity = [\"vcpu\"]\nprice = \"{}\"", rub(2_000))),
        component("call", &format!("kind = \"call\"\nmodel = \"per_use\"\nquantity = [\"n\"]\ntiers = [{{ up_to = \"100\", price = \"{}\" }}, {{ price = \"0.011\" }}]\ntier_mode = \"volume\"", rub(50))),
    ]
    .concat()
}

/// A book of one version.
pub fn book(name: &str, zone: &str, version: &str) -> String {
    format!(
        "[book]\nid = \"{name}\"\ncurrency = \"RUB\"\ntimezone = \"{zone}\"\nvat = {{ rate = \"22\", included = false }}\n\n{version}"
    )
}

/// The acts that make the installation, in their order. From the day after `today` on `gamma` has prices of its own at the
/// first provider, and `beta` the same at the second; both providers have one list.
pub fn acts(zone: &str, today: Date) -> Vec<Act> {
    let mut acts = people(zone);
    acts.extend(prices(zone, today));
    acts.extend(partners(zone));
    acts
}

fn people(zone: &str) -> Vec<Act> {
    let plan = PlanId(id(0x8));
    let terms = PlanTerms {
        name: text("plan"),
        coefficient: "1.25".parse().unwrap(),
        limits: PlanLimits::default(),
        storages: true,
        executors: true,
    };
    let mut acts = vec![Act::CreatePlan(plan, terms)];
    for (user, plan) in [(PAYER, Some(plan)), (PARTNER, Some(plan)), (OTHER, None), (CUSTOMER, None)] {
        acts.push(Act::CreateUser(NewUser {
            id: UserId(id(user)),
            name: text(&format!("user {user}")),
            currency: Currency::RUB,
            plan,
            roles: BTreeSet::new(),
        }));
    }
    for (workspace, owner) in [(WORKSPACE, PAYER), (OTHER_WORKSPACE, OTHER)] {
        acts.push(Act::CreateWorkspace(NewWorkspace {
            id: WorkspaceId(id(workspace)),
            owner: UserId(id(owner)),
            name: text(&format!("workspace {workspace}")),
            zone: text(zone),
            currency: Currency::RUB,
        }));
    }
    for (project, workspace) in PROJECTS {
        acts.push(Act::CreateProject(NewProject {
            id: ProjectId::new(project).unwrap(),
            name: text(project),
            workspace: WorkspaceId(id(workspace)),
            accepted: None,
        }));
    }
    acts
}

fn prices(zone: &str, today: Date) -> Vec<Act> {
    let first = today.first_of_month();
    let mut acts = vec![
        Act::CreateBook { text: book("list", zone, &version(first, 0, false)) },
        Act::CreateBook { text: book("deal", zone, &version(first, 0, true)) },
    ];
    for (number, name, project) in [(0x20, "cloud", "gamma"), (0x21, "metal", "beta")] {
        let (provider, list) = (ProviderId(id(number)), BookId::new("list").unwrap());
        let terms = ProviderTerms {
            name: text(name),
            book: list,
            delay_s: 60,
            heartbeat_s: 300,
            latency_s: 30,
            stops: std::collections::BTreeMap::new(),
        };
        let pattern = Pattern { text: text(&format!("{name}://")), prefix: true };
        acts.push(Act::CreateProvider(provider, terms));
        acts.push(Act::AssignSource(Assignment { pattern, provider, from: None }));
        acts.push(Act::SetContract(NewContract {
            project: ProjectId::new(project).unwrap(),
            provider,
            book: Some(BookId::new("deal").unwrap()),
            from: today.tomorrow().unwrap(),
        }));
    }
    acts
}

fn partners(zone: &str) -> Vec<Act> {
    let price = |decimal: &str| decimal.parse().unwrap();
    let (api, key, role, grant) = (ApiId(id(0x50)), KeyId(id(KEY)), RoleId(id(0x60)), GrantId(id(GRANT)));
    let acme = || ProjectId::new("acme").unwrap();
    let terms = RoleTerms {
        name: text("student"),
        permissions: BTreeSet::from([kopeck_directory::access::Permission::Authorise]),
        coefficient: "1.5".parse().unwrap(),
        entry: RoleEntry::Paid,
    };
    vec![
        Act::CreateExecutor(NewExecutor {
            id: ExecutorId(id(EXECUTOR)),
            owner: UserId(id(PARTNER)),
            name: text("executor"),
            source: text("executor://1"),
            zone: text(zone),
            currency: Currency::RUB,
            prices: executor_prices(10),
        }),
        Act::CreateStorage(NewStorage {
            id: StorageId(id(STORAGE)),
            owner: UserId(id(PARTNER)),
            name: text("storage"),
            source: text("s3://1"),
            zone: text(zone),
            currency: Currency::RUB,
            clean_up: time(CLEAN_UP_HOUR, 30, 0, 0),
            price: price("0.095"),
        }),
        Act::CreateApi(NewApi {
            id: api,
            project: acme(),
            name: text("api"),
            source: text("api://1"),
            purposes: BTreeSet::from([text("study")]),
            limits: KeyLimits::default(),
            price: price("0.1"),
        }),
        Act::RequestKey { id: key, api, user: UserId(id(CUSTOMER)), purpose: text("study") },
        Act::DecideKey { id: key, approve: true },
        Act::CreateRole(NewRole { id: role, project: acme(), terms }),
        Act::RequestRole { id: grant, role, user: UserId(id(CUSTOMER)) },
        Act::DecideRole { id: grant, approve: true },
    ]
}
