//! What a request can be, and what becomes of it: the whole table, and nothing but the table.

use super::outcome::RequesterError;

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
) -> Result<Option<RequestState>, RequesterError> {
    use RequestState::{Cancelled, Expired, Open, Received, Stored};
    let next = match (state, event) {
        (None, Event::Open) => Open,
        (None, _) => return Err(RequesterError::Unknown),
        (Some(Open), Event::Retry | Event::Answer) => Open,
        (Some(Open), Event::Open) => return Err(RequesterError::AlreadyOpen),
        (Some(Open), Event::Accept) => Received,
        (Some(Open), Event::Stored) => return Err(RequesterError::NotReceived),
        (Some(Open), Event::Cancel) => Cancelled,
        (Some(Open), Event::Expire) => Expired,
        (Some(Received), Event::Stored) => Stored,
        (Some(Received), Event::Expire) => Received,
        (Some(Received), _) => return Err(RequesterError::AlreadyReceived),
        (Some(Stored | Cancelled | Expired), Event::Expire) => return Ok(None),
        (Some(Stored), _) => return Err(RequesterError::AlreadyStored),
        (Some(Cancelled), _) => return Err(RequesterError::Cancelled),
        (Some(Expired), _) => return Err(RequesterError::Expired),
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
