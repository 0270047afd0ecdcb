//! Who pays whom: what settling asks, answered from the directory and the ledger.
//!
//! An event's `authorisation` is the id of a hold, of an API key or of a held paid role. A hold whose reference is
//! `api_key ID` or `paid_role ID` stands for both: the money that is set aside, and the right by which it is spent.

use kopeck_directory::Directory;
use kopeck_directory::entity::{Emitter, Standing};
use kopeck_directory::name as named;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, HoldId, Moment, TransactionId};
use kopeck_ledger::record::Body;
use kopeck_ledger::request::{HoldUse, JobUser, Rest, Right};
use kopeck_rating::calendar::Second;
use kopeck_settlement::meter_id::MeterId;
use kopeck_settlement::parties::{Authorised, Parties, SetAside};
use kopeck_settlement::posting::{PostingKey, PostingName};
use kopeck_store::Store;
use kopeck_store::events::EventLog;
use uuid::Uuid;

use crate::judge::Arrived;
use crate::restart;

/// The beginning of the reference of a hold for work by API key.
pub const BY_API_KEY: &str = "api_key ";
/// The beginning of the reference of a hold for work by paid role.
pub const BY_PAID_ROLE: &str = "paid_role ";

/// Who there is and what they have set aside, at one instant.
pub struct Known<'k> {
    /// Who there is.
    pub directory: &'k Directory,
    /// What is set aside.
    pub ledger: &'k dyn Store,
    /// What was posted.
    pub log: &'k dyn EventLog<Arrived>,
}

impl Parties for Known<'_> {
    fn payer(&self, project: &str, second: Second) -> Option<AccountId> {
        let at = Moment::from_nanoseconds(second.saturating_mul(1_000_000_000)).ok()?;
        self.directory.payer(project, at).map(|workspace| workspace.id.account())
    }

    fn executor(&self, meter: MeterId) -> Option<AccountId> {
        match self.keeper(meter)? {
            Emitter::Executor(id) => Some(id.account()),
            _ => None,
        }
    }

    fn api(&self, meter: MeterId) -> Option<AccountId> {
        let Emitter::Api(id) = self.keeper(meter)? else { return None };
        let api = self.directory.apis().get(&id)?;
        let project = self.directory.project(api.project.as_str())?;
        project.attachments.last().map(|attachment| attachment.workspace.account())
    }

    fn posted_before(&self, of: (&PostingKey, &str), name: PostingName) -> Vec<(PostingName, Amount)> {
        restart::posted_before((self.log, self.ledger), of, name).unwrap_or_else(|error| {
            tracing::error!(%error, "what was posted long ago can not be read: the rest of a correction waits");
            Vec::new()
        })
    }

    fn authorised(&self, authorisation: &str) -> Option<Authorised> {
        let id: Uuid = authorisation.parse().ok()?;
        if let Some(user) = self.by_right(id) {
            return Some(Authorised { hold: None, user: Some(user) });
        }
        let hold = HoldId(TransactionId(id));
        let record = self.ledger.record(hold.0).ok()??;
        let Body::Held(held) = record.body else { return None };
        let reference = held.reference.as_ref().map_or("", |reference| reference.as_str());
        let right = [BY_API_KEY, BY_PAID_ROLE].iter().find_map(|beginning| reference.strip_prefix(beginning));
        let user = right.and_then(|right| right.parse().ok()).and_then(|right| self.by_right(right));
        // One that has ended covers nothing; what it was made for is paid all the same.
        let account = self.ledger.accounts(held.account.index(), 1).pop();
        let open = self.ledger.open_hold(hold).zip(account).map(|(open, account)| SetAside {
            account: account.opening.id,
            expires: open.expires,
            taken: HoldUse { hold, rest: Rest::Release },
        });
        Some(Authorised { hold: open, user })
    }
}

impl Known<'_> {
    fn keeper(&self, meter: MeterId) -> Option<Emitter> {
        self.directory.metered(named::MeterId(meter.0))?.book.keeper
    }

    /// The user of an API key or of a paid role. One that was revoked meanwhile pays for what it was used for.
    fn by_right(&self, id: Uuid) -> Option<JobUser> {
        let held = |standing| matches!(standing, Standing::Approved | Standing::Revoked);
        if let Some(key) = self.directory.keys().get(&named::KeyId(id)).filter(|key| held(key.asked.standing))
        {
            return Some(JobUser { account: key.user.account(), right: Right::ApiKey, hold: None });
        }
        let grant =
            self.directory.grants().get(&named::GrantId(id)).filter(|grant| held(grant.asked.standing))?;
        let coefficient = self.directory.roles().get(&grant.role)?.terms.coefficient;
        Some(JobUser { account: grant.user.account(), right: Right::PaidRole(coefficient), hold: None })
    }
}
