//! Why nothing is done with a digital identity.

use thiserror::Error;

use super::list;
use crate::{
    excerpt::Excerpt, ids::SecretName, randomness::NoRandomness, signed_json::CrossSigningUsage,
};

/// Why an account gets no new identity, no seed becomes the self-signing key, or a device is not signed or its signature of
/// the master key not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CrossSigningError {
    /// The homeserver publishes a cross-signing key of the user, which may be unusable.
    #[error("the user has a digital identity already: the homeserver publishes a key of it")]
    Published,
    /// The homeserver could not ask the user's server, so the user may have keys all the same.
    #[error("the homeserver could not find out whether the user has a digital identity")]
    NotAnswered,
    /// The secret storage has a cross-signing key of the user, published or not.
    #[error("the user's key storage holds a key of a digital identity: {0}")]
    Stored(SecretName),
    /// There is no randomness to draw keys from.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// What was given as the published keys are not a master key and another key, which is the self-signing key of the same
    /// user.
    #[error("the published keys are not the master key and the self-signing key of one user")]
    NotOneIdentity,
    /// A published key has other members than a cross-signing key, or they have other values: these.
    #[error(
        "the published {} key is not as the specification has it: {}",
        .usage.as_str(),
        list(.members)
    )]
    Members {
        /// Which of the two keys.
        usage: CrossSigningUsage,
        /// The names of the members, three at most.
        members: Vec<Excerpt>,
    },
    /// The published master key is not the pinned one.
    #[error(
        "the homeserver publishes another master key than the one that was verified before: the digital identity was \
         reset, or the homeserver is not to be trusted"
    )]
    OtherMasterKey,
    /// The host has pinned no master key, and none of the secrets is a master seed whose source is authentic whatever becomes
    /// of the user's devices.
    #[error(
        "only the homeserver says which master key is the user's: compare its fingerprint, or enter the recovery key of \
         a key storage that holds it"
    )]
    MasterKeyNotVerified,
    /// No authentic master seed belongs to the published master key.
    #[error("the stored master key does not belong to the one that the homeserver publishes")]
    OtherMasterSeed,
    /// The master key did not sign the published self-signing key.
    #[error("the master key has not signed the self-signing key that the homeserver publishes")]
    NotSignedByMaster,
    /// None of the secrets is the self-signing seed.
    #[error("the private part of the self-signing key is not at hand")]
    NoSeed,
    /// Anybody could have put the seed where it was found.
    #[error(
        "others could have put the self-signing key where it was found, so nothing is signed with it"
    )]
    Unauthenticated,
    /// No authentic self-signing seed belongs to the published self-signing key.
    #[error("the stored self-signing key does not belong to the one that the homeserver publishes")]
    OtherSeed,
    /// The device is not one of the user whose self-signing key it is.
    #[error("the device belongs to another user")]
    OtherUser,
    /// The published keys are those of another device.
    #[error("the published keys are those of another device")]
    OtherDevice,
    /// The device ID could be the name of a cross-signing key: it is 32 bytes in base64, of either alphabet.
    #[error("the device ID could be mistaken for a cross-signing key")]
    DeviceIdIsAKey,
    /// The device has the master key or the self-signing key as its own.
    #[error("the device uses a cross-signing key as its own key")]
    CrossSigningKey,
    /// It is a dehydrated device, which nobody holds in their hands.
    #[error("it is a dehydrated device")]
    Dehydrated,
    /// It has not exactly two keys, `curve25519:` and `ed25519:` with the device ID.
    #[error("the device does not publish exactly one key of each of the two kinds")]
    NotTwoKeys,
    /// The published Ed25519 key is not the expected one.
    #[error(
        "the homeserver publishes another fingerprint for this device than the one that was given: it may be another \
         device with the same name, so do not trust it"
    )]
    OtherFingerprint,
    /// The published Curve25519 key is not that of the host's account.
    #[error("the homeserver publishes another identity key for this device than the device has")]
    OtherIdentityKey,
    /// These published members are not what would be signed: other names, other values, or algorithms that no client has.
    #[error("the published keys of the device have members that are not signed: {}", list(.0))]
    DeviceMembers(Vec<Excerpt>),
    /// The device did not sign its published keys.
    #[error("the device has not signed its keys itself")]
    NotSelfSigned,
    /// The signature that was handed in is not one of the master key by this device.
    #[error("the signature of the master key was not made by this device")]
    OtherSigner,
}
