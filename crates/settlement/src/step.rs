//! A step: what one look at the clock has decided, and its bytes.
//!
//! The bytes are a promise: a restart reads the steps that were recorded and asks the ledger for the same again. Version
//! 1 is, in this order: the byte 1; the number; the instant; whether it is whole; the postings, each with its id, key, texts and what it moves.
//! Numbers are those of rating's `packed::codec`, and a checksum ends it.

use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, HoldId, Moment, Text, TransactionId};
use kopeck_ledger::request::{HoldUse, JobUser, Request, Rest, Right};
use kopeck_rating::packed::UnpackError;
use kopeck_rating::packed::codec::{self, Form, Reader};
use uuid::Uuid;

use crate::meter_id::MeterId;
use crate::posting::{Posting, PostingKey, PostingName, What};

/// The version that is written, in the first byte.
const VERSION: u8 = 1;

/// What is due at an instant and was not posted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Steps are numbered from 1, without gaps.
    pub number: u64,
    /// Costs up to the whole second of this instant are in it.
    pub at: Moment,
    /// Whether it looked at everything that runs, and not only at what events had touched.
    pub whole: bool,
    /// What is to be posted; may be empty.
    pub postings: Vec<Posting>,
}

const SERVICE: u8 = 1;
const JOB: u8 = 2;
const CALL: u8 = 3;
const CORRECT: u8 = 4;

impl Step {
    /// What the ledger is asked to do, in the order of the postings.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.postings.iter().map(Posting::request).collect()
    }

    /// The bytes to record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = vec![VERSION];
        codec::number(&mut to, self.number);
        codec::instant(&mut to, self.at.nanoseconds());
        to.push(u8::from(self.whole));
        codec::size(&mut to, self.postings.len());
        for posting in &self.postings {
            write_posting(&mut to, posting);
        }
        codec::seal(Form::Step, to)
    }

    /// Reads a recorded step.
    ///
    /// # Errors
    /// [`UnpackError`] where the bytes are not those that were recorded; any bytes are read without a panic.
    pub fn decode(bytes: &[u8]) -> Result<Step, UnpackError> {
        let mut from = Reader(codec::unseal(Form::Step, VERSION, bytes)?);
        from.byte()?;
        let number = from.number()?;
        let at = Moment::from_nanoseconds(from.instant()?).map_err(|_| UnpackError::Impossible("instant"))?;
        let whole = match from.byte()? {
            0 => false,
            1 => true,
            _ => return Err(UnpackError::Impossible("step")),
        };
        let mut postings = Vec::new();
        for _ in 0..from.count()? {
            postings.push(read_posting(&mut from)?);
        }
        from.end()?;
        Ok(Step { number, at, whole, postings })
    }
}

pub(crate) fn write_posting(to: &mut Vec<u8>, posting: &Posting) {
    let Posting { id, key, project, reference, what } = posting;
    id_to(to, id.0);
    write_key(to, key);
    codec::bytes(to, project.as_str().as_bytes());
    codec::bytes(to, reference.as_str().as_bytes());
    match what {
        What::Service { payer, amount } => {
            to.push(SERVICE);
            id_to(to, payer.0);
            amount_to(to, *amount);
        }
        What::Job { payer, executor, amount, hold, user, authorisation } => {
            to.push(JOB);
            id_to(to, payer.0);
            id_to(to, executor.0);
            amount_to(to, *amount);
            hold_to(to, *hold);
            user_to(to, user.as_ref());
            codec::optional(to, authorisation.as_deref().map(str::as_bytes));
        }
        What::Call { user, workspace, amount, hold, authorisation } => {
            to.push(CALL);
            id_to(to, user.0);
            id_to(to, workspace.0);
            amount_to(to, *amount);
            hold_to(to, *hold);
            codec::optional(to, authorisation.as_deref().map(str::as_bytes));
        }
        What::Correct { transaction, name, from, to: right } => {
            to.push(CORRECT);
            id_to(to, transaction.0);
            codec::number(to, name.step);
            codec::name(to, name.index);
            amount_to(to, *from);
            amount_to(to, *right);
        }
    }
}

pub(crate) fn read_posting(from: &mut Reader<'_>) -> Result<Posting, UnpackError> {
    let id = TransactionId(id_from(from)?);
    let key = read_key(from)?;
    let (project, reference) = (text_from(from)?, text_from(from)?);
    let what = match from.byte()? {
        SERVICE => What::Service { payer: AccountId(id_from(from)?), amount: amount_from(from)? },
        JOB => What::Job {
            payer: AccountId(id_from(from)?),
            executor: AccountId(id_from(from)?),
            amount: amount_from(from)?,
            hold: hold_from(from)?,
            user: user_from(from)?,
            authorisation: from.optional_text()?.map(str::to_owned),
        },
        CALL => What::Call {
            user: AccountId(id_from(from)?),
            workspace: AccountId(id_from(from)?),
            amount: amount_from(from)?,
            hold: hold_from(from)?,
            authorisation: from.optional_text()?.map(str::to_owned),
        },
        CORRECT => What::Correct {
            transaction: TransactionId(id_from(from)?),
            name: PostingName { step: from.number()?, index: word(from, "posting")? },
            from: amount_from(from)?,
            to: amount_from(from)?,
        },
        _ => return Err(UnpackError::Impossible("posting")),
    };
    Ok(Posting { id, key, project, reference, what })
}

pub(crate) fn write_key(to: &mut Vec<u8>, key: &PostingKey) {
    for number in [key.meter.0, key.project, key.part, key.month] {
        codec::name(to, number);
    }
}

pub(crate) fn read_key(from: &mut Reader<'_>) -> Result<PostingKey, UnpackError> {
    let meter = MeterId(word(from, "meter")?);
    Ok(PostingKey {
        meter,
        project: word(from, "name")?,
        part: word(from, "part")?,
        month: word(from, "month")?,
    })
}

/// A number of 32 bits.
pub(crate) fn word(from: &mut Reader<'_>, what: &'static str) -> Result<u32, UnpackError> {
    u32::try_from(from.number()?).map_err(|_| UnpackError::Impossible(what))
}

fn id_to(to: &mut Vec<u8>, id: Uuid) {
    to.extend_from_slice(id.as_bytes());
}

fn id_from(from: &mut Reader<'_>) -> Result<Uuid, UnpackError> {
    from.array().map(Uuid::from_bytes)
}

/// What a request moves is at most 64 bits.
pub(crate) fn amount_to(to: &mut Vec<u8>, amount: Amount) {
    codec::number(to, u64::try_from(amount.micros()).unwrap_or(0));
}

pub(crate) fn amount_from(from: &mut Reader<'_>) -> Result<Amount, UnpackError> {
    from.number().map(Amount::from)
}

fn text_from(from: &mut Reader<'_>) -> Result<Text, UnpackError> {
    Text::new(from.text()?).map_err(|_| UnpackError::Impossible("text"))
}

fn hold_to(to: &mut Vec<u8>, hold: Option<HoldUse>) {
    match hold {
        None => to.push(0),
        Some(HoldUse { hold, rest }) => {
            to.push(if rest == Rest::Keep { 1 } else { 2 });
            id_to(to, hold.0.0);
        }
    }
}

fn hold_from(from: &mut Reader<'_>) -> Result<Option<HoldUse>, UnpackError> {
    let rest = match from.byte()? {
        0 => return Ok(None),
        1 => Rest::Keep,
        2 => Rest::Release,
        _ => return Err(UnpackError::Impossible("hold")),
    };
    Ok(Some(HoldUse { hold: HoldId(TransactionId(id_from(from)?)), rest }))
}

fn user_to(to: &mut Vec<u8>, user: Option<&JobUser>) {
    let Some(JobUser { account, right, hold }) = user else { return to.push(0) };
    match right {
        Right::ApiKey => to.push(1),
        Right::PaidRole(coefficient) => {
            to.push(2);
            codec::number(to, coefficient.units());
        }
    }
    id_to(to, account.0);
    hold_to(to, *hold);
}

fn user_from(from: &mut Reader<'_>) -> Result<Option<JobUser>, UnpackError> {
    let right = match from.byte()? {
        0 => return Ok(None),
        1 => Right::ApiKey,
        2 => {
            let units = from.number()?;
            Right::PaidRole(
                Coefficient::from_units(units).map_err(|_| UnpackError::Impossible("coefficient"))?,
            )
        }
        _ => return Err(UnpackError::Impossible("right")),
    };
    Ok(Some(JobUser { right, account: AccountId(id_from(from)?), hold: hold_from(from)? }))
}
