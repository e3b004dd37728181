//! One whole look, without the net that turns a panic into a finding.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fieldproof_fuzz::checks::fuzz::look(bytes));
