//! Opening many sessions.

use std::slice;

use super::{OpenError, Opened, RestoredSession, open_with};
use crate::{
    backup::{BackedUpSession, BackupDecryptionKey, KeyBackupData, ReturnedSession},
    crypto::curve25519_aes_sha2,
};

/// Restores sessions, each with the first of the keys that opens it: a result for each, in their order.
pub(in crate::backup) fn open_batch(
    keys: &[BackupDecryptionKey],
    sessions: &[ReturnedSession<'_>],
) -> Vec<Result<RestoredSession, OpenError>> {
    let Some((first, others)) = keys.split_first() else {
        return sessions.iter().map(|_| Err(OpenError::WrongKey)).collect();
    };
    let read: Vec<_> =
        sessions.iter().map(|session| KeyBackupData::from_json(session.json)).collect();
    let messages: Vec<_> =
        read.iter().flatten().map(|data| data.session_data().message()).collect();
    let mut opened = curve25519_aes_sha2::open_each(first.secret(), &messages);
    let sessions = sessions.iter().zip(&read).map(|(session, data)| {
        let data = data.as_ref().map_err(Clone::clone)?;
        #[expect(clippy::expect_used, reason = "what opens has a result for each message")]
        let message = opened.next().expect("a result for each").map_err(OpenError::from);
        match message {
            Err(OpenError::WrongKey) => open_with(others, *session, data),
            message => Ok(RestoredSession::new(*session, data, Opened::read(&message?)?, first)),
        }
    });
    sessions.collect()
}

/// As [`open_batch`], on the threads of rayon's current pool.
#[cfg(feature = "parallel")]
pub(in crate::backup) fn open_batch_parallel(
    keys: &[BackupDecryptionKey],
    sessions: &[ReturnedSession<'_>],
) -> Vec<Result<RestoredSession, OpenError>> {
    use rayon::prelude::*;

    sessions.par_chunks(PART).flat_map_iter(|part| open_batch(keys, part)).collect()
}

/// How many sessions a thread takes at once: enough to share an inversion, few enough to share work.
#[cfg(feature = "parallel")]
const PART: usize = 32;

impl BackupDecryptionKey {
    /// Restores sessions as a server returned them, each with its own result, in their order.
    ///
    /// One that fails costs itself alone: [`BackupDecryptionKey::open_session`] says how.
    #[must_use]
    pub fn open_sessions(
        &self,
        returned: &[BackedUpSession],
    ) -> Vec<Result<RestoredSession, OpenError>> {
        open_batch(slice::from_ref(self), &borrowed(returned))
    }

    /// As [`BackupDecryptionKey::open_sessions`], on the threads of rayon's current pool.
    #[cfg(feature = "parallel")]
    #[must_use]
    pub fn open_sessions_parallel(
        &self,
        returned: &[BackedUpSession],
    ) -> Vec<Result<RestoredSession, OpenError>> {
        open_batch_parallel(slice::from_ref(self), &borrowed(returned))
    }
}

fn borrowed(returned: &[BackedUpSession]) -> Vec<ReturnedSession<'_>> {
    returned.iter().map(BackedUpSession::borrowed).collect()
}
