//! What the directory needs now and then: its accounts in the ledger, and the last uses of tokens on disk.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, reconcile};

/// How much of the last uses of tokens a crash may forget; how long an account may be missing after a failure.
const PAUSE: Duration = Duration::from_secs(30);

/// Works until the server stops.
pub async fn run(app: Arc<App>) {
    while !app.stop.has_begun() {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = app.stop.begun() => {}
        }
        let done = app
            .blocking(|app| {
                app.directory.keep_uses()?;
                if reconcile::are_behind(app) { reconcile::reconcile(app) } else { Ok(()) }
            })
            .await;
        if let Err(error) = done {
            tracing::warn!(%error, "the directory's work was not done; tried again later");
        }
    }
}
