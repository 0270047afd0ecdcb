//! What a transfer is for, and between which accounts it may move money: the table of ledger.md, "Transactions".

use crate::account::AccountKind::{
    self, Executor, External, Platform, Rounding, Storage, Tax, User, Workspace,
};
use crate::named::named;

named! {
    /// What a transfer is for. Statements tell income and expense apart by it.
    Purpose {
        /// Money comes in: external → user.
        Deposit = "deposit",
        /// Money goes out: user or platform → external.
        Withdrawal = "withdrawal",
        /// user → workspace or user; owner's workspace, storage or executor → owner's user.
        DirectTransfer = "direct_transfer",
        /// A job's charge: workspace → executor.
        ExecutorPayment = "executor_payment",
        /// Stored megabytes: workspace → storage.
        StoragePayment = "storage_payment",
        /// The price of a call, or the cost of the job that an API key ran: user → workspace.
        ApiKeyPayment = "api_key_payment",
        /// The cost of a user's job × the role's coefficient: user → workspace.
        PaidRolePayment = "paid_role_payment",
        /// What the platform takes: executor, storage or workspace → platform.
        Commission = "commission",
        /// Charges of the operator's own clouds: workspace → platform.
        ServicePayment = "service_payment",
        /// The difference between what a transaction moved and what it should have.
        Correction = "correction",
        /// The other way round of all that a transaction moved.
        Reversal = "reversal",
        /// The close's difference between ledger and invoice: workspace ↔ rounding.
        Rounding = "rounding",
        /// VAT owed, at the close: platform ↔ tax.
        Tax = "tax",
    }
}

named! {
    /// Whether somebody asked for the transaction, or it follows from a charge.
    Origin {
        /// Asked for by an actor.
        Explicit = "explicit",
        /// Follows from a charge, which its reference names.
        Implicit = "implicit",
    }
}

named! {
    /// When the transaction was made.
    Mode {
        /// At once.
        Online = "online",
        /// On a schedule, or when the owner started what is otherwise scheduled.
        Scheduled = "scheduled",
    }
}

impl Purpose {
    /// Whether a transfer for this purpose may go between accounts of these kinds. That a partner's account pays only
    /// its own owner by `direct_transfer` is checked beside, where the accounts are known.
    #[must_use]
    pub fn may_move(self, debit: AccountKind, credit: AccountKind) -> bool {
        match self {
            Purpose::Deposit => debit == External && credit == User,
            Purpose::Withdrawal => matches!(debit, User | Platform) && credit == External,
            Purpose::DirectTransfer => {
                matches!((debit, credit), (User, Workspace | User) | (Workspace | Storage | Executor, User))
            }
            Purpose::ExecutorPayment => debit == Workspace && credit == Executor,
            Purpose::StoragePayment => debit == Workspace && credit == Storage,
            Purpose::ApiKeyPayment | Purpose::PaidRolePayment => debit == User && credit == Workspace,
            Purpose::Commission => matches!(debit, Executor | Storage | Workspace) && credit == Platform,
            Purpose::ServicePayment => debit == Workspace && credit == Platform,
            Purpose::Correction | Purpose::Reversal => {
                Purpose::ALL.iter().any(|first| first.is_first() && first.joins(debit, credit))
            }
            Purpose::Rounding => matches!((debit, credit), (Workspace, Rounding) | (Rounding, Workspace)),
            Purpose::Tax => matches!((debit, credit), (Platform, Tax) | (Tax, Platform)),
        }
    }

    /// Whether it moves money for the first time, and not to put another transaction right.
    #[must_use]
    pub fn is_first(self) -> bool {
        !matches!(self, Purpose::Correction | Purpose::Reversal)
    }

    /// Whether it is what a charge costs somebody: the purposes that cost which has accrued may be posted for.
    #[must_use]
    pub fn is_charge(self) -> bool {
        matches!(
            self,
            Purpose::ExecutorPayment
                | Purpose::StoragePayment
                | Purpose::ApiKeyPayment
                | Purpose::PaidRolePayment
                | Purpose::ServicePayment
        )
    }

    fn joins(self, one: AccountKind, other: AccountKind) -> bool {
        self.may_move(one, other) || self.may_move(other, one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn each_purpose_moves_money_only_where_its_row_says() {
        let mut table = String::new();
        for purpose in Purpose::ALL.iter().filter(|purpose| purpose.is_first()) {
            let pairs = AccountKind::ALL
                .iter()
                .flat_map(|debit| AccountKind::ALL.iter().map(move |credit| (*debit, *credit)));
            let allowed: Vec<String> = pairs
                .filter(|(debit, credit)| purpose.may_move(*debit, *credit))
                .map(|(debit, credit)| format!("{debit}→{credit}"))
                .collect();
            table += &format!("{purpose}: {}\n", allowed.join(" "));
        }
        expect![[r#"
            deposit: external→user
            withdrawal: user→external platform→external
            direct_transfer: user→user user→workspace workspace→user storage→user executor→user
            executor_payment: workspace→executor
            storage_payment: workspace→storage
            api_key_payment: user→workspace
            paid_role_payment: user→workspace
            commission: workspace→platform storage→platform executor→platform
            service_payment: workspace→platform
            rounding: workspace→rounding rounding→workspace
            tax: platform→tax tax→platform
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn bytes_and_words_lead_back() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::from_code(purpose.code()), Some(*purpose));
            assert_eq!(Purpose::from_word(purpose.word()), Some(*purpose));
        }
        assert_eq!(Purpose::from_code(0), None);
        assert_eq!(Purpose::from_code(14), None);
    }
}
