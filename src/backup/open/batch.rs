//! Opening many sessions with one key.

use super::{OpenError, UnauthenticatedSession};
use crate::backup::{BackedUpSession, BackupDecryptionKey, ReturnedSession};

/// Restores sessions with one key: a result for each, in their order.
pub(in crate::backup) fn open_batch(
    key: &BackupDecryptionKey,
    sessions: &[ReturnedSession<'_>],
) -> Vec<Result<UnauthenticatedSession, OpenError>> {
    sessions.iter().map(|session| key.restore_borrowed(*session)).collect()
}

/// As [`open_batch`], on the threads of rayon's current pool.
#[cfg(feature = "parallel")]
pub(in crate::backup) fn open_batch_parallel(
    key: &BackupDecryptionKey,
    sessions: &[ReturnedSession<'_>],
) -> Vec<Result<UnauthenticatedSession, OpenError>> {
    use rayon::prelude::*;

    sessions.par_iter().map(|session| key.restore_borrowed(*session)).collect()
}

impl BackupDecryptionKey {
    /// Restores sessions as a server returned them, each with its own result, in their order.
    ///
    /// One that fails costs itself alone: [`BackupDecryptionKey::restore`] says how.
    #[must_use]
    pub fn restore_batch(
        &self,
        returned: &[BackedUpSession],
    ) -> Vec<Result<UnauthenticatedSession, OpenError>> {
        open_batch(self, &borrowed(returned))
    }

    /// As [`BackupDecryptionKey::restore_batch`], on the threads of rayon's current pool.
    #[cfg(feature = "parallel")]
    #[must_use]
    pub fn restore_batch_parallel(
        &self,
        returned: &[BackedUpSession],
    ) -> Vec<Result<UnauthenticatedSession, OpenError>> {
        open_batch_parallel(self, &borrowed(returned))
    }
}

fn borrowed(returned: &[BackedUpSession]) -> Vec<ReturnedSession<'_>> {
    returned.iter().map(BackedUpSession::borrowed).collect()
}
