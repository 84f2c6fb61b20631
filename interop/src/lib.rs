//! Other implementations beside ours. `interop/run` builds it, runs it, and prints one row a scenario.
//!
//! A scenario is a test: the first module in its path names the other implementation.
#![cfg(test)]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

#[path = "../../examples/support/host/mod.rs"]
mod host;
#[path = "../../tests/support/household.rs"]
mod household;
#[path = "../../tests/support/json_values.rs"]
mod json_values;
mod kit;
mod ruma;
