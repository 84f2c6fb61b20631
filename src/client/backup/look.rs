//! Whether the current backup can be seen.

use super::{Backup, RequestKind, Stage, blame::FAILURES};
use crate::{
    api::ApiError,
    client::{courier::PATIENCE, failure::Failure, waiting::RequestFailure},
};

/// Whether the server was asked which backup there is.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Whether it was since the machine was made or restored.
    pub(super) is_done: bool,
    /// Whether it is to be asked although the user wants no backup.
    pub(super) is_wanted: bool,
    /// The last request that was sent before that: what it brings may be older than the wish.
    pub(super) since: u64,
    /// Why it does not say, if it refuses to or has failed on it for some time.
    pub(super) failure: Option<RequestFailure>,
}

impl Backup {
    /// Why the homeserver does not say which backup is the current one, if it refuses to, as one that has no backups at
    /// all; if it has failed on it five times in a row; or if it could not be reached for about an hour. It is asked again, each time
    /// later.
    #[must_use]
    pub fn look_failure(&self) -> Option<&RequestFailure> {
        self.look.failure.as_ref()
    }

    /// The server does not say which backup is the current one.
    pub(super) fn not_seen(&mut self, failure: &Failure) {
        let answers = self.courier.answers(RequestKind::FindVersion);
        let failures = self.courier.failures(RequestKind::FindVersion);
        let is_hopeless = match failure {
            Failure::Refused(_) | Failure::TooLarge => true,
            Failure::Later { .. } | Failure::NotFound | Failure::OtherVersion => {
                answers >= FAILURES
            }
            Failure::NoAnswer => failures >= PATIENCE,
            Failure::Unauthorized | Failure::RateLimited { .. } => false,
        };
        if is_hopeless {
            self.look.failure = self.courier.last_error(RequestKind::FindVersion).cloned();
        }
        if self.kept.stage == Stage::Confirming && self.unseen().is_some() {
            self.confirm_unseen();
        }
    }

    /// Why nobody can see the current backup, if that has been so for long, or there is something that is none.
    pub(super) fn unseen(&self) -> Option<&ApiError> {
        let Some(RequestFailure::Api(error)) = &self.look.failure else { return None };
        let is_unusable = matches!(error, ApiError::Response(_) | ApiError::TooLarge { .. });
        let is_lasting = self.courier.is_failing(RequestKind::FindVersion);
        (is_unusable || is_lasting).then_some(error)
    }
}
