//! Tables for whoever reads through a time longer than a connection lives: a lost one is made again.

use kopeck_ledger::name::{AccountNumber, Sequence};

use crate::answer::Head;
use crate::ledger::batch::Landmark;
use crate::ledger::journal::Chunk;
use crate::ledger::tables::{Found, Landmarks, RunHead, RunIndex, SnapshotPart, Tables};
use crate::pool::Pool;
use crate::postgres::connect::{Address, Session};

/// Each question is asked on a connection that lives, and is of an instant of its own.
pub struct Reader {
    address: Address,
    sessions: Pool<Session>,
}

impl Reader {
    /// Connects when it is first asked.
    pub fn of(address: Address) -> Reader {
        Reader { address, sessions: Pool::default() }
    }

    fn ask<T>(&self, question: impl FnOnce(&Session) -> Found<T>) -> Found<T> {
        self.sessions.with(|| self.address.connect(), |session| !session.is_closed(), question)
    }
}

impl Tables for Reader {
    fn head(&self) -> Found<Head> {
        self.ask(Tables::head)
    }

    fn chunk_before(&self, sequence: Sequence) -> Found<Option<Chunk>> {
        self.ask(|session| session.chunk_before(sequence))
    }

    fn chunks(&self, first: Sequence, take: &mut dyn FnMut(Chunk) -> Found<bool>) -> Found<()> {
        self.ask(|session| session.chunks(first, take))
    }

    fn landmark_from(&self, account: AccountNumber, from: Sequence) -> Found<Option<Landmark>> {
        self.ask(|session| session.landmark_from(account, from))
    }

    fn landmarks_after(&self, account: AccountNumber, sequence: Sequence) -> Found<Vec<Landmark>> {
        self.ask(|session| session.landmarks_after(account, sequence))
    }

    fn landmarks(&self) -> Found<Landmarks> {
        self.ask(Tables::landmarks)
    }

    fn runs(&self) -> Found<Vec<RunHead>> {
        self.ask(Tables::runs)
    }

    fn run_index(&self, run: i64) -> Found<RunIndex> {
        self.ask(|session| session.run_index(run))
    }

    fn block(&self, block: i64) -> Found<Option<Vec<u8>>> {
        self.ask(|session| session.block(block))
    }

    fn blocks(&self, first: i64, end: i64) -> Found<Vec<u8>> {
        self.ask(|session| session.blocks(first, end))
    }

    fn newest_snapshot(&self) -> Found<Option<Sequence>> {
        self.ask(Tables::newest_snapshot)
    }

    fn snapshot(&self, sequence: Sequence) -> Found<Vec<SnapshotPart>> {
        self.ask(|session| session.snapshot(sequence))
    }
}
