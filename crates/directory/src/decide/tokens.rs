//! Bearer tokens.

use super::{Asking, Decided, Named, edited, made};
use crate::access::{Permission, Principal, Target};
use crate::act::NewToken;
use crate::change::Entity;
use crate::entity::{Emitter, ProjectRole, Scope, Token};
use crate::name::{ProjectId, TokenId};
use crate::refusal::{Kind, Refusal};

impl Asking<'_> {
    pub(super) fn issue_token(&self, new: &NewToken) -> Decided {
        self.may_issue(&new.scope)?;
        let taken = self.directory.tokens.get(&new.id).is_some();
        if taken || self.directory.token(&new.secret).is_some() {
            return Err(Named(Kind::Token, &new.id).exists());
        }
        if let Scope::Project { project, role: ProjectRole::Custom(role) } = &new.scope {
            let own = self.directory.roles.get(role).filter(|found| found.project == *project);
            own.ok_or_else(|| Named(Kind::Role, role).unknown())?;
        }
        if let Scope::User(user) = new.scope {
            self.active(user)?;
        }
        if let Some(expires) = new.expires.filter(|expires| *expires <= self.now) {
            return Err(Refusal::NotAhead { at: expires, now: self.now });
        }
        let issued_by = match self.by {
            Principal::User(user) => Some(*user),
            _ => None,
        };
        let token = Token {
            id: new.id,
            name: new.name.clone(),
            secret: new.secret,
            scope: new.scope.clone(),
            issued_by,
            created: self.now,
            expires: new.expires,
            revoked: None,
        };
        Ok(vec![made(Entity::Token(token))])
    }

    /// Whoever may issue a token may revoke it, and see it in lists.
    fn may_issue(&self, scope: &Scope) -> Result<(), Refusal> {
        match scope {
            Scope::Installation(_) => self.allow_here(Permission::Tokens),
            Scope::Project { project, role } => self.may_issue_in(project, *role),
            Scope::User(user) => self.user(*user, Permission::Own).map(|_| ()),
            Scope::Ingest(Emitter::Provider(id)) => {
                self.allow_here(Permission::Tokens)?;
                self.provider(*id).map(|_| ())
            }
            Scope::Ingest(Emitter::Executor(id)) => self.executor(*id, Permission::Own).map(|_| ()),
            Scope::Ingest(Emitter::Storage(id)) => self.storage(*id, Permission::Own).map(|_| ()),
            Scope::Ingest(Emitter::Api(id)) => self.api(*id, Permission::Keys).map(|_| ()),
        }
    }

    /// A project's tokens are issued by who manages its members; a member may issue those of the member's own roles.
    fn may_issue_in(&self, project: &ProjectId, role: ProjectRole) -> Result<(), Refusal> {
        if let Principal::User(user) = self.by
            && self.directory.is_active(*user)
            && self.directory.roles_in(*user, project).contains(&role)
        {
            return Ok(());
        }
        self.project(project, Permission::Members).map(|_| ())
    }

    pub(super) fn revoke_token(&self, id: TokenId) -> Decided {
        let named = Named(Kind::Token, &id);
        let before = self.directory.tokens.get(&id).ok_or_else(|| named.unknown())?;
        if let Err(refusal) = self.may_issue(&before.scope) {
            let sees = self.may(Permission::ReadAll, Target::Installation);
            return Err(if sees { refusal } else { named.unknown() });
        }
        if let Some(at) = before.revoked {
            return Err(Refusal::RevokedAlready { id: id.to_string(), at });
        }
        let after = Token { revoked: Some(self.now), ..Token::clone(before) };
        Ok(vec![edited(Entity::Token(Token::clone(before)), Entity::Token(after))])
    }
}

impl crate::Directory {
    /// Whether somebody may see a token: who could issue it.
    #[must_use]
    pub fn may_see_token(&self, by: &Principal, token: &Token) -> bool {
        // No instant matters to who may issue.
        let asking = Asking { directory: self, by, now: token.created };
        self.may(by, Permission::ReadAll, Target::Installation) || asking.may_issue(&token.scope).is_ok()
    }
}
