//! The words of documents that customers see, in English and Russian (ledger.md).

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::purpose::Purpose;

use crate::args::Language;

/// Picks the words of a language.
fn of(language: Language, en: &'static str, ru: &'static str) -> &'static str {
    match language {
        Language::En => en,
        Language::Ru => ru,
    }
}

/// What a transfer is for.
pub fn purpose(purpose: Purpose, language: Language) -> &'static str {
    let (en, ru) = match purpose {
        Purpose::Deposit => ("deposit", "зачисление"),
        Purpose::Withdrawal => ("withdrawal", "вывод"),
        Purpose::DirectTransfer => ("direct transfer", "прямой перевод"),
        Purpose::ExecutorPayment => ("executor payment", "оплата исполнителя"),
        Purpose::StoragePayment => ("storage payment", "оплата хранения"),
        Purpose::ApiKeyPayment => ("API key payment", "оплата по API-ключу"),
        Purpose::PaidRolePayment => ("paid role payment", "оплата по платной роли"),
        Purpose::Commission => ("commission", "комиссия"),
        Purpose::ServicePayment => ("service payment", "оплата услуг"),
        Purpose::Correction => ("correction", "исправление"),
        Purpose::Reversal => ("reversal", "отмена"),
        Purpose::Rounding => ("rounding", "округление"),
        Purpose::Tax => ("VAT", "НДС"),
    };
    of(language, en, ru)
}

/// Whose money an account holds.
pub fn kind(kind: AccountKind, language: Language) -> &'static str {
    let (en, ru) = match kind {
        AccountKind::User => ("user", "пользователь"),
        AccountKind::Workspace => ("workspace", "рабочее пространство"),
        AccountKind::Storage => ("storage", "хранилище"),
        AccountKind::Executor => ("executor", "исполнитель"),
        AccountKind::Platform => ("platform", "платформа"),
        AccountKind::External => ("external", "банк"),
        AccountKind::Rounding => ("rounding", "округление"),
        AccountKind::Tax => ("VAT", "НДС"),
    };
    of(language, en, ru)
}

/// A heading or label of a statement or report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    Statement,
    Report,
    TimeZone,
    From,
    Until,
    Opening,
    Closing,
    Type,
    Income,
    Expense,
    Total,
    Lines,
    Date,
    Time,
    User,
    Project,
    Counterparty,
    Reference,
    Transaction,
    Amount,
    Transfers,
    FromRoles,
    FromApiKeys,
    PutRight,
    Nothing,
    Journal,
}

/// The words of a label.
pub fn label(label: Label, language: Language) -> &'static str {
    let (en, ru) = match label {
        Label::Statement => ("Statement", "Выписка"),
        Label::Report => ("Report", "Отчёт"),
        Label::TimeZone => ("time zone", "часовой пояс"),
        Label::From => ("from", "с"),
        Label::Until => ("until", "до"),
        Label::Opening => ("Opening balance", "Входящий остаток"),
        Label::Closing => ("Closing balance", "Исходящий остаток"),
        Label::Type => ("type", "тип"),
        Label::Income => ("income", "приход"),
        Label::Expense => ("expense", "расход"),
        Label::Total => ("Total", "Итого"),
        Label::Lines => ("lines", "строк"),
        Label::Date => ("date", "дата"),
        Label::Time => ("time", "время"),
        Label::User => ("user", "пользователь"),
        Label::Project => ("project", "проект"),
        Label::Counterparty => ("counterparty", "контрагент"),
        Label::Reference => ("reference", "основание"),
        Label::Transaction => ("transaction", "транзакция"),
        Label::Amount => ("amount", "сумма"),
        Label::Transfers => ("transfers", "переводы"),
        Label::FromRoles => ("income from roles", "доход от ролей"),
        Label::FromApiKeys => ("income from API keys", "доход от API-ключей"),
        Label::PutRight => ("corrections", "исправления"),
        Label::Nothing => ("Nothing happened in this period.", "За этот период операций нет."),
        Label::Journal => ("Journal up to record", "Журнал до записи"),
    };
    of(language, en, ru)
}
