//! Who pays whom: what settling asks of the shell's directory.

use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, Moment};
use kopeck_ledger::request::{HoldUse, JobUser};
use kopeck_rating::calendar::Second;

use crate::meter_id::MeterId;
use crate::posting::{PostingKey, PostingName};

/// Who pays whom. Settling asks while it decides; what is not known yet (`None`) is put aside and asked again in the
/// next whole step.
pub trait Parties {
    /// The workspace that pays for a project in that second: the last one that the step covers. A hand-over is exact to
    /// the second where a whole step is decided at its instant.
    fn payer(&self, project: &str, second: Second) -> Option<AccountId>;

    /// The account of the executor whose prices a meter has.
    fn executor(&self, meter: MeterId) -> Option<AccountId>;

    /// The workspace whose API's calls a meter counts.
    fn api(&self, meter: MeterId) -> Option<AccountId>;

    /// What an authorisation stands for. A job or call whose authorisation is not known has no hold and no user.
    fn authorised(&self, authorisation: &str) -> Option<Authorised>;

    /// Earlier postings of a key and its project from before one of them: name, and what each is about with its corrections. The
    /// shard itself remembers the newest; it asks where a correction goes beyond them. Without an answer the rest of the
    /// correction stays due.
    /// The project's number in the key is of today: recorded postings may have another, and are told by its text.
    fn posted_before(
        &self,
        (key, project): (&PostingKey, &str),
        name: PostingName,
    ) -> Vec<(PostingName, Amount)> {
        let _ = (key, project, name);
        Vec::new()
    }
}

/// What an authorisation gives a job or a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorised {
    /// What is set aside for it. It covers what its account pays: the job's workspace, or the user of a job or call.
    pub hold: Option<SetAside>,
    /// Of work by API key or paid role: the user, who reimburses the workspace for a job and pays for a call.
    pub user: Option<JobUser>,
}

/// An open hold, as an authorisation names it. One payment of a step takes it, and it covers nobody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAside {
    /// Whose money.
    pub account: AccountId,
    /// From that instant on it covers nothing.
    pub expires: Moment,
    /// Which hold, and what becomes of the rest.
    pub taken: HoldUse,
}
