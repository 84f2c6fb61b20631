//! What comes from the backup.

use std::io;

use http::Response;

use super::{
    Backup, Call, DeliveryId, FetchOutcome, InUse, Next, NoAnswer, OperationId, RestoreChoice,
    Scope, UnknownOperation, missing::Missing,
};
use crate::client::failure::Failure;
use crate::{
    backup::{
        BackedUpSession, KeyBackupData, KeyBackupMetadata, Restore, RestoreReport, RestoredSession,
        Verdict,
    },
    ids::BackupVersion,
};

impl Backup {
    /// A piece of a [streamed](super::Operation::is_streamed) response has arrived whose status is one of success.
    /// When it has ended, [`Backup::answer`] is given the rest, or an empty body. Memory stays small if
    /// [`Next::Import`] is worked on between the pieces.
    ///
    /// # Errors
    ///
    /// [`UnknownOperation`] if no such response is awaited.
    pub fn part(&mut self, id: OperationId, bytes: &[u8]) -> Result<(), UnknownOperation> {
        let version = match self.courier.get(id) {
            Some(Call::Room(version, _) | Call::Everything(version, _)) => version.clone(),
            _ => return Err(UnknownOperation),
        };
        if let Some(mut restore) = self.download.restore.take() {
            self.download.has_begun |= !bytes.is_empty();
            self.feed(&mut restore, bytes, &version);
            self.download.restore = Some(restore);
        }
        Ok(())
    }

    /// The answer to the question for one session.
    pub(super) fn session_came(
        &mut self,
        version: &BackupVersion,
        session: Result<BackedUpSession, Failure>,
        now: u64,
    ) {
        let Some((scope, key)) = self.download.current.take() else { return };
        self.download.restore = None;
        match session {
            Ok(returned) => {
                self.download_succeeded(&scope, now);
                let outcome = match key.open_session(&returned) {
                    Err(error) => FetchOutcome::Unusable(error),
                    Ok(session) => {
                        if let Ok(data) = KeyBackupData::from_json(&returned.json) {
                            self.is_seen(version, &session, *data.metadata());
                        }
                        let is_it = session.exported().session_id() == returned.session_id;
                        self.import(version, vec![session]);
                        if is_it { FetchOutcome::Session } else { self.missing(&scope, now) }
                    }
                };
                self.fetched(&scope, outcome);
            }
            Err(failure) => self.fetch_failed(&scope, failure, now),
        }
    }

    /// The end of a response with many sessions.
    pub(super) fn stream_came(
        &mut self,
        version: &BackupVersion,
        failure: Option<Failure>,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now: u64,
    ) {
        let (Some((scope, _)), Some(mut restore)) =
            (self.download.current.take(), self.download.restore.take())
        else {
            return;
        };
        let (verdicts, report) = match (failure, answer) {
            (None, Ok(response)) => {
                self.feed(&mut restore, response.body(), version);
                restore.finish()
            }
            (Some(Failure::NoAnswer) | None, _) if self.download.has_begun => {
                restore.fail(io::ErrorKind::UnexpectedEof)
            }
            (None, Err(NoAnswer)) => return self.fetch_failed(&scope, Failure::NoAnswer, now),
            (Some(failure), _) => return self.fetch_failed(&scope, failure, now),
        };
        self.import_verdicts(version, verdicts);
        self.stream_ended(&scope, report, now);
    }

    /// A response that was cut is asked for again, some times.
    fn stream_ended(&mut self, scope: &Scope, report: RestoreReport, now: u64) {
        self.download.attempts += 1;
        if !report.is_complete() && self.download.attempts < self.options.download_attempts {
            self.courier.lost();
            return self.download_failed(scope, 0);
        }
        self.download_succeeded(scope, now);
        let outcome = match scope {
            Scope::Session(room_id, session_id) => {
                let span = self.options.missing_ms;
                self.download.looked_through(room_id.clone(), now.saturating_add(span));
                let session = (room_id.clone(), session_id.clone());
                let has_come = !self.download.sought.remove(&session);
                if has_come { FetchOutcome::Session } else { self.missing(scope, now) }
            }
            Scope::Room(_) | Scope::Everything => FetchOutcome::Report(report),
        };
        self.fetched(scope, outcome);
    }

    fn fetch_failed(&mut self, scope: &Scope, failure: Failure, now: u64) {
        let outcome = match failure {
            Failure::NoAnswer
            | Failure::Later { .. }
            | Failure::RateLimited { .. }
            | Failure::Unauthorized => {
                // Others have their turn before it is tried again.
                self.kept.wanted.failed(scope);
                return self.download_failed(scope, failure.wait_ms());
            }
            Failure::NotFound if self.download.is_doubtful(scope, now) => {
                self.seek_in_room(scope);
                return self.download_succeeded(scope, now);
            }
            Failure::NotFound if matches!(scope, Scope::Session(..)) => {
                self.look_soon(now);
                self.missing(scope, now)
            }
            Failure::NotFound | Failure::OtherVersion => {
                self.look_again();
                FetchOutcome::NoBackup
            }
            Failure::Refused(error) => FetchOutcome::Refused(error),
            Failure::TooLarge => FetchOutcome::TooLarge,
        };
        self.download_succeeded(scope, now);
        self.fetched(scope, outcome);
    }

    /// The room of a session is fetched in its place.
    fn seek_in_room(&mut self, scope: &Scope) {
        if let Scope::Session(room_id, session_id) = scope {
            self.download.by_room.insert(scope.clone());
            self.download.sought.insert((room_id.clone(), session_id.clone()));
        }
    }

    /// A session that is not there may mean that the version is gone.
    fn look_soon(&mut self, now: u64) {
        let due = self.found_at_ms.saturating_add(LOOK_PAUSE_MS).max(now);
        self.version.due_ms = self.version.due_ms.min(due);
    }

    fn download_succeeded(&mut self, scope: &Scope, now: u64) {
        self.courier.succeeded(self.download.kind(scope));
        self.download.lane.answered(now);
    }

    fn download_failed(&mut self, scope: &Scope, asked_ms: u64) {
        self.courier.failed(self.download.kind(scope), asked_ms);
        self.download.lane.answered(self.courier.now());
    }

    /// A scope is done with, once the host has all of it: what is not in its store is fetched again after a crash.
    pub(super) fn fetched(&mut self, scope: &Scope, outcome: FetchOutcome) {
        self.download.attempts = 0;
        if self.download.by_room.remove(scope) {
            drop(self.download.take_sought(scope));
        }
        self.download.finished = Some((scope.clone(), outcome));
        self.finish_download();
    }

    /// Ends the download whose last import was acknowledged.
    pub(super) fn finish_download(&mut self) {
        if !self.download.unacked.is_empty() {
            return;
        }
        let Some((scope, outcome)) = self.download.finished.take() else { return };
        self.remember_missing(&scope, &outcome);
        let is_all = matches!(&outcome, FetchOutcome::Report(report) if report.is_complete());
        let is_all = is_all && scope == Scope::Everything;
        if is_all && self.kept.restore_choice == Some(RestoreChoice::Everything) {
            // From now on only what came later can be missing.
            self.kept.restore_choice = Some(RestoreChoice::Session);
        }
        self.kept.wanted.remove(&scope);
        if !matches!(scope, Scope::Session(..)) {
            self.touch();
        }
        self.deliver(Next::Fetched(scope, Box::new(outcome)));
    }

    /// What was looked for in a room, or everywhere, and did not come is not there.
    fn remember_missing(&mut self, scope: &Scope, outcome: &FetchOutcome) {
        let is_known = match outcome {
            FetchOutcome::Report(report) => report.is_complete(),
            FetchOutcome::NotInBackup => true,
            _ => false,
        };
        for (room_id, session_id) in self.download.take_sought(scope) {
            if is_known {
                self.missing(&Scope::Session(room_id, session_id), self.courier.now());
            }
        }
    }

    /// Remembers that the backup does not have a session.
    fn missing(&mut self, scope: &Scope, now: u64) -> FetchOutcome {
        if let Scope::Session(room_id, session_id) = scope {
            let etag = self.download.etag;
            // Without one, everything may have changed a moment later.
            let span = if etag.is_some() { self.options.missing_ms } else { self.options.poll_ms };
            let missing = Missing { until_ms: now.saturating_add(span), etag };
            let session = (room_id.clone(), session_id.clone());
            self.download.dropped += u64::from(!self.download.missing.add(session, missing, now));
        }
        FetchOutcome::NotInBackup
    }

    fn feed(&mut self, restore: &mut Restore, mut bytes: &[u8], version: &BackupVersion) {
        while let Some(verdicts) = restore.next_batch(&mut bytes) {
            self.import_verdicts(version, verdicts);
        }
    }

    fn import_verdicts(&mut self, version: &BackupVersion, verdicts: Vec<Verdict>) {
        let sessions = verdicts.into_iter().filter_map(|verdict| match verdict {
            Verdict::Restored(session) => Some(session),
            Verdict::Failed(_) => None,
        });
        self.import(version, sessions.collect());
    }

    /// The backup has a session that is at least so good.
    fn is_seen(
        &mut self,
        version: &BackupVersion,
        session: &RestoredSession,
        metadata: KeyBackupMetadata,
    ) {
        let is_in_use = |in_use: &InUse| in_use.backup.version() == version;
        if self.in_use.as_ref().is_some_and(is_in_use) {
            let (room_id, session_id) =
                (&session.exported().room_id, session.exported().session_id());
            self.upload.seen.add(room_id, &session_id, metadata, self.options.seen_sessions);
        }
    }

    fn import(&mut self, version: &BackupVersion, sessions: Vec<RestoredSession>) {
        if !sessions.is_empty() {
            for session in &sessions {
                let (room_id, session_id) =
                    (session.exported().room_id.clone(), session.exported().session_id());
                self.download.sought.remove(&(room_id, session_id));
                self.is_seen(
                    version,
                    session,
                    KeyBackupMetadata {
                        is_verified: false,
                        first_message_index: Some(
                            session.exported().session.session_key().first_known_index().into(),
                        ),
                        forwarded_count: None,
                    },
                );
            }
            let id = DeliveryId(self.new_id());
            self.download.unacked.insert(id);
            self.deliver(Next::Import(id, version.clone(), sessions));
        }
    }
}

/// How long the version is not looked at again for each session that is missing.
const LOOK_PAUSE_MS: u64 = 5_000;
