//! What the host tells: what became of a request, what it wants fetched, and what it has worked on.

use std::mem;

use super::{
    AnswerError, Backup, Call, Next, RequestKind, Scope, Stage, TaskId, download::Job,
    office::Effect, stage::Event, upload::InUse,
};
use crate::{
    api,
    backup::{RestoreProgress, RestoredSession},
    client::{failure::Failure, operation::Answer},
    ids::{BackupVersion, RoomId, SessionId},
};

/// How far the upload to the backup in use is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UploadProgress {
    /// How many sessions are known to be in the backup, of those that the host has offered since the backup came into use
    /// here. How many there are in all the host knows.
    pub stored: u64,
    /// How many of these sessions cannot be stored, each time that one was given up.
    pub not_stored: u64,
    /// How many the host has offered that are on their way.
    pub on_their_way: usize,
}

impl Backup {
    /// A piece of a [streamed](super::Operation::is_streamed) response has arrived whose status is one of success.
    /// When it has ended, [`Backup::answer`] is given the rest, or an empty body. Memory stays small if
    /// [`Next::Import`] is worked on between the pieces.
    ///
    /// # Errors
    ///
    /// [`AnswerError::NotAwaited`] if no such response is awaited.
    pub fn part(&mut self, id: TaskId, bytes: &[u8]) -> Result<(), AnswerError> {
        let version = match self.office.courier.get(id) {
            Some(Call::FetchRoom(version, _) | Call::FetchEverything(version, _)) => {
                version.clone()
            }
            _ => return Err(AnswerError::NotAwaited),
        };
        self.download.part(&mut self.office, &version, bytes);
        self.apply_effects();
        Ok(())
    }

    /// The host has sent a request, and this came back; nothing if there was no answer, or it was cut. Of a streamed response,
    /// the body holds what was not given to [`Backup::part`].
    ///
    /// # Errors
    ///
    /// [`AnswerError::NotAwaited`] if no such request is awaited. Nothing has changed then.
    pub fn answer(&mut self, id: TaskId, answer: Answer, now_ms: u64) -> Result<(), AnswerError> {
        self.office.courier.advance(now_ms);
        let letter = self.office.courier.take(id, false, &answer).ok_or(AnswerError::NotAwaited)?;
        self.answered(id, letter.call(), answer);
        self.apply_effects();
        Ok(())
    }

    fn answered(&mut self, id: TaskId, call: &Call, answer: Answer) {
        match call {
            Call::FindVersion(call) => {
                let found = self.read(call, &answer);
                self.looked_at(id, found);
            }
            Call::CreateVersion(call) => {
                let created = self.read(call, &answer);
                self.created(created);
            }
            // Whether it is gone is seen by looking.
            Call::DeleteVersion(call) => match self.read(call, &answer) {
                Ok(()) => self.look_again(),
                Err(failure) => {
                    self.version_failed(RequestKind::DeleteVersion, &failure);
                    self.state.disabling_mut().into_iter().for_each(|it| it.attempted = None);
                }
            },
            Call::UpdateVersion(call) => {
                let written = self.read(call, &answer);
                self.withdrawal_written(written);
            }
            Call::ReadPreference(call) => {
                let read = self.read(call, &answer);
                self.preference.was_read(&mut self.office, read);
            }
            Call::WritePreference(call) => {
                let written = self.read(call, &answer);
                self.preference.was_written(&mut self.office, written);
            }
            Call::Upload(version, call, tokens) => {
                let stored = self.read(&call.without_body(), &answer);
                let count = stored.as_ref().ok().and_then(|stored| stored.count);
                let office = &mut self.office;
                match (self.state.in_use_mut(), stored) {
                    (Some(in_use), stored) if in_use.version() == version => {
                        in_use.uploaded(office, stored, tokens);
                    }
                    // To a version that is not in use any more, it is reported all the same.
                    (_, Ok(_)) => {
                        office.courier.settled(RequestKind::Upload);
                        office.deliver_stored(version, tokens.clone());
                    }
                    (_, Err(failure)) => {
                        office.courier.failed(RequestKind::Upload, failure.wait_ms());
                    }
                }
                self.count_is(id, version, count);
            }
            Call::CompareSession(call) => {
                let seen = self.read(call, &answer);
                if let Some(in_use) = self.state.in_use_mut() {
                    in_use.looked(&mut self.office, seen);
                }
            }
            Call::FetchSession(version, call) => {
                let session = self.read(call, &answer);
                self.download.session_came(&mut self.office, version, session);
            }
            Call::FetchRoom(version, call) | Call::FetchEverything(version, call) => {
                let is_stream = answer.as_ref().is_some_and(|it| it.status().is_success());
                let failure = if is_stream { None } else { self.read(call, &answer).err() };
                self.download.stream_came(&mut self.office, version, failure, answer);
            }
            #[cfg(feature = "unstable-msc4385")]
            Call::PushSecret(call) => {
                let sent = self.read(call, &answer);
                self.pushes.answered(&mut self.office, sent);
            }
            // The courier has given them to the flow.
            Call::ReadAccountData(..)
            | Call::WriteAccountData(_)
            | Call::AskDevices(_)
            | Call::QueryKeys(_)
            | Call::UploadSignatures(_) => {}
        }
    }

    /// A message cannot be decrypted. The user is asked how much to fetch, the first time.
    pub fn undecryptable(&mut self, room_id: RoomId, session_id: SessionId, now_ms: u64) {
        self.office.courier.advance(now_ms);
        self.download.seek(&mut self.office, room_id, session_id);
    }

    /// How often something was dropped, since the machine was made or restored: 1,000 messages wait for the user's word at
    /// most, and 10,000 sessions and rooms for the homeserver's. It is no more than that, since everybody in a room can send
    /// what nobody can decrypt. Offer the messages again later. It counts, too, how often a session was not in the backup
    /// and is not remembered as missing, since 10,000 are: the next time it is asked for again. And it counts messages whose
    /// room or session cannot be asked for, since its ID is empty, made of dots, or longer than 1,024 bytes.
    #[must_use]
    pub fn dropped_wants(&self) -> u64 {
        self.download.dropped
    }

    /// Fetches sessions from the backup. What is on its way already is not fetched twice.
    pub fn fetch(&mut self, scope: Scope, now_ms: u64) {
        self.office.courier.advance(now_ms);
        self.download.want(&mut self.office, scope);
    }

    /// Forgets how much the user wanted to be fetched, so that the next time asks again.
    pub fn forget_restore_choice(&mut self) {
        self.download.restore_choice = None;
        self.office.touch();
    }

    /// How far the download is that is under way, and what is fetched. One session alone has no progress to speak of.
    #[must_use]
    pub fn fetching(&self) -> Option<(&Scope, RestoreProgress)> {
        match &self.download.job {
            Job::Session { asked, .. } => Some((&asked.scope, RestoreProgress::default())),
            Job::Stream { asked, restore, .. } => Some((&asked.scope, restore.progress())),
            Job::Idle | Job::Handing { .. } => None,
        }
    }

    /// How far the upload is; nothing if there is no backup to upload to.
    #[must_use]
    pub fn uploading(&self) -> Option<UploadProgress> {
        self.state.in_use().map(InUse::progress)
    }

    /// The host has worked on a delivery.
    pub fn ack(&mut self, id: TaskId) {
        self.office.desk.told.remove(&id);
        if self.office.desk.imports.remove(&id) {
            self.download.finish(&mut self.office);
        }
    }

    /// The sessions that have come since the last time, without the steps that are due before them: for a host that takes
    /// them between two [pieces](Self::part) of a response. Each batch is as that of [`Next::Import`], and is
    /// [acknowledged](Self::ack) in the same way.
    #[must_use]
    pub fn take_imports(&mut self) -> Vec<(TaskId, BackupVersion, Vec<RestoredSession>)> {
        let (mut imports, mut others) = (Vec::new(), Vec::new());
        for next in self.office.desk.deliveries.drain(..) {
            match next {
                Next::Import(id, version, sessions) => imports.push((id, version, sessions)),
                other => others.push(other),
            }
        }
        self.office.desk.deliveries.extend(others);
        imports
    }

    /// Does what follows from one part of the machine for others.
    pub(super) fn apply_effects(&mut self) {
        let effects = mem::take(&mut self.office.effects);
        effects.into_iter().for_each(|effect| self.apply(effect));
    }

    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Look => {
                self.look.is_current &= self.stage() != Stage::Disabling;
                self.look_again();
            }
            Effect::LookSoon => {
                let due = self.look.found_at_ms.saturating_add(LOOK_PAUSE_MS);
                self.look.due_ms = self.look.due_ms.min(due.max(self.office.courier.now()));
            }
            Effect::Gone => {
                if let Some(making) = self.state.making_mut() {
                    // What a new backup replaces is not what it was.
                    (making.old, self.look.is_done) = (None, false);
                    self.look_again();
                }
                self.turn(Event::Gone);
            }
            Effect::Etag(etag) => self.download.etag_is(etag.as_deref()),
            Effect::Seen(version, sessions) => {
                let limit = self.office.options.seen_sessions;
                if let Some(in_use) = self.state.in_use_mut()
                    && *in_use.version() == version
                {
                    sessions.into_iter().for_each(|seen| in_use.seen.add(seen, limit));
                }
            }
        }
    }

    fn read<T>(&mut self, call: &api::Request<T>, answer: &Answer) -> Result<T, Failure> {
        let now_ms = self.office.courier.host_now_ms();
        self.office.courier.read(call, answer, now_ms, &self.office.limits)
    }
}

/// How long the version is not looked at again for each session that is missing.
const LOOK_PAUSE_MS: u64 = 5_000;
