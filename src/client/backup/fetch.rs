//! What comes from the backup.

use std::{io, iter, mem};

use super::{
    Next, Scope,
    download::{Asked, Download, Job, Outcome, RestoreChoice},
    office::{Effect, Office},
    scopes::Missing,
    seen::hash,
};
use crate::{
    backup::{
        BackedUpSession, FailedSession, KeyBackupMetadata, Restore, RestoreReport, RestoredSession,
    },
    client::{failure::Failure, operation::Answer, waiting::RequestFailure},
    ids::BackupVersion,
};

impl Download {
    pub(super) fn part(&mut self, office: &mut Office, version: &BackupVersion, bytes: &[u8]) {
        if let Job::Stream { restore, has_begun, .. } = &mut self.job {
            *has_begun |= !bytes.is_empty();
            let verdicts = feed(restore, bytes);
            self.import_verdicts(office, version, verdicts);
        }
    }

    pub(super) fn session_came(
        &mut self,
        office: &mut Office,
        version: &BackupVersion,
        session: Result<BackedUpSession, Failure>,
    ) {
        let Job::Session { asked, key } = mem::take(&mut self.job) else { return };
        match session {
            Ok(returned) => {
                self.settled(office, &asked.scope);
                let BackedUpSession { room_id, session_id, .. } = &returned;
                let (verdict, metadata) = match key.open_with_metadata(&returned) {
                    Ok((session, metadata)) => (Ok(session), Some(metadata)),
                    Err(error) => {
                        let (room_id, session_id) = (room_id.clone(), session_id.clone());
                        (Err(FailedSession { room_id, session_id, error }), None)
                    }
                };
                let report = RestoreReport::of_session(&verdict);
                let is_other = |it: &RestoredSession| it.exported().session_id() != *session_id;
                let is_missing = verdict.as_ref().is_ok_and(is_other);
                let session = verdict.ok().into_iter().zip(metadata).collect();
                self.import(office, version, session);
                let outcome = if is_missing {
                    Err(self.is_missing(office, &asked))
                } else {
                    Ok(Box::new(report))
                };
                self.fetched(office, asked, outcome);
            }
            Err(failure) => self.fetch_failed(office, version, asked, failure),
        }
    }

    pub(super) fn stream_came(
        &mut self,
        office: &mut Office,
        version: &BackupVersion,
        failure: Option<Failure>,
        answer: Answer,
    ) {
        let Job::Stream { asked, mut restore, has_begun } = mem::take(&mut self.job) else {
            return;
        };
        let (verdicts, report) = match (failure, answer) {
            (None, Some(response)) => {
                let verdicts = feed(&mut restore, response.body());
                self.import_verdicts(office, version, verdicts);
                restore.finish()
            }
            (Some(Failure::NoAnswer) | None, _) if has_begun => {
                restore.fail(io::ErrorKind::UnexpectedEof)
            }
            (failure, _) => {
                let failure = failure.unwrap_or(Failure::NoAnswer);
                return self.fetch_failed(office, version, asked, failure);
            }
        };
        self.import_verdicts(office, version, verdicts);
        self.stream_ended(office, asked, report);
    }

    /// A response that was cut is asked for again, some times.
    fn stream_ended(&mut self, office: &mut Office, asked: Asked, report: RestoreReport) {
        let scope = &asked.scope;
        self.attempts += 1;
        if !report.is_complete() && self.attempts < office.options.download_attempts {
            office.courier.lost();
            return self.try_later(office, scope, 0);
        }
        self.settled(office, scope);
        if let (Scope::Session(room_id, _), true) = (scope, report.is_complete()) {
            if self.rooms.len() >= MAX_ROOMS {
                self.rooms.clear();
            }
            let until_ms = office.courier.now().saturating_add(office.options.missing_ms);
            self.rooms.insert(room_id.clone(), Missing { until_ms, etag: asked.etag });
        }
        // Of a room that was not read to its end, nobody knows what is missing.
        let is_missing = match scope {
            Scope::Session(_, session_id) => {
                let has_come = !self.sought.remove(scope);
                let has_failed = report.failures().iter().any(|it| it.session_id == *session_id);
                report.is_complete() && !has_come && !has_failed
            }
            Scope::Room(_) | Scope::Everything => false,
        };
        let outcome =
            if is_missing { Err(self.is_missing(office, &asked)) } else { Ok(Box::new(report)) };
        self.fetched(office, asked, outcome);
    }

    fn fetch_failed(
        &mut self,
        office: &mut Office,
        version: &BackupVersion,
        asked: Asked,
        failure: Failure,
    ) {
        let scope = &asked.scope;
        // What another version does not have the current one may have.
        if failure.passes() || self.version.as_ref() != Some(version) {
            return self.try_later(office, scope, failure.wait_ms());
        }
        let outcome = match failure {
            Failure::NotFound if self.is_doubtful(scope, office.courier.now()) => {
                // The room is fetched in its place.
                self.settled(office, scope);
                self.wanted.seek_in_room(scope);
                self.sought.insert(scope.clone());
                return;
            }
            Failure::NotFound if matches!(scope, Scope::Session(..)) => {
                office.effects.push(Effect::LookSoon);
                Err(self.is_missing(office, &asked))
            }
            Failure::Refused(error) => Err(RequestFailure::Api(error)),
            _ => {
                office.effects.push(Effect::Look);
                Err(RequestFailure::OtherBackup)
            }
        };
        self.settled(office, scope);
        self.fetched(office, asked, outcome);
    }

    fn settled(&self, office: &mut Office, scope: &Scope) {
        office.courier.settled(self.wanted.kind(scope));
    }

    /// Others have their turn before it is tried again.
    fn try_later(&mut self, office: &mut Office, scope: &Scope, asked_ms: u64) {
        office.courier.failed(self.wanted.kind(scope), asked_ms);
        self.wanted.put_last(scope);
    }

    /// A scope is done with, once the host has all of it: what is not in its store is fetched again after a crash.
    pub(super) fn fetched(&mut self, office: &mut Office, asked: Asked, outcome: Outcome) {
        self.attempts = 0;
        if self.wanted.is_sought_in_room(&asked.scope) {
            self.sought.remove(&asked.scope);
        }
        self.job = Job::Handing { asked, outcome };
        self.finish(office);
    }

    /// Ends the download whose last import was acknowledged.
    pub(super) fn finish(&mut self, office: &mut Office) {
        if !office.desk.imports.is_empty() || !matches!(self.job, Job::Handing { .. }) {
            return;
        }
        let Job::Handing { asked, outcome } = mem::take(&mut self.job) else { return };
        self.remember_missing(office, &asked, &outcome);
        let scope = asked.scope;
        let is_all = outcome.as_ref().is_ok_and(|report| report.is_complete());
        let is_all = is_all && scope == Scope::Everything;
        if is_all && self.restore_choice == Some(RestoreChoice::Everything) {
            // From now on only what came later can be missing.
            self.restore_choice = Some(RestoreChoice::Session);
        }
        self.wanted.remove(&scope);
        if !matches!(scope, Scope::Session(..)) {
            office.touch();
        }
        office.deliver(Next::Fetched(scope, outcome));
    }

    /// What was looked for in a room, or everywhere, and did not come is not there.
    fn remember_missing(&mut self, office: &Office, asked: &Asked, outcome: &Outcome) {
        let is_session = matches!(asked.scope, Scope::Session(..));
        let is_known = match outcome {
            Ok(report) => report.is_complete() && !is_session,
            Err(failure) => *failure == RequestFailure::NotInBackup,
        };
        for scope in asked.scope.covered(&self.sought).collect::<Vec<_>>() {
            self.sought.remove(&scope);
            if is_known {
                self.is_missing(office, &Asked { scope, ..*asked });
            }
        }
    }

    /// Whether what the server says of a session alone is to be compared with what the room has: a proxy that decodes paths
    /// takes `/` and `+` for something else.
    fn is_doubtful(&self, scope: &Scope, now: u64) -> bool {
        let Scope::Session(room_id, session_id) = scope else { return false };
        let is_awkward = session_id.as_str().contains(['/', '+']);
        let known = self.rooms.get(room_id).filter(|known| known.until_ms > now);
        let is_known = known.is_some_and(|known| known.etag == self.etag);
        is_awkward && !is_known && !self.wanted.is_sought_in_room(scope)
    }

    fn is_missing(&mut self, office: &Office, asked: &Asked) -> RequestFailure {
        let now = office.courier.now();
        if let Asked { scope: scope @ Scope::Session(..), etag } = asked {
            // Without one, everything may have changed a moment later.
            let span =
                if etag.is_some() { office.options.missing_ms } else { office.options.poll_ms };
            let missing = Missing { until_ms: now.saturating_add(span), etag: *etag };
            self.dropped += u64::from(!self.missing.add(scope.clone(), missing, now));
        }
        RequestFailure::NotInBackup
    }

    fn import_verdicts(
        &mut self,
        office: &mut Office,
        version: &BackupVersion,
        verdicts: Vec<Result<RestoredSession, FailedSession>>,
    ) {
        let sessions = verdicts.into_iter().flatten().map(|session| {
            let index = session.exported().session.session_key().first_known_index();
            let first_message_index = Some(index.into());
            let (is_verified, forwarded_count) = (false, None);
            (session, KeyBackupMetadata { is_verified, first_message_index, forwarded_count })
        });
        self.import(office, version, sessions.collect());
    }

    /// Gives the host sessions that have come, and remembers that the backup has them, at least so good.
    fn import(
        &mut self,
        office: &mut Office,
        version: &BackupVersion,
        sessions: Vec<(RestoredSession, KeyBackupMetadata)>,
    ) {
        if sessions.is_empty() {
            return;
        }
        let mut seen = Vec::with_capacity(sessions.len());
        for (session, metadata) in &sessions {
            let (room_id, session_id) =
                (session.exported().room_id.clone(), session.exported().session_id());
            seen.push((hash(&room_id, &session_id), *metadata));
            self.sought.remove(&Scope::Session(room_id, session_id));
        }
        let sessions = sessions.into_iter().map(|(session, _)| session).collect();
        office.deliver_import(version, sessions);
        office.effects.push(Effect::Seen(version.clone(), seen));
    }
}

/// What is whole of the response with these bytes.
fn feed(restore: &mut Restore, mut bytes: &[u8]) -> Vec<Result<RestoredSession, FailedSession>> {
    iter::from_fn(|| restore.next_batch(&mut bytes)).flatten().collect()
}

const MAX_ROOMS: usize = 1_000;
