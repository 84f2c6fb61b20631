//! Whether the current backup can be seen.

use std::sync::OnceLock;

use super::{Backup, BackupOptions, RequestKind, Stage, uploaded::FAILURES};
use crate::{
    api::{ApiError, ResponseError},
    backup::{BackupPublicKey, BackupVersionInfo},
    client::{courier::PATIENCE, failure::Failure, waiting::RequestFailure},
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
        let is_page = *error == ApiError::Response(ResponseError::NotJson);
        let is_unusable = matches!(error, ApiError::Response(_) | ApiError::TooLarge { .. });
        let is_lasting = self.office.courier.is_failing(RequestKind::FindVersion);
        // What is said of the token, or of everybody's requests, is not said of the backup.
        let is_of_backup = !error.is_rate_limited() && !error.is_unauthorized();
        (is_unusable && !is_page || is_lasting && is_of_backup).then_some(error)
    }
}

/// About as long as somebody waits who looks at the screen.
const SOON_MS: u64 = 30_000;
