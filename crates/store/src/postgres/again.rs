//! Trying again: how often, after which pauses, and connecting where nobody answers.

use std::thread;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::error::StoreError;
use crate::postgres::connect::{Address, Session};
use crate::postgres::error::PostgresError;

/// A transaction that met others, or whose connection was lost before its end, is tried so often again.
const ATTEMPTS: usize = 8;
/// The first pause between two attempts; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The pauses between the attempts of a transaction.
pub fn pauses() -> ExponentialBackoff {
    builder().with_max_times(ATTEMPTS).build()
}

/// Connects, and tries again for so long where nobody answers.
///
/// # Errors
/// Those of [`Address::connect`].
pub fn connected(address: &Address, patience: Duration) -> Result<Session, StoreError> {
    let mut pauses = builder().without_max_times().with_total_delay(Some(patience)).build();
    loop {
        match address.connect() {
            Err(error @ StoreError::Postgres(PostgresError::Unreachable { .. } | PostgresError::Lost(_))) => {
                thread::sleep(pauses.next().ok_or(error)?);
            }
            connected => return connected,
        }
    }
}

fn builder() -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE).with_jitter()
}
