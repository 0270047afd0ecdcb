//! Any bytes as lines of events.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::check("event", bytes));
