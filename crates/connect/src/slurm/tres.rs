//! Trackable resources (`billing=12,cpu=12,gres/gpu=2,mem=62.50G,node=1`) and amounts of memory.
//!
//! A suffix is a power of 1024: K, M, G, T or P; Slurm counts in M where there is none. Amounts are computed
//! exactly, in MB of 1024 × 1024 bytes, and may have a fraction.

use std::str::FromStr;

use bigdecimal::BigDecimal;
use kopeck_rating::number::Number;

use super::columns::{Field, Row};
use crate::convert::{Flaw, quoted};
use crate::job;

/// Old Slurm keeps "per CPU" as this bit of the amount in MB, and sacct of some versions prints the sum as if it
/// were an amount per node: 2147486648Mn is 3000 MB for each CPU.
const PER_CPU_BIT: u32 = 0x8000_0000;

/// What of a job's allocation is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tres {
    /// `None` where nothing at all is recorded.
    pub(super) gpus: Option<Number>,
    pub(super) ram_mb: Option<Number>,
}

impl Tres {
    /// Reads AllocTRES.
    pub(super) fn read(text: &str) -> Result<Tres, Flaw> {
        let (mut plain, mut typed, mut ram_mb) = (None, BigDecimal::default(), None);
        for entry in text.split(',').filter(|entry| !entry.is_empty()) {
            let (name, value) = entry.split_once('=').ok_or_else(|| {
                refuse(format!("{} is not NAME=AMOUNT", quoted(entry)), "export AllocTRES as sacct prints it")
            })?;
            match name {
                "gres/gpu" => plain = Some(count(value)?),
                "mem" => ram_mb = Some(memory(Field::Alloctres, value).and_then(|exact| amount(&exact))?),
                _ if name.starts_with("gres/gpu:") => typed += job::exact(count(value)?),
                _ => {}
            }
        }
        let gpus = match plain {
            Some(plain) => Some(plain),
            None if text.is_empty() => None,
            None => Some(amount(&typed)?),
        };
        Ok(Tres { gpus, ram_mb })
    }
}

/// The memory of the whole job by ReqMem: `4000Mn` for each node, `4000Mc` for each CPU, `4000M` for the job.
/// Unknown where the column is missing or zero, which means all memory of the nodes, however much that is.
pub(super) fn requested(row: &Row, cores: Number) -> Result<Option<Number>, Flaw> {
    let Some(text) = row.optional(Field::Reqmem)? else { return Ok(None) };
    let (per_node, per_cpu) = (text.ends_with('n'), text.ends_with('c'));
    let each = memory(Field::Reqmem, text.strip_suffix(['n', 'c']).unwrap_or(text))?;
    if each == BigDecimal::default() {
        return Ok(None);
    }
    let bit = BigDecimal::from(PER_CPU_BIT);
    let whole = if per_node && each >= bit {
        (each - bit) * job::exact(cores)
    } else if per_cpu {
        each * job::exact(cores)
    } else if per_node {
        each * job::exact(row.count(Field::Nnodes)?)
    } else {
        each
    };
    job::quantity(&whole).map(Some).ok_or_else(|| too_large(Field::Reqmem))
}

/// An amount of memory in MB.
fn memory(field: Field, text: &str) -> Result<BigDecimal, Flaw> {
    let digits = text.trim_end_matches(|last: char| !last.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "K" => "0.0009765625",
        "" | "M" => "1",
        "G" => "1024",
        "T" => "1048576",
        "P" => "1073741824",
        other => {
            let reason = format!("{}: unknown suffix {}", quoted(text), quoted(other));
            return Err(Flaw::of_field(field.name(), reason, "use K, M, G, T or P, or no suffix for M"));
        }
    };
    // The check of the grammar; the exact library also reads signs and exponents.
    let number = Number::from_text(digits, false).and(BigDecimal::from_str(digits).ok());
    let unit = BigDecimal::from_str(unit).ok();
    number.zip(unit).map(|(number, unit)| number * unit).ok_or_else(|| {
        let reason = format!("{} is not an amount such as 62.50G", quoted(text));
        Flaw::of_field(field.name(), reason, "export it as sacct prints it")
    })
}

fn count(text: &str) -> Result<Number, Flaw> {
    job::count(text).ok_or_else(|| {
        let reason = format!("gres/gpu is {}, not a whole number of at most 12 digits", quoted(text));
        refuse(reason, "export it as a plain number, with `sacct --noconvert`")
    })
}

fn amount(exact: &BigDecimal) -> Result<Number, Flaw> {
    job::quantity(exact).ok_or_else(|| too_large(Field::Alloctres))
}

fn too_large(field: Field) -> Flaw {
    Flaw::of_field(field.name(), "comes to 10^12 or more", "check the record in the accounting database")
}

fn refuse(reason: String, remedy: &'static str) -> Flaw {
    Flaw::of_field(Field::Alloctres.name(), reason, remedy)
}
