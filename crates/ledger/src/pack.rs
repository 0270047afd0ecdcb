//! The state of a ledger as bytes: what a store saves so that it need not fold its whole journal at every start.
//!
//! Equal states have equal bytes. Version 1 is: the byte 1; the head's sequence 8 and instant 8; the number of
//! accounts 4 and the accounts; then open holds, accrued costs, charged volumes and corrections, each after their
//! number 4, in the order of their keys. There is no checksum: a store has its own.

use std::collections::BTreeMap;

use kopeck_rating::number::Number;

use crate::account::Account;
use crate::body;
use crate::books::BooksMut;
use crate::bytes::{DecodeError, Sink, Source};
use crate::ledger::{Corrected, Head, Ledger, OpenHold};
use crate::name::{AccountNumber, Text};
use crate::storage::Charged;

/// The version that is written, in the first byte.
pub const VERSION: u8 = 1;

/// Bytes before the accounts: version, head and number of accounts.
pub const HEAD_BYTES: usize = 21;

impl Account {
    /// Appends the account's bytes.
    pub fn pack(&self, to: &mut Vec<u8>) {
        body::put_opening(&self.opening, to);
        to.amount(self.credit_limit);
        to.coefficient(self.coefficient);
        to.amount(self.posted);
        to.amount(self.held);
        to.amount(self.accrued);
        to.u64(self.last.0);
        to.u64(self.entries);
    }

    /// Reads the bytes of one account from the beginning of `bytes`, and moves that on.
    ///
    /// # Errors
    /// [`DecodeError`]; any bytes are read without a panic.
    pub fn unpack(bytes: &mut &[u8]) -> Result<Account, DecodeError> {
        let mut from = Source(bytes);
        let account = account(&mut from)?;
        *bytes = from.0;
        Ok(account)
    }
}

fn account(from: &mut Source<'_>) -> Result<Account, DecodeError> {
    Ok(Account {
        opening: body::opening(from)?,
        credit_limit: from.amount()?,
        coefficient: from.coefficient()?,
        posted: from.amount()?,
        held: from.amount()?,
        accrued: from.amount()?,
        last: from.sequence()?,
        entries: from.u64()?,
    })
}

impl Ledger {
    /// All of the state.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut to = vec![VERSION];
        to.u64(self.head.sequence.0);
        to.moment(self.head.at);
        put_count(self.accounts.len(), &mut to);
        for account in &self.accounts {
            account.pack(&mut to);
        }
        self.put_rest(&mut to);
        to
    }

    /// What of the state is not in its accounts: open holds, accrued costs, charged volumes, corrections. For stores
    /// that keep accounts in a table of their own.
    #[must_use]
    pub fn pack_rest(&self) -> Vec<u8> {
        let mut to = Vec::new();
        self.put_rest(&mut to);
        to
    }

    /// Reads what [`Ledger::pack`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`]; any bytes are read without a panic.
    pub fn unpack(bytes: &[u8]) -> Result<Ledger, DecodeError> {
        let mut from = Source(bytes);
        match from.byte()? {
            VERSION => {}
            other => return Err(DecodeError::Version(other)),
        }
        let head = Head { sequence: from.sequence()?, at: from.moment()? };
        let count = from.u32()?;
        let accounts = (0..count).map(|_| account(&mut from)).collect::<Result<Vec<_>, _>>()?;
        Ledger::restore(head, accounts, from.0)
    }

    /// The state that has these accounts, in the order of their numbers, and what [`Ledger::pack_rest`] wrote beside.
    ///
    /// # Errors
    /// [`DecodeError`] where accounts are not numbered from 0 without gaps or doubled, or `rest` does not fit them.
    pub fn restore(head: Head, accounts: Vec<Account>, rest: &[u8]) -> Result<Ledger, DecodeError> {
        let mut ledger = Ledger { head, ..Ledger::default() };
        ledger.accounts.reserve_exact(accounts.len());
        ledger.numbers.reserve(accounts.len());
        for account in accounts {
            let is_next = account.opening.number.index() == ledger.accounts.len();
            if !is_next || ledger.numbers.contains_key(&account.opening.id) {
                return Err(DecodeError::Impossible("account"));
            }
            ledger.open(account);
        }
        let mut from = Source(rest);
        ledger.read_holds(&mut from)?;
        for _ in 0..from.u32()? {
            let key = ledger.key(&mut from)?;
            ledger.accrued.insert(key, from.amount()?);
        }
        for _ in 0..from.u32()? {
            let key = ledger.key(&mut from)?;
            ledger.charged.insert(key, charged(&mut from)?);
        }
        for _ in 0..from.u32()? {
            let id = from.transaction()?;
            let corrected = match from.byte()? {
                0 => Corrected::Reversed,
                1 => Corrected::To(from.amount()?),
                _ => return Err(DecodeError::Impossible("correction")),
            };
            ledger.corrected.insert(id, corrected);
        }
        from.end()?;
        Ok(ledger)
    }

    fn put_rest(&self, to: &mut Vec<u8>) {
        put_count(self.expiries.len(), to);
        for (id, hold) in self.open_holds() {
            to.hold(id);
            to.number(hold.account);
            to.amount(hold.left);
            to.moment(hold.expires);
        }
        put_count(self.accrued.len(), to);
        for (key, amount) in &self.accrued {
            put_key(key, to);
            to.amount(*amount);
        }
        put_count(self.charged.len(), to);
        for (key, charged) in &self.charged {
            put_key(key, to);
            put_count(charged.days().len(), to);
            for (day, volume) in charged.days() {
                to.put(&day.to_be_bytes());
                to.i128(volume.units());
            }
        }
        let corrected: BTreeMap<_, _> = self.corrected.iter().collect();
        put_count(corrected.len(), to);
        for (id, corrected) in corrected {
            to.transaction(*id);
            match corrected {
                Corrected::Reversed => to.byte(0),
                Corrected::To(amount) => {
                    to.byte(1);
                    to.amount(*amount);
                }
            }
        }
    }

    fn read_holds(&mut self, from: &mut Source<'_>) -> Result<(), DecodeError> {
        for _ in 0..from.u32()? {
            let id = from.hold()?;
            let account = self.known_number(from)?;
            let hold = OpenHold { account, left: from.amount()?, expires: from.moment()? };
            if self.holds.contains_key(&id) {
                return Err(DecodeError::Impossible("hold"));
            }
            self.set_hold(id, Some(hold));
        }
        Ok(())
    }

    fn known_number(&self, from: &mut Source<'_>) -> Result<AccountNumber, DecodeError> {
        let number = from.number()?;
        self.account(number).map(|_| number).ok_or(DecodeError::Impossible("account number"))
    }

    fn key(&self, from: &mut Source<'_>) -> Result<(AccountNumber, Text), DecodeError> {
        Ok((self.known_number(from)?, from.text()?))
    }
}

fn charged(from: &mut Source<'_>) -> Result<Charged, DecodeError> {
    let mut days = BTreeMap::new();
    for _ in 0..from.u32()? {
        let day = i32::from_be_bytes(from.array()?);
        let volume = Number::from_units(from.i128()?).ok_or(DecodeError::Impossible("volume"))?;
        days.insert(day, volume);
    }
    Ok(Charged::of_days(days))
}

fn put_key((number, project): &(AccountNumber, Text), to: &mut Vec<u8>) {
    to.number(*number);
    to.text(project);
}

fn put_count(count: usize, to: &mut Vec<u8>) {
    to.put(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}
