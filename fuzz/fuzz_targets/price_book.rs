//! Any text as a price book.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| kopeck_fuzz::price_books::check(text));
