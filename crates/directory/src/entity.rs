//! What the directory holds: each thing as it is at one instant. Every field is public because a thing is only ever
//! made by [`decide`](crate::decide), which checks it, or read back from what was decided.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{Currency, Moment, Text};
use serde::{Deserialize, Serialize};

use crate::access::Permission;
use crate::limit::StopMakes;
use crate::name::{
    ApiId, BookId, ExecutorId, GrantId, KeyId, MeterId, PlanId, ProjectId, ProviderId, RoleId, SecretHash,
    StorageId, TokenId, UserId, WorkspaceId,
};

/// A person or firm. Its ledger account has its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its identity and its account's.
    pub id: UserId,
    /// What people call it.
    pub name: Text,
    /// What its account is counted in.
    pub currency: Currency,
    /// The plan that it is under. Without one nothing is limited, no commission is taken, and no storages or
    /// executors may be added.
    pub plan: Option<PlanId>,
    /// What it may do in the whole installation.
    pub roles: BTreeSet<InstallationRole>,
    /// One that is not active may do nothing.
    pub active: bool,
    /// Since when it is there.
    pub created: Moment,
}

/// A role in the whole installation (access.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallationRole {
    /// Price books, plans, providers, all projects, the monthly close.
    Operator,
    /// Reads all; deposits, bank statements, invoices, corrections.
    Accountant,
}

/// What pays for projects. Its ledger account has its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its identity and its account's.
    pub id: WorkspaceId,
    /// Who pays.
    pub owner: UserId,
    /// What people call it.
    pub name: Text,
    /// The IANA zone of its days and months.
    pub zone: Text,
    /// What it pays in.
    pub currency: Currency,
    /// Since when it is there.
    pub created: Moment,
}

/// What owns resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its identity, as events name it.
    pub id: ProjectId,
    /// What people call it.
    pub name: Text,
    /// Who has paid for it since when, ascending; never empty, so at any instant from the first on it is attached
    /// to exactly one workspace.
    pub attachments: Vec<Attachment>,
    /// From when on its usage is billed; earlier usage is free.
    pub accepted: Moment,
    /// Since when it is there.
    pub created: Moment,
}

/// A workspace pays for a project from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Who pays.
    pub workspace: WorkspaceId,
    /// From when on.
    pub from: Moment,
}

/// What one user is in one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Where.
    pub project: ProjectId,
    /// Who.
    pub user: UserId,
    /// As what; empty for one who was a member and is none now.
    pub roles: BTreeSet<ProjectRole>,
}

/// A role in one project (access.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectRole {
    /// Reads all of the project; money, limits, members, hand-over, order forms.
    Payer,
    /// Resources, authorisations, estimates, API keys; lowers limits.
    Developer,
    /// Reads.
    Viewer,
    /// A role that the project has made.
    Custom(RoleId),
}

/// What its holders may have, and what the platform takes of what they earn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its identity.
    pub id: PlanId,
    /// Its terms.
    pub terms: PlanTerms,
    /// Since when it is there.
    pub created: Moment,
}

/// The terms of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanTerms {
    /// What people call the plan.
    pub name: Text,
    /// The cost coefficient k of its holders.
    pub coefficient: Coefficient,
    /// How much its holders may have.
    pub limits: PlanLimits,
    /// Whether its holders may add storages.
    pub storages: bool,
    /// Whether its holders may add executors.
    pub executors: bool,
}

/// The limits of a plan; `None` is without a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLimits {
    /// Projects in all workspaces of a holder.
    pub projects: Option<u64>,
    /// Different users who are members of these projects.
    pub members: Option<u64>,
    /// Jobs that run at one time in these projects. The guard's matter.
    pub jobs_at_once: Option<u64>,
    /// Bytes that these projects store. The guard's matter.
    pub stored_bytes: Option<u64>,
}

/// A cloud that reports usage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its identity.
    pub id: ProviderId,
    /// What people call it.
    pub name: Text,
    /// Its list prices.
    pub book: BookId,
    /// Usage is reported within this delay (guard.md, D), in seconds.
    pub delay_s: u32,
    /// Something is heard of it at least this often, in seconds; 0 where it declares nothing.
    pub heartbeat_s: u32,
    /// It obeys a stop within this latency (guard.md, L), in seconds.
    #[serde(default)]
    pub latency_s: u32,
    /// What a stop makes of its active resources, by kind; those of other kinds become inactive.
    #[serde(default)]
    pub stops: BTreeMap<Text, StopMakes>,
    /// Since when it is there.
    pub created: Moment,
}

/// Who sends events, and by whose prices they are metered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emitter {
    /// A cloud of the operator or of a partner.
    Provider(ProviderId),
    /// A compute server that runs jobs.
    Executor(ExecutorId),
    /// An S3 storage that reports volumes.
    Storage(StorageId),
    /// An API that reports calls.
    Api(ApiId),
}

/// Which sources of events: the one of that name, or all that begin with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pattern {
    /// The name or its beginning.
    pub text: Text,
    /// Whether it is a beginning.
    pub prefix: bool,
}

/// Whose the sources of a pattern are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Which sources.
    pub pattern: Pattern,
    /// Whose they are since when, ascending.
    pub owners: Vec<SourceOwner>,
}

/// Events of a source are those of an emitter from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceOwner {
    /// Whose.
    pub emitter: Emitter,
    /// From when on.
    pub from: Moment,
}

/// A price book without its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Its identity, as its text says.
    pub id: BookId,
    /// Whose prices it has, where they are not the operator's.
    pub keeper: Option<Emitter>,
    /// What meters by it.
    pub meter: MeterId,
    /// The IANA zone of its days and months.
    pub zone: Text,
    /// What its prices are in.
    pub currency: Currency,
    /// Its TOML text up to the first version.
    pub head: String,
    /// Since when it is there.
    pub created: Moment,
}

/// One version of a price book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookVersion {
    /// Whose version.
    pub book: BookId,
    /// The local date from whose first instant on it is in force.
    pub effective: Date,
    /// When it was accepted, or edited last.
    pub announced: Moment,
    /// Its TOML text, from `[[version]]` on.
    pub text: String,
}

/// A project's own prices at one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Whose.
    pub project: ProjectId,
    /// For what.
    pub provider: ProviderId,
    /// By which book since when, ascending.
    pub terms: Vec<ContractTerm>,
}

/// A book prices a project at a provider from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractTerm {
    /// Which book; `None` is the provider's own again.
    pub book: Option<BookId>,
    /// From when on.
    pub from: Moment,
    /// When it was agreed.
    pub announced: Moment,
}

/// A compute server. Its ledger account has its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executor {
    /// Its identity and its account's.
    pub id: ExecutorId,
    /// Who earns.
    pub owner: UserId,
    /// What people call it.
    pub name: Text,
    /// Its prices, in a book of its own.
    pub book: BookId,
    /// The source of its events.
    pub source: Text,
    /// Whether it takes jobs.
    pub state: ExecutorState,
    /// Since when it is there.
    pub created: Moment,
}

/// Whether an executor takes jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorState {
    /// It takes jobs.
    Active,
    /// It takes none for some time.
    Suspended,
    /// It takes none any more, until it is made active again.
    Disabled,
}

/// An S3 storage. Its ledger account has its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// Its identity and its account's.
    pub id: StorageId,
    /// Who earns.
    pub owner: UserId,
    /// What people call it.
    pub name: Text,
    /// Its price for a MB, in a book of its own.
    pub book: BookId,
    /// The source of its measured volumes.
    pub source: Text,
    /// The local time of its daily clean-up, in its book's zone.
    pub clean_up: Time,
    /// Since when it is there.
    pub created: Moment,
}

/// An API that a project offers by key: the template that keys are made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// Its identity.
    pub id: ApiId,
    /// Whose.
    pub project: ProjectId,
    /// What people call it.
    pub name: Text,
    /// Its price for a call, in a book of its own.
    pub book: BookId,
    /// The source of its calls.
    pub source: Text,
    /// What a key may be asked for.
    pub purposes: BTreeSet<Text>,
    /// What each key may do.
    pub limits: KeyLimits,
    /// Whether keys may be asked for.
    pub open: bool,
    /// Since when it is there.
    pub created: Moment,
}

/// The limits of a key; `None` is without a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLimits {
    /// Calls in a local day.
    pub calls_per_day: Option<u64>,
    /// Calls in a local month.
    pub calls_per_month: Option<u64>,
}

/// A key to an API, from its request on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its identity.
    pub id: KeyId,
    /// To what.
    pub api: ApiId,
    /// Whose, and who pays.
    pub user: UserId,
    /// What for: one of the purposes of the API.
    pub purpose: Text,
    /// What has become of the request.
    pub asked: Asked,
    /// The hash of its secret, once its user has fetched it.
    pub secret: Option<SecretHash>,
}

/// A request and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Where it stands.
    pub standing: Standing,
    /// When it was made.
    pub requested: Moment,
    /// When it was approved or refused.
    pub decided: Option<Moment>,
    /// When it was revoked.
    pub revoked: Option<Moment>,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It waits.
    Requested,
    /// It holds.
    Approved,
    /// It was refused.
    Refused,
    /// It held and does not hold any more.
    Revoked,
}

/// A role that a project has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its identity.
    pub id: RoleId,
    /// Whose.
    pub project: ProjectId,
    /// Its terms.
    pub terms: RoleTerms,
    /// One that is not active gives nothing.
    pub active: bool,
    /// Since when it is there.
    pub created: Moment,
}

/// The terms of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleTerms {
    /// What people call it.
    pub name: Text,
    /// What it allows.
    pub permissions: BTreeSet<Permission>,
    /// What its user pays of what the user's work has cost.
    pub coefficient: Coefficient,
    /// How one comes to it.
    pub entry: RoleEntry,
}

/// How one comes to a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleEntry {
    /// It is given to members.
    Given,
    /// Users ask for it and pay for what they do with it.
    Paid,
    /// Everybody has it without signing in; it only reads.
    Public,
}

/// A user's holding of a paid role, from its request on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its identity.
    pub id: GrantId,
    /// Which role.
    pub role: RoleId,
    /// Whose, and who pays.
    pub user: UserId,
    /// What has become of the request.
    pub asked: Asked,
}

/// A bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its identity.
    pub id: TokenId,
    /// What people call it.
    pub name: Text,
    /// The hash of its secret.
    pub secret: SecretHash,
    /// What it may be used for.
    pub scope: Scope,
    /// The user who issued it: a project's token holds only while that user might still issue it.
    pub issued_by: Option<UserId>,
    /// When it was issued.
    pub created: Moment,
    /// From when on it does not hold any more.
    pub expires: Option<Moment>,
    /// When it was revoked.
    pub revoked: Option<Moment>,
}

/// What a token may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole installation, in a role.
    Installation(InstallationRole),
    /// One project, in a role.
    Project {
        /// Which project.
        project: ProjectId,
        /// As what.
        role: ProjectRole,
    },
    /// All that a user may do, in each project with that project's roles.
    User(UserId),
    /// Nothing but sending events of one emitter.
    Ingest(Emitter),
}
