//! The server's clock.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::forms::Time;
use crate::read::{Incoming, Unread, json};

/// Where to set a simulated clock
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTime {
    /// The instant to live up to: what is due until then is done in its order
    pub now: Time,
}

impl Incoming for NewTime {
    fn read(bytes: &[u8]) -> Result<NewTime, Unread> {
        json(bytes)
    }
}

/// What time it is for the server
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockDocument {
    /// The instant
    pub now: Time,
    /// Whether it stands still until it is set
    pub simulated: bool,
    /// All costs up to this instant were looked at
    pub settled: Time,
}
