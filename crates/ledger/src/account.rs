//! Accounts: whose money, how much of it, and what of it is free.

use crate::amount::Amount;
use crate::coefficient::Coefficient;
use crate::name::{AccountId, AccountNumber, Currency, Sequence, Text};
use crate::named::named;

named! {
    /// Whose money an account holds (ledger.md, "Accounts").
    AccountKind {
        /// One person or firm.
        User = "user",
        /// A project's working money; one account may serve several projects.
        Workspace = "workspace",
        /// The earnings of the owner of an S3 storage.
        Storage = "storage",
        /// The earnings of the owner of a compute server.
        Executor = "executor",
        /// The operator.
        Platform = "platform",
        /// The bank's side of deposits and withdrawals.
        External = "external",
        /// The close's rounding.
        Rounding = "rounding",
        /// VAT owed.
        Tax = "tax",
    }
}

impl AccountKind {
    /// Whether it is one of the system's accounts, which may be below zero at any time.
    #[must_use]
    pub fn is_system(self) -> bool {
        matches!(self, AccountKind::External | AccountKind::Rounding | AccountKind::Tax)
    }

    /// Whether there is exactly one for each currency, which transactions find by themselves.
    #[must_use]
    pub fn is_single(self) -> bool {
        self.is_system() || self == AccountKind::Platform
    }

    /// Whether it belongs to a user account.
    #[must_use]
    pub fn has_owner(self) -> bool {
        matches!(self, AccountKind::Workspace | AccountKind::Storage | AccountKind::Executor)
    }

    /// Whether it earns for work or storage that others pay: the provider partners.
    #[must_use]
    pub fn is_partner(self) -> bool {
        matches!(self, AccountKind::Storage | AccountKind::Executor)
    }
}

/// An account and its state at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What its opening said.
    pub opening: Opening,
    /// How far below zero `available` counts: 0 for prepaid.
    pub credit_limit: Amount,
    /// The plan's cost coefficient k of its owner.
    pub coefficient: Coefficient,
    /// The sum of its entries.
    pub posted: Amount,
    /// The sum of what is left of its open holds.
    pub held: Amount,
    /// The cost of its projects up to now that is not posted yet.
    pub accrued: Amount,
    /// The record of its last entry: the head of its chain.
    pub last: Sequence,
    /// How many transfers it has taken part in.
    pub entries: u64,
}

/// What never changes about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Its identity.
    pub id: AccountId,
    /// Its place in the journal's order of accounts.
    pub number: AccountNumber,
    /// Whose money it holds.
    pub kind: AccountKind,
    /// What people call it.
    pub name: Text,
    /// The user account that a workspace, storage or executor belongs to.
    pub owner: Option<AccountNumber>,
    /// What its money is counted in.
    pub currency: Currency,
    /// The IANA time zone of a workspace's local days. `None` is UTC.
    pub zone: Option<Text>,
}

impl Account {
    /// `posted + credit_limit − held − accrued`: what may still be spent. Negative where cost has accrued beyond it.
    /// `None` beyond 128 bits, which amounts of 64 bits never reach.
    #[must_use]
    pub fn available(&self) -> Option<Amount> {
        let most = self.posted.checked_add(self.credit_limit)?;
        most.checked_sub(self.held)?.checked_sub(self.accrued)
    }
}
