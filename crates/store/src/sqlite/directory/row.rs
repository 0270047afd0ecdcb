//! Acts as rows of SQLite: how they are read and written.

use std::collections::BTreeMap;

use kopeck_directory::name::TokenId;
use kopeck_ledger::name::Moment;
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use crate::directory::acts::{Acts, Folded};
use crate::directory::{AuditQuery, AuditRow};
use crate::error::StoreError;
use crate::number::{signed, unsigned};
use crate::store::Answer;

/// What a row is read from, in the order of [`read`].
pub const COLUMNS: &str = "sequence, at, actor, address, act, project, before, after, hash";

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
        sequence: unsigned(sequence),
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

impl Acts for Connection {
    fn each_after(&self, sequence: u64, take: &mut dyn FnMut(Folded) -> Answer<()>) -> Answer<()> {
        let mut statement = self.prepare_cached(
            "SELECT sequence, at, hash, after FROM act WHERE sequence > ?1 ORDER BY sequence",
        )?;
        let mut rows = statement.query([signed(sequence)])?;
        while let Some(row) = rows.next()? {
            take(Folded { sequence: row.get(0)?, at: row.get(1)?, hash: row.get(2)?, after: row.get(3)? })?;
        }
        Ok(())
    }

    fn rows_after(
        &self,
        sequence: u64,
        take: &mut dyn FnMut(Answer<AuditRow>) -> Answer<bool>,
    ) -> Answer<()> {
        let sql = format!("SELECT {COLUMNS} FROM act WHERE sequence > ?1 ORDER BY sequence");
        let mut statement = self.prepare_cached(&sql)?;
        let mut rows = statement.query([signed(sequence)])?;
        while let Some(row) = rows.next()? {
            if !take(read(row))? {
                break;
            }
        }
        Ok(())
    }

    fn count(&self) -> Answer<u64> {
        let count: i64 = self.query_row("SELECT count(*) FROM act", (), |row| row.get(0))?;
        Ok(unsigned(count))
    }

    fn uses(&self) -> Answer<BTreeMap<TokenId, Moment>> {
        let mut statement = self.prepare("SELECT token, at FROM used")?;
        let mut rows = statement.query(())?;
        let mut uses = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let token: [u8; 16] = row.get(0)?;
            let at = Moment::from_nanoseconds(row.get(1)?)
                .map_err(|error| StoreError::Corrupt(error.to_string()))?;
            uses.insert(TokenId(Uuid::from_bytes(token)), at);
        }
        Ok(uses)
    }
}

/// Writes down when tokens were used last.
pub fn insert_uses(connection: &Connection, uses: &[(TokenId, Moment)]) -> Answer<()> {
    let sql =
        "INSERT INTO used (token, at) VALUES (?1, ?2) ON CONFLICT (token) DO UPDATE SET at = max(at, ?2)";
    let mut insert = connection.prepare_cached(sql)?;
    for (token, at) in uses {
        insert.execute(params![token.0.as_bytes(), at.nanoseconds()])?;
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
