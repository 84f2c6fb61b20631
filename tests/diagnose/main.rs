//! What is wrong with an account, case by case: every finding is met in one account at least, with what stands
//! beside it, and every repair mends what it is for.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and reads and writes files"
)]

#[path = "../support/account.rs"]
mod account;
mod cases;
mod collector;
mod js_sdk;
mod needed;
mod page;
mod pairs;
#[path = "../support/primitives.rs"]
mod primitives;
mod repairs;
mod reports;
mod sessions;
mod shareable;
mod slices;
#[path = "../support/source.rs"]
mod source;
#[path = "../support/specification.rs"]
mod specification;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod typed;
mod unlocking;
mod world;
