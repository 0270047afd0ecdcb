//! Commands to clouds: what is to be stopped, and what has become of it.

use kopeck_directory::name::ProjectId;
use kopeck_ledger::name::Moment;
use kopeck_store::events::Kept;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The list of commands beside the log.
pub const COMMANDS: u8 = 1;
/// What stands between the project and the number in a command's name: no project has it.
const END_OF_PROJECT: u8 = 0;

/// A stop of one resource. The cloud is asked until its events say that the resource is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopCommand {
    /// Its number: later commands have higher ones.
    pub number: u64,
    /// The same at each try, so that a cloud which got it twice does it once.
    pub key: Uuid,
    /// Whose resource.
    pub project: ProjectId,
    /// Its source.
    pub source: String,
    /// Its name.
    pub subject: String,
    /// Its kind.
    pub kind: String,
    /// Which limit asked for it, such as `cap:month of acme`.
    pub limit: String,
    /// When it was decided.
    pub decided: Moment,
    /// Seconds within which the cloud has to have stopped it and reported that: D + L.
    pub within_s: i64,
    /// How often it was tried to send it.
    pub tries: u32,
    /// When the cloud's adapter took it last.
    pub taken: Option<Moment>,
    /// Why the last try failed.
    pub failure: Option<String>,
    /// When it was told that the cloud does not obey.
    pub escalated: Option<Moment>,
    /// What became of it.
    pub end: Option<End>,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// What.
    pub outcome: Outcome,
    /// When.
    pub at: Moment,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The cloud's events say that the resource is stopped.
    Obeyed,
    /// What had asked for it was lifted before.
    Withdrawn,
}

impl StopCommand {
    /// The key of a number of a shard, the same whenever it is made.
    #[must_use]
    pub fn key_of(shard: u64, number: u64, decided: Moment) -> Uuid {
        let mut hasher = blake3::Hasher::new_derive_key("kopeck 2026-11-22 keys of commands");
        hasher.update(&shard.to_be_bytes());
        hasher.update(&number.to_be_bytes());
        hasher.update(&decided.nanoseconds().to_be_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// As it is kept beside the log.
    ///
    /// # Errors
    /// [`serde_json::Error`], which texts and numbers never cause.
    pub fn kept(&self) -> Result<Kept, serde_json::Error> {
        let mut name = StopCommand::names_of(&self.project);
        name.extend(self.number.to_be_bytes());
        Ok(Kept { list: COMMANDS, name, is_open: self.end.is_none(), bytes: serde_json::to_vec(self)? })
    }

    /// What the names of all commands of a project begin with.
    #[must_use]
    pub fn names_of(project: &ProjectId) -> Vec<u8> {
        let mut name = project.as_str().as_bytes().to_vec();
        name.push(END_OF_PROJECT);
        name
    }

    /// What is sent: a document of its own, so that what we remember beside it stays ours.
    #[must_use]
    pub fn body(&self) -> serde_json::Value {
        serde_json::json!({
            "type": "kopeck.stop.v1",
            "id": self.key,
            "project": self.project.as_str(),
            "source": self.source,
            "resource": self.subject,
            "kind": self.kind,
            "limit": self.limit,
            "decided": self.decided.to_string(),
        })
    }
}
