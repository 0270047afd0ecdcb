//! Holds expire at their instant, also where nobody looks.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;

/// How late a hold's expiry may be seen by the machine's clock. A simulated clock wakes the work itself.
const PAUSE: Duration = Duration::from_millis(200);

/// Lets holds expire until the server stops.
pub async fn run(app: Arc<App>) {
    while !app.stop.has_begun() {
        // Another node may have made a hold, and have died since.
        let expired = match app.refresh().await {
            Ok(()) => app.expire_due().await,
            failed => failed,
        };
        if let Err(error) = expired {
            tracing::warn!(%error, "holds could not expire; tried again at once");
        }
        tokio::select! {
            () = app.clock.pause(PAUSE) => {}
            () = app.stop.begun() => {}
        }
    }
}
