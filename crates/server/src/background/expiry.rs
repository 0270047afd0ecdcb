//! Holds expire at their instant, also where nobody looks.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;

/// How late a hold's expiry may be seen by the machine's clock. A simulated clock wakes the work itself.
const PAUSE: Duration = Duration::from_millis(200);

/// Lets holds expire until the server stops.
pub async fn run(app: Arc<App>) {
    while !app.stop.has_begun() {
        if let Err(error) = app.expire_due().await {
            tracing::warn!(%error, "holds could not expire; tried again at once");
        }
        tokio::select! {
            () = app.clock.pause(PAUSE) => {}
            () = app.stop.begun() => {}
        }
    }
}
