//! The keys of Matrix users: server-side key backup today; secret storage and secret sharing are next.
//!
//! A client-side library. It seals and opens, signs and checks, parses and speaks the wire formats;
//! it does no I/O, keeps no state in the background and needs no runtime. Bytes, randomness and limits
//! come in as arguments, requests and results go out as values.
//!
//! # The topics
//!
//! | module | what |
//! |---|---|
//! | [`session_data`] | a Megolm session as it is backed up and exported |
//! | [`recovery_key`] | the text that people write down |
//! | [`signed_json`] | signed objects, kept to the last byte |
//! | [`crypto`], [`encoding`], [`secret`], [`ids`] | what the others stand on |
#![cfg_attr(
    feature = "homeserver",
    doc = "| [`homeserver`] | an in-memory homeserver to test against |"
)]
//!
//! # Features
//!
//! `homeserver`: the in-memory homeserver. No feature is on by default, and none changes what the
//! others do.

pub mod crypto;
pub mod encoding;
pub mod excerpt;
pub mod ids;
mod limits;
pub mod randomness;
pub mod recovery_key;
pub mod secret;
pub mod session_data;
pub mod signed_json;

pub use limits::Limits;
