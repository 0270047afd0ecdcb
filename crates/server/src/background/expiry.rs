//! Holds expire at their instant, also where nobody looks.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;

/// How late a hold's expiry may be seen by the machine's clock. A simulated clock wakes the work itself.
const PAUSE: Duration = Duration::from_millis(200);

/// Lets holds expire until the server stops.
pub async fn run(app: Arc<App>) {
    while !app.stop.has_begun() {
        if let Err(error) = expire_due(&app).await {
            tracing::warn!(%error, "holds could not expire; tried again at once");
        }
        tokio::select! {
            () = app.clock.pause(PAUSE) => {}
            () = app.stop.begun() => {}
        }
    }
}

/// Lets those holds expire whose instant has come.
///
/// # Errors
/// [`kopeck_store::StoreError`] where that is not durable.
pub async fn expire_due(app: &App) -> Result<(), kopeck_store::StoreError> {
    if app.ledger.next_expiry().is_some_and(|next| next <= app.now()) {
        app.ledger.expire_holds()?.await?;
    }
    Ok(())
}
