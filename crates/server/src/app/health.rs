//! Whether the server can do its work, and what it has counted.

use crate::app::App;
use crate::error::AppError;

/// Whether the store answers and the server is not stopping.
///
/// # Errors
/// [`AppError::Stopping`], or what the store says.
pub fn ready(app: &App) -> Result<(), AppError> {
    if app.stop.has_begun() {
        return Err(AppError::Stopping);
    }
    app.ledger.head()?;
    Ok(())
}

/// What is counted, as OpenMetrics text.
///
/// # Errors
/// Where the store can not be asked, or a metric can not be written.
pub fn metrics(app: &App) -> Result<String, AppError> {
    let records = app.ledger.head()?.sequence.0;
    app.metrics.records.set(i64::try_from(records).unwrap_or(i64::MAX));
    Ok(app.metrics.text()?)
}
