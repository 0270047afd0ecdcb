//! What was decided: the things that it changes, as they were and as they are now.

use serde::{Deserialize, Serialize};

use crate::entity::{
    Api, ApiKey, Book, BookVersion, Contract, Executor, Grant, Member, Plan, Project, Provider, Role, Source,
    Storage, Token, User, Workspace,
};
use crate::limit::{Limit, StopRules};
use crate::name::ProjectId;

/// One thing of the directory. Nothing is ever removed: what ends says so in its own fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the thing of its name")]
pub enum Entity {
    User(User),
    Workspace(Workspace),
    Project(Project),
    Member(Member),
    Plan(Plan),
    Provider(Provider),
    Source(Source),
    Book(Book),
    BookVersion(BookVersion),
    Contract(Contract),
    Executor(Executor),
    Storage(Storage),
    Api(Api),
    ApiKey(ApiKey),
    Role(Role),
    Grant(Grant),
    Limit(Limit),
    StopRules(StopRules),
    Token(Token),
}

/// What an act changes. Applying all that was ever decided, in its order, makes the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The act's name, such as `create_project`.
    pub act: &'static str,
    /// The project that it is about, where it is about one.
    pub project: Option<ProjectId>,
    /// At least one, but for an act that found everything as it should be.
    pub edits: Vec<Edit>,
}

/// One thing before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// As it was; `None` where it is new.
    pub before: Option<Entity>,
    /// As it is now.
    pub after: Entity,
}

impl Change {
    /// Whether nothing changes: it need not be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }
}
