//! The state: everything that was ever decided, folded; and what is asked of it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use imbl::OrdMap;
use jiff::civil::Date;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, Moment, Text};
use kopeck_ledger::request::NewAccount;
use kopeck_rating::price_book::PriceBook;

use crate::access::{Column, Permission, Principal, Target};
use crate::change::{Change, Entity};
use crate::entity::{
    Api, ApiKey, Book, BookVersion, Contract, Emitter, Executor, Grant, Member, Plan, PlanLimits, Project,
    ProjectRole, Provider, Role, RoleEntry, Scope, Source, Standing, Storage, Token, User, Workspace,
};
use crate::limit::{Holder, Limit, LimitKey, Limits, StopRules};
use crate::name::{
    ApiId, BookId, ExecutorId, GrantId, KeyId, MeterId, PlanId, ProjectId, ProviderId, RoleId, SecretHash,
    StorageId, TokenId, UserId, WorkspaceId,
};
use crate::route::attached;
use crate::table::{Index, Table};

/// Who there is, at one instant. Copying it costs a few pointers.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    pub(crate) users: Table<UserId, User>,
    pub(crate) workspaces: Table<WorkspaceId, Workspace>,
    pub(crate) projects: Table<ProjectId, Project>,
    pub(crate) members: Table<(ProjectId, UserId), Member>,
    pub(crate) plans: Table<PlanId, Plan>,
    pub(crate) providers: Table<ProviderId, Provider>,
    pub(crate) exact_sources: Table<Text, Source>,
    pub(crate) prefix_sources: Table<Text, Source>,
    pub(crate) books: OrdMap<BookId, Shelf>,
    pub(crate) contracts: Table<(ProjectId, ProviderId), Contract>,
    pub(crate) executors: Table<ExecutorId, Executor>,
    pub(crate) storages: Table<StorageId, Storage>,
    pub(crate) apis: Table<ApiId, Api>,
    pub(crate) keys: Table<KeyId, ApiKey>,
    pub(crate) roles: Table<RoleId, Role>,
    pub(crate) grants: Table<GrantId, Grant>,
    pub(crate) tokens: Table<TokenId, Token>,
    pub(crate) limits: Table<Holder, Limits>,
    pub(crate) stop_rules: Table<ProjectId, StopRules>,
    pub(crate) workspaces_of: Index<UserId, WorkspaceId>,
    pub(crate) projects_of: Index<WorkspaceId, ProjectId>,
    pub(crate) members_of: Index<ProjectId, UserId>,
    pub(crate) memberships: Index<UserId, ProjectId>,
    pub(crate) keys_of: Index<UserId, KeyId>,
    pub(crate) grants_of: Index<UserId, GrantId>,
    pub(crate) roles_of: Index<ProjectId, RoleId>,
    token_by_secret: OrdMap<SecretHash, TokenId>,
    key_by_secret: OrdMap<SecretHash, KeyId>,
    book_by_meter: OrdMap<MeterId, BookId>,
}

/// A price book with its versions.
#[derive(Debug, Clone)]
pub struct Shelf {
    /// The book.
    pub book: Arc<Book>,
    /// Its versions by their dates.
    pub versions: OrdMap<Date, Arc<BookVersion>>,
    read: OnceLock<Option<Arc<PriceBook>>>,
}

impl Shelf {
    /// The whole text, versions in their order.
    #[must_use]
    pub fn text(&self) -> String {
        let versions = self.versions.values().map(|version| version.text.as_str());
        std::iter::once(self.book.head.as_str()).chain(versions).collect()
    }

    /// The book, read. `None` only where what is stored is no book, which no accepted act leads to.
    #[must_use]
    pub fn prices(&self) -> Option<Arc<PriceBook>> {
        self.read.get_or_init(|| PriceBook::read(&self.text()).ok().map(Arc::new)).clone()
    }
}

/// A ledger account that must exist because something of the directory does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its identity.
    pub id: AccountId,
    /// Whose money it holds.
    pub kind: AccountKind,
    /// What people call it.
    pub name: Text,
    /// The user account that it belongs to.
    pub owner: Option<AccountId>,
    /// What it is counted in.
    pub currency: Currency,
    /// The zone of its days.
    pub zone: Option<Text>,
    /// The coefficient of its owner's plan.
    pub coefficient: Coefficient,
}

impl Expected {
    /// How it is opened.
    #[must_use]
    pub fn opening(self) -> NewAccount {
        let Expected { id, kind, name, owner, currency, zone, coefficient } = self;
        NewAccount { id, kind, name, owner, currency, zone, credit_limit: Amount::ZERO, coefficient }
    }
}

/// Why a bearer's secret opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// Nobody was given this secret.
    #[error("the token is not known")]
    Unknown,
    /// Its time is over.
    #[error("the token has expired at {0}")]
    Expired(Moment),
    /// It was revoked.
    #[error("the token was revoked at {0}")]
    Revoked(Moment),
    /// It is a user's who is not active.
    #[error("the token's user is not active")]
    InactiveUser,
    /// Who issued it has lost the role that it gives.
    #[error("who issued the token does not have its role any more")]
    IssuerLeft,
}

macro_rules! tables {
    ($($(#[$about:meta])* $name:ident: $key:ty => $value:ty,)+) => {
        $($(#[$about])*
        #[must_use]
        pub fn $name(&self) -> &Table<$key, $value> {
            &self.$name
        })+
    };
}

/// What there is.
impl Directory {
    tables! {
        /// All users.
        users: UserId => User,
        /// All workspaces.
        workspaces: WorkspaceId => Workspace,
        /// All projects.
        projects: ProjectId => Project,
        /// All that users are in projects, past members with no roles.
        members: (ProjectId, UserId) => Member,
        /// All plans.
        plans: PlanId => Plan,
        /// All providers.
        providers: ProviderId => Provider,
        /// Sources by their whole names.
        exact_sources: Text => Source,
        /// Sources by the beginnings of their names.
        prefix_sources: Text => Source,
        /// All contracts.
        contracts: (ProjectId, ProviderId) => Contract,
        /// All executors.
        executors: ExecutorId => Executor,
        /// All storages.
        storages: StorageId => Storage,
        /// All APIs.
        apis: ApiId => Api,
        /// All API keys.
        keys: KeyId => ApiKey,
        /// All roles that projects have made.
        roles: RoleId => Role,
        /// All holdings of paid roles.
        grants: GrantId => Grant,
        /// All tokens.
        tokens: TokenId => Token,
        /// All limits, those that were removed as well.
        limits: Holder => Limits,
        /// The stop rules of projects that have set some.
        stop_rules: ProjectId => StopRules,
    }

    /// A project by the name that events give it.
    #[must_use]
    pub fn project(&self, id: &str) -> Option<&Arc<Project>> {
        self.projects.get(id)
    }

    /// A price book with its versions.
    #[must_use]
    pub fn shelf(&self, id: &str) -> Option<&Shelf> {
        self.books.get(id)
    }

    /// All price books after a cursor, in the order of their ids.
    pub fn shelves(&self, cursor: Option<&BookId>) -> impl Iterator<Item = &Shelf> {
        let from = cursor.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.books.range::<_, BookId>((from, std::ops::Bound::Unbounded)).map(|(_, shelf)| shelf)
    }

    /// The book that a meter meters by.
    #[must_use]
    pub fn metered(&self, meter: MeterId) -> Option<&Shelf> {
        self.shelf(self.book_by_meter.get(&meter)?.as_str())
    }

    /// The workspaces of a user.
    pub fn workspaces_of(&self, owner: UserId) -> impl Iterator<Item = &Arc<Workspace>> {
        self.workspaces_of.of(&owner).filter_map(|id| self.workspaces.get(id))
    }

    /// The projects that a workspace pays for at an instant.
    pub fn projects_paid_by(
        &self,
        workspace: WorkspaceId,
        at: Moment,
    ) -> impl Iterator<Item = &Arc<Project>> {
        let ever = self.projects_of.of(&workspace).filter_map(|id| self.projects.get(id.as_str()));
        ever.filter(move |project| attached(project, at).is_some_and(|at| at.workspace == workspace))
    }

    /// The members of a project, with their roles.
    pub fn members_of(&self, project: &ProjectId) -> impl Iterator<Item = &Arc<Member>> {
        let ever = self.members_of.of(project);
        ever.filter_map(|user| self.members.get(&(project.clone(), *user)))
            .filter(|member| !member.roles.is_empty())
    }

    /// The keys that a user has asked for.
    pub fn keys_of(&self, user: UserId) -> impl Iterator<Item = &Arc<ApiKey>> {
        self.keys_of.of(&user).filter_map(|id| self.keys.get(id))
    }

    /// The paid roles that a user has asked for.
    pub fn grants_of(&self, user: UserId) -> impl Iterator<Item = &Arc<Grant>> {
        self.grants_of.of(&user).filter_map(|id| self.grants.get(id))
    }

    /// What limits a holder at an instant.
    pub fn limits_on(&self, holder: &Holder, at: Moment) -> impl Iterator<Item = (&LimitKey, &Limit)> {
        let all = self.limits.get(holder).into_iter().flat_map(|limits| limits.iter());
        all.filter(move |(_, limit)| limit.is_on(at))
    }

    /// The roles that a project has made.
    pub fn roles_of(&self, project: &ProjectId) -> impl Iterator<Item = &Arc<Role>> {
        self.roles_of.of(project).filter_map(|id| self.roles.get(id))
    }
}

/// Who asks, and what is allowed.
impl Directory {
    /// A token by its secret.
    #[must_use]
    pub fn token(&self, secret: &SecretHash) -> Option<&Arc<Token>> {
        self.tokens.get(self.token_by_secret.get(secret)?)
    }

    /// Who a bearer of this secret is.
    ///
    /// # Errors
    /// [`NoToken`] where it opens nothing at that instant.
    pub fn principal(&self, secret: &SecretHash, at: Moment) -> Result<(TokenId, Principal), NoToken> {
        let token = self.token(secret).ok_or(NoToken::Unknown)?;
        if let Some(revoked) = token.revoked {
            return Err(NoToken::Revoked(revoked));
        }
        if let Some(expired) = token.expires.filter(|expires| *expires <= at) {
            return Err(NoToken::Expired(expired));
        }
        let principal = match &token.scope {
            Scope::Installation(role) => Principal::Installation(*role),
            Scope::Project { project, role } if !self.issuer_has(token.issued_by, project, *role) => {
                return Err(NoToken::IssuerLeft);
            }
            Scope::Project { project, role } => Principal::Project { project: project.clone(), role: *role },
            Scope::User(user) if !self.is_active(*user) => return Err(NoToken::InactiveUser),
            Scope::User(user) => Principal::User(*user),
            Scope::Ingest(emitter) => Principal::Ingest(*emitter),
        };
        Ok((token.id, principal))
    }

    fn issuer_has(&self, issuer: Option<UserId>, project: &ProjectId, role: ProjectRole) -> bool {
        issuer.is_none_or(|user| {
            self.user_may(user, Permission::Members, Target::Project(project))
                || self.is_active(user) && self.roles_in(user, project).contains(&role)
        })
    }

    /// An API key by its secret, if it holds.
    #[must_use]
    pub fn key(&self, secret: &SecretHash) -> Option<&Arc<ApiKey>> {
        let key = self.keys.get(self.key_by_secret.get(secret)?)?;
        (key.asked.standing == Standing::Approved && self.is_active(key.user)).then_some(key)
    }

    /// Whether a principal may do something with something: the table of [`access`](crate::access).
    #[must_use]
    pub fn may(&self, principal: &Principal, permission: Permission, target: Target<'_>) -> bool {
        match principal {
            Principal::System => true,
            Principal::Installation(role) => Column::from(*role).has(permission),
            Principal::User(user) => self.user_may(*user, permission, target),
            Principal::Project { project, role } => {
                target == Target::Project(project) && self.role_has(*role, project, permission)
            }
            Principal::Ingest(emitter) => {
                target == Target::Events(*emitter) && Column::Ingest.has(permission)
            }
            Principal::Anyone => match target {
                Target::Project(project) => permission == Permission::Read && self.is_public(project),
                _ => false,
            },
        }
    }

    /// The roles of a user in a project: as a member, as the owner of the workspace that pays last, and paid ones.
    #[must_use]
    pub fn roles_in(&self, user: UserId, project: &ProjectId) -> BTreeSet<ProjectRole> {
        let member = self.members.get(&(project.clone(), user));
        let mut roles = member.map(|member| member.roles.clone()).unwrap_or_default();
        if self.owner_of(project) == Some(user) {
            roles.insert(ProjectRole::Payer);
        }
        let held = self.grants_of(user).filter(|grant| grant.asked.standing == Standing::Approved);
        let held =
            held.filter_map(|grant| self.roles.get(&grant.role)).filter(|role| role.project == *project);
        roles.extend(held.map(|role| ProjectRole::Custom(role.id)));
        roles
    }

    fn user_may(&self, user: UserId, permission: Permission, target: Target<'_>) -> bool {
        let Some(found) = self.users.get(&user).filter(|user| user.active) else { return false };
        if found.roles.iter().any(|role| Column::from(*role).has(permission)) {
            return true;
        }
        match target {
            Target::Installation => false,
            Target::Project(project) => {
                permission == Permission::Read && self.is_public(project)
                    || self
                        .roles_in(user, project)
                        .into_iter()
                        .any(|role| self.role_has(role, project, permission))
            }
            Target::OwnedBy(owner) => owner == user && Column::Owner.has(permission),
            Target::Events(emitter) => {
                self.owner_of_emitter(emitter) == Some(user) && permission == Permission::Own
            }
        }
    }

    fn role_has(&self, role: ProjectRole, project: &ProjectId, permission: Permission) -> bool {
        match role {
            ProjectRole::Payer => Column::Payer.has(permission),
            ProjectRole::Developer => Column::Developer.has(permission),
            ProjectRole::Viewer => Column::Viewer.has(permission),
            ProjectRole::Custom(id) => self.roles.get(&id).is_some_and(|role| {
                role.active && role.project == *project && role.terms.permissions.contains(&permission)
            }),
        }
    }

    fn is_public(&self, project: &ProjectId) -> bool {
        self.roles_of(project).any(|role| role.active && role.terms.entry == RoleEntry::Public)
    }

    pub(crate) fn is_active(&self, user: UserId) -> bool {
        self.users.get(&user).is_some_and(|user| user.active)
    }

    pub(crate) fn owner_of_emitter(&self, emitter: Emitter) -> Option<UserId> {
        match emitter {
            Emitter::Provider(_) => None,
            Emitter::Executor(id) => self.executors.get(&id).map(|one| one.owner),
            Emitter::Storage(id) => self.storages.get(&id).map(|one| one.owner),
            Emitter::Api(id) => self.apis.get(&id).and_then(|api| self.owner_of(&api.project)),
        }
    }
}

/// Plans, and the ledger's accounts.
impl Directory {
    /// The plan of a user.
    #[must_use]
    pub fn plan_of(&self, user: UserId) -> Option<&Arc<Plan>> {
        self.plans.get(&self.users.get(&user)?.plan?)
    }

    /// The limits that hold for a project: those of the plan of whoever pays for it.
    #[must_use]
    pub fn limits_of(&self, project: &ProjectId) -> PlanLimits {
        let plan = self.owner_of(project).and_then(|owner| self.plan_of(owner));
        plan.map(|plan| plan.terms.limits).unwrap_or_default()
    }

    /// Whether nothing has changed since another state of what prices projects, and how they are stopped.
    #[must_use]
    pub fn prices_and_stops_as(&self, other: &Directory) -> bool {
        self.providers.is_same(&other.providers)
            && self.contracts.is_same(&other.contracts)
            && self.books.ptr_eq(&other.books)
            && self.stop_rules.is_same(&other.stop_rules)
    }

    /// Whether nothing has changed since another state of what limits a holder, and of which projects are the holder's.
    #[must_use]
    pub fn limits_as(&self, other: &Directory, holder: &Holder) -> bool {
        let same = |one: Option<&Arc<Limits>>, other: Option<&Arc<Limits>>| match (one, other) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let same_projects = match holder {
            Holder::Project(id) => match (self.projects.get(id.as_str()), other.projects.get(id.as_str())) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                _ => false,
            },
            Holder::Workspace(_) => self.projects.is_same(&other.projects),
        };
        same_projects
            && self.workspaces.is_same(&other.workspaces)
            && same(self.limits.get(holder), other.limits.get(holder))
    }

    /// The cost coefficient of a user's accounts.
    #[must_use]
    pub fn coefficient_of(&self, user: UserId) -> Coefficient {
        self.plan_of(user).map_or(Coefficient::ONE, |plan| plan.terms.coefficient)
    }

    /// The ledger accounts that must exist, owners before what they own.
    pub fn expected_accounts(&self) -> impl Iterator<Item = Expected> {
        let users = self.users.after(None).map(|(_, user)| expected_of_user(user));
        let workspaces = self.workspaces.after(None).map(|(_, one)| self.expected_of_workspace(one));
        let executors = self.executors.after(None).filter_map(|(_, one)| {
            let book = &self.shelf(one.book.as_str())?.book;
            Some(self.expected_of_partner(
                one.id.account(),
                AccountKind::Executor,
                (&one.name, one.owner),
                book,
            ))
        });
        let storages = self.storages.after(None).filter_map(|(_, one)| {
            let book = &self.shelf(one.book.as_str())?.book;
            Some(self.expected_of_partner(
                one.id.account(),
                AccountKind::Storage,
                (&one.name, one.owner),
                book,
            ))
        });
        users.chain(workspaces).chain(executors).chain(storages)
    }

    fn expected_of_workspace(&self, workspace: &Workspace) -> Expected {
        Expected {
            id: workspace.id.account(),
            kind: AccountKind::Workspace,
            name: workspace.name.clone(),
            owner: Some(workspace.owner.account()),
            currency: workspace.currency,
            zone: Some(workspace.zone.clone()),
            coefficient: self.coefficient_of(workspace.owner),
        }
    }

    fn expected_of_partner(
        &self,
        id: AccountId,
        kind: AccountKind,
        (name, owner): (&Text, UserId),
        book: &Book,
    ) -> Expected {
        Expected {
            id,
            kind,
            name: name.clone(),
            owner: Some(owner.account()),
            currency: book.currency,
            zone: Some(book.zone.clone()),
            coefficient: self.coefficient_of(owner),
        }
    }
}

fn expected_of_user(user: &User) -> Expected {
    Expected {
        id: user.id.account(),
        kind: AccountKind::User,
        name: user.name.clone(),
        owner: None,
        currency: user.currency,
        zone: None,
        coefficient: Coefficient::ONE,
    }
}

/// Folding.
impl Directory {
    /// The project that a thing belongs to.
    pub(crate) fn project_of(&self, entity: &Entity) -> Option<ProjectId> {
        match entity {
            Entity::Project(project) => Some(project.id.clone()),
            Entity::Member(member) => Some(member.project.clone()),
            Entity::Contract(contract) => Some(contract.project.clone()),
            Entity::Api(api) => Some(api.project.clone()),
            Entity::ApiKey(key) => self.apis.get(&key.api).map(|api| api.project.clone()),
            Entity::Role(role) => Some(role.project.clone()),
            Entity::Limit(Limit { holder: Holder::Project(project), .. }) => Some(project.clone()),
            Entity::StopRules(rules) => Some(rules.project.clone()),
            Entity::Grant(grant) => self.roles.get(&grant.role).map(|role| role.project.clone()),
            Entity::Token(Token { scope: Scope::Project { project, .. }, .. }) => Some(project.clone()),
            Entity::Token(Token { scope: Scope::Ingest(Emitter::Api(id)), .. }) => {
                self.apis.get(id).map(|api| api.project.clone())
            }
            _ => None,
        }
    }

    /// The thing of the same identity as it is now: what a change of it begins with.
    #[must_use]
    pub fn current(&self, like: &Entity) -> Option<Entity> {
        Some(match like {
            Entity::User(one) => Entity::User(User::clone(self.users.get(&one.id)?)),
            Entity::Workspace(one) => Entity::Workspace(Workspace::clone(self.workspaces.get(&one.id)?)),
            Entity::Project(one) => Entity::Project(Project::clone(self.projects.get(one.id.as_str())?)),
            Entity::Member(one) => {
                Entity::Member(Member::clone(self.members.get(&(one.project.clone(), one.user))?))
            }
            Entity::Plan(one) => Entity::Plan(Plan::clone(self.plans.get(&one.id)?)),
            Entity::Provider(one) => Entity::Provider(Provider::clone(self.providers.get(&one.id)?)),
            Entity::Source(one) => {
                let table = if one.pattern.prefix { &self.prefix_sources } else { &self.exact_sources };
                Entity::Source(Source::clone(table.get(one.pattern.text.as_str())?))
            }
            Entity::Book(one) => Entity::Book(Book::clone(&self.shelf(one.id.as_str())?.book)),
            Entity::BookVersion(one) => {
                let version = self.shelf(one.book.as_str())?.versions.get(&one.effective)?;
                Entity::BookVersion(BookVersion::clone(version))
            }
            Entity::Contract(one) => {
                let key = (one.project.clone(), one.provider);
                Entity::Contract(Contract::clone(self.contracts.get(&key)?))
            }
            Entity::Executor(one) => Entity::Executor(Executor::clone(self.executors.get(&one.id)?)),
            Entity::Storage(one) => Entity::Storage(Storage::clone(self.storages.get(&one.id)?)),
            Entity::Api(one) => Entity::Api(Api::clone(self.apis.get(&one.id)?)),
            Entity::ApiKey(one) => Entity::ApiKey(ApiKey::clone(self.keys.get(&one.id)?)),
            Entity::Role(one) => Entity::Role(Role::clone(self.roles.get(&one.id)?)),
            Entity::Grant(one) => Entity::Grant(Grant::clone(self.grants.get(&one.id)?)),
            Entity::Token(one) => Entity::Token(Token::clone(self.tokens.get(&one.id)?)),
            Entity::Limit(one) => Entity::Limit(self.limits.get(&one.holder)?.get(&one.terms.key())?.clone()),
            Entity::StopRules(one) => {
                Entity::StopRules(StopRules::clone(self.stop_rules.get(one.project.as_str())?))
            }
        })
    }

    /// Takes what was decided.
    pub fn apply(&mut self, change: &Change) {
        for edit in &change.edits {
            self.put(edit.after.clone());
        }
    }

    /// Takes one thing as it is now.
    pub fn put(&mut self, entity: Entity) {
        match entity {
            Entity::User(user) => self.users.put(user.id, user),
            Entity::Workspace(workspace) => {
                self.workspaces_of.put(workspace.owner, workspace.id);
                self.workspaces.put(workspace.id, workspace);
            }
            Entity::Project(project) => {
                for attachment in &project.attachments {
                    self.projects_of.put(attachment.workspace, project.id.clone());
                }
                self.projects.put(project.id.clone(), project);
            }
            Entity::Member(member) => {
                self.members_of.put(member.project.clone(), member.user);
                self.memberships.put(member.user, member.project.clone());
                self.members.put((member.project.clone(), member.user), member);
            }
            Entity::Plan(plan) => self.plans.put(plan.id, plan),
            Entity::Provider(provider) => self.providers.put(provider.id, provider),
            Entity::Executor(executor) => self.executors.put(executor.id, executor),
            Entity::Storage(storage) => self.storages.put(storage.id, storage),
            Entity::Api(api) => self.apis.put(api.id, api),
            other => self.put_other(other),
        }
    }

    fn put_other(&mut self, entity: Entity) {
        match entity {
            Entity::Source(source) if source.pattern.prefix => {
                self.prefix_sources.put(source.pattern.text.clone(), source);
            }
            Entity::Source(source) => self.exact_sources.put(source.pattern.text.clone(), source),
            Entity::Book(book) => {
                self.book_by_meter.insert(book.meter, book.id.clone());
                let shelf = Shelf { book: Arc::new(book), versions: OrdMap::new(), read: OnceLock::new() };
                self.books.insert(shelf.book.id.clone(), shelf);
            }
            Entity::BookVersion(version) => {
                if let Some(shelf) = self.books.get_mut(&version.book) {
                    shelf.read = OnceLock::new();
                    shelf.versions.insert(version.effective, Arc::new(version));
                }
            }
            Entity::Contract(contract) => {
                self.contracts.put((contract.project.clone(), contract.provider), contract);
            }
            Entity::ApiKey(key) => {
                self.keys_of.put(key.user, key.id);
                if let Some(secret) = key.secret {
                    self.key_by_secret.insert(secret, key.id);
                }
                self.keys.put(key.id, key);
            }
            Entity::Role(role) => {
                self.roles_of.put(role.project.clone(), role.id);
                self.roles.put(role.id, role);
            }
            Entity::Grant(grant) => {
                self.grants_of.put(grant.user, grant.id);
                self.grants.put(grant.id, grant);
            }
            Entity::Limit(limit) => {
                let known = self.limits.get(&limit.holder);
                let mut limits = known.map(|known| Limits::clone(known)).unwrap_or_default();
                let holder = limit.holder.clone();
                limits.insert(limit.terms.key(), limit);
                self.limits.put(holder, limits);
            }
            Entity::StopRules(rules) => self.stop_rules.put(rules.project.clone(), rules),
            Entity::Token(token) => {
                self.token_by_secret.insert(token.secret, token.id);
                self.tokens.put(token.id, token);
            }
            _ => {}
        }
    }
}
