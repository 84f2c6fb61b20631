//! Reads any bytes as a secrets bundle.
#![no_main]

#[path = "../checks/secrets_bundle.rs"]
mod secrets_bundle;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| secrets_bundle::check(input));
