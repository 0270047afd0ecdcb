//! Whether the server can do its work, and what it has counted.

use crate::app::App;
use crate::error::AppError;

/// What is due must be settled within so many nanoseconds: a minute.
const SETTLED_WITHIN: i64 = 60_000_000_000;

/// Whether the store answers, what is due is settled, and the server is not stopping.
///
/// # Errors
/// [`AppError::Stopping`], or what the store says.
pub fn ready(app: &App) -> Result<(), AppError> {
    if app.stop.has_begun() {
        return Err(AppError::Stopping);
    }
    app.ledger.head()?;
    let settled = *app.metering.settled().borrow();
    let late = app.now().nanoseconds().saturating_sub(settled.at.nanoseconds());
    if !settled.is_well || (app.metering.backlog() > 0 && late > SETTLED_WITHIN) {
        return Err(AppError::Unsettled);
    }
    Ok(())
}

/// What is counted, as OpenMetrics text.
///
/// # Errors
/// Where the store can not be asked, or a metric can not be written.
pub fn metrics(app: &App) -> Result<String, AppError> {
    let records = app.ledger.head()?.sequence.0;
    app.metrics.backlog.set(i64::try_from(app.metering.backlog()).unwrap_or(i64::MAX));
    let settled = app.metering.settled().borrow().through;
    app.metrics.logged.set(i64::try_from(app.metering.log().end().0).unwrap_or(i64::MAX));
    app.metrics.settled.set(i64::try_from(settled.0).unwrap_or(i64::MAX));
    app.metrics.records.set(i64::try_from(records).unwrap_or(i64::MAX));
    Ok(app.metrics.text()?)
}
