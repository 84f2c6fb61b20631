//! What became of a secret that was to be opened.

use thiserror::Error;

use super::opened_secret::{OpenedSecret, SecretOpenError};
use crate::ids::{SecretName, SecretStorageKeyId};

/// What became of one secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecretVerdict {
    /// The secret.
    pub name: SecretName,
    /// The secret, or why each of the keys failed that it is encrypted to.
    pub outcome: Result<OpenedSecret, SecretFailure>,
}

impl SecretVerdict {
    /// The secret, if something shows that the key which gave it is the right one.
    pub(crate) fn opened_by_known(&self) -> Option<&OpenedSecret> {
        self.outcome.as_ref().ok().filter(|opened| opened.is_of_known_key())
    }
}

/// Why a secret did not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretFailure {
    /// It is encrypted to none of the keys that were given.
    #[error("the secret is encrypted with other keys")]
    OtherKeys,
    /// It is encrypted to keys that were given, and tried on none of them: others can
    /// [guess](super::SecretStorageKey::is_guessable) them, and nothing shows that they are the right ones, or another key
    /// is sure. Who is sure of a key can open it with [that key alone](super::SecretStorageKey::open).
    #[error("others can guess the key that the secret is encrypted to, so it was not tried")]
    NotTried,
    /// It is encrypted to keys that were given, and none opens it. The first reason is that of the
    /// first key.
    #[error("the secret does not open: {}", first_reason(.0))]
    Keys(Vec<(SecretStorageKeyId, SecretOpenError)>),
}

fn first_reason(reasons: &[(SecretStorageKeyId, SecretOpenError)]) -> String {
    reasons.first().map(|(_, reason)| reason.to_string()).unwrap_or_default()
}
