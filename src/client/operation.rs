//! Requests on their way to the homeserver.

use std::{fmt, sync::Arc};

use http::Request;
use thiserror::Error;

use crate::api::{AccessToken, BaseUrl, RequestError};

/// The number of a request, unique for one machine or flow since it was made or restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub(super) u64);

/// A request for the host to send. However it ends, whoever gave it is told by its `answer`.
#[derive(Debug, Clone)]
pub struct Operation {
    id: OperationId,
    request: Arc<dyn Sendable>,
}

/// The request got no answer: nobody knows whether it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the request got no answer")]
pub struct NoAnswer;

/// No request of this number is awaited: it was answered, or made before a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no request of this number is awaited")]
pub struct UnknownOperation;

/// What becomes a request.
pub(super) trait Sendable: fmt::Debug + Send + Sync {
    fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Request<Vec<u8>>, RequestError>;

    /// Whether the response may be large.
    fn is_streamed(&self) -> bool {
        false
    }
}

impl Operation {
    pub(super) fn new(id: OperationId, request: impl Sendable + 'static) -> Self {
        Self { id, request: Arc::new(request) }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> OperationId {
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
        self.request.to_http(base_url, token)
    }

    /// Whether the response may be large: give its bytes to `part` of whoever gave it as they arrive, as
    /// [`Backup::part`](super::Backup::part), if its status is one of success.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.request.is_streamed()
    }
}
