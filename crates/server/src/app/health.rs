//! Whether the server can do its work, and what it has counted.

use kopeck_metering::Metering;

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
    for metering in app.shards.all_here() {
        let settled = *metering.settled().borrow();
        let late = app.now().nanoseconds().saturating_sub(settled.at.nanoseconds());
        if !settled.is_well || (metering.backlog() > 0 && late > SETTLED_WITHIN) {
            return Err(AppError::Unsettled);
        }
    }
    Ok(())
}

/// What is counted, as OpenMetrics text.
///
/// # Errors
/// Where the store can not be asked, or a metric can not be written.
pub fn metrics(app: &App) -> Result<String, AppError> {
    let records = app.ledger.head()?.sequence.0;
    let here = app.shards.all_here();
    let sum = |of: fn(&Metering) -> u64| {
        i64::try_from(here.iter().map(|metering| of(metering)).sum::<u64>()).unwrap_or(i64::MAX)
    };
    app.metrics.backlog.set(sum(Metering::backlog));
    app.metrics.logged.set(sum(|metering| metering.log().end().0));
    app.metrics.settled.set(sum(|metering| metering.settled().borrow().through.0));
    app.metrics.records.set(i64::try_from(records).unwrap_or(i64::MAX));
    Ok(app.metrics.text()?)
}
