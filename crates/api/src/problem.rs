//! What went wrong, as RFC 9457 says it: `application/problem+json`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, where, and what to do next (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem, for ever: `urn:kopeck:problem:insufficient-funds`
    #[schema(example = "urn:kopeck:problem:insufficient-funds")]
    pub r#type: String,
    /// The kind of problem, in words
    pub title: String,
    /// The HTTP status
    pub status: u16,
    /// What happened this time
    pub detail: String,
    /// The field of the request that it is about, such as `[3].amount`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do next
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Which account lacks money, where that is the problem
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortage: Option<ShortageDocument>,
    /// The request, as the log names it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// The kind of problem in a word: the end of its type.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.r#type.rsplit(':').next().unwrap_or_default()
    }
}

/// The account that lacks money, and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Shortage)]
pub struct ShortageDocument {
    /// Which account
    pub account: String,
    /// What it has available
    #[schema(value_type = crate::forms::Money)]
    pub available: String,
    /// What is needed
    #[schema(value_type = crate::forms::Money)]
    pub needed: String,
    /// What is missing
    #[schema(value_type = crate::forms::Money)]
    pub missing: String,
}
