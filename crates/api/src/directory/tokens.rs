//! Bearer tokens.

use kopeck_directory::entity::{Scope, Token};
use kopeck_ledger::name::Moment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::forms::{Label, Time};

/// A token to issue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Its id; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// What people call it
    pub name: Label,
    /// `{"installation": role}`, `{"project": {"project": id, "role": role}}`, `{"user": id}` or `{"ingest": {"provider": id}}`
    #[schema(value_type = Object)]
    pub scope: Scope,
    /// From when on it does not hold any more
    #[serde(default)]
    pub expires: Option<Time>,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenDocument {
    /// Names it
    pub id: Uuid,
    /// What people call it
    pub name: Label,
    /// What it may be used for
    #[schema(value_type = Object)]
    pub scope: Scope,
    /// When it was issued
    pub created: Time,
    /// From when on it does not hold any more
    #[schema(required)]
    pub expires: Option<Time>,
    /// When it was revoked
    #[schema(required)]
    pub revoked: Option<Time>,
    /// When it was used last
    #[schema(required)]
    pub last_used: Option<Time>,
}

/// A token that was just issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = NewToken)]
pub struct NewTokenDocument {
    /// The token
    pub token: TokenDocument,
    /// What its bearer shows; it is not shown again
    pub secret: String,
}

impl TokenDocument {
    /// The document of a token and its last use.
    #[must_use]
    pub fn of(token: &Token, last_used: Option<Moment>) -> TokenDocument {
        TokenDocument {
            id: token.id.0,
            name: Label(token.name.clone()),
            scope: token.scope.clone(),
            created: Time(token.created),
            expires: token.expires.map(Time),
            revoked: token.revoked.map(Time),
            last_used: last_used.map(Time),
        }
    }
}
