//! What comes out of the responder.

use thiserror::Error;

use crate::{
    encoding::format::FormatError,
    ids::{RequestId, SecretName},
    secret_sharing::own_devices::{DeviceIdentity, DeviceProblem},
};

/// What to do about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Share the secret: find an Olm session with the device, then
    /// [`Responder::take`](super::Responder::take).
    Share(IncomingRequest),
    /// Ask the user, then [`Responder::allow`](super::Responder::allow) or
    /// [`Responder::refuse`](super::Responder::refuse).
    AskUser(IncomingRequest),
    /// The device took the request back: take the question from the screen, if there is one.
    Withdraw(IncomingRequest),
    /// Do nothing.
    Ignore(ResponderError),
}

/// A request of a device that may have secrets: the facts for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncomingRequest {
    /// The device that would get the secret. That it is the one that asks, nobody vouches for.
    pub device: DeviceIdentity,
    /// The request, by the device's own count.
    pub request_id: RequestId,
    /// The secret that is asked for.
    pub name: SecretName,
}

/// Why nothing is done about a request, or its secret is not shared after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResponderError {
    /// The devices that the host gave are of another account, or this device is another one.
    #[error("the list of devices is that of another account or device")]
    OtherAccount,
    /// It is an event of another type.
    #[error("the event does not ask for a secret")]
    OtherType,
    /// It cannot be read.
    #[error(transparent)]
    Content(FormatError),
    /// It wants something that this version does not know.
    #[error("the event wants something unknown")]
    UnknownAction,
    /// Another user asks.
    #[error("another user asks for the secret")]
    OtherUser,
    /// The device is not one that gets secrets, or not any more.
    #[error("no secret is shared with the device: {0}")]
    Device(DeviceProblem),
    /// The policy has no such name, or forbids it, by now.
    #[error("secrets of this name are not shared")]
    NotShared,
    /// The device has asked too often.
    #[error("the device has asked too often lately")]
    TooManyRequests,
    /// There is a request of the same ID for another secret.
    #[error("there is a request of the same ID for another secret")]
    OtherName,
    /// There is no such request, or it was forgotten.
    #[error("there is no such request of the device")]
    Unknown,
    /// The user is asked already.
    #[error("the user has not answered the question yet")]
    Asking,
    /// It was answered.
    #[error("the request was answered already")]
    AlreadyAnswered,
    /// It was refused.
    #[error("the request was refused")]
    Refused,
    /// The device took it back.
    #[error("the request was cancelled by the device that asked")]
    Cancelled,
    /// The user's master key has changed since the request.
    #[error("the user's identity was reset since the device asked")]
    IdentityChanged,
    /// The secret has another name than the one that was asked for.
    #[error("the secret is another one than the device asked for")]
    OtherSecret,
    /// Nobody vouches for the secret, and the device that gets it would take it on this one's word.
    #[error(
        "nothing shows that the secret is yours: the homeserver could have put it where it comes from"
    )]
    Unauthenticated,
    /// Only the device that has shared the secret vouches for it, which ends when that device is blocked. It can share
    /// the secret itself; what belongs to a public key that is the user's for sure can be
    /// [vouched for](crate::secret_storage::VerifiedPublicKeys::vouch).
    #[error(
        "only another of your devices shows that the secret is yours: that device has to share it itself"
    )]
    OnlyDevice,
    /// What the host calls encrypted is not an Olm message from this device to that one alone.
    #[error("what should be encrypted for the device is not")]
    NotEncrypted,
}
