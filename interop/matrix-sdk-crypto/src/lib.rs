//! matrix-sdk-crypto beside ours: what Element and every other client on matrix-rust-sdk and matrix-js-sdk reads and
//! writes. `interop/run` builds it, runs it, and prints one row a scenario.
#![cfg(test)]

mod kit;
mod matrix_sdk_crypto;
