//! Acts, whatever keeps them: their chain, how the state is folded from them, and deciding new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use kopeck_directory::Directory;
use kopeck_directory::access::Actor;
use kopeck_directory::act::Act;
use kopeck_directory::change::{Change, Entity};
use kopeck_directory::name::TokenId;
use kopeck_directory::refusal::Refusal;
use kopeck_ledger::name::Moment;

use crate::directory::{AuditRow, Performed};
use crate::error::StoreError;
use crate::store::Answer;

/// What folding needs of an act.
#[derive(Debug)]
pub struct Folded {
    /// Its place, as it is stored.
    pub sequence: i64,
    /// When, in nanoseconds of Unix time.
    pub at: i64,
    /// The hash of the chain up to here.
    pub hash: [u8; 32],
    /// The things that it changed as they are since, as a JSON list.
    pub after: String,
}

/// What is stored of a directory.
pub trait Acts {
    /// Hands all acts after one to `take`, in their order.
    ///
    /// # Errors
    /// What `take` answers; [`StoreError`] where they can not be read.
    fn each_after(&self, sequence: u64, take: &mut dyn FnMut(Folded) -> Answer<()>) -> Answer<()>;

    /// Hands all rows after one to `take`, in their order, until it answers `false`: also those that are none.
    ///
    /// # Errors
    /// What `take` answers; [`StoreError`] where they can not be read.
    fn rows_after(&self, sequence: u64, take: &mut dyn FnMut(Answer<AuditRow>) -> Answer<bool>)
    -> Answer<()>;

    /// How many acts there are.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be counted.
    fn count(&self) -> Answer<u64>;

    /// When tokens were used last, as far as it is written down.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn uses(&self) -> Answer<BTreeMap<TokenId, Moment>>;
}

/// The last act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Its place; 0 before the first.
    pub sequence: u64,
    /// When.
    pub at: Moment,
    /// The hash of the chain up to it.
    pub hash: [u8; 32],
}

impl End {
    /// Before the first act.
    pub const EMPTY: End = End { sequence: 0, at: Moment::FIRST, hash: GENESIS };

    /// The row of a change that comes next, which is the end then. An empty change has none.
    fn row_after(&mut self, change: &Change, by: &Actor, at: Moment) -> Answer<Option<AuditRow>> {
        if change.is_empty() {
            return Ok(None);
        }
        let (before, after) = lists(change)?;
        let mut row = AuditRow {
            sequence: self.sequence + 1,
            at,
            actor: by.name.as_str().to_owned(),
            address: by.address.as_ref().map(|address| address.as_str().to_owned()),
            act: change.act.to_owned(),
            project: change.project.as_ref().map(|project| project.as_str().to_owned()),
            before,
            after,
            hash: GENESIS,
        };
        row.hash = hash(&self.hash, &row);
        *self = End { sequence: row.sequence, at, hash: row.hash };
        Ok(Some(row))
    }
}

/// What acts have come to, before any of it is durable.
#[derive(Debug)]
pub struct Decided {
    /// The state with them.
    pub draft: Directory,
    /// The rows of those that changed something.
    pub rows: Vec<AuditRow>,
    /// The last act with them.
    pub end: End,
    /// What is answered.
    pub done: Vec<Result<Performed, Refusal>>,
}

/// Decides acts in their order, each by itself on the state that those before it have left.
///
/// # Errors
/// [`StoreError::Database`] where a change can not be written as JSON.
pub fn decide((directory, end): (&Directory, End), acts: &[Act], by: &Actor, now: Moment) -> Answer<Decided> {
    let at = end.at.max(now);
    let mut decided =
        Decided { draft: directory.clone(), rows: Vec::new(), end, done: Vec::with_capacity(acts.len()) };
    for act in acts {
        decided.done.push(match decided.draft.decide(act, &by.principal, at) {
            Ok(change) => {
                decided.draft.apply(&change);
                let row = decided.end.row_after(&change, by, at)?;
                let sequence = row.as_ref().map(|row| row.sequence);
                decided.rows.extend(row);
                Ok(Performed { change, sequence, at })
            }
            Err(refusal) => Err(refusal),
        });
    }
    Ok(decided)
}

/// Applies all acts after an end, and answers the new one.
///
/// # Errors
/// [`StoreError::Corrupt`] where one is missing or can not be read.
pub fn fold(acts: &dyn Acts, mut end: End, directory: &mut Directory) -> Answer<End> {
    acts.each_after(end.sequence, &mut |act| {
        let Folded { sequence, at, hash, after } = act;
        let corrupt =
            |reason: &dyn Display| StoreError::Corrupt(format!("act {sequence} of the directory {reason}"));
        if u64::try_from(sequence) != Ok(end.sequence + 1) {
            return Err(corrupt(&format_args!("follows act {}", end.sequence)));
        }
        let after: Vec<Entity> = serde_json::from_str(&after)
            .map_err(|error| corrupt(&format_args!("can not be read: {error}")))?;
        after.into_iter().for_each(|entity| directory.put(entity));
        let at = Moment::from_nanoseconds(at).map_err(|error| corrupt(&error))?;
        end = End { sequence: end.sequence + 1, at, hash };
        Ok(())
    })?;
    Ok(end)
}

/// Each book is read once at the opening, so that nothing that is asked later can fail.
///
/// # Errors
/// [`StoreError::Corrupt`] where a book is none.
pub fn check_books(directory: &Directory) -> Answer<()> {
    let broken = directory.shelves(None).find(|shelf| shelf.prices().is_none());
    match broken {
        Some(shelf) => Err(StoreError::Corrupt(format!(
            "price book {} of the directory is no price book",
            shelf.book.id
        ))),
        None => Ok(()),
    }
}

/// When tokens were used.
#[derive(Debug, Default)]
pub struct Uses {
    last: BTreeMap<TokenId, Moment>,
    /// Those that are not written down.
    fresh: BTreeSet<TokenId>,
}

impl Uses {
    /// Those that are written down.
    pub fn of(last: BTreeMap<TokenId, Moment>) -> Uses {
        Uses { last, fresh: BTreeSet::new() }
    }

    /// A token was used.
    pub fn note(&mut self, token: TokenId, at: Moment) {
        let last = self.last.entry(token).or_insert(at);
        *last = (*last).max(at);
        self.fresh.insert(token);
    }

    /// When a token was used last.
    pub fn last(&self, token: TokenId) -> Option<Moment> {
        self.last.get(&token).copied()
    }

    /// Whether there are some that are not written down.
    pub fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Takes those that are not written down, in the order of their tokens.
    pub fn take_fresh(&mut self) -> Vec<(TokenId, Moment)> {
        let fresh = std::mem::take(&mut self.fresh);
        fresh.into_iter().filter_map(|token| Some((token, *self.last.get(&token)?))).collect()
    }

    /// These could not be written down.
    pub fn give_back(&mut self, fresh: &[(TokenId, Moment)]) {
        self.fresh.extend(fresh.iter().map(|(token, _)| *token));
    }

    /// What others have written down.
    pub fn learn(&mut self, stored: BTreeMap<TokenId, Moment>) {
        for (token, at) in stored {
            let last = self.last.entry(token).or_insert(at);
            *last = (*last).max(at);
        }
    }
}

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
