//! The account's machine, flow by flow, on the in-memory homeserver and on one that lies.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail by a panic"
)]

#[path = "../support/asserted.rs"]
mod asserted;
mod create;
mod disable;
mod download;
mod driver;
mod facts;
mod flapping;
mod hopeless;
mod hostile;
mod keys;
mod lost;
mod neighbours;
mod outdated;
mod own_key;
mod patience;
mod preference;
#[cfg(feature = "unstable-msc4385")]
mod pushed;
mod rotate;
mod saved;
mod setup;
mod starving;
mod unseen;
mod upload;
mod waiting;
mod withdraw;
