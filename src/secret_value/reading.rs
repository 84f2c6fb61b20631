//! What was stored, as it is read: how it may differ from the specification, and why it may be no secret.

use thiserror::Error;

use crate::{
    encoding::{
        format::{FormatError, FormatProblem},
        secret_base64,
    },
    secret::SecretBytes,
};

/// Something about a stored secret that was not as specified, and what was made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretRepair {
    /// The backup key was stored under the name of an early draft, `m.megolm_backup.v1.recovery_key`.
    NameOfADraft,
    /// The backup key was stored as `12,34,56,…`, which the JavaScript client once wrote.
    NumberList,
}

/// Why a secret does not belong to a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretCheckError {
    /// The secret is not of the kind that has such a public key.
    #[error("the secret is of another kind than the public key")]
    Kind,
    /// The backup key is that of another backup, or was changed.
    #[error("the stored backup key does not belong to this backup")]
    BackupKey,
    /// The cross-signing key is another one, or was changed.
    #[error("the stored cross-signing key does not belong to this public key")]
    CrossSigningKey,
}

pub(super) fn read_key(text: &str) -> Result<SecretBytes<32>, FormatError> {
    secret_base64::decode_array(text).map_err(|_| FormatProblem::NotAKey.of(WHAT))
}

/// Reads 32 bytes from `12,34,…`; nothing if the text is of another form. It is for the backup key alone: nothing else was ever
/// stored so.
pub(super) fn read_number_list(text: &str) -> Option<SecretBytes<32>> {
    let mut numbers = text.split(',');
    let bytes = SecretBytes::try_init_with(|bytes| {
        for byte in bytes {
            let number = numbers.next().ok_or(())?;
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            *byte = number.parse().ok().filter(|_| is_number).ok_or(())?;
        }
        Ok::<(), ()>(())
    });
    bytes.ok().filter(|_| numbers.next().is_none())
}

pub(super) const WHAT: &str = "the secret";
