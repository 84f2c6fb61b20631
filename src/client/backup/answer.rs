//! What became of a request.

use http::Response;

use super::{Backup, Call, Next, NoAnswer, OperationId, RequestKind, UnknownOperation};
use crate::{api::Endpoint, client::failure::Failure};

impl Backup {
    /// The host has sent a request, and this came back. Of a streamed response, the body holds what was not given
    /// to [`Backup::part`].
    ///
    /// # Errors
    ///
    /// [`UnknownOperation`] if no such request is awaited. Nothing has changed then.
    pub fn answer(
        &mut self,
        id: OperationId,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Result<(), UnknownOperation> {
        let now = self.courier.advance(now_ms);
        let letter = self.courier.take(id, false, &answer).ok_or(UnknownOperation)?;
        match letter.call() {
            Call::Upload(version, call) => {
                let stored = self.courier.read(call, &answer, now_ms, &self.limits);
                self.uploaded(version, stored);
            }
            Call::Look(call) => {
                let seen = self.courier.read(call, &answer, now_ms, &self.limits);
                self.looked(seen);
            }
            Call::Session(version, call) => {
                let session = self.courier.read(call, &answer, now_ms, &self.limits);
                self.session_came(version, session, now);
            }
            Call::Room(version, call) => {
                let failure = self.failure(call, &answer, now_ms);
                self.stream_came(version, failure, answer, now);
            }
            Call::Everything(version, call) => {
                let failure = self.failure(call, &answer, now_ms);
                self.stream_came(version, failure, answer, now);
            }
            call => self.account_answered(id, call, &answer, now_ms),
        }
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
        let now = self.courier.now();
        match call {
            Call::Current(call) => {
                let found = self.courier.read(call, answer, now_ms, &self.limits);
                self.looked_at(id, found, now);
            }
            Call::Create(call) => {
                let created = self.courier.read(call, answer, now_ms, &self.limits);
                self.created(created, now);
            }
            Call::Delete(call) => match self.courier.read(call, answer, now_ms, &self.limits) {
                // Whether it is gone is seen by looking.
                Ok(()) | Err(Failure::NotFound) => self.look_due_ms = now,
                Err(failure) => {
                    self.version_failed(RequestKind::DeleteVersion, &failure);
                    if let Failure::Refused(error) = failure {
                        self.deliver(Next::NotDeleted(error));
                    }
                }
            },
            Call::Preference(call) => {
                let read = self.courier.read(call, answer, now_ms, &self.limits);
                self.preference_read(read);
            }
            Call::SetPreference(call) => {
                let written = self.courier.read(call, answer, now_ms, &self.limits);
                self.preference_written(written);
            }
            _ => {}
        }
    }

    /// Why a response has no stream to read, if so.
    fn failure<E: Endpoint>(
        &mut self,
        call: &E,
        answer: &Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Option<Failure> {
        match answer {
            Err(NoAnswer) => Some(self.courier.lost()),
            Ok(response) if response.status().is_success() => None,
            Ok(response) => {
                let error = call.read_response(response, &self.limits).err()?;
                Some(self.courier.blame(error, now_ms))
            }
        }
    }
}
