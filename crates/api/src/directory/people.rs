//! Users, workspaces, projects, members, plans.

use std::collections::BTreeSet;

use kopeck_directory::entity::{
    InstallationRole, Member, Plan, PlanLimits, PlanTerms, ProjectRole, User, Workspace,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::forms::{CurrencyCode, Factor, Label, Time};

/// A user to make.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// Its id, and its account's; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// What people call it
    pub name: Label,
    /// What its account is counted in; RUB where it is left out
    #[serde(default)]
    pub currency: Option<CurrencyCode>,
    /// The plan that it is under
    #[serde(default)]
    pub plan: Option<Uuid>,
    /// What it may do in the installation: `operator`, `accountant`
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub roles: BTreeSet<InstallationRole>,
}

/// What changes about a user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// What people call it
    #[serde(default)]
    pub name: Option<Label>,
    /// The plan that it is under; null takes it away
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Uuid>)]
    pub plan: Option<Option<Uuid>>,
    /// What it may do in the installation
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub roles: Option<BTreeSet<InstallationRole>>,
    /// One that is not active may do nothing
    #[serde(default)]
    pub active: Option<bool>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = User)]
pub struct UserDocument {
    /// Names it and its account
    pub id: Uuid,
    /// What people call it
    pub name: Label,
    /// What its account is counted in
    pub currency: CurrencyCode,
    /// The plan that it is under
    #[schema(required)]
    pub plan: Option<Uuid>,
    /// What it may do in the installation
    #[schema(value_type = Vec<String>)]
    pub roles: BTreeSet<InstallationRole>,
    /// One that is not active may do nothing
    pub active: bool,
    /// Since when it is there
    pub created: Time,
}

/// A workspace to make.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceRequest {
    /// Its id, and its account's; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Who pays; whoever asks where it is left out
    #[serde(default)]
    pub owner: Option<Uuid>,
    /// What people call it
    pub name: Label,
    /// The IANA time zone of its days and months
    pub time_zone: Label,
    /// What it pays in; the owner's where it is left out
    #[serde(default)]
    pub currency: Option<CurrencyCode>,
}

/// Another name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamePatch {
    /// What people call it
    pub name: Label,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Workspace)]
pub struct WorkspaceDocument {
    /// Names it and its account
    pub id: Uuid,
    /// Who pays
    pub owner: Uuid,
    /// What people call it
    pub name: Label,
    /// The IANA time zone of its days and months
    pub time_zone: Label,
    /// What it pays in
    pub currency: CurrencyCode,
    /// Since when it is there
    pub created: Time,
}

/// A project to make.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectRequest {
    /// Its name in events; made where it is left out
    #[serde(default)]
    pub id: Option<Label>,
    /// What people call it; its id where it is left out
    #[serde(default)]
    pub name: Option<Label>,
    /// Who pays for it
    pub workspace: Uuid,
    /// From when on its usage is billed; now where it is left out
    #[serde(default)]
    pub accepted: Option<Time>,
}

/// What changes about a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectPatch {
    /// What people call it
    #[serde(default)]
    pub name: Option<Label>,
    /// From when on its usage is billed: as long as that has not come
    #[serde(default)]
    pub accepted: Option<Time>,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Project)]
pub struct ProjectDocument {
    /// Its name in events
    pub id: Label,
    /// What people call it
    pub name: Label,
    /// Who pays for it now
    pub workspace: Uuid,
    /// From when on its usage is billed; earlier usage is free
    pub accepted: Time,
    /// What whoever asks is in it
    #[schema(value_type = Vec<Object>)]
    pub roles: BTreeSet<ProjectRole>,
    /// Since when it is there
    pub created: Time,
}

/// What a user is to be in a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRequest {
    /// `payer`, `developer`, `viewer`, `{"custom": role}`; none ends it
    #[schema(value_type = Vec<Object>)]
    pub roles: BTreeSet<ProjectRole>,
}

/// What a user is in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Member)]
pub struct MemberDocument {
    /// Who
    pub user: Uuid,
    /// As what
    #[schema(value_type = Vec<Object>)]
    pub roles: BTreeSet<ProjectRole>,
}

/// The terms of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// Its id where it is made; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// What people call it
    pub name: Label,
    /// The cost coefficient k of its holders
    pub coefficient: Factor,
    /// The most projects of a holder
    #[serde(default)]
    pub projects: Option<u64>,
    /// The most members of a holder's projects
    #[serde(default)]
    pub members: Option<u64>,
    /// The most jobs at once
    #[serde(default)]
    pub jobs_at_once: Option<u64>,
    /// The most bytes stored
    #[serde(default)]
    pub stored_bytes: Option<u64>,
    /// Whether its holders may add storages
    pub storages: bool,
    /// Whether its holders may add executors
    pub executors: bool,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanDocument {
    /// Names it
    pub id: Uuid,
    /// What people call it
    pub name: Label,
    /// The cost coefficient k of its holders
    pub coefficient: Factor,
    /// The most projects of a holder
    #[schema(required)]
    pub projects: Option<u64>,
    /// The most members of a holder's projects
    #[schema(required)]
    pub members: Option<u64>,
    /// The most jobs at once
    #[schema(required)]
    pub jobs_at_once: Option<u64>,
    /// The most bytes stored
    #[schema(required)]
    pub stored_bytes: Option<u64>,
    /// Whether its holders may add storages
    pub storages: bool,
    /// Whether its holders may add executors
    pub executors: bool,
    /// Since when it is there
    pub created: Time,
}

/// A field that was given, be it null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Uuid>>, D::Error> {
    Option::<Uuid>::deserialize(deserializer).map(Some)
}

impl From<&User> for UserDocument {
    fn from(user: &User) -> UserDocument {
        UserDocument {
            id: user.id.0,
            name: Label(user.name.clone()),
            currency: CurrencyCode(user.currency),
            plan: user.plan.map(|plan| plan.0),
            roles: user.roles.clone(),
            active: user.active,
            created: Time(user.created),
        }
    }
}

impl From<&Workspace> for WorkspaceDocument {
    fn from(workspace: &Workspace) -> WorkspaceDocument {
        WorkspaceDocument {
            id: workspace.id.0,
            owner: workspace.owner.0,
            name: Label(workspace.name.clone()),
            time_zone: Label(workspace.zone.clone()),
            currency: CurrencyCode(workspace.currency),
            created: Time(workspace.created),
        }
    }
}

impl From<&Member> for MemberDocument {
    fn from(member: &Member) -> MemberDocument {
        MemberDocument { user: member.user.0, roles: member.roles.clone() }
    }
}

impl From<&Plan> for PlanDocument {
    fn from(plan: &Plan) -> PlanDocument {
        let terms = &plan.terms;
        PlanDocument {
            id: plan.id.0,
            name: Label(terms.name.clone()),
            coefficient: Factor(terms.coefficient),
            projects: terms.limits.projects,
            members: terms.limits.members,
            jobs_at_once: terms.limits.jobs_at_once,
            stored_bytes: terms.limits.stored_bytes,
            storages: terms.storages,
            executors: terms.executors,
            created: Time(plan.created),
        }
    }
}

impl PlanRequest {
    /// The terms that it asks for.
    #[must_use]
    pub fn terms(&self) -> PlanTerms {
        PlanTerms {
            name: self.name.0.clone(),
            coefficient: self.coefficient.0,
            limits: PlanLimits {
                projects: self.projects,
                members: self.members,
                jobs_at_once: self.jobs_at_once,
                stored_bytes: self.stored_bytes,
            },
            storages: self.storages,
            executors: self.executors,
        }
    }
}
