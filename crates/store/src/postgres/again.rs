//! Trying again: what may be, how often, after which pauses, and connecting where nobody answers.

use std::thread;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio_postgres::Error;

use crate::error::StoreError;
use crate::postgres::connect::{Address, Session};
use crate::postgres::error::{PostgresError, failed_commit, is_serialization};
use crate::postgres::owner::Failed;

/// A transaction that met others, or whose connection was lost before its end, is tried so often again.
const ATTEMPTS: usize = 8;
/// The first pause between two attempts; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why an attempt at a transaction failed.
pub enum Failure {
    /// Nothing of it was written, and another attempt may do it.
    Again(StoreError),
    /// It stays so.
    Final(StoreError),
}

impl Failure {
    /// That of a commit.
    pub fn of_commit(error: &Error) -> Failure {
        let failed = failed_commit(error);
        if is_serialization(error) { Failure::Again(failed) } else { Failure::Final(failed) }
    }
}

impl From<Failed> for Failure {
    fn from(error: Failed) -> Failure {
        if error.is_passing() { Failure::Again(error.into()) } else { Failure::Final(error.into()) }
    }
}

/// Does a transaction, and tries it again while that may help.
///
/// # Errors
/// Those of the last attempt.
pub fn attempt<T>(mut transaction: impl FnMut() -> Result<T, Failure>) -> Result<T, StoreError> {
    let mut pauses = builder().with_max_times(ATTEMPTS).build();
    loop {
        match transaction() {
            Ok(done) => return Ok(done),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Again(error)) => thread::sleep(pauses.next().ok_or(error)?),
        }
    }
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
