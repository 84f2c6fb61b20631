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
    /// Tries more keys, in their order, on a session whose MAC says that it was sealed to another key: those of other versions,
    /// or all that a user has. Which one has opened a session is [said](RestoredSession::opened_by) of each, and counted by the
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backup::BackedUpSession,
        session_data::{SessionData, SessionKey},
    };

    fn opened_by(key: &BackupDecryptionKey) -> Result<RestoredSession, FailedSession> {
        let megolm = vodozemac::megolm::GroupSession::new(Default::default());
        let session_key = SessionKey::from_base64(&megolm.session_key().to_base64()).unwrap();
        let sealed = key.public_key().seal(&SessionData::of_unknown_sender(session_key)).unwrap();
        let json = serde_json::json!({ "session_data": sealed }).to_string().into_bytes();
        let returned = BackedUpSession { room_id: "!a".into(), session_id: "b".into(), json };
        Ok(key.open_session(&returned).unwrap())
    }

    #[test]
    fn what_opened_a_batch_is_tried_first_on_the_next_one_and_the_others_keep_their_order() {
        let all: Vec<_> = (0..4).map(|_| BackupDecryptionKey::generate().unwrap()).collect();
        let mut keys = Keys::new(all[0].clone(), 4);
        all.iter().for_each(|key| assert!(keys.add(key.clone())));
        let order = |keys: &Keys| {
            let place = |key: &BackupDecryptionKey| {
                all.iter().position(|it| it.public_key() == key.public_key()).unwrap()
            };
            keys.as_slice().iter().map(place).collect::<Vec<_>>()
        };
        keys.learn(&[]);
        assert_eq!(order(&keys), [0, 1, 2, 3]);
        keys.learn(&[opened_by(&all[2])]);
        assert_eq!(order(&keys), [2, 0, 1, 3]);
        keys.learn(&[opened_by(&all[1]), opened_by(&all[3]), opened_by(&all[3])]);
        assert_eq!(order(&keys), [3, 1, 2, 0]);
    }
}
