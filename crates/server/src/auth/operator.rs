//! The operator's token: made at the first start, or given; its hash is kept beside the ledger.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kopeck_ledger::name::{Moment, Text, TextError};
use kopeck_store::StoreError;
use kopeck_store::postgres::nodes::Nodes;
use uuid::Uuid;

use super::secret::{NoRandomness, TokenHash, new_token};
use super::{Principal, Role, Scope, Tokens};

/// The file of the hash, in the folder of the data.
pub const OPERATOR_TOKEN_FILE: &str = "operator-token";
/// A token that was given must not be guessed: it has so many characters.
const SHORTEST: usize = 32;
/// Names the operator's token in logs.
const TOKEN_ID: Uuid = Uuid::from_u128(0x6b6f_7065_636b_8000_8000_6f70_6572_0001);

/// How the ledger names who acts by it.
const ACTOR: &str = "operator";

/// The token of the operator.
#[derive(Debug, Clone)]
pub struct OperatorToken {
    hash: TokenHash,
    principal: Principal,
}

/// Where the hash of the operator's token is kept.
pub trait Kept {
    /// The one that is kept.
    ///
    /// # Errors
    /// [`OperatorTokenError`] where it can not be read.
    fn read(&self) -> Result<Option<TokenHash>, OperatorTokenError>;

    /// Keeps one in place of any other.
    ///
    /// # Errors
    /// [`OperatorTokenError`] where it can not be written.
    fn keep(&self, hash: TokenHash) -> Result<(), OperatorTokenError>;

    /// Keeps one where there is none, and answers which is kept.
    ///
    /// # Errors
    /// [`OperatorTokenError`] where it can not be read or written.
    fn keep_first(&self, hash: TokenHash) -> Result<TokenHash, OperatorTokenError>;
}

/// Why there is no operator's token.
#[derive(Debug, thiserror::Error)]
pub enum OperatorTokenError {
    /// The one that was given can be guessed.
    #[error("the operator's token is too short: give one of at least {SHORTEST} characters without spaces")]
    Weak,
    /// What is stored is no hash.
    #[error(
        "{} does not hold the hash of a token: remove it and start again, and a new token is printed",
        .0.display()
    )]
    Damaged(PathBuf),
    /// The file can not be used.
    #[error("can not {doing} {}: {error}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The database can not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The actor's name is no text.
    #[error("the actor's name {0}")]
    Actor(#[from] TextError),
    /// No token can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl OperatorToken {
    /// The token that is kept. One that is given counts from now on; where there is none a new one is made, which is
    /// returned beside it, to be shown once.
    ///
    /// # Errors
    /// [`OperatorTokenError`].
    pub fn prepare(
        kept: &impl Kept,
        given: Option<&str>,
    ) -> Result<(OperatorToken, Option<String>), OperatorTokenError> {
        if let Some(token) = given {
            if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(OperatorTokenError::Weak);
            }
            let hash = TokenHash::of(token);
            if kept.read()? != Some(hash) {
                kept.keep(hash)?;
            }
            return Ok((OperatorToken::of(hash)?, None));
        }
        if let Some(hash) = kept.read()? {
            return Ok((OperatorToken::of(hash)?, None));
        }
        let token = new_token()?;
        let hash = TokenHash::of(&token);
        match kept.keep_first(hash)? {
            found if found == hash => Ok((OperatorToken::of(hash)?, Some(token))),
            // Another node was quicker, and has told its own.
            found => Ok((OperatorToken::of(found)?, None)),
        }
    }

    /// The token of that hash.
    ///
    /// # Errors
    /// None that the actor's fixed name could cause.
    pub fn of(hash: TokenHash) -> Result<OperatorToken, OperatorTokenError> {
        let (role, scope) = (Role::Operator, Scope::Installation);
        Ok(OperatorToken {
            hash,
            principal: Principal { token: TOKEN_ID, actor: Text::new(ACTOR)?, role, scope },
        })
    }
}

impl Tokens for OperatorToken {
    fn principal(&self, hash: &TokenHash, _now: Moment) -> Option<Principal> {
        (self.hash == *hash).then(|| self.principal.clone())
    }
}

/// In a folder.
#[derive(Debug)]
pub struct InFolder<'f>(pub &'f Path);

impl Kept for InFolder<'_> {
    fn read(&self) -> Result<Option<TokenHash>, OperatorTokenError> {
        let path = self.0.join(OPERATOR_TOKEN_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| OperatorTokenError::Damaged(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(OperatorTokenError::File { doing: "read", path, error }),
        }
    }

    /// Writes the hash so that the file is there whole or not at all, also after a power loss.
    fn keep(&self, hash: TokenHash) -> Result<(), OperatorTokenError> {
        let path = self.0.join(OPERATOR_TOKEN_FILE);
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(self.0)?;
            writeln!(file, "{hash}")?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            fs::File::open(self.0)?.sync_all()
        };
        write().map_err(|error| OperatorTokenError::File { doing: "write", path, error })
    }

    /// The folder is locked by its one server.
    fn keep_first(&self, hash: TokenHash) -> Result<TokenHash, OperatorTokenError> {
        self.keep(hash).map(|()| hash)
    }
}

/// In a database that nodes share.
impl Kept for Nodes {
    fn read(&self) -> Result<Option<TokenHash>, OperatorTokenError> {
        let hash = self.operator()?;
        Ok(hash.and_then(|hash| hash.try_into().ok()).map(TokenHash::from_bytes))
    }

    fn keep(&self, hash: TokenHash) -> Result<(), OperatorTokenError> {
        self.keep_operator(hash.bytes(), false)?;
        Ok(())
    }

    fn keep_first(&self, hash: TokenHash) -> Result<TokenHash, OperatorTokenError> {
        let is_first = self.keep_operator(hash.bytes(), true)?;
        if is_first { Ok(hash) } else { Ok(self.read()?.unwrap_or(hash)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(folder: &Path, given: Option<&str>) -> Result<Option<String>, String> {
        OperatorToken::prepare(&InFolder(folder), given)
            .map(|(_, new)| new)
            .map_err(|error| error.to_string())
    }

    fn opens(folder: &Path, token: &str) -> bool {
        let (tokens, _) = OperatorToken::prepare(&InFolder(folder), None).unwrap();
        tokens.principal(&TokenHash::of(token), Moment::FIRST).is_some()
    }

    #[test]
    fn a_token_is_told_once_and_its_hash_alone_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let token = prepare(folder.path(), None).unwrap().unwrap();
        assert_eq!(prepare(folder.path(), None).unwrap(), None);
        assert!(opens(folder.path(), &token));
        assert!(!opens(folder.path(), "kopeck_0"));
        let kept = fs::read_to_string(folder.path().join(OPERATOR_TOKEN_FILE)).unwrap();
        assert!(!kept.contains(&token["kopeck_".len()..]));
    }

    #[test]
    fn a_given_token_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let first = prepare(folder.path(), None).unwrap().unwrap();
        let given = "a-token-that-is-long-enough-to-be-one";
        assert_eq!(prepare(folder.path(), Some(given)).unwrap(), None);
        assert!(opens(folder.path(), given));
        assert!(!opens(folder.path(), &first));
    }

    #[test]
    fn a_token_that_can_be_guessed_is_refused_and_a_damaged_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(prepare(folder.path(), Some("secret")).unwrap_err().contains("too short"));
        fs::write(folder.path().join(OPERATOR_TOKEN_FILE), "x").unwrap();
        assert!(prepare(folder.path(), None).unwrap_err().contains("remove it and start again"));
    }
}
