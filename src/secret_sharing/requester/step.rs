//! What a request can be, and what becomes of it: the whole table, and nothing but the table.

use thiserror::Error;

/// Where a request for a secret stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestState {
    /// Devices were asked, and an answer is welcome.
    Open,
    /// A secret was accepted, which the host has not stored yet. Nothing else is.
    Received,
    /// The host stored the secret. A request that is over is remembered for a while, so that a late answer has a name.
    Stored,
    /// The host cancelled it.
    Cancelled,
    /// Nobody sent an acceptable answer in time.
    Expired,
}

/// Why a request is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ClosedBy {
    /// The host stored the secret.
    Stored,
    /// The host cancelled it.
    Cancelled,
    /// Nobody sent an acceptable answer in time.
    Expired,
}

/// Why something is not possible as a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum RequestStateError {
    /// There is no such request, or it was forgotten.
    #[error("there is no such request for a secret")]
    Unknown,
    /// A secret was accepted already.
    #[error("the request for a secret has been answered")]
    AlreadyReceived,
    /// There is one of this ID.
    #[error("there is a request for a secret with this ID already")]
    AlreadyOpen,
    /// No secret was accepted yet.
    #[error("the request for a secret has not been answered")]
    NotReceived,
    /// The secret was stored.
    #[error("the request for a secret was answered, and the secret stored")]
    AlreadyStored,
    /// The request was cancelled.
    #[error("the request for a secret was cancelled")]
    Cancelled,
    /// The request expired.
    #[error("the request for a secret has expired")]
    Expired,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// The host opens it.
    Open,
    /// The host asks again.
    Retry,
    /// An answer came, whatever it is worth.
    Answer,
    /// An answer is accepted.
    Accept,
    /// The host has stored the secret.
    Stored,
    /// The host takes it back.
    Cancel,
    /// Its time is over; for what is closed, the time in which it is remembered.
    Expire,
}

/// The state after an event; `None` is a request that is not known.
pub(super) fn step(
    state: Option<RequestState>,
    event: Event,
) -> Result<Option<RequestState>, RequestStateError> {
    use RequestState::{Cancelled, Expired, Open, Received, Stored};
    let next = match (state, event) {
        (None, Event::Open) => Open,
        (None, _) => return Err(RequestStateError::Unknown),
        (Some(Open), Event::Retry | Event::Answer) => Open,
        (Some(Open), Event::Open) => return Err(RequestStateError::AlreadyOpen),
        (Some(Open), Event::Accept) => Received,
        (Some(Open), Event::Stored) => return Err(RequestStateError::NotReceived),
        (Some(Open), Event::Cancel) => Cancelled,
        (Some(Open), Event::Expire) => Expired,
        (Some(Received), Event::Stored) => Stored,
        (Some(Received), Event::Expire) => Received,
        (Some(Received), _) => return Err(RequestStateError::AlreadyReceived),
        (Some(Stored | Cancelled | Expired), Event::Expire) => return Ok(None),
        (Some(Stored), _) => return Err(RequestStateError::AlreadyStored),
        (Some(Cancelled), _) => return Err(RequestStateError::Cancelled),
        (Some(Expired), _) => return Err(RequestStateError::Expired),
    };
    Ok(Some(next))
}

impl From<ClosedBy> for RequestState {
    fn from(by: ClosedBy) -> Self {
        match by {
            ClosedBy::Stored => Self::Stored,
            ClosedBy::Cancelled => Self::Cancelled,
            ClosedBy::Expired => Self::Expired,
        }
    }
}
