//! Who may do what: one table (access.md), and who stands in which of its columns.

use std::fmt;

use kopeck_ledger::name::Text;
use serde::{Deserialize, Serialize};

use crate::entity::{Emitter, InstallationRole, ProjectRole};
use crate::name::{ProjectId, UserId};

macro_rules! permissions {
    ($($(#[$about:meta])* $name:ident = $word:literal: $holders:literal,)+) => {
        /// What may be done. Few and named: a route asks for exactly one of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Permission {
            $($(#[$about])* $name,)+
        }

        impl Permission {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Permission] = &[$(Permission::$name),+];

            /// Its name in roles and refusals.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Permission::$name => $word,)+
                }
            }

            /// The table: the first letters of the columns that have it.
            const fn holders(self) -> &'static str {
                match self {
                    $(Permission::$name => $holders,)+
                }
            }
        }
    };
}

// One letter a column: Operator, Accountant, Payer, Developer, Viewer, owneR of a workspace, executor or storage,
// Ingest.
permissions! {
    /// Read the thing or the project.
    Read = "read": "OAPDVR",
    /// Read what belongs to nobody's project: all users, the whole audit log, all tokens.
    ReadAll = "read_all": "OA",
    /// Make users, workspaces of others, executors and storages of others; stop them.
    Administer = "administer": "O",
    /// Price books and contracts.
    Prices = "prices": "O",
    /// Plans.
    Plans = "plans": "O",
    /// Providers and sources.
    Providers = "providers": "O",
    /// The monthly close.
    Close = "close": "O",
    /// Tokens of the installation and of ingestion.
    Tokens = "tokens": "O",
    /// Deposits and bank statements. Who may issue an accountant's token may do an accountant's work.
    Deposits = "deposits": "OA",
    /// Issue invoices.
    Invoices = "invoices": "OA",
    /// Corrections and reversals.
    Corrections = "corrections": "OA",
    /// Money of the project in and out, or the owner's own.
    Money = "money": "PR",
    /// Set and raise caps and quotas.
    Limits = "limits": "OP",
    /// Lower a cap or a quota.
    LowerLimits = "lower_limits": "OPD",
    /// Members, roles and tokens of the project.
    Members = "members": "OP",
    /// Accept a hand-over.
    HandOver = "hand_over": "P",
    /// Order forms.
    OrderForms = "order_forms": "OP",
    /// Resources: stop, protect.
    Resources = "resources": "OD",
    /// Ask for authorisations: run jobs.
    Authorise = "authorise": "OD",
    /// Estimates.
    Estimate = "estimate": "OPD",
    /// API keys of the project.
    Keys = "keys": "OPD",
    /// Change what one owns: a workspace, an executor, a storage.
    Own = "own": "OR",
    /// Send events.
    Ingest = "ingest": "OI",
}

impl Permission {
    /// What a project may put into a role of its own: what a developer may. What is the payer's stays the payer's.
    pub const FOR_ROLES: &'static [Permission] = &[
        Permission::Read,
        Permission::LowerLimits,
        Permission::Resources,
        Permission::Authorise,
        Permission::Estimate,
        Permission::Keys,
    ];
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `operator` of the installation.
    Operator,
    /// `accountant` of the installation.
    Accountant,
    /// `payer` of the project.
    Payer,
    /// `developer` of the project.
    Developer,
    /// `viewer` of the project.
    Viewer,
    /// The owner of the workspace, executor or storage in question.
    Owner,
    /// A token that sends events.
    Ingest,
}

impl Column {
    /// All of them, in the order of the table.
    pub const ALL: [Column; 7] = [
        Column::Operator,
        Column::Accountant,
        Column::Payer,
        Column::Developer,
        Column::Viewer,
        Column::Owner,
        Column::Ingest,
    ];

    fn letter(self) -> char {
        match self {
            Column::Operator => 'O',
            Column::Accountant => 'A',
            Column::Payer => 'P',
            Column::Developer => 'D',
            Column::Viewer => 'V',
            Column::Owner => 'R',
            Column::Ingest => 'I',
        }
    }

    /// Whether who stands in this column may do that.
    #[must_use]
    pub fn has(self, permission: Permission) -> bool {
        permission.holders().contains(self.letter())
    }
}

impl From<InstallationRole> for Column {
    fn from(role: InstallationRole) -> Column {
        match role {
            InstallationRole::Operator => Column::Operator,
            InstallationRole::Accountant => Column::Accountant,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The engine itself, and whoever sits at its machine.
    System,
    /// A token of the installation.
    Installation(InstallationRole),
    /// A signed-in user.
    User(UserId),
    /// A token of one project.
    Project {
        /// Which project.
        project: ProjectId,
        /// As what.
        role: ProjectRole,
    },
    /// A token that sends events of one emitter.
    Ingest(Emitter),
    /// Somebody who has not signed in.
    Anyone,
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// What is nobody's alone: plans, books, providers, the audit log.
    Installation,
    /// A project and what is in it.
    Project(&'a ProjectId),
    /// A user, or a workspace, executor or storage of that user.
    OwnedBy(UserId),
    /// The events of an emitter.
    Events(Emitter),
}

/// Who asks, as the audit log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub principal: Principal,
    /// By what name: a user's id, `token:` and a token's id, or `system`.
    pub name: Text,
    /// From where, if it came by a network.
    pub address: Option<Text>,
}
