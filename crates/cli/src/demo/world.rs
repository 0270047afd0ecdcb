//! Who there is in the demo, made through the API: people, plans, workspaces, projects, a provider of two clouds,
//! partners with executors and storages, APIs by key, and a paid role.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use ureq::http::Method;
use uuid::{Builder, Uuid};

use super::script::Script;
use crate::caller::{Caller, TOML};
use crate::failure::Failure;

/// The prices of the two clouds.
pub const BOOK: &str = include_str!("../../../../examples/sample.toml");
/// The name of that book.
pub const BOOK_ID: &str = "sample";
const ZONE: &str = "Europe/Moscow";
const PAYERS: [&str; 4] = ["Northern Trade", "Vektor Laboratory", "Gorizont Media", "City Polyclinic"];
const PARTNERS: [&str; 2] = ["Compute Guild", "Data Vault"];
/// What each payer begins with, on its workspace and on its own account.
const FUNDS: (u64, u64) = (600_000, 60_000);
/// What whoever holds the paid role begins with.
const GUEST_FUNDS: u64 = 60_000;
/// The first millisecond of the ids: before October.
const IDS_FROM_MS: u64 = 1_790_000_000_000;

/// Who there is.
pub struct World {
    /// The operator, who plays all that has no part of its own.
    pub operator: Caller,
    /// Who pays for what.
    pub payers: Vec<Payer>,
    /// Who earns.
    pub partners: Vec<Partner>,
    /// The keys of projects to APIs: by the API's source and the project.
    pub keys: HashMap<(String, String), Uuid>,
    /// The holder of the paid role.
    pub guest: Guest,
    ids: Ids,
}

/// Somebody who pays for projects.
pub struct Payer {
    /// What people call it.
    pub name: &'static str,
    /// Its account, and it.
    pub user: Uuid,
    /// The workspace that pays.
    pub workspace: Uuid,
    /// What it pays for.
    pub projects: Vec<String>,
    /// It, calling.
    pub caller: Caller,
}

/// Somebody who earns by executors and storages.
pub struct Partner {
    /// What people call it.
    pub name: &'static str,
    /// What it earns by: the source and the account of each.
    pub earners: Vec<(String, Uuid)>,
}

/// Somebody who works in a project by a paid role.
pub struct Guest {
    /// Who, by its name in events.
    pub actor: String,
    /// In which project.
    pub project: String,
    /// The holding of the role, which its jobs name.
    pub grant: Uuid,
    /// Its account.
    pub user: Uuid,
}

/// Ids in their order, the same for the same seed.
struct Ids {
    seed: u64,
    next: u64,
}

impl Ids {
    fn next(&mut self) -> Uuid {
        self.next += 1;
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&self.seed.to_be_bytes());
        Builder::from_unix_timestamp_millis(IDS_FROM_MS + self.next, &bytes).into_uuid()
    }
}

impl World {
    /// Makes all of them. `accepted` is when the projects begin to be billed.
    pub fn make(operator: Caller, script: &Script, seed: u64, accepted: &str) -> Result<World, Failure> {
        let mut ids = Ids { seed, next: 0 };
        let plan = ids.next();
        operator.post(
            "/v1/plans",
            &json!({"id": plan, "name": "Partner", "coefficient": "1.25", "storages": true, "executors": true}),
        )?;
        let guest = Guest::chosen(script, &mut ids)?;
        let mut world =
            World { operator, payers: Vec::new(), partners: Vec::new(), keys: HashMap::new(), guest, ids };
        world.payers(script, plan, accepted)?;
        world.teams(script)?;
        world.provider(script)?;
        world.partners(script, plan)?;
        world.apis(script)?;
        world.role()?;
        Ok(world)
    }

    /// A new id.
    pub fn id(&mut self) -> Uuid {
        self.ids.next()
    }

    /// Who pays for a project.
    pub fn payer(&self, project: &str) -> Result<&Payer, Failure> {
        let found = self.payers.iter().find(|payer| payer.projects.iter().any(|paid| paid == project));
        found.ok_or_else(|| unexpected(&format!("nobody pays for {project}")))
    }

    /// Money comes in from the bank and is passed on to the payer's workspace.
    pub fn top_up(&mut self, payer: usize, amount: u64, date: &str) -> Result<(), Failure> {
        let (deposit, transfer) = (self.id(), self.id());
        let Payer { user, workspace, .. } = &self.payers[payer];
        let reference = format!("payment order of {date}");
        deposit_to(&self.operator, deposit, (*user, amount), &reference)?;
        let body = json!({"type": "transfer", "from": user, "to": workspace, "amount": amount.to_string(),
            "currency": "RUB"});
        self.operator.post_once("/v1/transactions", transfer, &body)?;
        Ok(())
    }

    fn user(&mut self, name: &str, plan: Option<Uuid>) -> Result<(Uuid, Caller), Failure> {
        let id = self.id();
        self.operator.post("/v1/users", &json!({"id": id, "name": name, "plan": plan}))?;
        let scope = json!({"name": format!("login of {name}"), "scope": {"user": id}});
        let token = self.operator.post("/v1/tokens", &scope)?;
        let secret = token["secret"].as_str().ok_or_else(|| unexpected("a token without a secret"))?;
        Ok((id, self.operator.with_token(secret)))
    }

    fn payers(&mut self, script: &Script, plan: Uuid, accepted: &str) -> Result<(), Failure> {
        for name in PAYERS {
            let (user, caller) = self.user(name, Some(plan))?;
            let workspace = self.id();
            let body = json!({"id": workspace, "name": format!("{name}: cloud"), "time_zone": ZONE});
            caller.post("/v1/workspaces", &body)?;
            let own = self.id();
            deposit_to(&self.operator, own, (user, FUNDS.1), "first payment order")?;
            self.payers.push(Payer { name, user, workspace, projects: Vec::new(), caller });
            self.top_up(self.payers.len() - 1, FUNDS.0, "the contract")?;
        }
        for (number, project) in script.teams.keys().enumerate() {
            let payer = &mut self.payers[number % PAYERS.len()];
            let body = json!({"id": project, "workspace": payer.workspace, "accepted": accepted});
            payer.caller.post("/v1/projects", &body)?;
            payer.projects.push(project.clone());
        }
        Ok(())
    }

    /// Whoever acts in a project is a developer there, but for the guest.
    fn teams(&mut self, script: &Script) -> Result<(), Failure> {
        let mut people: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (project, team) in &script.teams {
            for actor in team {
                people.entry(actor).or_default().push(project);
            }
        }
        for (actor, projects) in people {
            let is_guest = actor == self.guest.actor;
            let id = if is_guest { self.guest.user } else { self.id() };
            self.operator.post("/v1/users", &json!({"id": id, "name": actor}))?;
            for project in projects {
                if is_guest && project == self.guest.project {
                    continue;
                }
                let path = format!("/v1/projects/{project}/members/{id}");
                self.payer(project)?.caller.put(&path, &json!({"roles": ["developer"]}))?;
            }
        }
        let deposit = self.id();
        deposit_to(&self.operator, deposit, (self.guest.user, GUEST_FUNDS), "own money")
    }

    fn provider(&mut self, script: &Script) -> Result<(), Failure> {
        self.operator.send((Method::POST, "/v1/price-books"), (TOML, BOOK.as_bytes()), None)?;
        let id = self.id();
        let body = json!({"id": id, "name": "Two regions", "price_book": BOOK_ID, "delay_s": 300,
            "heartbeat_s": 0, "latency_s": 60});
        self.operator.post("/v1/providers", &body)?;
        for source in &script.clouds {
            self.operator.post(&format!("/v1/providers/{id}/sources"), &json!({"source": source}))?;
        }
        Ok(())
    }

    fn partners(&mut self, script: &Script, plan: Uuid) -> Result<(), Failure> {
        let mut owners = Vec::new();
        for name in PARTNERS {
            let (_, caller) = self.user(name, Some(plan))?;
            self.partners.push(Partner { name, earners: Vec::new() });
            owners.push(caller);
        }
        let prices = json!({"job": "0.50", "second": "0.0002", "core_second": "0.000611111",
            "gpu_second": "0.0305", "megabyte": "0.000012"});
        for (number, source) in script.executors.iter().enumerate() {
            let body = json!({"id": self.id(), "name": source, "source": source, "time_zone": ZONE,
                "prices": prices});
            self.earner(&owners, number, ("/v1/executors", &body))?;
        }
        for (number, source) in script.storages.iter().enumerate() {
            let body = json!({"id": self.id(), "name": source, "source": source, "time_zone": ZONE,
                "clean_up": "04:00:00", "price": "0.000095"});
            self.earner(&owners, number + 1, ("/v1/storages", &body))?;
        }
        Ok(())
    }

    /// Adds an executor or a storage of one of the partners, in turn.
    fn earner(&mut self, owners: &[Caller], turn: usize, made: (&str, &Value)) -> Result<(), Failure> {
        let owner = turn % owners.len();
        let answer = owners[owner].post(made.0, made.1)?;
        let source = answer["source"].as_str().unwrap_or_default().to_owned();
        self.partners[owner].earners.push((source, id_of(&answer)?));
        Ok(())
    }

    /// The guest's project offers the APIs; the others' payers ask for keys, and its payer approves.
    fn apis(&mut self, script: &Script) -> Result<(), Failure> {
        let offering = self.guest.project.clone();
        let mut apis = HashMap::new();
        for source in &script.apis {
            let id = self.id();
            let name = source.trim_start_matches("api://");
            let body =
                json!({"id": id, "project": offering, "name": name, "source": source, "price": "0.06"});
            self.payer(&offering)?.caller.post("/v1/apis", &body)?;
            apis.insert(source.clone(), id);
        }
        for (source, project) in &script.calls {
            let id = self.id();
            let body = json!({"id": id, "api": apis.get(source), "purpose": format!("calls of {project}")});
            self.payer(project)?.caller.post("/v1/api-keys", &body)?;
            self.payer(&offering)?.caller.post(&format!("/v1/api-keys/{id}/approve"), &Value::Null)?;
            self.keys.insert((source.clone(), project.clone()), id);
        }
        Ok(())
    }

    /// A role that is paid for: the guest asks for it, the payer approves.
    fn role(&mut self) -> Result<(), Failure> {
        let role = self.id();
        let owner = &self.payer(&self.guest.project)?.caller;
        let body = json!({"id": role, "project": self.guest.project, "name": "researcher",
            "permissions": ["read", "authorise", "estimate"], "coefficient": "1.5", "entry": "paid"});
        owner.post("/v1/roles", &body)?;
        let Guest { user, grant, .. } = self.guest;
        let scope = json!({"name": "login of the researcher", "scope": {"user": user}});
        let token = self.operator.post("/v1/tokens", &scope)?;
        let guest = self.operator.with_token(token["secret"].as_str().unwrap_or_default());
        guest.post("/v1/role-requests", &json!({"id": grant, "role": role}))?;
        owner.post(&format!("/v1/role-requests/{grant}/approve"), &Value::Null)?;
        Ok(())
    }
}

impl Guest {
    /// Somebody who runs jobs in the project that runs the most of them.
    fn chosen(script: &Script, ids: &mut Ids) -> Result<Guest, Failure> {
        let mut jobs: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for line in script.lines.iter().filter(|line| script.executors.contains(&line.source)) {
            *jobs.entry((&line.project, &line.actor)).or_default() += 1;
        }
        let most = jobs.into_iter().max_by_key(|(_, count)| *count);
        let ((project, actor), _) = most.ok_or_else(|| unexpected("a month without jobs"))?;
        let (grant, user) = (ids.next(), ids.next());
        Ok(Guest { actor: actor.to_owned(), project: project.to_owned(), grant, user })
    }
}

/// Money comes in from the bank.
fn deposit_to(
    operator: &Caller,
    id: Uuid,
    (account, amount): (Uuid, u64),
    reference: &str,
) -> Result<(), Failure> {
    let body = json!({"type": "deposit", "account": account, "amount": amount.to_string(), "currency": "RUB",
        "reference": reference});
    operator.post_once("/v1/transactions", id, &body).map(drop)
}

fn id_of(answer: &Value) -> Result<Uuid, Failure> {
    let id = answer["id"].as_str().and_then(|id| id.parse().ok());
    id.ok_or_else(|| unexpected("an answer without an id"))
}

/// Something that the server does not answer.
pub fn unexpected(what: &str) -> Failure {
    Failure::input(format!("the demo met {what}"), None, "this is a fault of kopeck: report it")
}
