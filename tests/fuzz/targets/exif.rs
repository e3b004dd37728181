//! Camera data and XMP: the whole input is one TIFF block and one packet.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fieldproof_fuzz::checks::fuzz::exif(bytes));
