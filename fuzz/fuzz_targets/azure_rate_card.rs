//! Any bytes as Azure's rate card.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::check("azure_rate_card", bytes));
