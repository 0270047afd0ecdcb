//! Any bytes as a log of API calls.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::check("api_calls", bytes));
