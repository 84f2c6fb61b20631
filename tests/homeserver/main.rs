//! The in-memory homeserver: what it answers, and what it makes go wrong on request.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod account;
mod devices;
mod endpoints;
mod faults;
mod hostile;
mod keys;
mod room_keys;
mod rooms;
mod rows;
mod starting;
mod waiting;

#[path = "../support/mod.rs"]
mod support;
