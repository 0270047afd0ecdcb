//! Small clouds, which the engine must rate as the reference does.
#![no_main]

use kopeck_fuzz::clouds::Cloud;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|cloud: Cloud| cloud.check());
