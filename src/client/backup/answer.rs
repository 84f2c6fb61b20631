//! What became of a request.

use std::mem;

use http::Response;

use super::{
    AnswerError, Backup, Call, HostToken, NoAnswer, OperationId, RequestKind, office::Effect,
    stage::Event,
};
use crate::{
    api::{Endpoint, StoredRoomKeys},
    client::failure::Failure,
    ids::BackupVersion,
};

impl Backup {
    /// A piece of a [streamed](super::Operation::is_streamed) response has arrived whose status is one of success.
    /// When it has ended, [`Backup::answer`] is given the rest, or an empty body. Memory stays small if
    /// [`Next::Import`] is worked on between the pieces.
    ///
    /// # Errors
    ///
    /// [`AnswerError::NotAwaited`] if no such response is awaited.
    pub fn part(&mut self, id: OperationId, bytes: &[u8]) -> Result<(), AnswerError> {
        let version = match self.office.courier.get(id) {
            Some(Call::Room(version, _) | Call::Everything(version, _)) => version.clone(),
            _ => return Err(AnswerError::NotAwaited),
        };
        self.download.part(&mut self.office, &version, bytes);
        self.apply_effects();
        Ok(())
    }

    /// The host has sent a request, and this came back. Of a streamed response, the body holds what was not given
    /// to [`Backup::part`].
    ///
    /// # Errors
    ///
    /// [`AnswerError::NotAwaited`] if no such request is awaited. Nothing has changed then.
    pub fn answer(
        &mut self,
        id: OperationId,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Result<(), AnswerError> {
        self.office.courier.advance(now_ms);
        let letter = self.office.courier.take(id, false, &answer).ok_or(AnswerError::NotAwaited)?;
        match letter.call() {
            Call::Upload(version, call, tokens) => {
                let stored = self.read(call, &answer, now_ms);
                let count = stored.as_ref().ok().and_then(|stored| stored.count);
                self.uploaded(version, stored, tokens);
                self.count_is(id, version, count);
            }
            Call::Look(call) => {
                let seen = self.read(call, &answer, now_ms);
                if let Some(in_use) = self.state.in_use_mut() {
                    in_use.looked(&mut self.office, seen);
                }
            }
            Call::Session(version, call) => {
                let session = self.read(call, &answer, now_ms);
                self.download.session_came(&mut self.office, version, session);
            }
            Call::Room(version, call) => {
                let failure = self.failure(call, &answer, now_ms);
                self.download.stream_came(&mut self.office, version, failure, answer);
            }
            Call::Everything(version, call) => {
                let failure = self.failure(call, &answer, now_ms);
                self.download.stream_came(&mut self.office, version, failure, answer);
            }
            call => self.account_answered(id, call, &answer, now_ms),
        }
        self.apply_effects();
        Ok(())
    }

    /// What is about the backup as a whole.
    fn account_answered(
        &mut self,
        id: OperationId,
        call: &Call,
        answer: &Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) {
        let now = self.office.courier.now();
        match call {
            Call::Current(call) => {
                let found = self.read(call, answer, now_ms);
                self.looked_at(id, found, now);
            }
            Call::Create(call) => {
                let created = self.read(call, answer, now_ms);
                self.created(created, now);
            }
            // Whether it is gone is seen by looking.
            Call::Delete(call) => match self.read(call, answer, now_ms) {
                Ok(()) => self.look.due_ms = now,
                Err(failure) => {
                    self.version_failed(RequestKind::DeleteVersion, &failure);
                    self.state.disabling_mut().into_iter().for_each(|it| it.attempted = None);
                }
            },
            Call::Preference(call) => {
                let read = self.read(call, answer, now_ms);
                self.preference.was_read(&mut self.office, read);
            }
            Call::SetPreference(call) => {
                let written = self.read(call, answer, now_ms);
                self.preference.was_written(&mut self.office, written);
            }
            _ => {}
        }
    }

    /// The server has answered an upload. To a version that is not in use any more, it is reported all the same.
    fn uploaded(
        &mut self,
        version: &BackupVersion,
        stored: Result<StoredRoomKeys, Failure>,
        tokens: &[HostToken],
    ) {
        let in_use = self.state.in_use_mut().filter(|in_use| in_use.version() == version);
        match (in_use, stored) {
            (Some(in_use), stored) => {
                in_use.uploaded(&mut self.office, stored, tokens);
            }
            (None, Ok(_)) => {
                self.office.courier.succeeded(RequestKind::Upload);
                self.office.deliver_stored(version, tokens.to_vec());
            }
            (None, Err(failure)) => {
                self.office.courier.failed(RequestKind::Upload, failure.wait_ms());
            }
        }
    }

    /// Does what follows from one part of the machine for others.
    pub(super) fn apply_effects(&mut self) {
        let effects = mem::take(&mut self.office.effects);
        effects.into_iter().for_each(|effect| self.apply(effect));
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Look => {
                self.state.disabling_mut().into_iter().for_each(|it| it.is_current = false);
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

    fn read<E: Endpoint>(
        &mut self,
        call: &E,
        answer: &Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Result<E::Response, Failure> {
        self.office.courier.read(call, answer, now_ms, &self.office.limits)
    }

    /// Why a response has no stream to read, if so.
    fn failure<E: Endpoint>(
        &mut self,
        call: &E,
        answer: &Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Option<Failure> {
        match answer {
            Err(NoAnswer) => Some(self.office.courier.lost()),
            Ok(response) if response.status().is_success() => None,
            Ok(response) => {
                let error = call.read_response(response, &self.office.limits).err()?;
                Some(self.office.courier.blame(error, now_ms))
            }
        }
    }
}

/// How long the version is not looked at again for each session that is missing.
const LOOK_PAUSE_MS: u64 = 5_000;
