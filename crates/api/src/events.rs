//! What became of the usage events of a request (rating.md, "Usage events"; api.md).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of the events of a request, when that is durable
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ingested {
    /// How many were new
    pub accepted: u64,
    /// How many were accepted before with the same content: nothing changed
    pub duplicates: u64,
    /// Those that were refused; the others stand all the same
    pub refused: Vec<RefusedEvent>,
}

/// An event that was refused
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedEvent {
    /// Its place in the request, from 0; blank lines do not count
    pub index: u64,
    /// Its source, where that could be read
    pub source: Option<String>,
    /// Its id, where that could be read
    pub id: Option<String>,
    /// What is wrong with it
    pub reason: String,
    /// What to do
    pub remedy: String,
}
