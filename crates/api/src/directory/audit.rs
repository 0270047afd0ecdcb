//! The audit log.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::forms::Time;

/// One act of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditedAct)]
pub struct AuditDocument {
    /// Its place, from 1 without gaps
    pub sequence: u64,
    /// When
    pub at: Time,
    /// Who: a user's id, or a token
    pub actor: String,
    /// From where
    #[schema(required)]
    pub address: Option<String>,
    /// What was done
    pub act: String,
    /// The project that it was about
    #[schema(required)]
    pub project: Option<String>,
    /// The things that it changed as they were; null for what was not there
    #[schema(value_type = Vec<Option<Object>>)]
    pub before: serde_json::Value,
    /// The same things as they are since
    #[schema(value_type = Vec<Option<Object>>)]
    pub after: serde_json::Value,
    /// The hash of the chain up to here
    pub hash: String,
}

/// Which acts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditParameters {
    /// Only those about this project
    pub project: Option<String>,
    /// Only those of this actor
    pub actor: Option<String>,
    /// The `next` of the page before; left out for the first
    pub cursor: Option<String>,
    /// The most items of the page, 1 to 1,000
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<usize>,
}
