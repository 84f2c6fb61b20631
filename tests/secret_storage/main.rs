//! Secret storage: what is read, what is refused, and every change of it as a plan.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads files and stops at the first surprise, in its helpers too"
)]

mod backup_key;
mod laws;
mod left_behind;
mod malformations;
mod malformations_secrets;
mod meant;
mod migration;
mod old_forms;
mod opening;
mod plans;
mod secrets_bundle;
mod typed;

#[path = "../support/account.rs"]
mod account;
#[path = "../support/primitives.rs"]
mod primitives;
#[path = "../support/specification.rs"]
mod specification;
#[path = "../support/mod.rs"]
mod support;
