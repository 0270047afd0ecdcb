//! Any bytes as a log in the Standard Workload Format.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::check("swf", bytes));
