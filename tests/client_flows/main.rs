//! Flows on the in-memory homeserver: whatever is lost on the way, and wherever the host is restarted.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/asserted.rs"]
mod asserted;
mod at_hand;
mod chaos;
mod complete;
mod courier;
mod denied;
mod drive;
mod host;
#[path = "../support/identity.rs"]
mod identity;
mod machine;
mod older;
#[path = "../support/primitives.rs"]
mod primitives;
mod recover;
mod refusals;
mod rotate;
mod set_up;
#[path = "../support/signing.rs"]
mod signing;
mod theft;
mod turn_off;
mod unseen;
mod verify_device;
