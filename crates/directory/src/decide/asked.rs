//! What a project offers and users ask for: APIs by key, and roles.

use std::collections::BTreeSet;

use kopeck_ledger::name::{Moment, Text};

use super::prices::OwnBook;
use super::{Asking, Decided, Named, edited, made};
use crate::access::{Permission, Principal, Target};
use crate::act::{ApiChange, NewApi, NewRole, OwnPrices};
use crate::change::Entity;
use crate::entity::{Api, ApiKey, Asked, Emitter, Grant, Role, RoleEntry, RoleTerms, Standing};
use crate::name::{ApiId, GrantId, KeyId, ProjectId, RoleId, SecretHash, UserId};
use crate::refusal::{Kind, Refusal};

impl Asking<'_> {
    pub(super) fn create_api(&self, new: &NewApi) -> Decided {
        let project = self.project(&new.project, Permission::Keys)?;
        if self.directory.apis.get(&new.id).is_some() {
            return Err(Named(Kind::Api, &new.id).exists());
        }
        let emitter = Emitter::Api(new.id);
        let source = self.own_source(&new.source, emitter)?;
        let workspace = self.directory.payer(project.id.as_str(), self.now);
        let workspace = workspace.ok_or_else(|| Named(Kind::Project, &project.id).unknown())?;
        let own = (&workspace.zone, workspace.currency);
        let OwnBook { id, edits } = self.own_book(emitter, own, &OwnPrices::Api(new.price))?;
        let api = Api {
            id: new.id,
            project: new.project.clone(),
            name: new.name.clone(),
            book: id,
            source: new.source.clone(),
            purposes: new.purposes.clone(),
            limits: new.limits,
            open: true,
            created: self.now,
        };
        Ok([edits, vec![source, made(Entity::Api(api))]].concat())
    }

    pub(super) fn change_api(&self, change: &ApiChange) -> Decided {
        let before = self.api(change.id, Permission::Keys)?;
        let after = Api {
            name: change.name.as_ref().unwrap_or(&before.name).clone(),
            purposes: change.purposes.as_ref().unwrap_or(&before.purposes).clone(),
            limits: change.limits.unwrap_or(before.limits),
            open: change.open.unwrap_or(before.open),
            ..before.clone()
        };
        Ok(vec![edited(Entity::Api(before.clone()), Entity::Api(after))])
    }

    pub(super) fn request_key(&self, id: KeyId, api: ApiId, user: UserId, purpose: &Text) -> Decided {
        self.user(user, Permission::Own)?;
        let named = Named(Kind::Api, &api);
        let found = self.directory.apis.get(&api).ok_or_else(|| named.unknown())?;
        if self.directory.keys.get(&id).is_some() {
            return Err(Named(Kind::Key, &id).exists());
        }
        self.active(user)?;
        if !found.open {
            return Err(Refusal::NotOpen);
        }
        if !found.purposes.is_empty() && !found.purposes.contains(purpose) {
            return Err(Refusal::UnknownPurpose { purpose: purpose.clone() });
        }
        self.pays_in_one_currency(user, &found.project)?;
        let same = |key: &&std::sync::Arc<ApiKey>| key.api == api && key.purpose == *purpose;
        if let Some(key) = self.directory.keys_of(user).filter(same).find(|key| key.asked.is_open()) {
            return Err(asked_already((Kind::Key, &key.id), &key.asked));
        }
        let key =
            ApiKey { id, api, user, purpose: purpose.clone(), asked: Asked::at(self.now), secret: None };
        Ok(vec![made(Entity::ApiKey(key))])
    }

    /// A user pays a workspace for what the user does in its project: both accounts are in one currency.
    fn pays_in_one_currency(&self, user: UserId, project: &ProjectId) -> Result<(), Refusal> {
        let (Some(user), Some(workspace)) =
            (self.directory.users.get(&user), self.directory.payer(project.as_str(), self.now))
        else {
            return Ok(());
        };
        if user.currency == workspace.currency {
            return Ok(());
        }
        Err(Refusal::OtherCurrencyThanOwner { owner: user.currency, currency: workspace.currency })
    }

    /// A key, and whether it is the project that asks about it and not its user.
    fn key(&self, id: KeyId) -> Result<(&ApiKey, bool), Refusal> {
        let named = Named(Kind::Key, &id);
        let key = self.directory.keys.get(&id).ok_or_else(|| named.unknown())?;
        let api = self.directory.apis.get(&key.api).ok_or_else(|| named.unknown())?;
        self.asked_of(Permission::Keys, (&api.project, key.user), named)
            .map(|by_project| (key.as_ref(), by_project))
    }

    /// Whether the asker may speak for the project, or (`false`) for the user; refused where for neither.
    fn asked_of(
        &self,
        permission: Permission,
        (project, user): (&ProjectId, UserId),
        named: Named<'_>,
    ) -> Result<bool, Refusal> {
        if self.may(permission, Target::Project(project)) {
            return Ok(true);
        }
        if self.may(Permission::Own, Target::OwnedBy(user)) {
            return Ok(false);
        }
        self.allow(permission, Target::Project(project), named).map(|()| true)
    }

    pub(super) fn decide_key(&self, id: KeyId, approve: bool) -> Decided {
        let (before, by_project) = self.key(id)?;
        if !by_project {
            return Err(Refusal::Forbidden { permission: Permission::Keys });
        }
        let asked = before.asked.decide((Kind::Key, &id), approve, self.now)?;
        let after = ApiKey { asked, ..before.clone() };
        Ok(vec![edited(Entity::ApiKey(before.clone()), Entity::ApiKey(after))])
    }

    pub(super) fn set_key_secret(&self, id: KeyId, secret: SecretHash) -> Decided {
        let (before, _) = self.key(id)?;
        // Nobody else sees the secret: neither the project nor the operator.
        if *self.by != Principal::User(before.user) && *self.by != Principal::System {
            return Err(Refusal::Forbidden { permission: Permission::Own });
        }
        before.asked.stands((Kind::Key, &id), Standing::Approved)?;
        if before.secret.is_some() {
            return Err(Refusal::SecretFetched { id: id.to_string() });
        }
        let after = ApiKey { secret: Some(secret), ..before.clone() };
        Ok(vec![edited(Entity::ApiKey(before.clone()), Entity::ApiKey(after))])
    }

    pub(super) fn revoke_key(&self, id: KeyId) -> Decided {
        let (before, _) = self.key(id)?;
        let asked = before.asked.revoke((Kind::Key, &id), self.now)?;
        let after = ApiKey { asked, ..before.clone() };
        Ok(vec![edited(Entity::ApiKey(before.clone()), Entity::ApiKey(after))])
    }

    pub(super) fn create_role(&self, new: &NewRole) -> Decided {
        self.project(&new.project, Permission::Members)?;
        if self.directory.roles.get(&new.id).is_some() {
            return Err(Named(Kind::Role, &new.id).exists());
        }
        permissions_fit(&new.terms)?;
        let role = Role {
            id: new.id,
            project: new.project.clone(),
            terms: new.terms.clone(),
            active: true,
            created: self.now,
        };
        Ok(vec![made(Entity::Role(role))])
    }

    pub(super) fn change_role(&self, id: RoleId, terms: Option<&RoleTerms>, active: Option<bool>) -> Decided {
        let named = Named(Kind::Role, &id);
        let before = self.directory.roles.get(&id).ok_or_else(|| named.unknown())?;
        self.allow(Permission::Members, Target::Project(&before.project), named)?;
        let terms = terms.unwrap_or(&before.terms);
        permissions_fit(terms)?;
        if terms.entry != before.terms.entry {
            return Err(Refusal::RoleNotSo { role: id.to_string(), needed: terms.entry });
        }
        let active = active.unwrap_or(before.active);
        let after = Role { terms: terms.clone(), active, ..Role::clone(before) };
        Ok(vec![edited(Entity::Role(Role::clone(before)), Entity::Role(after))])
    }

    pub(super) fn request_role(&self, id: GrantId, role: RoleId, user: UserId) -> Decided {
        self.user(user, Permission::Own)?;
        let named = Named(Kind::Role, &role);
        let found = self.directory.roles.get(&role).ok_or_else(|| named.unknown())?;
        // Only what may be asked for is shown to those who do not see the project.
        if found.terms.entry != RoleEntry::Paid {
            self.allow(Permission::Read, Target::Project(&found.project), named)?;
            return Err(Refusal::RoleNotSo { role: role.to_string(), needed: RoleEntry::Paid });
        }
        if self.directory.grants.get(&id).is_some() {
            return Err(Named(Kind::Grant, &id).exists());
        }
        self.active(user)?;
        if !found.active {
            return Err(Refusal::RoleInactive { role: role.to_string() });
        }
        self.pays_in_one_currency(user, &found.project)?;
        let open = self.directory.grants_of(user).filter(|grant| grant.role == role);
        if let Some(grant) = open.into_iter().find(|grant| grant.asked.is_open()) {
            return Err(asked_already((Kind::Grant, &grant.id), &grant.asked));
        }
        Ok(vec![made(Entity::Grant(Grant { id, role, user, asked: Asked::at(self.now) }))])
    }

    /// A grant, and whether it is the project that asks about it and not its user.
    fn grant(&self, id: GrantId) -> Result<(&Grant, bool), Refusal> {
        let named = Named(Kind::Grant, &id);
        let grant = self.directory.grants.get(&id).ok_or_else(|| named.unknown())?;
        let role = self.directory.roles.get(&grant.role).ok_or_else(|| named.unknown())?;
        let asked_of = self.asked_of(Permission::Members, (&role.project, grant.user), named);
        asked_of.map(|by_project| (grant.as_ref(), by_project))
    }

    pub(super) fn decide_role(&self, id: GrantId, approve: bool) -> Decided {
        let (before, by_project) = self.grant(id)?;
        if !by_project {
            return Err(Refusal::Forbidden { permission: Permission::Members });
        }
        let asked = before.asked.decide((Kind::Grant, &id), approve, self.now)?;
        let after = Grant { asked, ..before.clone() };
        Ok(vec![edited(Entity::Grant(before.clone()), Entity::Grant(after))])
    }

    pub(super) fn revoke_role(&self, id: GrantId) -> Decided {
        let (before, _) = self.grant(id)?;
        let asked = before.asked.revoke((Kind::Grant, &id), self.now)?;
        let after = Grant { asked, ..before.clone() };
        Ok(vec![edited(Entity::Grant(before.clone()), Entity::Grant(after))])
    }
}

impl Asked {
    fn at(now: Moment) -> Asked {
        Asked { standing: Standing::Requested, requested: now, decided: None, revoked: None }
    }

    /// Whether it waits or holds.
    fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Requested | Standing::Approved)
    }

    fn stands(&self, (kind, id): (Kind, &dyn std::fmt::Display), needed: Standing) -> Result<(), Refusal> {
        if self.standing == needed {
            return Ok(());
        }
        Err(Refusal::StandsElsewhere { kind, id: id.to_string(), standing: self.standing, needed })
    }

    fn decide(
        &self,
        named: (Kind, &dyn std::fmt::Display),
        approve: bool,
        now: Moment,
    ) -> Result<Asked, Refusal> {
        self.stands(named, Standing::Requested)?;
        let standing = if approve { Standing::Approved } else { Standing::Refused };
        Ok(Asked { standing, decided: Some(now), ..self.clone() })
    }

    fn revoke(&self, named: (Kind, &dyn std::fmt::Display), now: Moment) -> Result<Asked, Refusal> {
        if !self.is_open() {
            self.stands(named, Standing::Approved)?;
        }
        Ok(Asked { standing: Standing::Revoked, revoked: Some(now), ..self.clone() })
    }
}

fn asked_already((kind, id): (Kind, &dyn std::fmt::Display), asked: &Asked) -> Refusal {
    Refusal::AskedAlready { kind, id: id.to_string(), standing: asked.standing }
}

fn permissions_fit(terms: &RoleTerms) -> Result<(), Refusal> {
    let beyond = |allowed: &[Permission]| {
        let given: &BTreeSet<Permission> = &terms.permissions;
        given.iter().find(|one| !allowed.contains(one)).copied()
    };
    if let Some(permission) = beyond(Permission::FOR_ROLES) {
        return Err(Refusal::NotForRoles { permission });
    }
    match beyond(&[Permission::Read]) {
        Some(permission) if terms.entry == RoleEntry::Public => Err(Refusal::PublicOnlyReads { permission }),
        _ => Ok(()),
    }
}
