//! What comes from the backup.

use std::{io, iter, mem};

use http::Response;

use super::{
    Backup, Call, FetchOutcome, Next, NoAnswer, OperationId, RestoreChoice, Scope,
    UnknownOperation, download::Job, missing::Missing, office::Effect, seen::hash,
};
use crate::client::failure::Failure;
use crate::{
    backup::{
        BackedUpSession, KeyBackupMetadata, Restore, RestoreReport, UnauthenticatedSession, Verdict,
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
        let version = match self.office.courier.get(id) {
            Some(Call::Room(version, _) | Call::Everything(version, _)) => version.clone(),
            _ => return Err(UnknownOperation),
        };
        if let Job::Stream { restore, has_begun, .. } = &mut self.download.job {
            *has_begun |= !bytes.is_empty();
            let verdicts = feed(restore, bytes);
            self.import_verdicts(&version, verdicts);
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
        let Job::Session { scope, key } = mem::take(&mut self.download.job) else { return };
        match session {
            Ok(returned) => {
                self.download_succeeded(&scope);
                let outcome = match key.restore_with_metadata(&returned) {
                    Err(error) => FetchOutcome::Unusable(error),
                    Ok((session, metadata)) => {
                        let is_it = session.exported().session_id() == returned.session_id;
                        self.import(version, vec![(session, metadata)]);
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
        let Job::Stream { scope, mut restore, has_begun } = mem::take(&mut self.download.job)
        else {
            return;
        };
        let (verdicts, report) = match (failure, answer) {
            (None, Ok(response)) => {
                let verdicts = feed(&mut restore, response.body());
                self.import_verdicts(version, verdicts);
                restore.finish()
            }
            (Some(Failure::NoAnswer) | None, _) if has_begun => {
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
        if !report.is_complete() && self.download.attempts < self.office.options.download_attempts {
            self.office.courier.lost();
            return self.download_failed(scope, 0);
        }
        self.download_succeeded(scope);
        let outcome = match scope {
            Scope::Session(room_id, session_id) => {
                let span = self.office.options.missing_ms;
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
                self.download.failed.insert(scope.clone());
                return self.download_failed(scope, failure.wait_ms());
            }
            Failure::NotFound if self.download.is_doubtful(scope, now) => {
                self.seek_in_room(scope);
                return self.download_succeeded(scope);
            }
            Failure::NotFound if matches!(scope, Scope::Session(..)) => {
                self.apply(Effect::LookSoon);
                self.missing(scope, now)
            }
            Failure::NotFound | Failure::OtherVersion => {
                self.look_again();
                FetchOutcome::NoBackup
            }
            Failure::Refused(error) => FetchOutcome::Refused(error),
            Failure::TooLarge => FetchOutcome::TooLarge,
        };
        self.download_succeeded(scope);
        self.fetched(scope, outcome);
    }

    /// The room of a session is fetched in its place.
    fn seek_in_room(&mut self, scope: &Scope) {
        if let Scope::Session(room_id, session_id) = scope {
            self.download.by_room.insert(scope.clone());
            self.download.sought.insert((room_id.clone(), session_id.clone()));
        }
    }

    fn download_succeeded(&mut self, scope: &Scope) {
        self.office.courier.succeeded(self.download.kind(scope));
    }

    fn download_failed(&mut self, scope: &Scope, asked_ms: u64) {
        self.office.courier.failed(self.download.kind(scope), asked_ms);
    }

    /// A scope is done with, once the host has all of it: what is not in its store is fetched again after a crash.
    pub(super) fn fetched(&mut self, scope: &Scope, outcome: FetchOutcome) {
        self.download.attempts = 0;
        self.download.failed.remove(scope);
        if self.download.by_room.remove(scope) {
            drop(self.download.take_sought(scope));
        }
        self.download.job = Job::Handing { scope: scope.clone(), outcome: Box::new(outcome) };
        self.finish_download();
    }

    /// Ends the download whose last import was acknowledged.
    pub(super) fn finish_download(&mut self) {
        if !self.office.desk.imports.is_empty() || !matches!(self.download.job, Job::Handing { .. })
        {
            return;
        }
        let Job::Handing { scope, outcome } = mem::take(&mut self.download.job) else { return };
        self.remember_missing(&scope, &outcome);
        let is_all = matches!(&*outcome, FetchOutcome::Report(report) if report.is_complete());
        let is_all = is_all && scope == Scope::Everything;
        if is_all && self.kept.restore_choice == Some(RestoreChoice::Everything) {
            // From now on only what came later can be missing.
            self.kept.restore_choice = Some(RestoreChoice::Session);
        }
        self.kept.wanted.remove(&scope);
        if !matches!(scope, Scope::Session(..)) {
            self.office.touch();
        }
        self.office.deliver(Next::Fetched(scope, outcome));
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
                self.missing(&Scope::Session(room_id, session_id), self.office.courier.now());
            }
        }
    }

    /// Remembers that the backup does not have a session.
    fn missing(&mut self, scope: &Scope, now: u64) -> FetchOutcome {
        if let Scope::Session(room_id, session_id) = scope {
            let etag = self.download.etag;
            // Without one, everything may have changed a moment later.
            let span = if etag.is_some() {
                self.office.options.missing_ms
            } else {
                self.office.options.poll_ms
            };
            let missing = Missing { until_ms: now.saturating_add(span), etag };
            let session = (room_id.clone(), session_id.clone());
            self.download.dropped += u64::from(!self.download.missing.add(session, missing, now));
        }
        FetchOutcome::NotInBackup
    }

    fn import_verdicts(&mut self, version: &BackupVersion, verdicts: Vec<Verdict>) {
        let sessions = verdicts.into_iter().filter_map(|verdict| match verdict {
            Verdict::Restored(session) => {
                let index = session.exported().session.session_key().first_known_index();
                let metadata = KeyBackupMetadata {
                    is_verified: false,
                    first_message_index: Some(index.into()),
                    forwarded_count: None,
                };
                Some((session, metadata))
            }
            Verdict::Failed(_) => None,
        });
        self.import(version, sessions.collect());
    }

    /// Gives the host sessions that have come, and remembers that the backup has them, at least so good.
    fn import(
        &mut self,
        version: &BackupVersion,
        sessions: Vec<(UnauthenticatedSession, KeyBackupMetadata)>,
    ) {
        if sessions.is_empty() {
            return;
        }
        let mut seen = Vec::with_capacity(sessions.len());
        for (session, metadata) in &sessions {
            let (room_id, session_id) =
                (session.exported().room_id.clone(), session.exported().session_id());
            seen.push((hash(&room_id, &session_id), *metadata));
            self.download.sought.remove(&(room_id, session_id));
        }
        let sessions = sessions.into_iter().map(|(session, _)| session).collect();
        self.office.deliver_import(version, sessions);
        self.apply(Effect::Seen(version.clone(), seen));
    }
}

/// What is whole of the response with these bytes.
fn feed(restore: &mut Restore, mut bytes: &[u8]) -> Vec<Verdict> {
    iter::from_fn(|| restore.next_batch(&mut bytes)).flatten().collect()
}
