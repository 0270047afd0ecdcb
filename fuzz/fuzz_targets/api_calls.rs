//! Any bytes as a log of API calls.
#![no_main]

use kopeck_connect::convert::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kopeck_fuzz::converters::check(Source::ApiCalls, bytes));
