//! The table of faults: every request of the account's machine and of the flows, with every kind of answer that is none,
//! once, for an hour, and for good, in a virtual week. It ends, or says what it waits for; nothing is sent too often; and
//! nothing is lost.
//!
//! By default each answer is tried on each request for one of these spans. `STRONGROOM_FAULTS=all` tries all of them.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail by a panic"
)]

#[path = "../support/asserted.rs"]
mod asserted;
#[path = "../client_backup/driver/mod.rs"]
mod driver;
mod fault;
mod flows;
#[path = "../client_flows/host.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod host;
#[path = "../support/identity.rs"]
mod identity;
mod machine;
mod table;
mod verify_device;
