//! What the homeserver shows of the backup: which one is the current one, what it has, how many sessions that are, and what
//! it does not take.

use std::{collections::BTreeMap, sync::OnceLock};

use sha2::{Digest as _, Sha256};

use super::{
    Backup, BackupOptions, Next, NotStored, RequestKind, Stage, TaskId, UploadProgress,
    uploaded::FAILURES,
};
use crate::{
    api::ApiError,
    backup::{BackupPublicKey, BackupVersionInfo, KeyBackupMetadata},
    client::{courier::PATIENCE, failure::Failure, waiting::RequestFailure},
    encoding::format::FormatProblem,
    ids::{BackupVersion, RoomId, SessionId},
    signed_json::SignatureReport,
};

/// Which backup there is, as far as the server was asked.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) found: Option<Found>,
    pub(super) found_at_ms: u64,
    /// When the stage has changed last, or what the user is asked about the backup, if it had not for an hour.
    pub(super) changed_at_ms: u64,
    /// It is not asked again before, by the courier's clock.
    pub(super) due_ms: u64,
    /// Whether it was since the machine was made or restored.
    pub(super) is_done: bool,
    /// Whether it was since the stage has changed, or something was to be done about the current one.
    pub(super) is_current: bool,
    /// If it is to be asked although the user wants no backup: the last request that was sent before that. What it brings may
    /// be older than the wish.
    pub(super) wanted_since: Option<u64>,
    /// Why it does not say, if it refuses to or has failed on it for some time.
    pub(super) failure: Option<RequestFailure>,
}

#[derive(Debug)]
pub(super) struct Found {
    pub(super) info: BackupVersionInfo,
    /// Its signatures, once somebody asked, until there are other signers.
    pub(super) signatures: OnceLock<SignatureReport>,
}

impl Look {
    pub(super) fn found(&self) -> Option<&BackupVersionInfo> {
        self.found.as_ref().map(|found| &found.info)
    }

    /// What the server describes can be read, and has this public key.
    pub(super) fn public_key(&self) -> Option<BackupPublicKey> {
        Some(*self.found()?.auth_data().ok()?.public_key())
    }

    pub(super) fn is_answered(&mut self, found: Option<BackupVersionInfo>, now: u64) {
        let found = found.map(|info| Found { info, signatures: OnceLock::new() });
        let changed_at_ms = self.changed_at_ms;
        *self = Self { found, found_at_ms: now, changed_at_ms, is_done: true, ..Self::default() };
    }

    /// There is something else than before, by the word of the server. One that shows something else each time is not looked
    /// at more often than one that does not.
    pub(super) fn has_changed(&mut self, now: u64, options: &BackupOptions) {
        if now.saturating_sub(self.changed_at_ms) >= options.check_ms {
            self.changed_at_ms = now;
        }
    }
}

impl Backup {
    /// Why the homeserver does not say which backup is the current one, if it refuses to, as one that has no backups at
    /// all; if it has failed on it five times in a row; or if it could not be reached for about an hour. It is asked again, each time
    /// later.
    #[must_use]
    pub fn look_failure(&self) -> Option<&RequestFailure> {
        self.look.failure.as_ref()
    }

    pub(super) fn not_seen(&mut self, failure: &Failure) {
        let answers = self.office.courier.answers(RequestKind::FindVersion);
        let failures = self.office.courier.failures(RequestKind::FindVersion);
        let is_hopeless = match failure {
            Failure::Refused(_) => true,
            Failure::NoAnswer => failures >= PATIENCE,
            _ => answers >= FAILURES,
        };
        if is_hopeless {
            self.look.failure = self.office.courier.last_error(RequestKind::FindVersion).cloned();
        }
        if self.stage() == Stage::Confirming && self.unseen().is_some() {
            self.confirm_unseen();
        }
    }

    /// Whether nobody waits for the homeserver to say which backup is the current one who has something else to do: it
    /// refuses to, has failed on it some times, or is not asked again soon.
    pub(in crate::client) fn is_out_of_sight(&self) -> bool {
        let (kind, courier) = (RequestKind::FindVersion, &self.office.courier);
        let soon = courier.now().saturating_add(SOON_MS);
        let is_failing = self.look.failure.is_some() || courier.failures(kind) >= FAILURES;
        is_failing || courier.due(kind).is_none_or(|due| due > soon)
    }

    /// How long to wait for the next look while nothing changes: as long as that has been so, within bounds.
    pub(super) fn poll_wait(&self) -> u64 {
        let BackupOptions { poll_ms, check_ms, .. } = self.office.options;
        let age = self.office.courier.now().saturating_sub(self.look.changed_at_ms);
        age.clamp(poll_ms, check_ms.max(poll_ms))
    }

    /// Why nobody can see the current backup, if that has been so for long, or what is shown is none: see
    /// [`Question::Unseen`](super::Question::Unseen).
    pub(super) fn unseen(&self) -> Option<&ApiError> {
        let Some(RequestFailure::Api(error)) = &self.look.failure else { return None };
        // A page that is no JSON is not the word of a homeserver, and passes.
        let is_page = *error == FormatProblem::NotJson.into();
        let is_unusable = matches!(
            error,
            ApiError::Response(_) | ApiError::Errcode(_) | ApiError::TooLarge { .. }
        );
        let is_lasting = self.office.courier.is_failing(RequestKind::FindVersion);
        // What is said of the token, or of everybody's requests, is not said of the backup.
        let is_of_backup = !error.is_rate_limited() && !error.is_unauthorized();
        (is_unusable && !is_page || is_lasting && is_of_backup).then_some(error)
    }
}

/// About as long as somebody waits who looks at the screen.
const SOON_MS: u64 = 30_000;

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
    pub(super) fn count_again(&mut self, id: TaskId) {
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
    pub(super) fn count_is(&mut self, id: TaskId, version: &BackupVersion, count: Option<u64>) {
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
    pub(super) tokens: BTreeMap<u64, Option<u64>>,
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
    pub(super) fn add(&mut self, token: u64, reason: &NotStored, now: u64) -> bool {
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
