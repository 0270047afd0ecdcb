//! Asking the ledger for something: under which id, as whom, and what comes of it.

use std::sync::Arc;

use kopeck_ledger::account::Account;
use kopeck_ledger::name::{AccountId, Text, TransactionId};
use kopeck_ledger::record::{Receipt, Record, Reply};
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::request::{Request, Work};
use kopeck_store::StoreError;
use uuid::{Builder, Uuid};

use crate::app::{App, access, accrued, money};
use crate::auth::Principal;
use crate::error::AppError;

/// The name that a caller gives a request, so that it may be sent again safely: an Idempotency-Key.
///
/// A UUID is the request's id. Any other text becomes one: a UUID of version 8 made of the actor and the text, so
/// that two actors may use the same text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

/// The most characters of a key.
const LONGEST: usize = 255;

impl Key {
    /// A key of 1 to 255 visible ASCII characters.
    ///
    /// # Errors
    /// [`AppError::Input`].
    pub fn new(text: &str) -> Result<Key, AppError> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > LONGEST || !is_visible {
            return Err(AppError::invalid(
                "Idempotency-Key",
                "the key is empty, too long or has characters that can not be seen",
                "give a UUID, or 1 to 255 ASCII characters without spaces",
            ));
        }
        Ok(Key(text.to_owned()))
    }

    /// The id of the one request of that name.
    #[must_use]
    pub fn id(&self, actor: &Text) -> Uuid {
        Uuid::try_parse(&self.0).unwrap_or_else(|_| self.hashed(actor, None))
    }

    /// The id of one of several requests that were sent under one name.
    #[must_use]
    pub fn id_of(&self, actor: &Text, index: usize) -> Uuid {
        self.hashed(actor, Some(index))
    }

    fn hashed(&self, actor: &Text, index: Option<usize>) -> Uuid {
        let mut hasher = blake3::Hasher::new_derive_key("kopeck Idempotency-Key v1");
        let index = index.map(|index| index.to_string());
        for part in [actor.as_str(), &self.0, index.as_deref().unwrap_or("")] {
            hasher.update(part.as_bytes());
            // No part holds a line end, so no two lists of parts are one text.
            hasher.update(b"\n");
        }
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// Asks the ledger for one thing, and waits until it is durable.
///
/// # Errors
/// [`AppError::Refused`] and [`AppError::Store`].
pub async fn ask(app: &Arc<App>, who: &Principal, id: Uuid, work: Work) -> Result<Receipt, AppError> {
    access::may_debit(app, who, &work)?;
    let mut requests = Vec::new();
    if accrued::may_owe(app, &work) {
        let asked = work.clone();
        requests = app.blocking(move |app| accrued::before(app, &asked)).await?;
    }
    requests.push(request(who, id, work.clone()));
    let replies = app.ledger.try_submit(requests)?.await?;
    let reply: Reply = replies.into_iter().next_back().ok_or(StoreError::Closed)?;
    money::moved(app, &work);
    reply.map_err(|refusal| refused(refusal, &work))
}

/// What somebody asks under an id.
#[must_use]
pub fn request(who: &Principal, id: Uuid, work: Work) -> Request {
    Request { id: TransactionId(id), actor: Some(who.actor.clone()), work }
}

/// A refusal, with the field of the request that it is about.
#[must_use]
pub fn refused(refusal: Refusal, work: &Work) -> AppError {
    let field = field_of(&refusal, work).map(str::to_owned);
    AppError::Refused { refusal, field }
}

/// The field of the request that a refusal is about, where it is one.
fn field_of(refusal: &Refusal, work: &Work) -> Option<&'static str> {
    match refusal {
        Refusal::AmountZero | Refusal::AmountNegative { .. } | Refusal::AmountTooLarge => Some("amount"),
        Refusal::UnknownZone => Some("time_zone"),
        Refusal::OwnerMissing { .. } | Refusal::OwnerNotAllowed { .. } | Refusal::OwnerNotUser { .. } => {
            Some("owner")
        }
        Refusal::ExpiryPassed { .. } => Some("expires"),
        Refusal::UnknownTransaction { .. } | Refusal::NotCorrectable { .. } => Some("transaction"),
        Refusal::UnknownHold { .. } | Refusal::HoldOfOtherAccount { .. } => Some("hold.id"),
        Refusal::UnknownAccount { account } => field_of_account(*account, work),
        _ => None,
    }
}

fn field_of_account(account: AccountId, work: &Work) -> Option<&'static str> {
    match work {
        Work::Deposit(deposit) if deposit.account != account => Some("invoice.workspace"),
        Work::Deposit(_) | Work::Withdraw(_) | Work::Hold(_) => Some("account"),
        Work::Transact(transact) => {
            let movement = transact.movements.first()?;
            Some(if movement.debit == account { "from" } else { "to" })
        }
        Work::Open(_) => Some("owner"),
        _ => None,
    }
}

/// The account of an id that stands in a path.
///
/// # Errors
/// [`AppError::NotFound`] where there is none, or who asks does not see it.
pub fn account(app: &App, who: &Principal, id: Uuid) -> Result<Account, AppError> {
    let found = app.ledger.account(AccountId(id)).filter(|account| access::sees(app, who, account));
    found.ok_or_else(|| AppError::not_found("account", &id))
}

/// The record of something that was done.
///
/// # Errors
/// [`AppError::Store`] where it can not be read.
pub fn record_of(app: &App, receipt: Receipt) -> Result<Record, AppError> {
    let mut found = None;
    app.ledger.records(receipt.sequence, &mut |record| {
        found = Some(record);
        Ok(false)
    })?;
    found.ok_or_else(|| {
        StoreError::Corrupt(format!("record {} was written and can not be read", receipt.sequence)).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(name: &str) -> Text {
        Text::new(name).unwrap()
    }

    #[test]
    fn a_uuid_is_the_id_and_a_text_becomes_one_of_version_8() {
        let uuid = "0199a000-0000-7000-8000-000000000001";
        assert_eq!(Key::new(uuid).unwrap().id(&actor("ann")).to_string(), uuid);
        let made = Key::new("order-17").unwrap().id(&actor("ann"));
        assert_eq!(made.get_version_num(), 8);
        assert_eq!(made, Key::new("order-17").unwrap().id(&actor("ann")));
    }

    #[test]
    fn actors_texts_and_places_have_ids_of_their_own() {
        let key = |text: &str| Key::new(text).unwrap();
        let ids = [
            key("order-17").id(&actor("ann")),
            key("order-17").id(&actor("bob")),
            key("order-18").id(&actor("ann")),
            key("order-17").id_of(&actor("ann"), 0),
            key("order-17").id_of(&actor("ann"), 1),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.into_iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }

    #[test]
    fn a_key_is_visible_and_not_too_long() {
        for text in ["", "a b", "ключ", &"x".repeat(256)] {
            assert!(Key::new(text).is_err(), "{text}");
        }
    }
}
