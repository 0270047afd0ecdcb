//! Long answers: written by a thread, sent as they come, cut where they can not be written to their end.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::channel::{Channel, Sender};
use tokio::runtime::Handle;

use crate::app::App;
use crate::app::journal::{self, Export};
use crate::error::AppError;

/// Bytes of a part.
const PART_BYTES: usize = 64 << 10;
/// Parts that may wait to be sent.
const PARTS: usize = 4;

/// The body of an export, which goes on being written while it is sent.
///
/// # Errors
/// [`AppError::TooMany`].
pub fn export(app: &Arc<App>, what: Export) -> Result<Body, AppError> {
    let place = app.long_read()?;
    let (sender, channel) = Channel::<Bytes, io::Error>::new(PARTS);
    let (app, runtime) = (Arc::clone(app), Handle::current());
    tokio::task::spawn_blocking(move || {
        let mut sending = Sending { sender, runtime, longest: app.limits.write };
        let mut to = BufWriter::with_capacity(PART_BYTES, &mut sending);
        let written = journal::export(&app, what, &mut to)
            .and_then(|()| to.flush().map_err(|error| AppError::Internal(error.to_string())));
        // What is left in the buffer must not follow a failure.
        let _ = to.into_parts();
        if let Err(error) = written {
            tracing::warn!(%error, "an export was cut");
            // Without its last part the client sees that the answer is not whole.
            sending.sender.abort(io::Error::other("the export was cut"));
        }
        drop(place);
    });
    Ok(Body::new(channel))
}

/// Sends parts, and gives up where nobody takes them.
struct Sending {
    sender: Sender<Bytes, io::Error>,
    runtime: Handle,
    longest: Duration,
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = Bytes::copy_from_slice(bytes);
        let sending = tokio::time::timeout(self.longest, self.sender.send_data(part));
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => Ok(bytes.len()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client has gone")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
