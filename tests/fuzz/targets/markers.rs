//! The walks over the outer structure of files: no panic, and every range inside the file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fieldproof_fuzz::checks::fuzz::markers(bytes));
