//! Records as bytes: one canonical writing, which is hashed and stored.
//!
//! All numbers have fixed widths, high bytes first. A record of version 1 begins with 80 bytes:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 4 | length of the whole record, these four included |
//! | 4 | 1 | version: 1 |
//! | 5 | 1 | kind: 1 opened, 2 credit limit, 3 coefficient, 4 accrued, 5 posted, 6 held, 7 released, 8 expired, 9 refused |
//! | 6 | 1 | flags: 1 the next record belongs to the same chain; 2 it answers a request |
//! | 7 | 1 | number of transfers; 0 unless posted |
//! | 8 | 8 | sequence |
//! | 16 | 8 | instant, nanoseconds of Unix time |
//! | 24 | 16 | id of the request, or zeros |
//! | 40 | 8 | hash of the request's content, or zero |
//! | 48 | 32 | hash of the record before |
//!
//! Transfers follow at 80, each of 33 bytes: debit 4, credit 4, amount 8, purpose 1, and for the debited and the
//! credited account 8 each, the sequence of its entry before. What else the kind needs comes last: see `body`.

use crate::bytes::{DecodeError, Sink, Source};
use crate::chain::Hash;
use crate::name::TransactionId;
use crate::record::{Asked, Record, Transfer};
use crate::{body, purpose::Purpose};

/// The version that is written.
pub const VERSION: u8 = 1;
/// Bytes before the transfers.
pub const HEAD_BYTES: usize = 80;
/// Bytes of one transfer.
pub const TRANSFER_BYTES: usize = 33;

const LINKED: u8 = 1;
const ASKED: u8 = 2;

/// Appends a record and returns its hash, which the next one carries.
pub fn encode(record: &Record, previous: &Hash, to: &mut Vec<u8>) -> Hash {
    let start = to.len();
    let transfers: &[Transfer] = record.transaction().map_or(&[], |transaction| &transaction.transfers);
    let mut head = [0; HEAD_BYTES];
    head[4] = VERSION;
    head[5] = body::kind(&record.body);
    head[6] = if record.linked { LINKED } else { 0 } | if record.asked.is_some() { ASKED } else { 0 };
    head[7] = u8::try_from(transfers.len()).unwrap_or(u8::MAX);
    head[8..16].copy_from_slice(&record.sequence.0.to_be_bytes());
    head[16..24].copy_from_slice(&record.at.nanoseconds().to_be_bytes());
    if let Some(Asked { id, content }) = record.asked {
        head[24..40].copy_from_slice(id.0.as_bytes());
        head[40..48].copy_from_slice(&content.to_be_bytes());
    }
    head[48..80].copy_from_slice(previous.bytes());
    to.put(&head);
    for transfer in transfers {
        put_transfer(transfer, to);
    }
    body::put(&record.body, to);
    let length = u32::try_from(to.len() - start).unwrap_or(u32::MAX);
    to[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Hash::of(&to[start..])
}

/// The length of the record that `bytes` begin with, which may be less than they are.
///
/// # Errors
/// [`DecodeError`] where the bytes end before the record does, or the length is less than any record's.
pub fn length(bytes: &[u8]) -> Result<usize, DecodeError> {
    let length = Source(bytes).u32()? as usize;
    if length < HEAD_BYTES {
        return Err(DecodeError::Impossible("length"));
    }
    if length > bytes.len() { Err(DecodeError::Truncated) } else { Ok(length) }
}

/// Reads one record, which fills `bytes`, and the hash of the one before that it carries.
///
/// # Errors
/// [`DecodeError`]; any bytes are read without a panic, and only what [`encode`] writes is a record.
pub fn decode(bytes: &[u8]) -> Result<(Record, Hash), DecodeError> {
    let length = length(bytes)?;
    if length < bytes.len() {
        return Err(DecodeError::TooLong(bytes.len() - length));
    }
    let mut from = Source(&bytes[4..]);
    match from.byte()? {
        VERSION => {}
        other => return Err(DecodeError::Version(other)),
    }
    let kind = from.byte()?;
    let flags = from.byte()?;
    if flags & !(LINKED | ASKED) != 0 {
        return Err(DecodeError::Impossible("flag"));
    }
    let count = usize::from(from.byte()?);
    let sequence = from.sequence()?;
    let at = from.moment()?;
    let asked = asked(flags & ASKED != 0, from.transaction()?, from.u64()?)?;
    let previous = Hash::from_bytes(from.array()?);
    let transfers = (0..count).map(|_| transfer(&mut from)).collect::<Result<_, _>>()?;
    let body = body::read(kind, transfers, &mut from)?;
    from.end()?;
    Ok((Record { sequence, at, linked: flags & LINKED != 0, asked, body }, previous))
}

fn asked(is_asked: bool, id: TransactionId, content: u64) -> Result<Option<Asked>, DecodeError> {
    if is_asked {
        return Ok(Some(Asked { id, content }));
    }
    if id.0.is_nil() && content == 0 { Ok(None) } else { Err(DecodeError::Impossible("request id")) }
}

fn put_transfer(transfer: &Transfer, to: &mut Vec<u8>) {
    let mut bytes = [0; TRANSFER_BYTES];
    bytes[0..4].copy_from_slice(&transfer.debit.0.to_be_bytes());
    bytes[4..8].copy_from_slice(&transfer.credit.0.to_be_bytes());
    bytes[8..16].copy_from_slice(&body::small(transfer.amount).to_be_bytes());
    bytes[16] = transfer.purpose.code();
    bytes[17..25].copy_from_slice(&transfer.debit_previous.0.to_be_bytes());
    bytes[25..33].copy_from_slice(&transfer.credit_previous.0.to_be_bytes());
    to.put(&bytes);
}

fn transfer(from: &mut Source<'_>) -> Result<Transfer, DecodeError> {
    let (debit, credit) = (from.number()?, from.number()?);
    let amount = from.small_amount()?;
    if amount.is_zero() {
        return Err(DecodeError::Impossible("amount"));
    }
    let purpose = from.named(Purpose::from_code, "purpose")?;
    let (debit_previous, credit_previous) = (from.sequence()?, from.sequence()?);
    Ok(Transfer { debit, credit, amount, purpose, debit_previous, credit_previous })
}
