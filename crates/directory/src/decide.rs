//! Deciding: an act in, a change or a named refusal out. Reads the state, changes nothing.
//!
//! Every act is checked in one order: what it names is there and may be seen, who asks may do it, the new id is free,
//! what is said makes sense, the plan allows it, instants and notice are right (see [`Refusal`]).

mod asked;
mod limits;
mod market;
mod people;
mod prices;
mod tokens;

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use kopeck_ledger::name::{Moment, Text};
use kopeck_rating::calendar::{Calendar, Second};

use crate::access::{Permission, Principal, Target};
use crate::act::Act;
use crate::change::{Change, Edit, Entity};
use crate::directory::Directory;
use crate::entity::{Project, User};
use crate::name::{ProjectId, UserId};
use crate::refusal::{Kind, Refusal};

type Decided = Result<Vec<Edit>, Refusal>;

impl Directory {
    /// What an act by somebody at an instant changes. An act that finds everything as it should be changes nothing,
    /// and its change is empty.
    ///
    /// # Errors
    /// [`Refusal`], of several the first in the order that its documentation tells.
    pub fn decide(&self, act: &Act, by: &Principal, now: Moment) -> Result<Change, Refusal> {
        let asking = Asking { directory: self, by, now };
        let mut edits = asking.decide(act)?;
        edits.retain(|edit| edit.before.as_ref() != Some(&edit.after));
        let project = edits.iter().find_map(|edit| self.project_of(&edit.after));
        Ok(Change { act: act.name(), project, edits })
    }
}

/// Somebody asks something at an instant.
struct Asking<'a> {
    directory: &'a Directory,
    by: &'a Principal,
    now: Moment,
}

impl<'a> Asking<'a> {
    fn decide(&self, act: &Act) -> Decided {
        match act {
            Act::CreateUser(new) => self.create_user(new),
            Act::ChangeUser(change) => self.change_user(change),
            Act::CreateWorkspace(new) => self.create_workspace(new),
            Act::RenameWorkspace(id, name) => self.rename_workspace(*id, name),
            Act::CreateProject(new) => self.create_project(new),
            Act::ChangeProject(change) => self.change_project(change),
            Act::SetMember(new) => self.set_member(new),
            Act::CreatePlan(id, terms) => self.create_plan(*id, terms),
            Act::ChangePlan(id, terms) => self.change_plan(*id, terms),
            Act::CreateProvider(id, terms) => self.create_provider(*id, terms),
            Act::ChangeProvider(id, terms) => self.change_provider(*id, terms),
            Act::AssignSource(new) => self.assign_source(new),
            Act::CreateBook { text } => self.create_book(text),
            Act::AnnounceVersion { book, text } => self.announce_version(book, text),
            Act::SetContract(new) => self.set_contract(new),
            Act::CreateExecutor(new) => self.create_executor(new),
            Act::ChangeExecutor(id, name, state) => self.change_executor(*id, name.as_ref(), *state),
            Act::CreateStorage(new) => self.create_storage(new),
            Act::ChangeStorage(id, name, clean_up) => self.change_storage(*id, name.as_ref(), *clean_up),
            Act::SetPrices(new) => self.set_prices(new),
            Act::IssueToken(new) => self.issue_token(new),
            Act::RevokeToken(id) => self.revoke_token(*id),
            other => self.decide_asked(other),
        }
    }

    fn decide_asked(&self, act: &Act) -> Decided {
        match act {
            Act::CreateApi(new) => self.create_api(new),
            Act::ChangeApi(change) => self.change_api(change),
            Act::RequestKey { id, api, user, purpose } => self.request_key(*id, *api, *user, purpose),
            Act::DecideKey { id, approve } => self.decide_key(*id, *approve),
            Act::SetKeySecret { id, secret } => self.set_key_secret(*id, *secret),
            Act::RevokeKey(id) => self.revoke_key(*id),
            Act::CreateRole(new) => self.create_role(new),
            Act::ChangeRole(id, terms, active) => self.change_role(*id, terms.as_ref(), *active),
            Act::RequestRole { id, role, user } => self.request_role(*id, *role, *user),
            Act::DecideRole { id, approve } => self.decide_role(*id, *approve),
            Act::RevokeRole(id) => self.revoke_role(*id),
            Act::SetLimit(new) => self.set_limit(new),
            Act::RemoveLimit(holder, key) => self.remove_limit(holder, key),
            Act::SetStopRules(rules) => self.set_stop_rules(rules),
            // The others are decided by whoever calls this.
            _ => Ok(Vec::new()),
        }
    }

    fn may(&self, permission: Permission, target: Target<'_>) -> bool {
        self.directory.may(self.by, permission, target)
    }

    /// Refuses what the asker may not do with something that exists: as unknown where it may not even be seen.
    fn allow(&self, permission: Permission, target: Target<'_>, named: Named<'_>) -> Result<(), Refusal> {
        if self.may(permission, target) {
            return Ok(());
        }
        if self.may(Permission::Read, target) {
            Err(Refusal::Forbidden { permission })
        } else {
            Err(named.unknown())
        }
    }

    /// Refuses what the asker may not do in the installation, where nothing is hidden by its name.
    fn allow_here(&self, permission: Permission) -> Result<(), Refusal> {
        if self.may(permission, Target::Installation) {
            Ok(())
        } else {
            Err(Refusal::Forbidden { permission })
        }
    }

    /// A user whom the asker may do something for.
    fn user(&self, id: UserId, permission: Permission) -> Result<&'a Arc<User>, Refusal> {
        let named = Named(Kind::User, &id);
        let user = self.directory.users.get(&id).ok_or_else(|| named.unknown())?;
        self.allow(permission, Target::OwnedBy(id), named)?;
        Ok(user)
    }

    /// A project that the asker may do something in.
    fn project(&self, id: &ProjectId, permission: Permission) -> Result<&'a Arc<Project>, Refusal> {
        let named = Named(Kind::Project, id);
        let project = self.directory.projects.get(id.as_str()).ok_or_else(|| named.unknown())?;
        self.allow(permission, Target::Project(id), named)?;
        Ok(project)
    }

    fn active(&self, user: UserId) -> Result<(), Refusal> {
        if self.directory.is_active(user) { Ok(()) } else { Err(Refusal::InactiveUser { user }) }
    }

    /// The first instant of a local day.
    fn day_start(calendar: &Calendar, date: Date) -> Result<Moment, Refusal> {
        let start = calendar.day_start(date).map_err(|_| Refusal::OutOfYears { date })?;
        moment(start).ok_or(Refusal::OutOfYears { date })
    }

    /// The local date of now.
    fn today(&self, calendar: &Calendar) -> Date {
        self.now.timestamp().to_zoned(calendar.zone().clone()).date()
    }
}

/// A thing as an act names it.
#[derive(Clone, Copy)]
struct Named<'a>(Kind, &'a dyn fmt::Display);

impl Named<'_> {
    fn unknown(self) -> Refusal {
        Refusal::Unknown { kind: self.0, id: self.1.to_string() }
    }

    fn exists(self) -> Refusal {
        Refusal::Exists { kind: self.0, id: self.1.to_string() }
    }
}

fn calendar_of(zone: &Text) -> Result<Calendar, Refusal> {
    Calendar::of_zone(zone.as_str()).ok_or_else(|| Refusal::UnknownZone { zone: zone.clone() })
}

/// The instant of a second, within the years of moments.
fn moment(second: Second) -> Option<Moment> {
    Moment::from_nanoseconds(second.checked_mul(1_000_000_000)?).ok()
}

fn made(after: Entity) -> Edit {
    Edit { before: None, after }
}

fn edited(before: Entity, after: Entity) -> Edit {
    Edit { before: Some(before), after }
}
