//! Copying a directory from one kind of database to another: its acts as they are, proven on the way, and last uses.
//!
//! Acts are a chain, so that what is there already is the beginning of what is copied where its last hash is the one of
//! the same act; otherwise nothing is written.

use kopeck_directory::name::TokenId;
use kopeck_ledger::name::Moment;

use crate::answer::Copied;
use crate::directory::AuditRow;
use crate::directory::acts::{Acts, GENESIS};
use crate::directory::verify::Proof;
use crate::error::StoreError;
use crate::store::Answer;

/// Acts that are written together.
const TOGETHER: usize = 256;

/// Where a copy is written.
pub trait Target {
    /// What it has.
    fn stored(&self) -> &dyn Acts;

    /// Writes all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`] where the database refuses.
    fn write(&mut self, rows: &[AuditRow], uses: &[(TokenId, Moment)]) -> Answer<()>;
}

/// What two directories that are equal have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActDigest {
    /// Acts.
    pub acts: u64,
    /// The hash of the last of them, which is that of all.
    pub hash: [u8; 32],
}

/// Copies all that a directory, which is read as of one instant, has more than the target. Progress is told in acts.
///
/// # Errors
/// [`StoreError::CopyDiffers`] where the target holds another directory; [`StoreError::Corrupt`] where an act is not
/// what was written; others where one of the databases fails.
pub fn copy(from: &dyn Acts, to: &mut dyn Target, progress: &mut dyn FnMut(Copied)) -> Answer<ActDigest> {
    let (of, there) = (from.count()?, digest(to.stored())?);
    let differs = || StoreError::CopyDiffers("its acts are those of another directory".to_owned());
    if there.acts > of {
        return Err(differs());
    }
    let mut proof = Proof::default();
    let mut new = Vec::with_capacity(TOGETHER);
    let mut source = ActDigest { acts: 0, hash: GENESIS };
    from.rows_after(0, &mut |row| {
        let row = row?;
        let sequence = row.sequence;
        proof.take(&row).map_err(|reason| StoreError::Corrupt(format!("act {sequence} {reason}")))?;
        source = ActDigest { acts: sequence, hash: row.hash };
        if sequence == there.acts && source != there {
            return Err(differs());
        }
        if sequence > there.acts {
            new.push(row);
        }
        if new.len() >= TOGETHER {
            to.write(&std::mem::take(&mut new), &[])?;
            progress(Copied { pages: sequence, of });
        }
        Ok(true)
    })?;
    let uses: Vec<_> = from.uses()?.into_iter().collect();
    to.write(&new, &uses)?;
    progress(Copied { pages: source.acts, of });
    let copied = digest(to.stored())?;
    if copied == source && to.stored().count()? == source.acts {
        return Ok(source);
    }
    let told = |digest: &ActDigest| {
        format!("{} acts with the hash {}", digest.acts, blake3::Hash::from(digest.hash).to_hex())
    };
    Err(StoreError::CopyDiffers(format!("it has {} and not {}", told(&copied), told(&source))))
}

/// The last act of a directory.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn digest(stored: &dyn Acts) -> Answer<ActDigest> {
    let mut digest = ActDigest { acts: 0, hash: GENESIS };
    let last = stored.count()?.saturating_sub(1);
    stored.each_after(last, &mut |act| {
        digest = ActDigest { acts: u64::try_from(act.sequence).unwrap_or(0), hash: act.hash };
        Ok(())
    })?;
    Ok(digest)
}
