//! Users, workspaces, projects, members, plans, tokens, and the audit log.

use std::collections::BTreeSet;

use kopeck_api::directory::audit::{AuditDocument, AuditParameters};
use kopeck_api::directory::people::{
    MemberDocument, MemberRequest, PlanDocument, PlanRequest, ProjectDocument, ProjectPatch, ProjectRequest,
    UserDocument, UserPatch, UserRequest, WorkspaceDocument, WorkspaceRequest,
};
use kopeck_api::directory::tokens::{NewTokenDocument, TokenDocument, TokenRequest};
use kopeck_api::forms::{Label, Time};
use kopeck_api::page::{Page, PageQuery};
use kopeck_directory::Directory;
use kopeck_directory::access::{Actor, Permission, Principal, Target};
use kopeck_directory::act::{
    Act, NewMember, NewProject, NewToken, NewUser, NewWorkspace, ProjectChange, UserChange,
};
use kopeck_directory::entity::{Project, ProjectRole};
use kopeck_directory::name::{PlanId, ProjectId, SecretHash, TokenId, UserId, WorkspaceId};
use kopeck_ledger::name::{Currency, Moment, Text};
use kopeck_store::directory::AuditQuery;
use uuid::Uuid;

use super::App;
use super::directory::{bad_cursor, id, is_person, limit, page, perform, reads, reads_all, seen, user};
use crate::auth::new_token;
use crate::error::AppError;

pub fn create_user(app: &App, by: &Actor, new: UserRequest) -> Result<UserDocument, AppError> {
    let user = UserId(id(new.id));
    let act = Act::CreateUser(NewUser {
        id: user,
        name: new.name.0,
        currency: new.currency.map_or(Currency::RUB, |currency| currency.0),
        plan: new.plan.map(PlanId),
        roles: new.roles,
    });
    perform(app, by, act)?;
    read_user(app, by, user.0)
}

pub fn change_user(app: &App, by: &Actor, user: Uuid, patch: UserPatch) -> Result<UserDocument, AppError> {
    let act = Act::ChangeUser(UserChange {
        id: UserId(user),
        name: patch.name.map(|name| name.0),
        plan: patch.plan.map(|plan| plan.map(PlanId)),
        roles: patch.roles,
        active: patch.active,
    });
    perform(app, by, act)?;
    read_user(app, by, user)
}

pub fn read_user(app: &App, by: &Actor, user: Uuid) -> Result<UserDocument, AppError> {
    let directory = app.directory.snapshot();
    let sees = |_: &_| reads(&directory, by, Target::OwnedBy(UserId(user)));
    seen(directory.users().get(&UserId(user)), sees, "user", &user).map(|user| user.as_ref().into())
}

pub fn list_users(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<UserDocument>, AppError> {
    let directory = app.directory.snapshot();
    let sees = |user: &kopeck_directory::entity::User| reads(&directory, by, Target::OwnedBy(user.id));
    page(directory.users(), query, sees, |user| user.into())
}

pub fn create_workspace(app: &App, by: &Actor, new: WorkspaceRequest) -> Result<WorkspaceDocument, AppError> {
    let (workspace, owner) = (WorkspaceId(id(new.id)), user(new.owner, by, "owner")?);
    let act = Act::CreateWorkspace(NewWorkspace {
        id: workspace,
        owner,
        name: new.name.0,
        zone: new.time_zone.0,
        currency: new.currency.map_or_else(|| currency_of(app, owner), |currency| currency.0),
    });
    perform(app, by, act)?;
    read_workspace(app, by, workspace.0)
}

/// The currency of a user's account. Of one that is not there the act is refused anyway.
pub fn currency_of(app: &App, user: UserId) -> Currency {
    app.directory.snapshot().users().get(&user).map_or(Currency::RUB, |user| user.currency)
}

pub fn rename_workspace(
    app: &App,
    by: &Actor,
    workspace: Uuid,
    name: Text,
) -> Result<WorkspaceDocument, AppError> {
    perform(app, by, Act::RenameWorkspace(WorkspaceId(workspace), name))?;
    read_workspace(app, by, workspace)
}

pub fn read_workspace(app: &App, by: &Actor, workspace: Uuid) -> Result<WorkspaceDocument, AppError> {
    let directory = app.directory.snapshot();
    let found = directory.workspaces().get(&WorkspaceId(workspace));
    let sees =
        |found: &kopeck_directory::entity::Workspace| reads(&directory, by, Target::OwnedBy(found.owner));
    seen(found, sees, "workspace", &workspace).map(|found| found.as_ref().into())
}

pub fn list_workspaces(
    app: &App,
    by: &Actor,
    query: &PageQuery,
) -> Result<Page<WorkspaceDocument>, AppError> {
    let directory = app.directory.snapshot();
    let sees = |workspace: &kopeck_directory::entity::Workspace| {
        reads(&directory, by, Target::OwnedBy(workspace.owner))
    };
    page(directory.workspaces(), query, sees, |workspace| workspace.into())
}

pub fn create_project(app: &App, by: &Actor, new: ProjectRequest) -> Result<ProjectDocument, AppError> {
    let made =
        || Text::new(&Uuid::now_v7().to_string()).map_err(|error| AppError::Internal(error.to_string()));
    let project = ProjectId(new.id.map_or_else(made, |id| Ok(id.0))?);
    let act = Act::CreateProject(NewProject {
        name: new.name.map_or_else(|| project.0.clone(), |name| name.0),
        id: project.clone(),
        workspace: WorkspaceId(new.workspace),
        accepted: new.accepted.map(|at| at.0),
    });
    perform(app, by, act)?;
    read_project(app, by, &project)
}

pub fn change_project(
    app: &App,
    by: &Actor,
    project: &ProjectId,
    patch: ProjectPatch,
) -> Result<ProjectDocument, AppError> {
    let act = Act::ChangeProject(ProjectChange {
        id: project.clone(),
        name: patch.name.map(|name| name.0),
        accepted: patch.accepted.map(|at| at.0),
    });
    perform(app, by, act)?;
    read_project(app, by, project)
}

pub fn read_project(app: &App, by: &Actor, project: &ProjectId) -> Result<ProjectDocument, AppError> {
    let directory = app.directory.snapshot();
    let sees = |_: &Project| reads(&directory, by, Target::Project(project));
    let found = seen(directory.project(project.as_str()), sees, "project", project)?;
    Ok(project_document(&directory, by, found, app.now()))
}

fn project_document(directory: &Directory, by: &Actor, project: &Project, now: Moment) -> ProjectDocument {
    let roles: BTreeSet<ProjectRole> = match &by.principal {
        Principal::User(user) => directory.roles_in(*user, &project.id),
        Principal::Project { role, .. } => [*role].into(),
        _ => BTreeSet::new(),
    };
    let payer = directory.payer(project.id.as_str(), now).map(|workspace| workspace.id.0);
    ProjectDocument {
        id: Label(project.id.0.clone()),
        name: Label(project.name.clone()),
        // A project is attached to a workspace since ever.
        workspace: payer.unwrap_or_default(),
        accepted: Time(project.accepted),
        roles,
        created: Time(project.created),
    }
}

pub fn list_projects(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<ProjectDocument>, AppError> {
    let directory = app.directory.snapshot();
    let sees = |project: &Project| reads(&directory, by, Target::Project(&project.id));
    let now = app.now();
    page(directory.projects(), query, sees, |project| project_document(&directory, by, project, now))
}

pub fn set_member(
    app: &App,
    by: &Actor,
    (project, user): (ProjectId, Uuid),
    new: MemberRequest,
) -> Result<MemberDocument, AppError> {
    let roles = new.roles;
    let act = Act::SetMember(NewMember { project, user: UserId(user), roles: roles.clone() });
    perform(app, by, act)?;
    Ok(MemberDocument { user, roles })
}

pub fn list_members(
    app: &App,
    by: &Actor,
    project: &ProjectId,
    query: &PageQuery,
) -> Result<Page<MemberDocument>, AppError> {
    let directory = app.directory.snapshot();
    let sees = |_: &Project| reads(&directory, by, Target::Project(project));
    seen(directory.project(project.as_str()), sees, "project", project)?;
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(str::parse::<UserId>).transpose();
    let cursor = cursor.map_err(|_| bad_cursor(query))?;
    let mut rest =
        directory.members_of(project).filter(|member| cursor.is_none_or(|last| member.user > last));
    let items: Vec<MemberDocument> = rest.by_ref().take(limit).map(|member| member.as_ref().into()).collect();
    let last = items.last().map(|last| last.user.to_string());
    Ok(Page { next: rest.next().and(last), items })
}

pub fn create_plan(app: &App, by: &Actor, new: &PlanRequest) -> Result<PlanDocument, AppError> {
    let plan = PlanId(id(new.id));
    perform(app, by, Act::CreatePlan(plan, new.terms()))?;
    read_plan(app, by, plan.0)
}

pub fn change_plan(app: &App, by: &Actor, plan: Uuid, new: &PlanRequest) -> Result<PlanDocument, AppError> {
    if new.id.is_some_and(|id| id != plan) {
        return Err(AppError::invalid("id", "is not the plan's", "leave it out: the path names the plan"));
    }
    perform(app, by, Act::ChangePlan(PlanId(plan), new.terms()))?;
    read_plan(app, by, plan)
}

pub fn read_plan(app: &App, by: &Actor, plan: Uuid) -> Result<PlanDocument, AppError> {
    let directory = app.directory.snapshot();
    let found = directory.plans().get(&PlanId(plan));
    seen(found, |_| is_person(by), "plan", &plan).map(|plan| plan.as_ref().into())
}

pub fn list_plans(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<PlanDocument>, AppError> {
    page(app.directory.snapshot().plans(), query, |_| is_person(by), |plan| plan.into())
}

pub fn issue_token(app: &App, by: &Actor, new: TokenRequest) -> Result<NewTokenDocument, AppError> {
    let secret = new_token().map_err(|error| AppError::Internal(error.to_string()))?;
    let token = TokenId(id(new.id));
    let act = Act::IssueToken(NewToken {
        id: token,
        name: new.name.0,
        secret: SecretHash::of(&secret),
        scope: new.scope,
        expires: new.expires.map(|at| at.0),
    });
    perform(app, by, act)?;
    Ok(NewTokenDocument { token: read_token(app, by, token.0)?, secret })
}

pub fn read_token(app: &App, by: &Actor, token: Uuid) -> Result<TokenDocument, AppError> {
    let directory = app.directory.snapshot();
    let found = directory.tokens().get(&TokenId(token));
    let sees = |token: &kopeck_directory::entity::Token| directory.may_see_token(&by.principal, token);
    let found = seen(found, sees, "token", &token)?;
    Ok(TokenDocument::of(found, app.directory.last_used(found.id)))
}

pub fn list_tokens(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<TokenDocument>, AppError> {
    let directory = app.directory.snapshot();
    let sees = |token: &kopeck_directory::entity::Token| directory.may_see_token(&by.principal, token);
    let document =
        |token: &kopeck_directory::entity::Token| TokenDocument::of(token, app.directory.last_used(token.id));
    page(directory.tokens(), query, sees, document)
}

pub fn revoke_token(app: &App, by: &Actor, token: Uuid) -> Result<TokenDocument, AppError> {
    perform(app, by, Act::RevokeToken(TokenId(token)))?;
    read_token(app, by, token)
}

/// The audit log: all of it for who reads all, a project's for who manages its members.
pub fn audit(app: &App, by: &Actor, asked: &AuditParameters) -> Result<Page<AuditDocument>, AppError> {
    let directory = app.directory.snapshot();
    let project = match &asked.project {
        Some(name) => {
            let unknown = || AppError::not_found("project", name);
            let found = directory.project(name).ok_or_else(unknown)?;
            if !reads(&directory, by, Target::Project(&found.id)) {
                return Err(unknown());
            }
            let may = directory.may(&by.principal, Permission::Members, Target::Project(&found.id));
            if !may && !reads_all(&directory, by) {
                return Err(forbidden(Permission::Members));
            }
            Some(found.id.clone())
        }
        None if reads_all(&directory, by) => None,
        None => return Err(forbidden(Permission::ReadAll)),
    };
    let limit = limit(asked.limit)?;
    let before = asked.cursor.as_deref().map(str::parse::<u64>).transpose();
    let cursor = PageQuery { cursor: asked.cursor.clone(), limit: asked.limit };
    let before = before.map_err(|_| bad_cursor(&cursor))?;
    let query = AuditQuery { before, project, actor: asked.actor.clone(), limit: limit + 1 };
    let mut rows = app.directory.audit(&query)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| last.sequence.to_string());
    let items = rows.into_iter().map(|row| {
        Ok(AuditDocument {
            sequence: row.sequence,
            at: Time(row.at),
            actor: row.actor,
            address: row.address,
            act: row.act,
            project: row.project,
            before: told(&row.before)?,
            after: told(&row.after)?,
            hash: row.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    });
    Ok(Page { items: items.collect::<Result<_, AppError>>()?, next })
}

/// Hashes of secrets are nobody's matter.
fn told(list: &str) -> Result<serde_json::Value, AppError> {
    let mut list: serde_json::Value =
        serde_json::from_str(list).map_err(|error| AppError::Internal(error.to_string()))?;
    for entry in list.as_array_mut().into_iter().flatten() {
        let things = entry.as_object_mut().into_iter().flat_map(|entry| entry.values_mut());
        for thing in things.filter_map(serde_json::Value::as_object_mut) {
            thing.remove("secret");
        }
    }
    Ok(list)
}

pub fn forbidden(permission: Permission) -> AppError {
    kopeck_directory::refusal::Refusal::Forbidden { permission }.into()
}
