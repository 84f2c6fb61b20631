//! Attacks that once succeeded, and their kinds: with nothing but its answers, or by writing a part of the saved state,
//! somebody wants a signature, trust, a key that counts as the user's, or to lock the user out.
//!
//! | file | kind |
//! |---|---|
//! | `signing` | something foreign is signed |
//! | `identity` | another device or master key is signed than the user's |
//! | `readers` | a signature for one kind of object counts for another |
//! | `saved_state` | who can write the public part of a state decides |
//! | `provenance` | a planted key becomes authentic on its way |
//! | `revocation` | trust outlives what it rests on |
//! | `devices` | what a device vouches for outlives the device |
//! | `few_rounds` | a passphrase that others can find vouches for something |
//! | `names` | whoever chooses a name decides |
//! | `set_ups` | what is there passes for what was made, or what was made locks the user out |
//! | `limits`, `promises` | SECURITY.md says something else |
//! | `leaks` | a report or a request tells whether a passphrase was guessed |
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail by a panic"
)]

#[path = "../support/asserted.rs"]
mod asserted;
mod devices;
#[allow(dead_code, reason = "each test uses a part")]
#[path = "../client_flows/drive.rs"]
mod drive;
#[path = "../client_backup/driver/mod.rs"]
mod driver;
mod few_rounds;
#[allow(dead_code, reason = "each test uses a part")]
#[path = "../client_flows/host.rs"]
mod host;
mod house;
mod identity;
mod leaks;
mod limits;
mod names;
#[path = "../support/primitives.rs"]
mod primitives;
mod promises;
mod provenance;
mod readers;
mod revocation;
mod saved_state;
mod set_ups;
mod signing;
#[path = "../support/signing.rs"]
mod signing_anything;
