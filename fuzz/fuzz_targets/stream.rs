//! Splits any bytes as a response, in any pieces.
#![no_main]

#[path = "../checks/stream.rs"]
mod stream;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| stream::check(input));
