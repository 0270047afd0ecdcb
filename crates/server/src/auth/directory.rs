//! The directory's tokens, and who their bearers are to it.

use std::sync::Arc;

use kopeck_directory::access;
use kopeck_directory::entity::{InstallationRole, ProjectRole};
use kopeck_directory::name::{ProjectId, SecretHash};
use kopeck_ledger::name::{Moment, Text};
use kopeck_store::DirectoryStore;

use super::{Principal, Role, Scope, TokenHash, Tokens};

/// The tokens that the directory has issued. Each use is remembered.
pub struct DirectoryTokens(pub Arc<dyn DirectoryStore>);

impl Tokens for DirectoryTokens {
    fn principal(&self, hash: &TokenHash, now: Moment) -> Option<Principal> {
        let found = self.0.snapshot().principal(&SecretHash::from_bytes(*hash.bytes()), now);
        let (token, principal) = found.ok()?;
        self.0.used(token, now);
        let (role, scope) = match principal {
            access::Principal::Installation(InstallationRole::Operator) => {
                (Role::Operator, Scope::Installation)
            }
            access::Principal::Installation(InstallationRole::Accountant) => {
                (Role::Accountant, Scope::Installation)
            }
            access::Principal::Project { project, role } => (role_of(role), Scope::Project(project.0)),
            access::Principal::User(user) => (Role::Member, Scope::User(user)),
            access::Principal::Ingest(emitter) => (Role::Sender, Scope::Ingest(emitter)),
            access::Principal::System | access::Principal::Anyone => return None,
        };
        let name = match scope {
            Scope::User(user) => user.to_string(),
            _ => format!("token:{token}"),
        };
        Some(Principal { token: token.0, actor: Text::new(&name).ok()?, role, scope })
    }
}

fn role_of(role: ProjectRole) -> Role {
    match role {
        ProjectRole::Payer => Role::Payer,
        ProjectRole::Developer => Role::Developer,
        ProjectRole::Viewer => Role::Viewer,
        ProjectRole::Custom(id) => Role::Custom(id),
    }
}

impl Principal {
    /// Who this is to the directory. What is no one there may nothing.
    #[must_use]
    pub fn in_directory(&self) -> access::Principal {
        let role = match self.role {
            Role::Payer => ProjectRole::Payer,
            Role::Developer => ProjectRole::Developer,
            Role::Viewer => ProjectRole::Viewer,
            Role::Custom(id) => ProjectRole::Custom(id),
            Role::Operator if self.scope == Scope::Installation => {
                return access::Principal::Installation(InstallationRole::Operator);
            }
            Role::Accountant if self.scope == Scope::Installation => {
                return access::Principal::Installation(InstallationRole::Accountant);
            }
            Role::Operator | Role::Accountant | Role::Member | Role::Sender => return self.by_scope(),
        };
        match &self.scope {
            Scope::Project(project) => {
                access::Principal::Project { project: ProjectId(project.clone()), role }
            }
            _ => self.by_scope(),
        }
    }

    fn by_scope(&self) -> access::Principal {
        match self.scope {
            Scope::User(user) => access::Principal::User(user),
            Scope::Ingest(emitter) => access::Principal::Ingest(emitter),
            Scope::Installation | Scope::Project(_) => access::Principal::Anyone,
        }
    }
}
