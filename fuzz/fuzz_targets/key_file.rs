//! Reads any bytes as a key file, in any pieces.
#![no_main]

#[path = "../checks/key_file.rs"]
mod key_file;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| key_file::check(input));
