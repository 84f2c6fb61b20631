//! What is sealed, encrypted, agreed and derived, byte by byte: against what other implementations made, and by laws.
//!
//! Only the crate has these primitives, so its own test program includes this file.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too, and looks at its environment"
)]

mod agreements;
mod laws_sealed;
mod laws_symmetric;
mod oracle;
mod quirk_table;
mod quirks;
mod recorded_messages;
mod recorded_secrets;
mod rows;
mod vodozemac_messages;
mod wycheproof_pbkdf2;
mod wycheproof_x25519;

#[path = "../support/base64.rs"]
mod base64;
#[path = "../support/recorded_rng.rs"]
mod recorded_rng;
#[path = "../support/vectors.rs"]
mod vectors;
