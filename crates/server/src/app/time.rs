//! The server's clock, where it is simulated: a month can be tried in seconds (api.md).

use std::sync::Arc;

use kopeck_api::time::ClockDocument;
use kopeck_ledger::name::Moment;
use kopeck_metering::MeteringError;
use kopeck_metering::placement::ShardNumber;

use crate::app::{App, access};
use crate::auth::{Act, Principal};
use crate::clock::Clock;
use crate::error::{AppError, ProblemKind};

/// What time it is, and how far settling has come.
#[must_use]
pub fn show(app: &App) -> ClockDocument {
    let simulated = matches!(app.clock, Clock::Simulated(_));
    let here = app.shards.all_here();
    let settled = here.iter().map(|metering| metering.settled().borrow().at).min().unwrap_or(Moment::FIRST);
    ClockDocument { now: app.now().into(), simulated, settled: settled.into() }
}

/// Sets a simulated clock; what is due until then is done in its order, and answered when it is.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Input`] for the machine's clock, or an instant that has been.
pub async fn advance(app: &Arc<App>, who: &Principal, to: Moment) -> Result<ClockDocument, AppError> {
    access::may(who, Act::ManageAccounts)?;
    if !matches!(app.clock, Clock::Simulated(_)) {
        return Err(AppError::Input {
            kind: ProblemKind::Refused,
            field: Some("now".to_owned()),
            reason: "the server lives by the machine's clock".to_owned(),
            remedy: "start it with --clock simulated --now TIME".to_owned(),
        });
    }
    let only = app.shards.here(ShardNumber::ONLY).ok_or(AppError::Moving)?;
    match only.advance(to).await {
        Ok(()) => Ok(show(app)),
        Err(MeteringError::Clock { now, .. }) => Err(AppError::invalid(
            "now",
            format!("the clock stands at {now} already"),
            "set it to a later instant",
        )),
        Err(error) => Err(error.into()),
    }
}
