//! Clean-ups of storages: what each project keeps there is charged, once for each local day (ledger.md, "Transactions").

use kopeck_directory::Directory;
use kopeck_directory::entity::Storage;
use kopeck_directory::name::StorageId;
use kopeck_ledger::name::{Moment, Text, TransactionId};
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::request::{PayStorage, Request, Work};
use kopeck_rating::number::Number;
use uuid::Uuid;

use crate::metering::{Cleaned, Core, MeteringError};

/// Charges what a storage keeps at the instant at which its clean-up was due. Again for the same instant charges
/// nothing.
pub fn on_schedule(core: &Core, storage: StorageId, at: Moment) -> Result<(), MeteringError> {
    let name = Uuid::new_v8(half(&[b"scheduled", storage.0.as_bytes(), &at.nanoseconds().to_be_bytes()]));
    for cleaned in clean_up(core, storage, name, at)? {
        if let Err(reason) = &cleaned.reply {
            tracing::warn!(storage = %storage, project = cleaned.project, ?reason, "a clean-up was not charged");
        }
    }
    Ok(())
}

/// Charges what a storage keeps now, because its owner wants that.
pub fn by_hand(core: &Core, storage: StorageId, id: Uuid) -> Result<Vec<Cleaned>, MeteringError> {
    clean_up(core, storage, id, (core.time.now)())
}

fn clean_up(core: &Core, storage: StorageId, name: Uuid, at: Moment) -> Result<Vec<Cleaned>, MeteringError> {
    let directory = (core.directory)();
    let found = directory.storages().get(&storage).ok_or(MeteringError::NoStorage(storage))?;
    let Some(price) = price(found, &directory, at) else { return Ok(Vec::new()) };
    let volumes: Vec<(String, Option<Number>)> =
        core.state().volumes.of(storage, at).map(|(project, volume)| (project.to_owned(), volume)).collect();
    let mut asked = Vec::new();
    for (project, megabytes) in volumes {
        let transaction = Uuid::new_v8(half(&[name.as_bytes(), project.as_bytes()]));
        let (Some(megabytes), Some(payer)) = (megabytes, directory.payer(&project, at)) else { continue };
        let id = TransactionId(transaction);
        // Volumes may have been measured again since it was charged: what is charged stays.
        if let Some(record) = core.ledger.record(id)? {
            let reply = record.outcome().map_or(Err(Refusal::DifferentContent), |outcome| {
                outcome.reply.map_err(Refusal::from)
            });
            asked.push((Cleaned { project, transaction, reply }, None));
            continue;
        }
        let Ok(named) = Text::new(&project) else { continue };
        let Ok(reference) = Text::new(&format!("clean-up {name}")) else { continue };
        let work = Work::PayStorage(PayStorage {
            storage: storage.account(),
            workspace: payer.id.account(),
            project: named,
            reference,
            price,
            megabytes,
            cleaned_at: at,
            accrued: true,
        });
        let reply = Err(Refusal::DifferentContent);
        asked.push((Cleaned { project, transaction, reply }, Some(Request { id, actor: None, work })));
    }
    answered(core, asked)
}

/// Asks the ledger what was not asked before.
fn answered(core: &Core, asked: Vec<(Cleaned, Option<Request>)>) -> Result<Vec<Cleaned>, MeteringError> {
    let requests = asked.iter().filter_map(|(_, request)| request.clone()).collect();
    let mut replies = core.ledger.perform(requests)?.into_iter();
    let answered = asked.into_iter().map(|(mut cleaned, request)| {
        if let Some(reply) = request.and_then(|_| replies.next()) {
            cleaned.reply = reply;
        }
        cleaned
    });
    Ok(answered.collect())
}

/// What a storage asks for a MB at an instant.
fn price(storage: &Storage, directory: &Directory, at: Moment) -> Option<Number> {
    let prices = directory.shelf(storage.book.as_str())?.prices()?;
    prices.price_at(at.nanoseconds().div_euclid(1_000_000_000))
}

/// The first half of a hash: enough for a name.
fn half(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("kopeck 2026-11-22 ids of clean-ups");
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes
}
