//! Tokens: made of the system's randomness, kept as hashes, compared in constant time.

use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;

/// What a token begins with, so that one that leaks is found by who looks for such things.
const PREFIX: &str = "kopeck_";
/// The same for API keys.
const KEY_PREFIX: &str = "kpk_";

/// The BLAKE3 hash of a token. A token has 256 random bits, so no slow hash is needed to keep it secret.
#[derive(Debug, Clone, Copy)]
pub struct TokenHash([u8; 32]);

/// The system has no randomness to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness: {0}")]
pub struct NoRandomness(getrandom::Error);

/// A new token, to be shown once.
///
/// # Errors
/// [`NoRandomness`].
pub fn new_token() -> Result<String, NoRandomness> {
    random(PREFIX)
}

/// A new secret of an API key, to be shown once.
///
/// # Errors
/// [`NoRandomness`].
pub fn new_key() -> Result<String, NoRandomness> {
    random(KEY_PREFIX)
}

fn random(prefix: &str) -> Result<String, NoRandomness> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).map_err(NoRandomness)?;
    Ok(format!("{prefix}{}", blake3::Hash::from_bytes(bits).to_hex()))
}

impl TokenHash {
    /// That of a token.
    #[must_use]
    pub fn of(token: &str) -> TokenHash {
        TokenHash(*blake3::hash(token.as_bytes()).as_bytes())
    }

    /// Its bytes, to be stored.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// That of stored bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> TokenHash {
        TokenHash(bytes)
    }
}

impl PartialEq for TokenHash {
    /// In constant time.
    fn eq(&self, other: &TokenHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl FromStr for TokenHash {
    type Err = blake3::HexError;

    fn from_str(text: &str) -> Result<TokenHash, blake3::HexError> {
        blake3::Hash::from_hex(text).map(|hash| TokenHash(*hash.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_are_the_same_and_a_hash_finds_its_token_only() {
        let (one, other) = (new_token().unwrap(), new_token().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), PREFIX.len() + 64);
        assert_eq!(TokenHash::of(&one), TokenHash::of(&one).to_string().parse().unwrap());
        assert_ne!(TokenHash::of(&one), TokenHash::of(&other));
    }
}
