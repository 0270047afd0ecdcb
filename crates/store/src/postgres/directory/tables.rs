//! The directory's tables in PostgreSQL: how acts are read and written.

use std::collections::BTreeMap;

use kopeck_directory::name::{ProjectId, TokenId};
use kopeck_ledger::name::Moment;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::directory::acts::{Acts, Folded};
use crate::directory::{AuditQuery, AuditRow};
use crate::error::StoreError;
use crate::number::{signed, unsigned};
use crate::postgres::connect::Session;
use crate::postgres::error::failed;
use crate::postgres::owner::{DIRECTORY, Failed};
use crate::postgres::tables::{all_are_in, hash};
use crate::store::Answer;

/// Acts that are fetched at once.
const PAGE_ROWS: i64 = 1_024;

const FOLDED: &str = "SELECT sequence, at, hash, after FROM act WHERE shard = $1 AND sequence > $2 \
                      ORDER BY sequence LIMIT $3";
const ROWS: &str = "SELECT sequence, at, actor, address, act, project, before, after, hash FROM act \
                    WHERE shard = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
const COUNT: &str = "SELECT count(*) FROM act WHERE shard = $1";
const USES: &str = "SELECT token, at FROM token_use WHERE shard = $1";
const AUDIT: &str = "SELECT sequence, at, actor, address, act, project, before, after, hash FROM act \
                     WHERE shard = $1 AND sequence < $2 AND ($3::text IS NULL OR actor = $3) \
                     ORDER BY sequence DESC LIMIT $4";
// One statement for each kind of question, so that a project's acts are found by their index.
const AUDIT_OF_PROJECT: &str = "SELECT sequence, at, actor, address, act, project, before, after, hash FROM act \
                                WHERE shard = $1 AND sequence < $2 AND ($3::text IS NULL OR actor = $3) \
                                AND project = $5 ORDER BY sequence DESC LIMIT $4";
const LOCK: &str = "SELECT sequence FROM owner WHERE shard = $1 AND part = $2 FOR UPDATE";
const INSERT: &str = "INSERT INTO act (shard, sequence, at, actor, address, act, project, before, after, hash) \
                      SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], \
                      $7::text[], $8::text[], $9::text[], $10::bytea[]) RETURNING sequence";
const ADVANCE: &str =
    "UPDATE owner SET sequence = $3 WHERE shard = $1 AND part = $2 AND sequence = $4 RETURNING sequence";
const INSERT_USES: &str = "INSERT INTO token_use (shard, token, at) \
                           SELECT $1, * FROM unnest($2::bytea[], $3::bigint[]) \
                           ON CONFLICT (shard, token) DO UPDATE SET at = greatest(token_use.at, excluded.at) \
                           RETURNING at";

type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// The directory, as a session sees it.
#[derive(Debug)]
pub struct ActTables<'s>(pub &'s Session);

impl ActTables<'_> {
    fn ask(&self, sql: &'static str, values: Values<'_>) -> Answer<Vec<Row>> {
        self.0.rows(sql, values).map_err(|error| failed(&error))
    }

    /// A page of the audit log, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    pub fn page(&self, query: &AuditQuery) -> Answer<Vec<AuditRow>> {
        let before = query.before.map_or(i64::MAX, signed);
        let limit = signed(query.limit as u64);
        let shard = DIRECTORY.shard;
        let values: [&(dyn ToSql + Sync); 4] = [&shard, &before, &query.actor, &limit];
        let rows = match query.project.as_ref().map(ProjectId::as_str) {
            None => self.ask(AUDIT, &values)?,
            Some(project) => {
                let [shard, before, actor, limit] = values;
                self.ask(AUDIT_OF_PROJECT, &[shard, before, actor, limit, &project])?
            }
        };
        rows.iter().map(read).collect()
    }
}

impl Acts for ActTables<'_> {
    fn each_after(&self, sequence: u64, take: &mut dyn FnMut(Folded) -> Answer<()>) -> Answer<()> {
        let mut after = Some(signed(sequence));
        while let Some(from) = after.take() {
            let rows = self.ask(FOLDED, &[&DIRECTORY.shard, &from, &PAGE_ROWS])?;
            for row in &rows {
                after = Some(row.get(0));
                let (sequence, at, hash) = (row.get(0), row.get(1), hash(row.get(2))?);
                take(Folded { sequence, at, hash, after: row.get(3) })?;
            }
            // Most find little or nothing, and need not ask again.
            after = after.filter(|_| signed(rows.len() as u64) == PAGE_ROWS);
        }
        Ok(())
    }

    fn rows_after(
        &self,
        sequence: u64,
        take: &mut dyn FnMut(Answer<AuditRow>) -> Answer<bool>,
    ) -> Answer<()> {
        let mut after = Some(signed(sequence));
        while let Some(from) = after.take() {
            for row in self.ask(ROWS, &[&DIRECTORY.shard, &from, &PAGE_ROWS])? {
                after = Some(row.get(0));
                if !take(read(&row))? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn count(&self) -> Answer<u64> {
        let row = self.0.row(COUNT, &[&DIRECTORY.shard]).map_err(|error| failed(&error))?;
        Ok(row.map_or(0, |row| unsigned(row.get(0))))
    }

    fn uses(&self) -> Answer<BTreeMap<TokenId, Moment>> {
        let corrupt =
            |what: &dyn std::fmt::Display| StoreError::Corrupt(format!("the use of a token: {what}"));
        let used = |row: &Row| {
            let token = Uuid::from_slice(row.get(0)).map_err(|error| corrupt(&error))?;
            let at = Moment::from_nanoseconds(row.get(1)).map_err(|error| corrupt(&error))?;
            Ok((TokenId(token), at))
        };
        self.ask(USES, &[&DIRECTORY.shard])?.iter().map(used).collect()
    }
}

fn read(row: &Row) -> Answer<AuditRow> {
    let sequence: i64 = row.get(0);
    Ok(AuditRow {
        sequence: unsigned(sequence),
        at: Moment::from_nanoseconds(row.get(1))
            .map_err(|error| StoreError::Corrupt(format!("the instant of act {sequence} {error}")))?,
        actor: row.get(2),
        address: row.get(3),
        act: row.get(4),
        project: row.get(5),
        before: row.get(6),
        after: row.get(7),
        hash: hash(row.get(8))?,
    })
}

/// Locks the directory until the transaction ends, and answers its last act.
///
/// # Errors
/// [`Failed`] where the database refuses; [`StoreError::Corrupt`] where its row is gone.
pub fn lock(session: &Session) -> Result<u64, Failed> {
    let row = session.row(LOCK, &[&DIRECTORY.shard, &DIRECTORY.name])?;
    let gone = || Failed::Store(StoreError::Corrupt("the directory's row of owner is gone".to_owned()));
    row.map(|row| unsigned(row.get(0))).ok_or_else(gone)
}

/// Writes acts that follow the last one, in a transaction that has the directory locked.
///
/// # Errors
/// [`Failed`] where the database refuses, as when the disk is full.
pub fn write(rows: &[AuditRow], before: u64, session: &Session) -> Result<(), Failed> {
    let Some(last) = rows.last() else { return Ok(()) };
    let sequences: Vec<i64> = rows.iter().map(|row| signed(row.sequence)).collect();
    let at: Vec<i64> = rows.iter().map(|row| row.at.nanoseconds()).collect();
    let texts = |column: fn(&AuditRow) -> &String| rows.iter().map(column).collect::<Vec<_>>();
    let maybe = |column: fn(&AuditRow) -> &Option<String>| rows.iter().map(column).collect::<Vec<_>>();
    let (actors, addresses) = (texts(|row| &row.actor), maybe(|row| &row.address));
    let (acts, projects) = (texts(|row| &row.act), maybe(|row| &row.project));
    let (befores, afters) = (texts(|row| &row.before), texts(|row| &row.after));
    let hashes: Vec<&[u8]> = rows.iter().map(|row| row.hash.as_slice()).collect();
    let values: Values<'_> = &[
        &DIRECTORY.shard,
        &sequences,
        &at,
        &actors,
        &addresses,
        &acts,
        &projects,
        &befores,
        &afters,
        &hashes,
    ];
    all_are_in(session.rows(INSERT, values)?.len(), rows.len())?;
    let values: Values<'_> = &[&DIRECTORY.shard, &DIRECTORY.name, &signed(last.sequence), &signed(before)];
    all_are_in(session.rows(ADVANCE, values)?.len(), 1)
}

/// Writes down when tokens were used last.
///
/// # Errors
/// [`Failed`] where the database refuses.
pub fn write_uses(uses: &[(TokenId, Moment)], session: &Session) -> Result<(), Failed> {
    if uses.is_empty() {
        return Ok(());
    }
    let tokens: Vec<&[u8]> = uses.iter().map(|(token, _)| token.0.as_bytes().as_slice()).collect();
    let at: Vec<i64> = uses.iter().map(|(_, at)| at.nanoseconds()).collect();
    all_are_in(session.rows(INSERT_USES, &[&DIRECTORY.shard, &tokens, &at])?.len(), uses.len())
}
