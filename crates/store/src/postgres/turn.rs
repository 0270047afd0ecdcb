//! Taking turns: the ledger's row says where its journal ends, and whoever has it locked is the only one who writes.
//!
//! Any number of nodes write one ledger. A commit finds the row as the journal was read, or was overtaken; then the row
//! stays locked until that node has read on and written. A node that stops in its turn keeps the others waiting until
//! the server ends its transaction, and can write nothing of it when it goes on.

use kopeck_ledger::name::Sequence;

use crate::error::StoreError;
use crate::ledger::journal::signed;
use crate::postgres::connect::Session;
use crate::postgres::error::failed;
use crate::postgres::owner::{Failed, LEDGER};

/// A node may leave its turn alone for so long: it decides meanwhile.
pub const PATIENCE: &str = "SET idle_in_transaction_session_timeout = '3s'";

const LOCK: &str = "SELECT sequence FROM owner WHERE shard = $1 AND part = $2 FOR UPDATE";
const LOOK: &str = "SELECT sequence FROM owner WHERE shard = $1 AND part = $2";
const ADVANCE: &str = "UPDATE owner SET sequence = $3 WHERE shard = $1 AND part = $2 RETURNING sequence";

/// In a transaction: waits until nobody else has a turn, and tells where the journal ends. Nobody else writes until the
/// transaction ends.
///
/// # Errors
/// [`Failed`] where the database refuses.
pub fn take(session: &Session) -> Result<Sequence, Failed> {
    Ok(end(session.row(LOCK, &[&LEDGER.shard, &LEDGER.name])?.as_ref()))
}

/// In a turn: the journal ends with this record now.
///
/// # Errors
/// [`Failed`] where the database refuses.
pub fn advance(session: &Session, to: Sequence) -> Result<(), Failed> {
    session.row(ADVANCE, &[&LEDGER.shard, &LEDGER.name, &signed(to)])?;
    Ok(())
}

/// Where the journal ends now.
///
/// # Errors
/// [`StoreError`] where the database does not answer.
pub fn look(session: &Session) -> Result<Sequence, StoreError> {
    Ok(end(session.row(LOOK, &[&LEDGER.shard, &LEDGER.name]).map_err(|error| failed(&error))?.as_ref()))
}

fn end(row: Option<&tokio_postgres::Row>) -> Sequence {
    row.map_or(Sequence::NONE, |row| Sequence(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0)))
}
