//! Acts as rows: their hashes, and how they are read and written.

use kopeck_directory::change::{Change, Entity};
use kopeck_ledger::name::Moment;
use rusqlite::{Connection, Row, params};

use crate::directory::{AuditQuery, AuditRow};
use crate::error::StoreError;
use crate::number::signed;

/// What a row is read from, in the order of [`read`].
pub const COLUMNS: &str = "sequence, at, actor, address, act, project, before, after, hash";

/// The hash before the first act.
pub const GENESIS: [u8; 32] = [0; 32];

/// The hash of a row: of the hash before it and of every field with its length, so that no two rows say the same.
pub fn hash(previous: &[u8; 32], row: &AuditRow) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("kopeck 2026 directory act");
    hasher.update(previous);
    hasher.update(&row.sequence.to_be_bytes());
    hasher.update(&row.at.nanoseconds().to_be_bytes());
    let mut text = |text: Option<&str>| {
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        hasher.update(&length.to_be_bytes());
        hasher.update(text.unwrap_or_default().as_bytes());
    };
    text(Some(&row.actor));
    text(row.address.as_deref());
    text(Some(&row.act));
    text(row.project.as_deref());
    text(Some(&row.before));
    text(Some(&row.after));
    *hasher.finalize().as_bytes()
}

/// The lists of what a change changes, as JSON: before and after.
pub fn lists(change: &Change) -> Result<(String, String), StoreError> {
    let before: Vec<&Option<Entity>> = change.edits.iter().map(|edit| &edit.before).collect();
    let after: Vec<&Entity> = change.edits.iter().map(|edit| &edit.after).collect();
    let text = |result: serde_json::Result<String>| {
        result.map_err(|error| StoreError::Database(format!("an act can not be written as JSON: {error}")))
    };
    Ok((text(serde_json::to_string(&before))?, text(serde_json::to_string(&after))?))
}

/// Writes a row.
pub fn insert(connection: &Connection, row: &AuditRow) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO act ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.execute(params![
        signed(row.sequence),
        row.at.nanoseconds(),
        row.actor,
        row.address,
        row.act,
        row.project,
        row.before,
        row.after,
        row.hash,
    ])?;
    Ok(())
}

/// Reads a row of [`COLUMNS`].
pub fn read(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    let sequence: i64 = row.get(0)?;
    let at: i64 = row.get(1)?;
    Ok(AuditRow {
        sequence: sequence.cast_unsigned(),
        at: Moment::from_nanoseconds(at)
            .map_err(|error| StoreError::Corrupt(format!("the instant of act {sequence} {error}")))?,
        actor: row.get(2)?,
        address: row.get(3)?,
        act: row.get(4)?,
        project: row.get(5)?,
        before: row.get(6)?,
        after: row.get(7)?,
        hash: row.get(8)?,
    })
}

/// Hands all acts after one to `take`, in their order, until it answers `false`.
pub fn after(
    sequence: u64,
    connection: &Connection,
    mut take: impl FnMut(Result<AuditRow, StoreError>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM act WHERE sequence > ?1 ORDER BY sequence");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([signed(sequence)])?;
    while let Some(row) = rows.next()? {
        if !take(read(row))? {
            break;
        }
    }
    Ok(())
}

/// A page of the audit log, newest first.
pub fn page(query: &AuditQuery, connection: &Connection) -> Result<Vec<AuditRow>, StoreError> {
    // One statement for each kind of question, so that a project's acts are found by their index.
    let about = if query.project.is_some() { "project = ?2" } else { "?2 IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS} FROM act WHERE sequence < ?1 AND {about} AND (?3 IS NULL OR actor = ?3) \
         ORDER BY sequence DESC LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let before = query.before.map_or(i64::MAX, signed);
    let project = query.project.as_ref().map(kopeck_directory::name::ProjectId::as_str);
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![before, project, query.actor, limit])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(read(row)?);
    }
    Ok(page)
}
