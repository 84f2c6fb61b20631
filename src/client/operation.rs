//! Requests on their way to the homeserver.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::{Request, Response};
use thiserror::Error;

use super::call::Call;
use crate::{
    api::{AccessToken, BaseUrl, RequestError},
    backup::TrustError,
    randomness::NoRandomness,
};

/// The number of what a host is given to do: of a request, a delivery, a question or something to be signed. It is unique for
/// one machine or flow since it was made or restored. A delivery is given when the host has worked on the one before, so that
/// memory is bounded by what the host takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(super) u64);

/// A request for the host to send. However it ends, whoever gave it is told by its `answer`. One that is dropped before
/// [`Operation::to_http`] was called counts as one without an answer.
#[derive(Debug, Clone)]
pub struct Operation {
    id: TaskId,
    letter: Arc<Letter>,
}

/// What came back for a request; if nothing did, nobody knows whether it arrived.
pub(super) type Answer = Option<Response<Vec<u8>>>;

/// Why a machine or a flow does not take what it is told, or is not driven on. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Nobody waits for it: it was answered, made before a restart, or things have changed meanwhile.
    #[error("nobody waits for this any more")]
    NotAwaited,
    /// There are too many signatures. A device and the user have two keys that sign; give those.
    #[error("{MAX_SIGNATURES} signatures are taken at most, and there are {found}")]
    TooManySignatures {
        /// How many there are.
        found: usize,
    },
    /// It is no reply to this question.
    #[error("this is no answer to the question")]
    OtherQuestion,
    /// The backup is not trusted.
    #[error("the backup is not used: {0}")]
    NotTrusted(TrustError),
    /// There is no backup to use.
    #[error("there is no backup to use")]
    NoBackup,
    /// What was read back from the secret storage is not what was to be written.
    #[error("the key storage does not hold what was to be written to it")]
    SecretNotRead,
    /// There is no randomness for what would come next.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl From<TrustError> for AnswerError {
    fn from(error: TrustError) -> Self {
        Self::NotTrusted(error)
    }
}

/// What is sent, shared by the host and by whoever waits for the answer.
#[derive(Debug)]
pub(super) struct Letter {
    call: Call,
    is_read: AtomicBool,
}

impl Letter {
    pub(super) fn call(&self) -> &Call {
        &self.call
    }

    /// Whether the host has made a request of it.
    pub(super) fn is_read(&self) -> bool {
        self.is_read.load(Ordering::Relaxed)
    }
}

impl Operation {
    pub(super) fn new(id: TaskId, call: Call) -> Self {
        Self { id, letter: Arc::new(Letter { call, is_read: AtomicBool::new(false) }) }
    }

    pub(super) fn letter(&self) -> &Arc<Letter> {
        &self.letter
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The request. It may be sent again as it is.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the token or an ID cannot stand in a request.
    pub fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Request<Vec<u8>>, RequestError> {
        self.letter.is_read.store(true, Ordering::Relaxed);
        self.letter.call.to_http(base_url, token)
    }

    /// Whether the response may be large: give its bytes to `part` of whoever gave it as they arrive, as
    /// [`Backup::part`](super::Backup::part), if its status is one of success.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.letter.call.is_streamed()
    }
}

/// More keys than sign anything: those of the device and of the user.
pub(super) const MAX_SIGNATURES: usize = 8;
