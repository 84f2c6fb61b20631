//! Why a storage is not changed.

use thiserror::Error;

use crate::{
    encoding::format::FormatError,
    ids::{SecretName, SecretStorageKeyId},
    randomness::NoRandomness,
};

/// Why a change cannot be planned, or a plan not gone on with. Nothing is written then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The operating system has no randomness to give.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// There is no default key, so it has to be said which one to use.
    #[error("the key storage has no default key")]
    NoDefaultKey,
    /// A key is needed that is not at hand, or not described.
    #[error("a key is needed that is not at hand")]
    NoSuchKey(SecretStorageKeyId),
    /// Nothing shows that the key is the right one, so nothing may be encrypted with it.
    #[error("nothing shows that the key is the right one, so nothing may be encrypted with it")]
    Unverifiable(SecretStorageKeyId),
    /// Others can find the key by trying passphrases, so nothing more is encrypted with it: put a new one in its place.
    #[error(
        "others can guess the key, so nothing more is encrypted with it; put a new key in its place"
    )]
    Guessable(SecretStorageKeyId),
    /// New secrets are not encrypted asymmetrically.
    #[error("the key is of the algorithm of 2019, which new secrets do not use")]
    Asymmetric(SecretStorageKeyId),
    /// Another key is described under this ID.
    #[error("another key is described under this ID")]
    KeyExists(SecretStorageKeyId),
    /// The default key cannot be removed. Make another one default first, or rotate.
    #[error("the default key cannot be removed before another one is default")]
    IsDefault(SecretStorageKeyId),
    /// These secrets open with no key but the one that is to be removed, and that one does not open them
    /// now.
    #[error("{} of the secrets would be lost with the key", .0.len())]
    WouldLose(Vec<SecretName>),
    /// There is other data under this name, which a secret must not overwrite.
    #[error("there is other account data under the name of the secret")]
    OtherData(SecretName),
    /// The secret is stored already and does not open, so that it is not known what would be replaced.
    #[error(
        "what is stored does not open with the keys at hand, and may be the only copy, so it is not replaced"
    )]
    NotOpened(SecretName),
    /// Nobody vouches for the secret: a server could have put it where it comes from, and stored it would count as
    /// authentic.
    #[error(
        "nothing shows that the secret is yours: the homeserver could have put it where it comes from"
    )]
    Unauthenticated(SecretName),
    /// The name belongs to the secret storage itself, is one of an old draft, or that of an algorithm.
    #[error("no secret can have this name")]
    Name(SecretName),
    /// The secret is not what its name asks for.
    #[error(transparent)]
    Value(#[from] FormatError),
    /// Another client wrote the event before the step was taken: read the account data again, and make the plan again.
    #[error("another client has changed the account data; nothing was written")]
    ChangedBefore,
    /// What is read back is not what was written: read the account data again, and make the plan again.
    #[error("the account data does not hold what was written")]
    NotWritten,
}
