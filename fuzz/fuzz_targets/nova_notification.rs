//! Any bytes as Nova's notifications.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::check("nova_notification", bytes));
