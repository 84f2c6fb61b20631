//! All versions, all keys: what is to be tried before anything is given up.
//!
//! Clients "repair" a key that does not fit by deleting every version of the backup, with the only copies in them. People have old
//! keys, and homeservers keep old versions:
//!
//! | step | value |
//! |---|---|
//! | the versions that the homeserver still has | [`VersionWalk`] |
//! | every key at hand: typed, stored, stored long ago, from another device | [`BackupKeys`] |
//! | each session of a version with the key that opens it | [`BackupKeys::restore`] |
//! | of several copies of a session the best | [`BestCopies`](crate::session_data::BestCopies) |
//! | which key opened how much of which version | [`RescueTable`] |
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     backup::{BackupVersionInfo, RestoreOptions},
//!     client::rescue::{BackupKeys, RescueTable},
//!     secret_storage::SecretStorage,
//! };
//!
//! fn rescue(
//!     typed: &str,
//!     storage: &SecretStorage,
//!     versions: &[(&BackupVersionInfo, &[u8])], // each with the body of its GET /room_keys/keys
//! ) -> Option<RescueTable> {
//!     let limits = Limits::default();
//!     let mut keys = BackupKeys::new(&limits);
//!     let infos: Vec<_> = versions.iter().map(|(info, _)| *info).collect();
//!     if let Err(reason) = keys.add_typed(typed, storage, &infos) {
//!         println!("{reason}"); // what was found is tried all the same
//!     }
//!     let mut table = RescueTable::new(&keys);
//!     for &(info, mut body) in versions {
//!         let mut restore = keys.restore(Some(info), RestoreOptions::default())?;
//!         while let Some(_verdicts) = restore.next_batch(&mut body) { /* into the host's store */ }
//!         let (_verdicts, report) = restore.finish();
//!         table.add(Some(info), &report, report.restored());
//!     }
//!     Some(table) // println!("{table}")
//! }
//! ```
//!
//! # Security
//!
//! Any key opens sessions, and every key keeps [where it came from](crate::provenance): that it opened something makes nothing
//! trusted.

mod backup_keys;
mod recovered;
mod table;
mod typed;
mod version_walk;

pub use self::{
    backup_keys::{BackupKeys, KeySource},
    table::RescueTable,
    version_walk::VersionWalk,
};
