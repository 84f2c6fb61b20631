//! Other implementations beside ours. `interop/run` builds it, runs it, and prints one row a scenario.
//!
//! A scenario is a test: the first module in its path names the other implementation.
#![cfg(any(test, doctest))]
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

/// What the guide says of conversions compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/conversions.md")]
struct Conversions;
