//! Restoring a whole backup while its response arrives.
//!
//! ```text
//! bytes -> RoomKeysSplitter -> ReturnedSession -> Batch -> open_batch -> Verdict, RestoreReport
//! ```

// docs/decisions.md, 21: a backup is split by our own scanner, and what is broken costs itself.

mod adapters;
mod batch;
mod filter;
mod item;
mod machine;
mod name;
mod options;
mod piece;
mod position;
mod progress;
mod report;
mod room_check;
mod splitter;
mod stream_error;
mod summary;
mod verdict;

pub use self::{
    adapters::{restore_all, restore_reader, restore_slice},
    filter::RestoreFilter,
    item::RoomKeysItem,
    machine::Restore,
    options::RestoreOptions,
    progress::RestoreProgress,
    report::{RestoreReport, WarnedSession, WrongBackupKey},
    splitter::RoomKeysSplitter,
    stream_error::StreamError,
    verdict::{FailedSession, Verdict},
};
