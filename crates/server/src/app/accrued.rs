//! Accrued cost: what a workspace's projects have cost up to now and the ledger does not have yet (ledger.md, "Accounts").
//!
//! Settling posts what events change, and every hour all that runs; in between cost runs on. Who looks at a workspace is
//! told of it, and before money leaves a workspace the ledger is, so that nothing is spent twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use kopeck_api::account::{AccountDocument, ProjectAccrued};
use kopeck_api::forms::{Label, Money};
use kopeck_directory::entity::Project;
use kopeck_directory::name::WorkspaceId;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, Text, TransactionId};
use kopeck_ledger::request::{Request, Work};
use kopeck_metering::placement::ShardNumber;
use kopeck_rating::money::Overflow;
use uuid::Uuid;

use crate::app::App;
use crate::app::spend::second;
use crate::error::AppError;

/// What each project of a workspace has accrued, without those that have nothing. Less than nothing, which a late event
/// may leave, counts as nothing.
///
/// # Errors
/// [`AppError::Internal`] where costs can not be computed.
pub fn of(app: &App, workspace: AccountId) -> Result<Vec<(Text, Amount)>, AppError> {
    let projects = projects_of(app, workspace);
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let placement = app.shards.placement();
    let are_all_here = projects.iter().all(|project| app.shards.here(placement.of(project)).is_some());
    let mut all = here(app, workspace)?;
    if !are_all_here {
        for there in app.shards.ask_others::<Vec<(Label, Money)>>("accrued", &workspace.0)? {
            all.extend(there.into_iter().map(|(project, amount)| (project.0, amount.0)));
        }
    }
    Ok(all)
}

/// The same of the projects that are metered here.
///
/// # Errors
/// [`AppError::Internal`] where costs can not be computed.
pub fn here(app: &App, workspace: AccountId) -> Result<Vec<(Text, Amount)>, AppError> {
    let mut by_shard: BTreeMap<ShardNumber, Vec<Arc<Project>>> = BTreeMap::new();
    for project in projects_of(app, workspace) {
        by_shard.entry(app.shards.placement().of(&project)).or_default().push(project);
    }
    let mut accrued = Vec::new();
    for (shard, projects) in by_shard {
        let Some(metering) = app.shards.here(shard) else { continue };
        metering.look(|shard, at| {
            for project in projects {
                let due = i128::try_from(shard.due(project.id.as_str(), second(at))?.micros());
                let due = Amount::from_micros(due.map_err(|_| Overflow)?);
                if due > Amount::ZERO {
                    accrued.push((project.id.0.clone(), due));
                }
            }
            Ok::<_, AppError>(())
        })?;
    }
    Ok(accrued)
}

fn projects_of(app: &App, workspace: AccountId) -> Vec<Arc<Project>> {
    let directory = app.directory.snapshot();
    let projects = directory.projects_paid_by(WorkspaceId(workspace.0), app.now());
    projects.map(Arc::clone).collect()
}

/// Whether work takes from a workspace that pays for a project, or that the ledger knows to owe something: then the ledger
/// must be told before.
pub fn may_owe(app: &App, work: &Work) -> bool {
    let owes = |account: &AccountId| {
        !app.ledger.accrued(*account).is_empty() || !projects_of(app, *account).is_empty()
    };
    debited(app, work).iter().any(owes)
}

/// Puts what has accrued up to now into what an account says of itself.
///
/// # Errors
/// As [`of`].
pub fn add(app: &App, mut document: AccountDocument) -> Result<AccountDocument, AppError> {
    if document.kind.0 != AccountKind::Workspace {
        return Ok(document);
    }
    let accrued = of(app, AccountId(document.id))?;
    let too_large = || AppError::Internal("a sum is too large".to_owned());
    let sum = accrued.iter().try_fold(Amount::ZERO, |sum, (_, amount)| sum.checked_add(*amount));
    let sum = sum.ok_or_else(too_large)?;
    let less = sum.checked_sub(document.accrued.0).ok_or_else(too_large)?;
    document.available = document.available.and_then(|available| available.0.checked_sub(less)).map(Money);
    document.accrued = Money(sum);
    if document.accrued_by_project.is_some() {
        let projects = accrued.into_iter();
        let projects = projects
            .map(|(project, amount)| ProjectAccrued { project: Label(project), amount: Money(amount) });
        document.accrued_by_project = Some(projects.collect());
    }
    Ok(document)
}

/// What the ledger must be told before it decides about work that debits workspaces. Waits while costs are settled:
/// not for use where others wait.
///
/// # Errors
/// As [`of`].
pub fn before(app: &App, work: &Work) -> Result<Vec<Request>, AppError> {
    let mut requests = Vec::new();
    for account in debited(app, work) {
        let is_workspace =
            app.ledger.account(account).is_some_and(|account| account.opening.kind == AccountKind::Workspace);
        if !is_workspace {
            continue;
        }
        let known = app.ledger.accrued(account);
        let now = of(app, account)?;
        let gone = known.iter().filter(|(project, _)| !now.iter().any(|(other, _)| other == project));
        let gone = gone.map(|(project, _)| (project.clone(), Amount::ZERO)).collect::<Vec<_>>();
        for (project, amount) in now.into_iter().filter(|new| !known.contains(new)).chain(gone) {
            let id = TransactionId(Uuid::now_v7());
            requests.push(Request {
                id,
                actor: None,
                work: Work::SetAccrued { workspace: account, project, amount },
            });
        }
    }
    Ok(requests)
}

/// The accounts that work takes money from, or sets it aside on.
pub fn debited(app: &App, work: &Work) -> Vec<AccountId> {
    match work {
        Work::Transact(transact) => transact.movements.iter().map(|movement| movement.debit).collect(),
        Work::Withdraw(withdraw) => vec![withdraw.account],
        Work::Hold(hold) => vec![hold.account],
        Work::Release(hold) => {
            let held = app.ledger.open_hold(*hold).map(|hold| hold.account.index());
            let account = held.and_then(|number| app.ledger.accounts(number, 1).pop());
            account.map(|account| account.opening.id).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
