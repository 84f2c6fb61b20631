//! What comes out of the requester.

use thiserror::Error;

use crate::{
    encoding::{format::FormatError, read::Read},
    ids::{DeviceId, RequestId, SecretName},
    randomness::NoRandomness,
    secret_sharing::{
        outgoing::OutgoingRequest,
        own_devices::{DeviceIdentity, DeviceProblem},
    },
    secret_value::{SecretCheckError, SecretRepair, SecretValue, backup_key::BackupDecryptionKey},
};

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receipt {
    /// It is the secret. The request is over for everybody.
    Accepted(Box<AcceptedSecret>),
    /// It may be the secret. It is kept until its public key is known.
    Kept {
        /// The request that it answers.
        request_id: RequestId,
        /// The device that sent it.
        device_id: DeviceId,
    },
    /// It is not taken, and its secret is wiped.
    Dropped(DroppedAnswer),
}

/// A secret that a trusted device sent because it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedSecret {
    /// The request.
    pub request_id: RequestId,
    /// The name that was asked for.
    pub name: SecretName,
    /// The secret. It stays with the requester until
    /// [`Requester::stored`](super::Requester::stored) says that it is safe.
    pub secret: Read<SecretValue, SecretRepair>,
    /// Whether it belongs to its public key; `false` if there is none to compare with.
    pub belongs_to_public_key: bool,
    /// Who sent it.
    pub from: DeviceIdentity,
    /// To be sent to the other devices that were asked; `None` if there are none.
    pub cancellation: Option<OutgoingRequest>,
    /// Answers that were kept and are not needed any more.
    pub dropped: Vec<DroppedAnswer>,
}

impl AcceptedSecret {
    /// The decryption key of a backup, if it is one. It counts for as long as the device counts that sent it.
    #[must_use]
    pub fn backup_key(&self) -> Option<BackupDecryptionKey> {
        self.secret.value.backup_key()
    }
}

/// A request that ended without a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndedRequest {
    /// The request.
    pub request_id: RequestId,
    /// The name that was asked for.
    pub name: SecretName,
    /// To be sent to the devices that were asked; `None` if there are none.
    pub cancellation: Option<OutgoingRequest>,
    /// Answers that were kept, none of which was proven.
    pub dropped: Vec<DroppedAnswer>,
}

/// An answer that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DroppedAnswer {
    /// Why.
    pub reason: RequesterError,
    /// The user's device that sent it, if it is one.
    pub device_id: Option<DeviceId>,
    /// The request that it answers, if there is one.
    pub request_id: Option<RequestId>,
}

/// Why the requester does not do what the host wants, or does not take what a device sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequesterError {
    /// The operating system has no randomness for an ID.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The devices that the host gave are of another account, or this device is another one.
    #[error("the list of devices is that of another account or device")]
    OtherAccount,
    /// It is the name of an algorithm, under which no client has a secret.
    #[error("\u{201c}{0}\u{201d} is the name of an algorithm, and no secret")]
    NotASecret(SecretName),
    /// The user has no other device that can be trusted.
    #[error("there is no other verified device to ask")]
    NobodyToAsk,
    /// A device that was named cannot be asked, or its answer not taken.
    #[error("the device {device_id} is not asked: {problem}")]
    Device {
        /// The device.
        device_id: DeviceId,
        /// Why not.
        problem: DeviceProblem,
    },
    /// The user's master key has changed since the question: cancel it, and ask anew.
    #[error("the user's identity was reset since the secret was asked for")]
    IdentityChanged,
    /// No answer of this device is kept.
    #[error("no answer of this device is kept")]
    NoCandidate,
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
    /// Another user sent it.
    #[error("another user sent the secret")]
    OtherUser,
    /// The device that sent it is not one to be believed.
    #[error("the secret is not taken from its sender: {0}")]
    Sender(DeviceProblem),
    /// It cannot be read.
    #[error(transparent)]
    Content(FormatError),
    /// The decrypted message names another sender than the event around it: somebody passes on what was not meant for us.
    #[error("the decrypted message names another sender")]
    OtherSender,
    /// The decrypted message was written for another user.
    #[error("the decrypted message was meant for another user")]
    OtherRecipient,
    /// The decrypted message was written for another device.
    #[error("the decrypted message was meant for another device")]
    OtherRecipientKey,
    /// The device was not asked, or it was another one of the same ID.
    #[error("the device that sent the secret was not asked for it")]
    NotAsked,
    /// It does not have the shape that its name asks for.
    #[error(transparent)]
    Shape(FormatError),
    /// It belongs to another public key.
    #[error("the secret is not the one that was asked for: {0}")]
    PublicKey(SecretCheckError),
    /// The device sent the same before.
    #[error("the device sent the same secret again")]
    Duplicate,
    /// The device has sent several that nobody could tell apart yet.
    #[error("the device sent too many different secrets")]
    TooMany,
    /// Another answer was accepted, or the request ended.
    #[error("the request ended without this answer")]
    NotNeeded,
}
