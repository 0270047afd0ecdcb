//! What a shard keeps of one project, component, version and month: what is decided, what waits, and the newest postings.

use kopeck_ledger::amount::Amount as Money;
use kopeck_rating::intake::Name;
use kopeck_rating::money::{Amount, Overflow};
use kopeck_rating::packed::UnpackError;
use kopeck_rating::packed::codec::{self, Reader};

use crate::posted::{read_amount, write_amount};
use crate::posting::PostingName;
use crate::step::{amount_from, amount_to, word};

/// What postings of a meter are summed by. The order puts a project's together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AccountKey {
    pub project: Name,
    pub part: u32,
    pub month: u32,
}

/// A posting that the ledger has, and what it is about now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub name: PostingName,
    /// Above zero.
    pub amount: Money,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// The sum of all R(C(t)) of its charges at the last look.
    pub decided: Amount0,
    /// What of it is in no posting: refused, not payable yet, or more than one posting may move.
    pub carry: Amount0,
    /// The newest postings that are about something, oldest first.
    pub newest: Vec<Entry>,
    /// Postings with names before this one are not among the newest; `None` where there are none.
    pub dropped: Option<PostingName>,
}

/// An amount that begins with nothing: the sums of this module do, and nothing else has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount0(pub Amount);

impl Default for Amount0 {
    fn default() -> Amount0 {
        Amount0(Amount::ZERO)
    }
}

impl Amount0 {
    pub fn add(&mut self, amount: Amount) -> Result<(), Overflow> {
        self.0 = self.0.checked_add(amount)?;
        Ok(())
    }
}

/// More postings are not remembered: a correction that reaches farther back asks for them.
const MOST: usize = 64;

impl Account {
    /// Remembers a posting that the ledger has.
    pub fn remember(&mut self, entry: Entry) {
        if self.newest.len() >= MOST {
            self.newest.drain(..MOST / 2);
            self.dropped = self.newest.first().map(|oldest| oldest.name);
        }
        self.newest.push(entry);
    }

    /// A posting is about another amount now; of nothing there is nothing left to correct.
    pub fn corrected(&mut self, name: PostingName, to: Money) {
        let at = self.newest.iter().position(|entry| entry.name == name);
        match (at, to.is_zero()) {
            (Some(at), false) => self.newest[at].amount = to,
            (Some(at), true) => drop(self.newest.remove(at)),
            (None, false) => {
                let at = self.newest.partition_point(|entry| entry.name < name);
                self.newest.insert(at, Entry { name, amount: to });
            }
            (None, true) => {}
        }
        // What was asked for is newer than what was dropped before it.
        self.dropped = self.dropped.map(|dropped| dropped.min(name));
    }

    pub fn write(&self, to: &mut Vec<u8>) {
        write_amount(to, self.decided.0);
        write_amount(to, self.carry.0);
        codec::size(to, self.newest.len());
        for Entry { name, amount } in &self.newest {
            write_name(to, *name);
            amount_to(to, *amount);
        }
        to.push(u8::from(self.dropped.is_some()));
        if let Some(name) = self.dropped {
            write_name(to, name);
        }
    }

    pub fn read(from: &mut Reader<'_>) -> Result<Account, UnpackError> {
        let (decided, carry) = (Amount0(read_amount(from)?), Amount0(read_amount(from)?));
        let mut newest = Vec::new();
        for _ in 0..from.count()? {
            newest.push(Entry { name: read_name(from)?, amount: amount_from(from)? });
        }
        let dropped = match from.byte()? {
            0 => None,
            _ => Some(read_name(from)?),
        };
        Ok(Account { decided, carry, newest, dropped })
    }
}

fn write_name(to: &mut Vec<u8>, name: PostingName) {
    codec::number(to, name.step);
    codec::name(to, name.index);
}

fn read_name(from: &mut Reader<'_>) -> Result<PostingName, UnpackError> {
    Ok(PostingName { step: from.number()?, index: word(from, "posting")? })
}
