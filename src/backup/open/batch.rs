//! Opening many sessions.

use std::{collections::BTreeSet, slice};

use super::{OpenError, Opened, RestoredSession, open_with};
use crate::{
    backup::{BackedUpSession, BackupDecryptionKey, KeyBackupData, ReturnedSession},
    crypto::{
        curve25519_aes_sha2::{self, OpenedMessage},
        ed25519::{self, PointTest},
    },
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
    let mut untested = UntestedKeys::default();
    let restored = sessions.iter().zip(&read).enumerate().map(|(index, (session, data))| {
        let data = data.as_ref().map_err(Clone::clone)?;
        #[expect(clippy::expect_used, reason = "what opens has a result for each message")]
        let message = opened.next().expect("a result for each").map_err(OpenError::from);
        match message {
            Err(OpenError::WrongKey) => open_with(others, *session, data),
            message => {
                let opened = untested.collect_from(index, &message?)?;
                Ok(RestoredSession::new(*session, data, opened, first))
            }
        }
    });
    let mut restored: Vec<_> = restored.collect();
    let without_point = untested.sessions_without_point();
    for (index, restored) in restored.iter_mut().enumerate() {
        if let (true, Some(session), Some(Ok(data))) =
            (without_point.contains(&index), sessions.get(index), read.get(index))
        {
            *restored = first.open_data(*session, data);
        }
    }
    restored
}

/// The Ed25519 keys of a batch: taken for points when a session is read, and tested together. What a session with another one is, is found
/// out by opening it alone.
#[derive(Default)]
struct UntestedKeys {
    keys: Vec<[u8; 32]>,
    /// Of each key, the place of its session in the batch.
    sessions: Vec<usize>,
}

impl UntestedKeys {
    /// Reads the session in this place of the batch.
    fn collect_from(&mut self, index: usize, message: &OpenedMessage) -> Result<Opened, OpenError> {
        let opened = Opened::read(message, &mut PointTest::Later(&mut self.keys));
        self.sessions.resize(self.keys.len(), index);
        opened
    }

    fn sessions_without_point(&self) -> BTreeSet<usize> {
        let verdicts = ed25519::are_points(&self.keys);
        let verdicts = self.sessions.iter().zip(verdicts);
        verdicts.filter(|(_, is_point)| !is_point).map(|(session, _)| *session).collect()
    }
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
