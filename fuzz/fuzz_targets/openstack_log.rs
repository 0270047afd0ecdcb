//! Any bytes as OpenStack's usage records.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::check("openstack_log", bytes));
