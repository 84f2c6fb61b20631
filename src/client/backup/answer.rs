//! What became of a request.

use http::Response;

use super::{Backup, Call, Next, NoAnswer, OperationId, UnknownOperation};
use crate::{
    api::{ApiError, Endpoint},
    client::failure::Failure,
};

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
        let now = self.clock.advance(now_ms);
        let call = self.in_flight.remove(&id).ok_or(UnknownOperation)?;
        self.is_of_old_token = id.0 <= self.last_id_of_old_token;
        self.heard += u64::from(answer.is_ok());
        match call {
            Call::Current(_)
            | Call::Create(_)
            | Call::Delete(_)
            | Call::Preference(_)
            | Call::SetPreference(_) => self.account_answered(id, call, answer, now_ms),
            Call::Upload(version, call) => {
                let stored = self.read(&call, answer, now_ms);
                self.uploaded(&version, stored, now);
            }
            Call::Look(call) => {
                let seen = self.read(&call, answer, now_ms);
                self.looked(seen, now);
            }
            Call::Session(version, call) => {
                let session = self.read(&call, answer, now_ms);
                self.session_came(&version, session, now);
            }
            Call::Room(version, call) => {
                let failure = self.failure(&call, &answer, now_ms);
                self.stream_came(&version, failure, answer, now);
            }
            Call::Everything(version, call) => {
                let failure = self.failure(&call, &answer, now_ms);
                self.stream_came(&version, failure, answer, now);
            }
        }
        Ok(())
    }

    /// What is about the backup as a whole.
    fn account_answered(
        &mut self,
        id: OperationId,
        call: Call,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) {
        let now = self.clock.elapsed_ms();
        match call {
            Call::Current(call) => {
                let found = self.read(&call, answer, now_ms);
                self.looked_at(id, found, now);
            }
            Call::Create(call) => {
                let created = self.read(&call, answer, now_ms);
                self.created(created, now);
            }
            Call::Delete(call) => match self.read(&call, answer, now_ms) {
                // Whether it is gone is seen by looking.
                Ok(()) | Err(Failure::NotFound) => self.version.answered(now),
                Err(failure) => {
                    self.version_failed(&failure, now);
                    if let Failure::Refused(error) = failure {
                        self.deliver(Next::NotDeleted(error));
                    }
                }
            },
            Call::Preference(call) => {
                let read = self.read(&call, answer, now_ms);
                self.preference_read(read, now);
            }
            Call::SetPreference(call) => {
                let written = self.read(&call, answer, now_ms);
                self.preference_written(written, now);
            }
            _ => {}
        }
    }

    fn read<E: Endpoint>(
        &mut self,
        call: &E,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Result<E::Response, Failure> {
        let response = answer.map_err(|NoAnswer| Failure::NoAnswer)?;
        let read = call.read_response(&response, &self.limits);
        read.map_err(|error| self.blame(error, now_ms))
    }

    /// Why a response has no stream to read, if so.
    fn failure<E: Endpoint>(
        &mut self,
        call: &E,
        answer: &Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Option<Failure> {
        match answer {
            Err(NoAnswer) => Some(Failure::NoAnswer),
            Ok(response) if response.status().is_success() => None,
            Ok(response) => {
                let error = call.read_response(response, &self.limits).err()?;
                Some(self.blame(error, now_ms))
            }
        }
    }

    /// What everything else has to obey.
    fn blame(&mut self, error: ApiError, now_ms: u64) -> Failure {
        let failure = Failure::new(error, now_ms);
        match failure {
            Failure::Unauthorized => self.is_paused |= !self.is_of_old_token,
            Failure::RateLimited { wait_ms } => {
                let until = self.clock.elapsed_ms().saturating_add(wait_ms);
                self.not_before_ms = self.not_before_ms.max(until);
            }
            _ => {}
        }
        failure
    }
}
