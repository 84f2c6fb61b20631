//! What a request can be for the device that answers, and what becomes of it: the whole table.

use super::outcome::ResponderError;

/// Where a request of another device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerState {
    /// The user is asked.
    Asking,
    /// The secret may be shared, and was not yet.
    Allowed,
    /// The secret was encrypted for the device.
    Answered,
    /// The user said no, or there is no such secret.
    Refused,
    /// The device took it back, maybe before it came.
    Cancelled,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// It comes, and the policy is to share.
    ComesToShare,
    /// It comes, and the policy is to ask.
    ComesToAsk,
    /// Its cancellation comes.
    Cancellation,
    /// The user says yes.
    Allow,
    /// The user says no, or there is no such secret.
    Refuse,
    /// The host takes the secret to encrypt it.
    Take,
    /// The host has encrypted it.
    Encrypted,
    /// There is no Olm session with the device, and no one-time key for a new one.
    NoSession,
    /// Its time is over, or that in which it is remembered.
    Expire,
}

/// The state after an event; `None` is a request that is not known.
pub(super) fn step(
    state: Option<AnswerState>,
    event: Event,
) -> Result<Option<AnswerState>, ResponderError> {
    use AnswerState::{Allowed, Answered, Asking, Cancelled, Refused};
    let next = match (state, event) {
        (_, Event::Expire) => return Ok(None),
        (None, Event::ComesToShare) => Allowed,
        (None, Event::ComesToAsk) => Asking,
        // It may have overtaken its request.
        (None, Event::Cancellation) => Cancelled,
        (None, _) => return Err(ResponderError::Unknown),
        (Some(Asking), Event::Allow) => Allowed,
        (Some(Asking | Allowed), Event::Refuse) => Refused,
        (Some(Asking | Allowed | Refused | Cancelled), Event::Cancellation) => Cancelled,
        (Some(Asking), _) => return Err(ResponderError::Asking),
        (Some(Allowed), Event::Encrypted) => Answered,
        (Some(Allowed), _) => Allowed,
        (Some(Answered), _) => return Err(ResponderError::AlreadyAnswered),
        (Some(Refused), _) => return Err(ResponderError::Refused),
        (Some(Cancelled), _) => return Err(ResponderError::Cancelled),
    };
    Ok(Some(next))
}
