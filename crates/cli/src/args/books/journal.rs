//! The arguments of the commands that prove, print, copy and restore a journal.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{LedgerArg, StoreArg};
use crate::args::TextFormat;

/// `kopeck ledger`.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Prove the journal, and where they are the event log and the directory: every hash, every record against the rules
    #[command(after_long_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Print the journal for other programs
    #[command(after_long_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
}

const VERIFY_EXAMPLES: &str = "\
Checks that
  1. the balances of each currency sum up to zero after every transaction;
  2. each balance is the sum of its entries, each held amount that of its open holds;
  3. nobody is below the credit limit but by cost that had accrued, or by putting right;
  4. no record was altered, dropped, moved or cut off, by the chain of hashes and the heads
     that were written down beside the journal (kopeck.heads) or printed on statements;
  5. every charge names what it pays for, and every explicit transaction who asked.
In the folder of a server it also checks that every usage event can be read and its key is known, that no act
of the directory was altered, dropped or moved, and that the ledger has what was decided to be posted.
It names what is broken first in each of them. They may be in use meanwhile.

Examples:
  kopeck ledger verify
  kopeck ledger verify --head 1042:6f1d…          # a head that was printed or logged
  kopeck ledger verify --backup monday.kopeck

Exit codes: 0 all is well; 2 something is broken, or a bad argument or file.";

const EXPORT_EXAMPLES: &str = "\
Holds move no money, so they are not there. Dates are those of UTC.

Examples:
  kopeck ledger export --format hledger -o ledger.journal
  hledger -f ledger.journal balance --tree

Exit codes: 0 exported; 2 a bad argument or file.";

/// `kopeck ledger verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// A backup to verify instead, a file or a folder
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub backup: Option<PathBuf>,
    /// A record and its hash, as statements print them; may be given several times
    #[arg(long, value_name = "RECORD:HASH", value_parser = parse_head)]
    pub head: Vec<KnownHead>,
    /// How to print what is found
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub format: TextFormat,
}

/// A head of the journal that was printed or logged.
#[derive(Debug, Clone, Copy)]
pub struct KnownHead {
    /// The record.
    pub sequence: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// `kopeck ledger export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// For which program
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<String>,
}

/// What other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Plain-text accounting: hledger, and what reads its files
    Hledger,
}

/// `kopeck backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub store: StoreArg,
    /// The file or folder to make
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// The help of `kopeck backup`.
pub const BACKUP_EXAMPLES: &str = "\
It is all that is kept, as it was at one instant, also while a server is at work: what was acknowledged before
is in it. Of a ledger alone it is one file; in the folder of a server it is a folder with the ledger, the event
log, the directory and the hash of the operator's token. It gets its name when it is whole.

Example:
  kopeck backup monday.kopeck
  kopeck backup monday.kopeck --store /var/lib/kopeck     # a server's, which goes on

Exit codes: 0 made; 2 there is such a file, or a bad argument or folder.";

/// `kopeck restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub store: StoreArg,
    /// The backup, a file or a folder
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Put it in the place of what is there, which is kept as kopeck.db.replaced and so on
    #[arg(long)]
    pub replace: bool,
}

/// The help of `kopeck restore`.
pub const RESTORE_EXAMPLES: &str = "\
A copy of the backup is verified first. Where it is broken, nothing changes. All of it takes its place or nothing:
what was interrupted on the way does not open, and is finished by the next restore. An operator's token that is
there stays.

Examples:
  kopeck restore monday.kopeck --store elsewhere
  kopeck restore monday.kopeck --replace

Exit codes: 0 restored; 2 the backup is broken, there is a ledger already, or a bad argument.";

fn parse_head(text: &str) -> Result<KnownHead, String> {
    let head = text.split_once(':').and_then(|(sequence, hash)| {
        let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0)?;
        Some(KnownHead { sequence, hash: hash_of(hash)? })
    });
    head.ok_or_else(|| {
        "not a head: write a record and its 64 hexadecimal digits, as statements print them".to_owned()
    })
}

fn hash_of(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(pair..pair + 2)?, 16).ok()?;
    }
    Some(hash)
}
