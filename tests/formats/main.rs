//! What is written and read: sealed messages, sessions, signed objects, responses that stream, and the laws
//! that hold for all of them.
#![allow(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests write files and stop at the first surprise, in their helpers too"
)]

mod backup_files;
mod batch;
mod batch_points;
mod canonical_json;
mod laws;
mod laws_json;
mod malformations;
mod malformations_backup_passphrase;
#[cfg(feature = "zxcvbn")]
mod passphrase_advice;
mod sealed_messages;
mod several_keys;
mod signed_json;
mod stream;
mod stream_limits;
mod stream_malformations;

#[path = "../../examples/make_backup/backup.rs"]
mod backup;
#[path = "../../examples/support/files.rs"]
mod files;
#[path = "../support/json_values.rs"]
mod json_values;
#[path = "../support/primitives.rs"]
mod primitives;
#[path = "../support/response.rs"]
mod response;
#[path = "../support/mod.rs"]
mod support;
