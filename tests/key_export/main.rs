//! The encrypted key file of clients, both ways: vectors, everything that others wrote or broke, and the laws.
#![allow(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unsafe_code,
    reason = "tests count what is allocated, read files and stop at the first surprise, in their helpers too"
)]

mod changing;
mod entries;
mod kit;
mod laws;
mod malformations;
mod memory;
mod other_files;
mod passphrases;
mod vectors_both_ways;
mod writing;

#[path = "../support/mod.rs"]
mod support;
