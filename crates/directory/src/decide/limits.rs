//! Limits and the order of stops (guard.md; access.md, the table of roles).

use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::Text;

use super::{Asking, Decided, Named};
use crate::access::{Permission, Principal, Target};
use crate::act::NewLimit;
use crate::change::{Edit, Entity};
use crate::entity::Workspace;
use crate::limit::{Fastest, Holder, Limit, LimitKey, LimitTerms, StopRules};
use crate::refusal::{Kind, Refusal};

/// The longest horizon of a wallet: a leap year.
const LONGEST_HORIZON: u32 = 366 * 86_400;

impl Asking<'_> {
    pub(super) fn set_limit(&self, new: &NewLimit) -> Decided {
        let before = self.limit(&new.holder, &new.terms.key());
        let now = before.filter(|limit| limit.is_on(self.now));
        let lowers = now.is_some_and(|now| new.terms.lowers(&now.terms) && !lasts_less(new, now));
        let workspace = self.holder(&new.holder, lowers)?;
        check(&new.holder, &new.terms)?;
        if workspace.currency != new.currency {
            let (owner, currency) = (workspace.currency, new.currency);
            return Err(Refusal::LimitCurrency { workspace: owner, currency });
        }
        if let Some(until) = new.until.filter(|until| *until <= self.now) {
            return Err(Refusal::NotAhead { at: until, now: self.now });
        }
        let same = |limit: &&Limit| limit.terms == new.terms && limit.until == new.until;
        if now.filter(same).is_some() {
            return Ok(Vec::new());
        }
        let limit = Limit {
            holder: new.holder.clone(),
            terms: new.terms.clone(),
            currency: new.currency,
            until: new.until,
            set_by: self.asker()?,
            set: self.now,
            removed: None,
        };
        Ok(vec![Edit { before: before.cloned().map(Entity::Limit), after: Entity::Limit(limit) }])
    }

    pub(super) fn remove_limit(&self, holder: &Holder, key: &LimitKey) -> Decided {
        self.holder(holder, false)?;
        let found = self.limit(holder, key).ok_or_else(|| Named(Kind::Limit, key).unknown())?;
        if found.removed.is_some() {
            return Ok(Vec::new());
        }
        let after = Limit { set_by: self.asker()?, set: self.now, removed: Some(self.now), ..found.clone() };
        Ok(vec![Edit { before: Some(Entity::Limit(found.clone())), after: Entity::Limit(after) }])
    }

    pub(super) fn set_stop_rules(&self, rules: &StopRules) -> Decided {
        self.project(&rules.project, Permission::Resources)?;
        let before = self.directory.stop_rules.get(rules.project.as_str());
        let before = before.map(|rules| Entity::StopRules(StopRules::clone(rules)));
        Ok(vec![Edit { before, after: Entity::StopRules(rules.clone()) }])
    }

    fn limit(&self, holder: &Holder, key: &LimitKey) -> Option<&Limit> {
        self.directory.limits.get(holder)?.get(key)
    }

    /// The workspace that pays for whom the limit is, if the asker may set it: who develops a project may lower what was
    /// set, and nothing else.
    fn holder(&self, holder: &Holder, lowers: bool) -> Result<&Workspace, Refusal> {
        match holder {
            Holder::Project(id) => {
                let permission = if lowers { Permission::LowerLimits } else { Permission::Limits };
                self.project(id, permission)?;
                let payer = self.directory.payer(id.as_str(), self.now);
                payer.map(AsRef::as_ref).ok_or_else(|| Named(Kind::Project, id).unknown())
            }
            Holder::Workspace(id) => {
                let named = Named(Kind::Workspace, id);
                let workspace = self.directory.workspaces.get(id).ok_or_else(|| named.unknown())?;
                self.allow(Permission::Own, Target::OwnedBy(workspace.owner), named)?;
                Ok(workspace)
            }
        }
    }

    /// Who asks, as a limit remembers it; the audit log has more.
    fn asker(&self) -> Result<Text, Refusal> {
        let name = match self.by {
            Principal::User(user) => user.to_string(),
            Principal::System => "system".to_owned(),
            Principal::Installation(_) => "operator".to_owned(),
            Principal::Project { .. } | Principal::Ingest(_) | Principal::Anyone => "token".to_owned(),
        };
        Text::new(&name).map_err(|_| Refusal::Forbidden { permission: Permission::Limits })
    }
}

/// Whether it would end before what is there does.
fn lasts_less(new: &NewLimit, now: &Limit) -> bool {
    match (new.until, now.until) {
        (Some(new), Some(now)) => new < now,
        (new, _) => new.is_some(),
    }
}

fn check(holder: &Holder, terms: &LimitTerms) -> Result<(), Refusal> {
    let is_of_workspace = matches!(terms, LimitTerms::Wallet { .. });
    let is_of_both = matches!(terms, LimitTerms::Cap { .. });
    if !is_of_both && is_of_workspace != matches!(holder, Holder::Workspace(_)) {
        return Err(Refusal::LimitOfOther { limit: terms.key() });
    }
    if let Some(amount) = terms.amount() {
        if amount <= Amount::ZERO {
            return Err(Refusal::LimitNotAbove { amount });
        }
        if amount > Amount::LARGEST {
            return Err(Refusal::LimitTooLarge { amount });
        }
    }
    match terms {
        LimitTerms::Rate { fastest: Fastest::HundredthsOfMedian(0), .. } => {
            Err(Refusal::LimitNotSo { error: kopeck_guard::limit::LimitError::Factor })
        }
        LimitTerms::Wallet { horizon_s } if *horizon_s > LONGEST_HORIZON => {
            Err(Refusal::HorizonTooLong { seconds: *horizon_s, most: LONGEST_HORIZON })
        }
        _ => Ok(()),
    }
}
