//! Money that has moved: whoever guards what an account has is told of it.

use kopeck_directory::limit::{Holder, LimitKey};
use kopeck_directory::name::WorkspaceId;
use kopeck_ledger::name::AccountId;
use kopeck_ledger::request::Work;

use crate::app::App;

/// Tells the guard of the workspaces that work was about, where their wallets are guarded.
pub fn moved(app: &App, work: &Work) {
    let about: Vec<AccountId> = match work {
        Work::Transact(transact) => {
            transact.movements.iter().flat_map(|movement| [movement.debit, movement.credit]).collect()
        }
        Work::Withdraw(withdraw) => vec![withdraw.account],
        Work::Hold(hold) => vec![hold.account],
        Work::SetCreditLimit { account, .. } => vec![*account],
        Work::Deposit(deposit) => deposit.invoice.iter().map(|invoice| invoice.workspace).collect(),
        // They name what they put right, and not whose it was.
        Work::Release(_) | Work::Correct(_) | Work::Reverse(_) => return all(app),
        _ => return,
    };
    let directory = app.directory.snapshot();
    for account in about {
        let holder = Holder::Workspace(WorkspaceId(account.0));
        if directory.limits_on(&holder, app.now()).any(|(key, _)| *key == LimitKey::Wallet) {
            tell(app, holder);
        }
    }
}

/// Tells the shard that guards a wallet, wherever it is.
fn tell(app: &App, holder: Holder) {
    let Holder::Workspace(workspace) = &holder else { return };
    let shard = app.shards.placement().home_of(*workspace);
    match (app.shards.here(shard), app.shards.peers()) {
        (Some(metering), _) => metering.money_changed(holder),
        (None, Some(peers)) => peers.tell(app.shards.moves(), shard, holder),
        (None, None) => {}
    }
}

/// Tells the guard that any wallet may have more or less, as when holds expire.
pub fn all(app: &App) {
    let (directory, now) = (app.directory.snapshot(), app.now());
    for (holder, _) in directory.limits().after(None) {
        if directory.limits_on(holder, now).any(|(key, _)| *key == LimitKey::Wallet) {
            tell(app, holder.clone());
        }
    }
}
