//! Flows and the account's machine, driven by the loops of the crate: each step is served, and whatever fails comes again.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and has threads"
)]

mod asynchronous;
mod blocking;
mod faults;
mod host;
#[path = "../support/identity.rs"]
mod identity;
mod streamed;
mod verify;
