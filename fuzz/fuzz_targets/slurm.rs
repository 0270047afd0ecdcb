//! Any bytes as the accounting of a cluster.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::check("slurm", bytes));
