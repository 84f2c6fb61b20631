//! Opening many sessions.

use std::slice;

use super::{OpenError, RestoredSession, open_with};
use crate::backup::{BackedUpSession, BackupDecryptionKey, ReturnedSession};

/// Restores sessions, each with the first of the keys that opens it: a result for each, in their order.
pub(in crate::backup) fn open_batch(
    keys: &[BackupDecryptionKey],
    sessions: &[ReturnedSession<'_>],
) -> Vec<Result<RestoredSession, OpenError>> {
    sessions.iter().map(|session| open_with(keys, *session)).collect()
}

/// As [`open_batch`], on the threads of rayon's current pool.
#[cfg(feature = "parallel")]
pub(in crate::backup) fn open_batch_parallel(
    keys: &[BackupDecryptionKey],
    sessions: &[ReturnedSession<'_>],
) -> Vec<Result<RestoredSession, OpenError>> {
    use rayon::prelude::*;

    sessions.par_iter().map(|session| open_with(keys, *session)).collect()
}

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
