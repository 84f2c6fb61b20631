//! A device is made trusted with the seeds at hand, and by nothing that a homeserver says.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod account;
mod devices;
#[path = "../../examples/support/host/mod.rs"]
mod host;
mod identity;
mod keys;
mod served;
#[path = "../support/signing.rs"]
mod signing;
