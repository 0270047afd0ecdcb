//! Who asks: bearer tokens, the roles they give, and what a role may do (access.md).
//!
//! A token is 256 random bits that are shown once and kept as a hash. Whoever has it is a [`Principal`].

mod directory;
mod operator;
mod secret;

use std::fmt;
use std::sync::Arc;

use kopeck_directory::entity::Emitter;
use kopeck_directory::name::{RoleId, UserId};
use kopeck_ledger::name::{Moment, Text};
use uuid::Uuid;

pub use directory::DirectoryTokens;
pub use operator::{InFolder, OPERATOR_TOKEN_FILE, OperatorToken, OperatorTokenError};
pub use secret::{NoRandomness, TokenHash, new_key, new_token};

/// Somebody who has shown a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Which token: never the token itself.
    pub token: Uuid,
    /// Who acts, as the ledger and the audit log name them. The same for all tokens of one person.
    pub actor: Text,
    /// What they may do.
    pub role: Role,
    /// With what.
    pub scope: Scope,
}

/// What somebody may do (access.md). Roles that projects make themselves are added to it by the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Of the installation: everything.
    Operator,
    /// Of the installation: reads all; deposits, bank statements, invoices, corrections.
    Accountant,
    /// Of a project: its money and its members.
    Payer,
    /// Of a project: its resources.
    Developer,
    /// Of a project: reads.
    Viewer,
    /// Of a project: what a role that it has made allows.
    Custom(RoleId),
    /// A signed-in user: in each project what that project's roles allow.
    Member,
    /// Sends events.
    Sender,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Operator => "operator",
            Role::Accountant => "accountant",
            Role::Payer => "payer",
            Role::Developer => "developer",
            Role::Viewer => "viewer",
            Role::Custom(_) => "of the project",
            Role::Member => "member",
            Role::Sender => "sender of events",
        })
    }
}

/// What a token may be used with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All that there is.
    Installation,
    /// One project.
    Project(Text),
    /// All that a user may do.
    User(UserId),
    /// The events of one emitter, and nothing else.
    Ingest(Emitter),
}

/// What somebody may be allowed to do or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Look at accounts, transactions and holds.
    Read,
    /// Open accounts, and say their credit limits and coefficients.
    ManageAccounts,
    /// Bring money in.
    Deposit,
    /// Move money, send it out, or set it aside.
    MoveMoney,
    /// Correct and reverse.
    PutRight,
    /// Prove the whole journal, and print it for other programs.
    ReadJournal,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Act::Read => "look at this",
            Act::ManageAccounts => "open or change accounts",
            Act::Deposit => "bring money in",
            Act::MoveMoney => "move money or set it aside",
            Act::PutRight => "correct or reverse transactions",
            Act::ReadJournal => "read the whole journal",
        })
    }
}

/// Where tokens are found by their hashes.
pub trait Tokens: Send + Sync {
    /// Who has the token of that hash, if it is in force at an instant.
    fn principal(&self, hash: &TokenHash, now: Moment) -> Option<Principal>;
}

/// Several places, asked one after the other.
pub struct AnyOf(pub Vec<Arc<dyn Tokens>>);

impl Tokens for AnyOf {
    fn principal(&self, hash: &TokenHash, now: Moment) -> Option<Principal> {
        self.0.iter().find_map(|tokens| tokens.principal(hash, now))
    }
}
