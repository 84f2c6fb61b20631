//! The keys of a restore.

use std::cmp::Reverse;

use super::{FailedSession, Restore};
use crate::backup::{BackupDecryptionKey, RestoredSession};

/// Keys in the order in which they are tried, each once.
#[derive(Debug)]
pub(super) struct Keys {
    keys: Vec<BackupDecryptionKey>,
    at_most: usize,
}

impl Restore {
    /// Tries more keys, in their order, on a session whose MAC says that it was sealed to another key: those of other versions, or all that
    /// a user has. Which one has opened a session is [said](RestoredSession::opened_by) of each, and counted by the
    /// [report](super::RestoreReport::opened_by).
    ///
    /// A session that the first key opens costs what it costs without the others. Of sessions in a row that another key
    /// opens, those after the first few hundred cost no more, either. Keys beyond
    /// [`Limits::backup_keys`](crate::Limits::backup_keys), the first one included, are not tried:
    /// [`RestoreReport::keys_left_out`](super::RestoreReport::keys_left_out) counts them.
    #[must_use]
    pub fn with_other_keys(mut self, keys: impl IntoIterator<Item = BackupDecryptionKey>) -> Self {
        for key in keys {
            if !self.keys.add(key) {
                self.report.leave_out_key();
            }
        }
        self
    }
}

impl Keys {
    pub(super) fn new(key: BackupDecryptionKey, at_most: usize) -> Self {
        Self { keys: vec![key], at_most }
    }

    pub(super) fn as_slice(&self) -> &[BackupDecryptionKey] {
        &self.keys
    }

    /// `false` if there are too many already.
    fn add(&mut self, key: BackupDecryptionKey) -> bool {
        if self.keys.iter().any(|known| known.public_key() == key.public_key()) {
            return true;
        }
        let is_allowed = self.keys.len() < self.at_most;
        if is_allowed {
            self.keys.push(key);
        }
        is_allowed
    }

    /// What has opened the most of a batch is tried first on the next one: sessions of one version lie together.
    pub(super) fn learn(&mut self, verdicts: &[Result<RestoredSession, FailedSession>]) {
        if self.keys.len() > 1 {
            let opened_by = |key: &BackupDecryptionKey| {
                let opened = verdicts.iter().flatten();
                opened.filter(|session| session.opened_by() == key.public_key()).count()
            };
            self.keys.sort_by_cached_key(|key| Reverse(opened_by(key)));
        }
    }
}
