//! Users, workspaces, projects, members and plans.

use std::collections::BTreeSet;

use kopeck_ledger::name::{Moment, Text};

use super::{Asking, Decided, Named, calendar_of, edited, made};
use crate::access::{Permission, Principal, Target};
use crate::act::{NewMember, NewProject, NewUser, NewWorkspace, ProjectChange, UserChange};
use crate::change::Entity;
use crate::entity::{Attachment, Member, Plan, PlanTerms, Project, ProjectRole, RoleEntry, User, Workspace};
use crate::name::{PlanId, ProjectId, UserId, WorkspaceId};
use crate::refusal::{Kind, PlanLimit, Refusal};

impl Asking<'_> {
    pub(super) fn create_user(&self, new: &NewUser) -> Decided {
        self.allow_here(Permission::Administer)?;
        if self.directory.users.get(&new.id).is_some() {
            return Err(Named(Kind::User, &new.id).exists());
        }
        self.plan_exists(new.plan)?;
        let user = User {
            id: new.id,
            name: new.name.clone(),
            currency: new.currency,
            plan: new.plan,
            roles: new.roles.clone(),
            active: true,
            created: self.now,
        };
        Ok(vec![made(Entity::User(user))])
    }

    pub(super) fn change_user(&self, change: &UserChange) -> Decided {
        let user = self.user(change.id, Permission::Own)?;
        if change.plan.is_some() || change.roles.is_some() || change.active.is_some() {
            self.allow_here(Permission::Administer)?;
        }
        self.plan_exists(change.plan.flatten())?;
        let before = User::clone(user);
        let after = User {
            name: change.name.clone().unwrap_or_else(|| before.name.clone()),
            plan: change.plan.unwrap_or(before.plan),
            roles: change.roles.clone().unwrap_or_else(|| before.roles.clone()),
            active: change.active.unwrap_or(before.active),
            ..before.clone()
        };
        Ok(vec![edited(Entity::User(before), Entity::User(after))])
    }

    fn plan_exists(&self, plan: Option<PlanId>) -> Result<(), Refusal> {
        let missing = plan.filter(|id| self.directory.plans.get(id).is_none());
        missing.map_or(Ok(()), |id| Err(Named(Kind::Plan, &id).unknown()))
    }

    pub(super) fn create_workspace(&self, new: &NewWorkspace) -> Decided {
        let owner = self.user(new.owner, Permission::Own)?;
        if self.directory.workspaces.get(&new.id).is_some() {
            return Err(Named(Kind::Workspace, &new.id).exists());
        }
        self.active(new.owner)?;
        calendar_of(&new.zone)?;
        if owner.currency != new.currency {
            return Err(Refusal::OtherCurrencyThanOwner { owner: owner.currency, currency: new.currency });
        }
        let workspace = Workspace {
            id: new.id,
            owner: new.owner,
            name: new.name.clone(),
            zone: new.zone.clone(),
            currency: new.currency,
            created: self.now,
        };
        Ok(vec![made(Entity::Workspace(workspace))])
    }

    pub(super) fn rename_workspace(&self, id: WorkspaceId, name: &Text) -> Decided {
        let before = self.workspace(id)?.clone();
        let after = Workspace { name: name.clone(), ..before.clone() };
        Ok(vec![edited(Entity::Workspace(before), Entity::Workspace(after))])
    }

    /// A workspace of the asker.
    fn workspace(&self, id: WorkspaceId) -> Result<&Workspace, Refusal> {
        let named = Named(Kind::Workspace, &id);
        let workspace = self.directory.workspaces.get(&id).ok_or_else(|| named.unknown())?;
        self.allow(Permission::Own, Target::OwnedBy(workspace.owner), named)?;
        Ok(workspace)
    }

    pub(super) fn create_project(&self, new: &NewProject) -> Decided {
        let owner = self.workspace(new.workspace)?.owner;
        if self.directory.project(new.id.as_str()).is_some() {
            return Err(Named(Kind::Project, &new.id).exists());
        }
        self.active(owner)?;
        let used = self.projects_of(owner).len() as u64;
        self.within_plan(owner, PlanLimit::Projects, used)?;
        let project = Project {
            id: new.id.clone(),
            name: new.name.clone(),
            // Since ever: events from before it was made have a payer too, and what they cost before acceptance is
            // nothing.
            attachments: vec![Attachment { workspace: new.workspace, from: Moment::FIRST }],
            accepted: self.not_passed(new.accepted.unwrap_or(self.now))?,
            created: self.now,
        };
        let mut edits = vec![made(Entity::Project(project))];
        if let Principal::User(maker) = self.by {
            let roles = BTreeSet::from([ProjectRole::Developer]);
            let member = Member { project: new.id.clone(), user: *maker, roles };
            edits.push(made(Entity::Member(member)));
        }
        Ok(edits)
    }

    fn not_passed(&self, at: Moment) -> Result<Moment, Refusal> {
        if at < self.now { Err(Refusal::Passed { at, now: self.now }) } else { Ok(at) }
    }

    /// The projects that a user pays for, or is going to.
    fn projects_of(&self, owner: UserId) -> BTreeSet<&ProjectId> {
        let workspaces = self.directory.workspaces_of(owner);
        let projects = workspaces.flat_map(|workspace| self.directory.projects_of.of(&workspace.id));
        projects.filter(|project| self.directory.owner_of(project) == Some(owner)).collect()
    }

    /// Whether one more is within the owner's plan, where `used` are there.
    fn within_plan(&self, owner: UserId, limit: PlanLimit, used: u64) -> Result<(), Refusal> {
        let Some(plan) = self.directory.plan_of(owner) else { return Ok(()) };
        let allowed = match limit {
            PlanLimit::Projects => plan.terms.limits.projects,
            PlanLimit::Members => plan.terms.limits.members,
        };
        match allowed.filter(|allowed| used >= *allowed) {
            Some(allowed) => Err(Refusal::PlanLimitReached { owner, limit, allowed, used }),
            None => Ok(()),
        }
    }

    pub(super) fn change_project(&self, change: &ProjectChange) -> Decided {
        let before = Project::clone(self.project(&change.id, Permission::Members)?);
        let mut after = before.clone();
        if let Some(name) = &change.name {
            after.name = name.clone();
        }
        if let Some(accepted) = change.accepted.filter(|accepted| *accepted != before.accepted) {
            if before.accepted <= self.now {
                return Err(Refusal::AcceptedAlready { at: before.accepted });
            }
            after.accepted = self.not_passed(accepted)?;
        }
        Ok(vec![edited(Entity::Project(before), Entity::Project(after))])
    }

    pub(super) fn set_member(&self, new: &NewMember) -> Decided {
        self.project(&new.project, Permission::Members)?;
        if self.directory.users.get(&new.user).is_none() {
            return Err(Named(Kind::User, &new.user).unknown());
        }
        new.roles.iter().try_for_each(|role| self.role_for_members(*role, &new.project))?;
        let before = self.directory.members.get(&(new.project.clone(), new.user));
        let was = before.is_some_and(|member| !member.roles.is_empty());
        if !new.roles.is_empty() && !was {
            self.active(new.user)?;
            self.member_within_plan(&new.project, new.user)?;
        }
        if new.roles.is_empty() && !was {
            return Ok(Vec::new());
        }
        let member = Member { project: new.project.clone(), user: new.user, roles: new.roles.clone() };
        let before = before.map(|member| Entity::Member(Member::clone(member)));
        Ok(vec![crate::change::Edit { before, after: Entity::Member(member) }])
    }

    /// A role that members of a project may be given.
    pub(super) fn role_for_members(&self, role: ProjectRole, project: &ProjectId) -> Result<(), Refusal> {
        let ProjectRole::Custom(id) = role else { return Ok(()) };
        let own = self.directory.roles.get(&id).filter(|role| role.project == *project);
        let role = own.ok_or_else(|| Named(Kind::Role, &id).unknown())?;
        if role.terms.entry != RoleEntry::Given {
            return Err(Refusal::RoleNotSo { role: id.to_string(), needed: RoleEntry::Given });
        }
        if role.active { Ok(()) } else { Err(Refusal::RoleInactive { role: id.to_string() }) }
    }

    fn member_within_plan(&self, project: &ProjectId, user: UserId) -> Result<(), Refusal> {
        let Some(owner) = self.directory.owner_of(project) else { return Ok(()) };
        let limited = self.directory.plan_of(owner).is_some_and(|plan| plan.terms.limits.members.is_some());
        if !limited {
            return Ok(());
        }
        let projects = self.projects_of(owner);
        let members = projects.into_iter().flat_map(|project| self.directory.members_of(project));
        let members: BTreeSet<UserId> = members.map(|member| member.user).collect();
        if members.contains(&user) {
            return Ok(());
        }
        self.within_plan(owner, PlanLimit::Members, members.len() as u64)
    }

    pub(super) fn create_plan(&self, id: PlanId, terms: &PlanTerms) -> Decided {
        self.allow_here(Permission::Plans)?;
        if self.directory.plans.get(&id).is_some() {
            return Err(Named(Kind::Plan, &id).exists());
        }
        Ok(vec![made(Entity::Plan(Plan { id, terms: terms.clone(), created: self.now }))])
    }

    pub(super) fn change_plan(&self, id: PlanId, terms: &PlanTerms) -> Decided {
        self.allow_here(Permission::Plans)?;
        let before = self.directory.plans.get(&id).ok_or_else(|| Named(Kind::Plan, &id).unknown())?;
        let after = Plan { terms: terms.clone(), ..Plan::clone(before) };
        Ok(vec![edited(Entity::Plan(Plan::clone(before)), Entity::Plan(after))])
    }
}
