//! Why a file of message keys cannot be used, and what is done with such a file instead.

use std::path::Path;

use strongroom::{key_export::KeyFileError, session_data::SessionDataError};

use crate::failure::Failure;

/// What a file is read for: what to do with another one depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Upload,
    Work,
    Encryption,
}

impl Purpose {
    /// Why the file cannot be used, and what is done with such a file instead.
    pub(super) fn refused(self, path: &Path, error: KeyFileError) -> Failure {
        let other = match (&error, self) {
            (KeyFileError::TooManyRounds { asked, .. }, _) => format!(
                "the key file asks for {asked} rounds of key derivation: it is damaged, or made to waste your time; export the \
                 keys once more"
            ),
            (KeyFileError::BackupResponse | KeyFileError::OtherJson, Purpose::Upload) => {
                "this is no key file; if it is what was saved of an account, name it with --from".into()
            }
            (KeyFileError::BackupResponse | KeyFileError::OtherJson, _) => {
                "this is no key file; if it is what was saved of an account, make one of it by \u{201c}strongroom rescue \
                 --from\u{201d}"
                    .into()
            }
            (KeyFileError::IsRecoveryKey, Purpose::Upload) => {
                "this is a recovery key, not a key file: name it with --recovery-key-file, and what it opens with --from".into()
            }
            (KeyFileError::IsRecoveryKey, _) => {
                "this is a recovery key, not a key file: \u{201c}strongroom rescue\u{201d} opens a backup with it".into()
            }
            (error, _) => error.to_string(),
        };
        Failure::content(path, other)
    }
}

/// For people, who can do no more about a damaged key than to export it again.
pub(super) fn why_unread(error: &SessionDataError) -> String {
    match error {
        SessionDataError::NotJson
        | SessionDataError::NotAnObject
        | SessionDataError::AlgorithmNotAString => "it is no message key".into(),
        SessionDataError::NoSessionKey
        | SessionDataError::KeyBase64
        | SessionDataError::KeyFormat(_)
        | SessionDataError::KeyLength { .. }
        | SessionDataError::KeySignature
        | SessionDataError::KeyWithoutId => {
            "the key in it is missing or damaged; export it once more to have it".into()
        }
        error => error.to_string(),
    }
}
