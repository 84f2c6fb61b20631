//! What a plan leaves as it is, and why.

use std::fmt;

use crate::{
    excerpt::Excerpt,
    ids::{SecretName, SecretStorageKeyId},
    secret_storage::opened_secret::SecretOrigin,
};

/// Something that a plan leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlanNote {
    /// Nobody vouches for the secret: anybody could have put it there. It moves if the user accepts this
    /// secret by its name.
    NeedsAcceptance(SecretName, SecretOrigin),
    /// The secret does not belong to the public key that was verified, so it does not move.
    Contradicted(SecretName),
    /// No key at hand opens the secret.
    NotOpened(SecretName),
    /// A secret stands under its current name and under an old one, with different values.
    TwoValues(SecretName),
    /// A key stays since secrets depend on it.
    KeyStays(SecretStorageKeyId),
}

impl fmt::Display for PlanNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsAcceptance(name, _) => write!(
                f,
                "nothing shows that the secret {} is yours: the homeserver could have put it there; it stays \
                 where it is unless you accept it",
                Excerpt::new(name.as_str())
            ),
            Self::Contradicted(name) => write!(
                f,
                "the secret {} does not belong to your account\u{2019}s public key and stays where it is",
                Excerpt::new(name.as_str())
            ),
            Self::NotOpened(name) => write!(
                f,
                "the secret {} does not open with the keys at hand and stays where it is",
                Excerpt::new(name.as_str())
            ),
            Self::TwoValues(name) => write!(
                f,
                "the secret {} stands under an old name too, with another value, which stays",
                Excerpt::new(name.as_str())
            ),
            Self::KeyStays(id) => write!(
                f,
                "the key {} stays, since there are secrets that only it opens",
                Excerpt::new(id.as_str())
            ),
        }
    }
}
