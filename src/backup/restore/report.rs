//! What became of a restore.

use std::collections::BTreeMap;

use super::{FailedSession, StreamError};
use crate::{
    backup::{BackupPublicKey, FailureCause, OpenError, RestoredSession, Warning},
    crypto::curve25519_aes_sha2::MacScheme,
    ids::{RoomId, SessionId},
    session_data::ExportedSession,
};

/// What became of a restore: exact counts, and the names of the first so many that failed.
///
/// The totals add up because they are sums: a session is counted once, where its verdict says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    findings: usize,
    under_empty_string: u64,
    under_ciphertext: u64,
    /// How many sessions each key has opened.
    opened_by: Vec<(BackupPublicKey, u64)>,
    keys_left_out: usize,
    causes: BTreeMap<FailureCause, u64>,
    skipped: u64,
    failures: Vec<FailedSession>,
    warned: u64,
    warnings: Vec<(RoomId, SessionId, Vec<Warning>)>,
    broken_room_count: u64,
    broken_rooms: Vec<RoomId>,
    ended_early: Option<StreamError>,
}

impl OpenError {
    /// [`NoneFits`](Self::NoneFits), if that is what became of the sessions of a batch.
    #[must_use]
    pub fn of_results<T>(results: &[Result<T, OpenError>]) -> Option<Self> {
        let mut causes = BTreeMap::new();
        let mut opened = 0;
        for result in results {
            match result {
                Ok(_) => opened += 1,
                Err(error) => *causes.entry(error.cause()).or_default() += 1,
            }
        }
        Self::of_counts(opened, &causes)
    }

    /// What is damaged or of another algorithm was sealed to the key.
    fn of_counts(restored: u64, causes: &BTreeMap<FailureCause, u64>) -> Option<Self> {
        let count = |cause| causes.get(&cause).copied().unwrap_or_default();
        let sealed = count(FailureCause::Damaged) + count(FailureCause::UnsupportedAlgorithm);
        let tried = count(FailureCause::WrongKey);
        (restored == 0 && sealed == 0 && tried > 0).then_some(Self::NoneFits { tried })
    }
}

impl RestoreReport {
    pub(super) fn new(findings: usize) -> Self {
        Self {
            findings,
            under_empty_string: 0,
            under_ciphertext: 0,
            opened_by: Vec::new(),
            keys_left_out: 0,
            causes: BTreeMap::new(),
            skipped: 0,
            failures: Vec::new(),
            warned: 0,
            warnings: Vec::new(),
            broken_room_count: 0,
            broken_rooms: Vec::new(),
            ended_early: None,
        }
    }

    /// Of one session that was asked for alone.
    pub(crate) fn of_session(verdict: &Result<RestoredSession, FailedSession>) -> Self {
        let mut report = Self::new(1);
        report.add(verdict);
        report
    }

    /// How many sessions there were, without those that were not wanted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.restored() + self.failed()
    }

    /// How many were restored.
    #[must_use]
    pub fn restored(&self) -> u64 {
        self.under_empty_string + self.under_ciphertext
    }

    /// How many failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.causes.values().sum()
    }

    /// How many failed for this cause.
    #[must_use]
    pub fn failed_by(&self, cause: FailureCause) -> u64 {
        self.causes.get(&cause).copied().unwrap_or_default()
    }

    /// The causes for which sessions failed, and how many for each.
    pub fn causes(&self) -> impl Iterator<Item = (FailureCause, u64)> {
        self.causes.iter().map(|(cause, count)| (*cause, *count))
    }

    /// How many sessions each key has opened, those that opened none left out, in the order in which they opened their first.
    pub fn opened_by(&self) -> impl Iterator<Item = (&BackupPublicKey, u64)> {
        self.opened_by.iter().map(|(key, count)| (key, *count))
    }

    /// How many keys were not tried, since there were more than [`Limits::backup_keys`](crate::Limits::backup_keys).
    #[must_use]
    pub fn keys_left_out(&self) -> usize {
        self.keys_left_out
    }

    /// [`OpenError::NoneFits`], if no key that was used is the backup's: sessions were tried, and none is sealed to one of them. It
    /// is said once, in the place of one [failure](Self::failures) for each.
    #[must_use]
    pub fn wrong_key(&self) -> Option<OpenError> {
        OpenError::of_counts(self.restored(), &self.causes)
    }

    /// How many were restored whose MAC covered this.
    #[must_use]
    pub fn restored_under(&self, scheme: MacScheme) -> u64 {
        match scheme {
            MacScheme::EmptyString => self.under_empty_string,
            MacScheme::Ciphertext => self.under_ciphertext,
        }
    }

    /// How many were passed over because they were not wanted.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The first sessions that failed, up to [`Limits::findings`](crate::Limits::findings).
    #[must_use]
    pub fn failures(&self) -> &[FailedSession] {
        &self.failures
    }

    /// How many were restored with a warning.
    #[must_use]
    pub fn warned(&self) -> u64 {
        self.warned
    }

    /// The first of these, up to [`Limits::findings`](crate::Limits::findings): the room that each was returned for, the ID
    /// inside its key, and what was repaired or disagreed.
    #[must_use]
    pub fn warnings(&self) -> &[(RoomId, SessionId, Vec<Warning>)] {
        &self.warnings
    }

    /// How many entries of rooms were not objects with sessions.
    #[must_use]
    pub fn broken_room_count(&self) -> u64 {
        self.broken_room_count
    }

    /// The rooms of the first of these, up to [`Limits::findings`](crate::Limits::findings).
    #[must_use]
    pub fn broken_rooms(&self) -> &[RoomId] {
        &self.broken_rooms
    }

    /// Whether every session that the server returned has a verdict or was passed over: the response was
    /// read to its end, and no room's entry was broken. Otherwise there may be more sessions.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ended_early.is_none() && self.broken_room_count == 0
    }

    /// Whether every session that was wanted is restored: [complete](Self::is_complete), and none failed.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.is_complete() && self.failed() == 0
    }

    /// Why the response was not read to its end.
    #[must_use]
    pub fn ended_early(&self) -> Option<StreamError> {
        self.ended_early
    }

    pub(super) fn add(&mut self, verdict: &Result<RestoredSession, FailedSession>) {
        match verdict {
            Ok(session) => self.add_restored(session),
            Err(failed) => {
                *self.causes.entry(failed.error.cause()).or_default() += 1;
                if self.failures.len() < self.findings {
                    self.failures.push(failed.clone());
                }
            }
        }
    }

    pub(super) fn leave_out_key(&mut self) {
        self.keys_left_out += 1;
    }

    pub(super) fn add_skipped(&mut self) {
        self.skipped += 1;
    }

    pub(super) fn add_broken_room(&mut self, room_id: &RoomId) {
        self.broken_room_count += 1;
        if self.broken_rooms.len() < self.findings {
            self.broken_rooms.push(room_id.clone());
        }
    }

    pub(super) fn end_early(&mut self, error: StreamError) {
        self.ended_early.get_or_insert(error);
    }

    fn add_restored(&mut self, session: &RestoredSession) {
        match session.mac_scheme() {
            MacScheme::EmptyString => self.under_empty_string += 1,
            MacScheme::Ciphertext => self.under_ciphertext += 1,
        }
        match self.opened_by.iter_mut().find(|(key, _)| key == session.opened_by()) {
            Some((_, count)) => *count += 1,
            None => self.opened_by.push((*session.opened_by(), 1)),
        }
        if session.warnings().is_empty() {
            return;
        }
        self.warned += 1;
        if self.warnings.len() < self.findings {
            let ExportedSession { room_id, session: exported } = session.exported();
            let warnings = session.warnings().to_vec();
            self.warnings.push((room_id.clone(), exported.session_id(), warnings));
        }
    }
}
