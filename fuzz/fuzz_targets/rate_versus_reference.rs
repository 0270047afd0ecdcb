//! Small clouds, which the engine must rate as the reference does.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::check("rate_versus_reference", bytes));
