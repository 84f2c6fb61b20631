//! The commands that talk to a homeserver, over real sockets.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests call a program, and stop at the first surprise"
)]

mod account;
mod fetch;
mod flags;
#[path = "../offline/kit.rs"]
#[allow(dead_code, reason = "the offline tests use all of it")]
mod kit;
mod login;
mod repair;
mod resume;
mod rooms;
mod sentences;
mod server;
mod source;
#[path = "../offline/tablet.rs"]
mod tablet;
mod tls;
mod upload;
mod verify_device;
mod versions;
