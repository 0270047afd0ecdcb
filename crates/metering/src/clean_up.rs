//! Clean-ups of storages: what each project keeps there is charged, once for each local day (ledger.md, "Transactions").

use kopeck_directory::Directory;
use kopeck_directory::entity::Storage;
use kopeck_directory::name::StorageId;
use kopeck_ledger::name::{Moment, Text, TransactionId};
use kopeck_ledger::record::Reply;
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::request::{PayStorage, Request, Work};
use kopeck_rating::event::second_of;
use kopeck_rating::number::Number;
use kopeck_rating::price_book::Model;
use kopeck_store::StoreError;
use uuid::Uuid;

use crate::metering::{Cleaned, Core, MeteringError};

/// Charges what a storage keeps at the instant at which its clean-up was due. Again for the same instant charges
/// nothing.
///
/// # Errors
/// [`MeteringError`]; [`MeteringError::SetBack`] where the ledger's clock is not there any more: then it is still due.
pub fn on_schedule(core: &Core, storage: StorageId, at: Moment) -> Result<(), MeteringError> {
    let name = Uuid::new_v8(half(&[b"scheduled", storage.0.as_bytes(), &at.nanoseconds().to_be_bytes()]));
    for cleaned in clean_up(core, storage, name, at)? {
        if let Err(Refusal::InstantAhead { at: due, now }) = cleaned.reply {
            return Err(MeteringError::SetBack { now, due });
        }
        if let Err(reason) = &cleaned.reply {
            tracing::warn!(storage = %storage, project = cleaned.project, ?reason, "a clean-up was not charged");
        }
    }
    Ok(())
}

/// Charges what a storage keeps now, because its owner wants that.
pub fn by_hand(core: &Core, storage: StorageId, id: Uuid) -> Result<Vec<Cleaned>, MeteringError> {
    // A clock that was set back does not ask for what was measured before then.
    let at = core.state().at.max((core.time.now)());
    clean_up(core, storage, id, at)
}

fn clean_up(core: &Core, storage: StorageId, name: Uuid, at: Moment) -> Result<Vec<Cleaned>, MeteringError> {
    let directory = (core.directory)();
    let found = directory.storages().get(&storage).ok_or(MeteringError::NoStorage(storage))?;
    let Some(price) = price(found, &directory, at) else { return Ok(Vec::new()) };
    let volumes: Vec<(String, Option<Number>)> =
        core.state().volumes.of(storage, at).map(|(project, volume)| (project.to_owned(), volume)).collect();
    let reference = format!("clean-up {name}");
    let mut cleaned = Vec::new();
    for (project, megabytes) in volumes {
        let (Some(megabytes), Some(payer)) = (megabytes, directory.payer(&project, at)) else { continue };
        let (Ok(named), Ok(reference)) = (Text::new(&project), Text::new(&reference)) else { continue };
        let transaction = Uuid::new_v8(half(&[name.as_bytes(), project.as_bytes()]));
        let payment = PayStorage {
            storage: storage.account(),
            workspace: payer.id.account(),
            project: named,
            reference,
            price,
            megabytes,
            cleaned_at: at,
            accrued: true,
        };
        cleaned.push(Cleaned {
            reply: pay(core, TransactionId(transaction), payment)?,
            project,
            transaction,
        });
    }
    Ok(cleaned)
}

/// Has a payment made, once: volumes may have been measured again since, and what is charged stays.
fn pay(core: &Core, id: TransactionId, payment: PayStorage) -> Result<Reply, MeteringError> {
    if let Some(outcome) = core.ledger.record(id)?.and_then(|record| record.outcome()) {
        return Ok(outcome.reply.map_err(Refusal::from));
    }
    let request = Request { id, actor: None, work: Work::PayStorage(payment) };
    let mut replies = core.ledger.perform(vec![request])?;
    replies.pop().ok_or(MeteringError::Store(StoreError::Closed))
}

/// What a storage asks for a MB at an instant.
fn price(storage: &Storage, directory: &Directory, at: Moment) -> Option<Number> {
    let prices = directory.shelf(storage.book.as_str())?.prices()?;
    let second = second_of(at.nanoseconds());
    let version = (0..prices.versions().len()).find(|version| prices.in_force(*version).contains(&second))?;
    match prices.versions()[version].components.first()?.model {
        Model::PerUse { price } => Some(price),
        _ => None,
    }
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
