//! Any bytes as an Azure cost export.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::check("azure_cost", bytes));
