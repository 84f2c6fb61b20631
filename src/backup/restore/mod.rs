//! Restoring a whole backup while its response arrives.
//!
//! ```text
//! bytes -> RoomKeysSplitter -> ReturnedSession -> Batch -> open_batch -> RestoreReport
//! ```

// docs/decisions.md, 21: a backup is split by our own scanner, and what is broken costs itself.

mod adapters;
mod batch;
mod item;
mod keys;
mod machine;
mod name;
mod options;
mod position;
mod report;
mod room_check;
mod splitter;
mod summary;

pub use self::{
    adapters::{restore_all, restore_reader, restore_slice},
    item::{FailedSession, RoomKeysItem, StreamError},
    machine::{Restore, RestoreProgress},
    options::RestoreOptions,
    report::RestoreReport,
    splitter::RoomKeysSplitter,
};
