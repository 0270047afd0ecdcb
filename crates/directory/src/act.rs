//! What the directory is asked to do. Ids are the caller's, made before the act, so that an act that was sent twice
//! makes one thing; hashes of secrets are the caller's too, so that no secret comes in here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use kopeck_ledger::name::{Currency, Moment, Text};

use crate::entity::{
    Emitter, ExecutorState, InstallationRole, KeyLimits, Pattern, PlanTerms, ProjectRole, RoleTerms, Scope,
};
use crate::limit::{Holder, LimitKey, LimitTerms, StopMakes, StopRules};
use crate::name::{
    ApiId, BookId, ExecutorId, GrantId, KeyId, PlanId, Price, ProjectId, ProviderId, RoleId, SecretHash,
    StorageId, TokenId, UserId, WorkspaceId,
};

/// One act. In changes `None` leaves a thing as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A new user, by the operator.
    CreateUser(NewUser),
    /// A user's name, by itself; plan, roles and activity by the operator.
    ChangeUser(UserChange),
    /// A new workspace, by its owner.
    CreateWorkspace(NewWorkspace),
    /// Another name for a workspace.
    RenameWorkspace(WorkspaceId, Text),
    /// A new project in a workspace, by the workspace's owner.
    CreateProject(NewProject),
    /// A project's name or acceptance.
    ChangeProject(ProjectChange),
    /// What a user is in a project, in place of what it was.
    SetMember(NewMember),
    /// A new plan.
    CreatePlan(PlanId, PlanTerms),
    /// Other terms of a plan, for all its holders from now on.
    ChangePlan(PlanId, PlanTerms),
    /// A new provider.
    CreateProvider(ProviderId, ProviderTerms),
    /// Other terms of a provider; its book stays.
    ChangeProvider(ProviderId, ProviderTerms),
    /// Sources are an emitter's from an instant on.
    AssignSource(Assignment),
    /// A new price book, with its versions, as TOML.
    CreateBook {
        /// Its whole text.
        text: String,
    },
    /// A new version of a book, or an edit of one that is not in force yet.
    AnnounceVersion {
        /// Of which book.
        book: BookId,
        /// TOML: one `[[version]]`, alone or after the book's own head.
        text: String,
    },
    /// A project's own prices at a provider.
    SetContract(NewContract),
    /// A new executor, by its owner.
    CreateExecutor(NewExecutor),
    /// An executor's name or state.
    ChangeExecutor(ExecutorId, Option<Text>, Option<ExecutorState>),
    /// A new storage, by its owner.
    CreateStorage(NewStorage),
    /// A storage's name or clean-up time.
    ChangeStorage(StorageId, Option<Text>, Option<Time>),
    /// A new API of a project.
    CreateApi(NewApi),
    /// An API's terms.
    ChangeApi(ApiChange),
    /// Other prices of an executor, storage or API.
    SetPrices(NewPrices),
    /// A user asks for a key.
    RequestKey {
        /// The key's id.
        id: KeyId,
        /// To what.
        api: ApiId,
        /// For whom: whoever asks, or whom the operator asks for.
        user: UserId,
        /// What for.
        purpose: Text,
    },
    /// The project approves or refuses.
    DecideKey {
        /// Which key.
        id: KeyId,
        /// Whether it approves.
        approve: bool,
    },
    /// The key's user fetches its secret, once.
    SetKeySecret {
        /// Which key.
        id: KeyId,
        /// The hash of the secret.
        secret: SecretHash,
    },
    /// The project or the key's user ends it.
    RevokeKey(KeyId),
    /// A new role of a project.
    CreateRole(NewRole),
    /// Other terms of a role, from now on.
    ChangeRole(RoleId, Option<RoleTerms>, Option<bool>),
    /// A user asks for a paid role.
    RequestRole {
        /// The grant's id.
        id: GrantId,
        /// Which role.
        role: RoleId,
        /// For whom.
        user: UserId,
    },
    /// The project approves or refuses.
    DecideRole {
        /// Which request.
        id: GrantId,
        /// Whether it approves.
        approve: bool,
    },
    /// The project or the role's user ends it.
    RevokeRole(GrantId),
    /// A limit of a project or of a payer, in place of what was set for the same.
    SetLimit(NewLimit),
    /// The end of a limit.
    RemoveLimit(Holder, LimitKey),
    /// In which order a project's resources are stopped, in place of what was set.
    SetStopRules(StopRules),
    /// A new token.
    IssueToken(NewToken),
    /// The end of a token.
    RevokeToken(TokenId),
}

/// A user to make.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in User")]
pub struct NewUser {
    pub id: UserId,
    pub name: Text,
    pub currency: Currency,
    pub plan: Option<PlanId>,
    pub roles: BTreeSet<InstallationRole>,
}

/// What changes about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in User")]
pub struct UserChange {
    pub id: UserId,
    pub name: Option<Text>,
    /// `Some(None)` takes the plan away.
    pub plan: Option<Option<PlanId>>,
    pub roles: Option<BTreeSet<InstallationRole>>,
    pub active: Option<bool>,
}

impl UserChange {
    /// Nothing changes yet.
    #[must_use]
    pub fn of(id: UserId) -> UserChange {
        UserChange { id, name: None, plan: None, roles: None, active: None }
    }
}

/// A workspace to make.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Workspace")]
pub struct NewWorkspace {
    pub id: WorkspaceId,
    pub owner: UserId,
    pub name: Text,
    pub zone: Text,
    pub currency: Currency,
}

/// A project to make.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Project")]
pub struct NewProject {
    pub id: ProjectId,
    pub name: Text,
    pub workspace: WorkspaceId,
    /// From when on usage is billed; `None` is now.
    pub accepted: Option<Moment>,
}

/// What changes about a project.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Project")]
pub struct ProjectChange {
    pub id: ProjectId,
    pub name: Option<Text>,
    /// Only while the old instant has not come, and never before now.
    pub accepted: Option<Moment>,
}

/// What a user is to be in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Member")]
pub struct NewMember {
    pub project: ProjectId,
    pub user: UserId,
    /// Empty ends it.
    pub roles: BTreeSet<ProjectRole>,
}

/// The terms of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Provider")]
pub struct ProviderTerms {
    pub name: Text,
    pub book: BookId,
    pub delay_s: u32,
    pub heartbeat_s: u32,
    pub latency_s: u32,
    pub stops: BTreeMap<Text, StopMakes>,
}

/// A limit to set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Limit")]
pub struct NewLimit {
    pub holder: Holder,
    pub terms: LimitTerms,
    pub currency: Currency,
    pub until: Option<Moment>,
}

/// Sources that become an emitter's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Which sources.
    pub pattern: Pattern,
    /// Whose: a provider. Executors, storages and APIs get theirs when they are made.
    pub provider: ProviderId,
    /// From when on: ahead of now where these sources are somebody's. `None` is "since ever" for sources that
    /// nobody has.
    pub from: Option<Moment>,
}

/// A contract to agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContract {
    /// Whose.
    pub project: ProjectId,
    /// For what.
    pub provider: ProviderId,
    /// By which book of the operator; `None` is the provider's own again.
    pub book: Option<BookId>,
    /// The local date from whose first instant on it holds.
    pub from: Date,
}

/// The five prices of an executor (ledger.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutorPrices {
    /// For a job.
    pub job: Price,
    /// For a second of it.
    pub second: Price,
    /// For a second of each core that it asked for.
    pub core_second: Price,
    /// For a second of each GPU.
    pub gpu_second: Price,
    /// For each MB of memory that it asked for.
    pub megabyte: Price,
}

/// The prices of an executor, a storage or an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnPrices {
    /// Of an executor.
    Executor(ExecutorPrices),
    /// Of a storage: for each MB at a clean-up.
    Storage(Price),
    /// Of an API: for a call.
    Api(Price),
}

/// Prices to announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPrices {
    /// Whose.
    pub emitter: Emitter,
    /// What they are to be.
    pub prices: OwnPrices,
    /// The local date from whose first instant on they hold; `None` is the earliest that the notice allows.
    pub effective: Option<Date>,
}

/// An executor to add.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Executor")]
pub struct NewExecutor {
    pub id: ExecutorId,
    pub owner: UserId,
    pub name: Text,
    pub source: Text,
    pub zone: Text,
    pub currency: Currency,
    pub prices: ExecutorPrices,
}

/// A storage to add.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Storage")]
pub struct NewStorage {
    pub id: StorageId,
    pub owner: UserId,
    pub name: Text,
    pub source: Text,
    pub zone: Text,
    pub currency: Currency,
    pub clean_up: Time,
    pub price: Price,
}

/// An API to offer. Its zone and currency are those of the project's workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Api")]
pub struct NewApi {
    pub id: ApiId,
    pub project: ProjectId,
    pub name: Text,
    pub source: Text,
    pub purposes: BTreeSet<Text>,
    pub limits: KeyLimits,
    pub price: Price,
}

/// What changes about an API.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Api")]
pub struct ApiChange {
    pub id: ApiId,
    pub name: Option<Text>,
    pub purposes: Option<BTreeSet<Text>>,
    pub limits: Option<KeyLimits>,
    pub open: Option<bool>,
}

/// A role to make.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Role")]
pub struct NewRole {
    pub id: RoleId,
    pub project: ProjectId,
    pub terms: RoleTerms,
}

/// A token to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Token")]
pub struct NewToken {
    pub id: TokenId,
    pub name: Text,
    pub secret: SecretHash,
    pub scope: Scope,
    pub expires: Option<Moment>,
}

impl Act {
    /// Its name in the audit log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Act::CreateUser(_) => "create_user",
            Act::ChangeUser(_) => "change_user",
            Act::CreateWorkspace(_) => "create_workspace",
            Act::RenameWorkspace(..) => "rename_workspace",
            Act::CreateProject(_) => "create_project",
            Act::ChangeProject(_) => "change_project",
            Act::SetMember(_) => "set_member",
            Act::CreatePlan(..) => "create_plan",
            Act::ChangePlan(..) => "change_plan",
            Act::CreateProvider(..) => "create_provider",
            Act::ChangeProvider(..) => "change_provider",
            Act::AssignSource(_) => "assign_source",
            Act::CreateBook { .. } => "create_book",
            Act::AnnounceVersion { .. } => "announce_version",
            Act::SetContract(_) => "set_contract",
            Act::CreateExecutor(_) => "create_executor",
            Act::ChangeExecutor(..) => "change_executor",
            Act::CreateStorage(_) => "create_storage",
            Act::ChangeStorage(..) => "change_storage",
            Act::CreateApi(_) => "create_api",
            Act::ChangeApi(_) => "change_api",
            Act::SetPrices(_) => "set_prices",
            Act::RequestKey { .. } => "request_key",
            Act::DecideKey { .. } => "decide_key",
            Act::SetKeySecret { .. } => "set_key_secret",
            Act::RevokeKey(_) => "revoke_key",
            Act::CreateRole(_) => "create_role",
            Act::ChangeRole(..) => "change_role",
            Act::RequestRole { .. } => "request_role",
            Act::DecideRole { .. } => "decide_role",
            Act::RevokeRole(_) => "revoke_role",
            Act::SetLimit(_) => "set_limit",
            Act::RemoveLimit(..) => "remove_limit",
            Act::SetStopRules(_) => "set_stop_rules",
            Act::IssueToken(_) => "issue_token",
            Act::RevokeToken(_) => "revoke_token",
        }
    }
}
