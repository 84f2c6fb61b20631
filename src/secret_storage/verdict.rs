//! What became of a secret that was to be opened.

use thiserror::Error;

use super::{
    key::{KeyStanding, SecretStorageKey},
    opened_secret::{OpenedSecret, SecretOpenError},
};
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
    /// The secret, if something shows that the key which gave it is the right one. What a merely unverifiable key gives
    /// is a guess, and a server that asks for one round must not learn what came of it.
    pub(crate) fn opened_by_known(&self, keys: &[SecretStorageKey]) -> Option<&OpenedSecret> {
        let is_known = |opened: &&OpenedSecret| {
            let mut known = keys.iter().filter(|key| key.standing() != KeyStanding::Unverifiable);
            known.any(|key| key.id() == opened.key_id())
        };
        self.outcome.as_ref().ok().filter(is_known)
    }
}

/// Why a secret did not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretFailure {
    /// It is encrypted to none of the keys that were given.
    #[error("the secret is encrypted with other keys")]
    OtherKeys,
    /// It is encrypted to keys that were given, and none opens it. The first reason is that of the
    /// first key.
    #[error("the secret does not open: {}", first_reason(.0))]
    Keys(Vec<(SecretStorageKeyId, SecretOpenError)>),
}

fn first_reason(reasons: &[(SecretStorageKeyId, SecretOpenError)]) -> String {
    reasons.first().map(|(_, reason)| reason.to_string()).unwrap_or_default()
}
