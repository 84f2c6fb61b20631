//! What a version of the backup is known to have, how many sessions that are, and what it does not take.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::{Backup, HostToken, Next, NotStored, OperationId, UploadProgress};
use crate::{
    backup::KeyBackupMetadata,
    ids::{BackupVersion, RoomId, SessionId},
};

/// How good the sessions are that the backup is known to have: a hash of their IDs, and their metadata.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<SessionHash, KeyBackupMetadata>);

pub(super) type SeenSession = (SessionHash, KeyBackupMetadata);

type SessionHash = [u8; 16];

impl Seen {
    pub(super) fn get(
        &self,
        room_id: &RoomId,
        session_id: &SessionId,
    ) -> Option<&KeyBackupMetadata> {
        self.0.get(&hash(room_id, session_id))
    }

    /// Remembers a session, unless a better one is known. When there are too many, all are forgotten.
    pub(super) fn add(&mut self, (session, metadata): SeenSession, limit: usize) {
        if self.0.len() >= limit {
            self.0.clear();
        }
        let known = self.0.entry(session).or_insert(metadata);
        if metadata.replaces(known) {
            *known = metadata;
        }
    }
}

/// Long enough that nobody finds two sessions with one hash.
pub(super) fn hash(room_id: &RoomId, session_id: &SessionId) -> SessionHash {
    let length = room_id.as_str().len().to_be_bytes();
    let parts = [&length[..], room_id.as_str().as_bytes(), session_id.as_str().as_bytes()];
    let hash = parts.into_iter().fold(Sha256::new(), Sha256::chain_update).finalize();
    let mut start = [0; 16];
    start.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    start
}

/// How many sessions the backup in use has, by the word of the server.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) sessions: Option<u64>,
    /// The same when the state was to be saved for it: not for each upload.
    noted: Option<u64>,
    /// The last request that was made before that was heard. What comes back for one up to it may be older.
    last_id: u64,
    /// When some of them were missing last, by the courier's clock.
    lost_at_ms: Option<u64>,
}

impl Counted {
    pub(super) fn saved(sessions: Option<u64>) -> Self {
        Self { sessions, noted: sessions, ..Self::default() }
    }
}

impl Backup {
    /// The server has said, in answer to this request, which backup is the current one. What it has by now is saved.
    pub(super) fn count_again(&mut self, id: OperationId) {
        let found = self.look.found().map(|info| (info.version().clone(), info.count()));
        found.into_iter().for_each(|(version, count)| self.count_is(id, &version, count));
        let Counted { sessions, noted, .. } = &mut self.kept.counted;
        if *noted != *sessions {
            *noted = *sessions;
            self.office.touch();
        }
    }

    /// The server has said, in answer to this request, how many sessions a version has. If these are fewer than before, what
    /// is missing nobody knows: the host is asked for all of them again. One that counts wrongly is believed once a day.
    pub(super) fn count_is(
        &mut self,
        id: OperationId,
        version: &BackupVersion,
        count: Option<u64>,
    ) {
        let in_use = self.state.in_use_mut().filter(|in_use| in_use.version() == version);
        let counted = &mut self.kept.counted;
        let (Some(in_use), Some(count), true) = (in_use, count, id.0 > counted.last_id) else {
            return;
        };
        counted.last_id = self.office.courier.last_id;
        let before = counted.sessions.replace(count);
        let now = self.office.courier.now();
        let may_tell = counted.lost_at_ms.is_none_or(|at| now.saturating_sub(at) >= DAY_MS);
        if may_tell && before > Some(count) {
            counted.lost_at_ms = Some(now);
            (in_use.seen, in_use.progress) = (Seen::default(), UploadProgress::default());
            in_use.is_asked_anew();
            self.office.tell(|id| Next::Lost(id, version.clone()));
        }
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What one version of the backup does not take, until another one is in use or the machine is restarted. What the
/// server only fails on is tried again after an hour, and what it refuses after a day: that may have been about the account.
#[derive(Debug, Default)]
pub(super) struct Hopeless {
    version: Option<BackupVersion>,
    /// When each is tried again, if ever. A host that offers them before is not asked for ever.
    pub(super) tokens: BTreeMap<HostToken, Option<u64>>,
    /// How many times in a row the server has said of the version that it is not the current one, and has shown it as
    /// the current one.
    pub(super) denials: u32,
}

impl Hopeless {
    /// This version is in use. What another one did not take says nothing of it.
    pub(super) fn is_about(&mut self, version: &BackupVersion) {
        if self.version.as_ref() != Some(version) {
            *self = Self { version: Some(version.clone()), ..Self::default() };
        }
    }

    /// Remembers a session, and returns whether there was room for it.
    pub(super) fn add(&mut self, token: HostToken, reason: &NotStored, now: u64) -> bool {
        if self.tokens.len() >= MAX_HOPELESS && !self.tokens.contains_key(&token) {
            return false;
        }
        let until = match reason {
            NotStored::Failing => Some(now.saturating_add(PATIENCE_MS)),
            NotStored::TooLarge | NotStored::Refused(_) => Some(now.saturating_add(REFUSED_MS)),
            NotStored::Unusable => None,
        };
        self.tokens.insert(token, until);
        true
    }

    /// When the first of them is tried again.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.tokens.values().flatten().min().copied()
    }

    /// Forgets what is to be tried again, and returns whether there is any.
    pub(super) fn forgive(&mut self, now: u64) -> bool {
        let before = self.tokens.len();
        self.tokens.retain(|_, until| until.is_none_or(|until| until > now));
        self.tokens.len() < before
    }

    /// The server says that the version is not the current one. Returns whether it has said so too often.
    pub(super) fn is_denied(&mut self) -> bool {
        self.denials = self.denials.saturating_add(1);
        self.denials >= DENIALS
    }
}

/// More than a server refuses that means well. A host is asked for so many more sessions than go into a request.
const MAX_HOPELESS: usize = 1_000;

/// As long as a server may be out of order.
const PATIENCE_MS: u64 = 60 * 60 * 1_000;

/// Seldom enough for a thousand sessions that are refused for good.
const REFUSED_MS: u64 = 24 * PATIENCE_MS;

/// Over about a quarter of an hour.
const DENIALS: u32 = 10;
