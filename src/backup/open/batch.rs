//! Opening many sessions with one key.

use super::{OpenError, RestoredSession};
use crate::backup::{BackedUpSession, BackupDecryptionKey, ReturnedSession};

/// Restores sessions with one key: a result for each, in their order.
pub(in crate::backup) fn open_batch(
    key: &BackupDecryptionKey,
    sessions: &[ReturnedSession<'_>],
) -> Vec<Result<RestoredSession, OpenError>> {
    sessions.iter().map(|session| key.open_borrowed(*session)).collect()
}

/// As [`open_batch`], on the threads of rayon's current pool.
#[cfg(feature = "parallel")]
pub(in crate::backup) fn open_batch_parallel(
    key: &BackupDecryptionKey,
    sessions: &[ReturnedSession<'_>],
) -> Vec<Result<RestoredSession, OpenError>> {
    use rayon::prelude::*;

    sessions.par_iter().map(|session| key.open_borrowed(*session)).collect()
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
        open_batch(self, &borrowed(returned))
    }

    /// As [`BackupDecryptionKey::open_sessions`], on the threads of rayon's current pool.
    #[cfg(feature = "parallel")]
    #[must_use]
    pub fn open_sessions_parallel(
        &self,
        returned: &[BackedUpSession],
    ) -> Vec<Result<RestoredSession, OpenError>> {
        open_batch_parallel(self, &borrowed(returned))
    }
}

fn borrowed(returned: &[BackedUpSession]) -> Vec<ReturnedSession<'_>> {
    returned.iter().map(BackedUpSession::borrowed).collect()
}
