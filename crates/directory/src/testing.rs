//! A small installation for the tests: an operator, users, workspaces, projects, a book, a provider.

use std::collections::{BTreeMap, BTreeSet};

use kopeck_ledger::name::{Currency, Moment, Text};
use uuid::Uuid;

use crate::access::Principal;
use crate::act::{
    Act, ExecutorPrices, NewApi, NewExecutor, NewMember, NewProject, NewStorage, NewUser, NewWorkspace,
    ProviderTerms,
};
use crate::change::Change;
use crate::directory::Directory;
use crate::entity::{InstallationRole, KeyLimits, PlanLimits, PlanTerms, ProjectRole};
use crate::name::{
    ApiId, BookId, ExecutorId, PlanId, Price, ProjectId, ProviderId, StorageId, UserId, WorkspaceId,
};
use crate::refusal::Refusal;

/// The operator.
pub const OPERATOR: Principal = Principal::Installation(InstallationRole::Operator);
/// The accountant.
pub const ACCOUNTANT: Principal = Principal::Installation(InstallationRole::Accountant);
/// The zone of everything here.
pub const ZONE: &str = "Europe/Moscow";

/// A directory and its clock.
#[derive(Clone)]
pub struct World {
    pub directory: Directory,
    pub now: Moment,
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn instant(text: &str) -> Moment {
    Moment::try_from(text.parse::<jiff::Timestamp>().unwrap()).unwrap()
}

/// An id of a small number.
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub fn user(number: u128) -> UserId {
    UserId(id(number))
}

pub fn project(name: &str) -> ProjectId {
    ProjectId::new(name).unwrap()
}

pub fn book_id(name: &str) -> BookId {
    BookId::new(name).unwrap()
}

pub fn price(text: &str) -> Price {
    text.parse().unwrap()
}

/// A book of one price in versions of these dates and prices.
pub fn book(name: &str, zone: &str, versions: &[(&str, &str)]) -> String {
    let head = format!("[book]\nid = \"{name}\"\ncurrency = \"RUB\"\ntimezone = \"{zone}\"\n\n");
    let versions = versions.iter().map(|(date, price)| version(date, price));
    std::iter::once(head).chain(versions).collect()
}

/// A version of one price.
pub fn version(date: &str, price: &str) -> String {
    format!(
        "[[version]]\neffective = {date}\n\n[[version.component]]\nid = \"vm.vcpu\"\nkind = \"vm\"\n\
         model = \"per_second\"\nquantity = [\"vcpu\"]\nprice = \"{price}\"\nper = \"hour\"\n\n"
    )
}

pub fn new_user(number: u128) -> NewUser {
    NewUser {
        id: user(number),
        name: text(&format!("user {number}")),
        currency: Currency::RUB,
        plan: None,
        roles: BTreeSet::new(),
    }
}

pub fn new_workspace(number: u128, owner: u128) -> NewWorkspace {
    NewWorkspace {
        id: WorkspaceId(id(number)),
        owner: user(owner),
        name: text(&format!("workspace {number}")),
        zone: text(ZONE),
        currency: Currency::RUB,
    }
}

pub fn new_project(name: &str, workspace: u128) -> NewProject {
    NewProject { id: project(name), name: text(name), workspace: WorkspaceId(id(workspace)), accepted: None }
}

pub fn member(name: &str, number: u128, roles: &[ProjectRole]) -> Act {
    let roles = roles.iter().copied().collect();
    Act::SetMember(NewMember { project: project(name), user: user(number), roles })
}

pub fn plan(coefficient: &str, limits: PlanLimits) -> PlanTerms {
    let coefficient = coefficient.parse().unwrap();
    PlanTerms { name: text("plan"), coefficient, limits, storages: true, executors: true }
}

pub fn provider_terms(book: &str) -> ProviderTerms {
    ProviderTerms {
        name: text("cloud"),
        book: book_id(book),
        delay_s: 60,
        heartbeat_s: 300,
        latency_s: 30,
        stops: BTreeMap::new(),
    }
}

pub fn provider(number: u128) -> ProviderId {
    ProviderId(id(number))
}

pub fn executor_prices(job: &str) -> ExecutorPrices {
    ExecutorPrices {
        job: price(job),
        second: price("0.0002"),
        core_second: price("0.000611111"),
        gpu_second: price("0.0305"),
        megabyte: price("0.000012"),
    }
}

pub fn new_executor(number: u128, owner: u128) -> NewExecutor {
    NewExecutor {
        id: ExecutorId(id(number)),
        owner: user(owner),
        name: text("executor"),
        source: text(&format!("executor://{number}")),
        zone: text(ZONE),
        currency: Currency::RUB,
        prices: executor_prices("0.5"),
    }
}

pub fn new_storage(number: u128, owner: u128) -> NewStorage {
    NewStorage {
        id: StorageId(id(number)),
        owner: user(owner),
        name: text("storage"),
        source: text(&format!("s3://{number}")),
        zone: text(ZONE),
        currency: Currency::RUB,
        clean_up: jiff::civil::time(3, 0, 0, 0),
        price: price("0.000095"),
    }
}

pub fn new_api(number: u128, name: &str) -> NewApi {
    NewApi {
        id: ApiId(id(number)),
        project: project(name),
        name: text("api"),
        source: text(&format!("api://{number}")),
        purposes: BTreeSet::from([text("study")]),
        limits: KeyLimits::default(),
        price: price("0.1"),
    }
}

impl World {
    /// Nothing but a clock.
    pub fn empty() -> World {
        World { directory: Directory::default(), now: instant("2026-10-01T12:00:00Z") }
    }

    /// User 1 owns workspace 11 with project `acme`, user 2 develops there, user 3 views, user 4 owns workspace 14
    /// with project `other`; book `list` at 10 an hour, provider 20 with the sources `cloud://…`.
    pub fn inhabited() -> World {
        let mut world = World::empty();
        let acts = [
            Act::CreatePlan(PlanId(id(5)), plan("1.25", PlanLimits::default())),
            Act::CreateUser(NewUser { plan: Some(PlanId(id(5))), ..new_user(1) }),
            Act::CreateUser(new_user(2)),
            Act::CreateUser(new_user(3)),
            Act::CreateUser(new_user(4)),
            Act::CreateWorkspace(new_workspace(11, 1)),
            Act::CreateWorkspace(new_workspace(14, 4)),
            Act::CreateProject(new_project("acme", 11)),
            Act::CreateProject(new_project("other", 14)),
            member("acme", 2, &[ProjectRole::Developer]),
            member("acme", 3, &[ProjectRole::Viewer]),
            Act::CreateBook { text: book("list", ZONE, &[("2026-01-01", "10")]) },
            Act::CreateProvider(provider(20), provider_terms("list")),
            Act::AssignSource(sources("cloud://", 20, None)),
        ];
        for act in acts {
            world.operator(act);
        }
        world
    }

    /// Decides and applies.
    #[expect(clippy::needless_pass_by_value, reason = "acts are written where they are done")]
    pub fn act(&mut self, by: &Principal, act: Act) -> Result<Change, Refusal> {
        let change = self.directory.decide(&act, by, self.now)?;
        self.directory.apply(&change);
        Ok(change)
    }

    /// The operator does what must succeed.
    pub fn operator(&mut self, act: Act) -> Change {
        let told = format!("{act:?}");
        self.act(&OPERATOR, act).unwrap_or_else(|refusal| panic!("{told}: {refusal}"))
    }

    /// A user does what must succeed.
    pub fn user(&mut self, number: u128, act: Act) -> Change {
        let told = format!("{act:?}");
        self.act(&Principal::User(user(number)), act).unwrap_or_else(|refusal| panic!("{told}: {refusal}"))
    }

    /// The operator is refused, in words.
    pub fn refused(&mut self, act: Act) -> String {
        self.act(&OPERATOR, act).unwrap_err().to_string()
    }

    /// A user is refused, in words.
    pub fn refused_to(&mut self, number: u128, act: Act) -> String {
        self.act(&Principal::User(user(number)), act).unwrap_err().to_string()
    }
}

/// Sources that begin with a text, for a provider.
pub fn sources(beginning: &str, of: u128, from: Option<&str>) -> crate::act::Assignment {
    crate::act::Assignment {
        pattern: crate::entity::Pattern { text: text(beginning), prefix: true },
        provider: provider(of),
        from: from.map(instant),
    }
}
