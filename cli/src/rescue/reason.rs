//! Why what was entered opens no backup.

use strongroom::{
    backup::BackupDecryptionKey,
    client::flow::EnterError,
    recovery_key::RecoveryKey,
    secret_storage::{SecretOpenError, UnlockFailure},
};

use crate::failure::tell;

/// Why one text opens nothing.
pub(super) struct Reason {
    /// Which of the texts it was, counted from 1.
    pub(super) number: usize,
    pub(super) sentence: String,
    /// Whether it was meant as a recovery key, and is none.
    pub(super) is_mistyped: bool,
    /// Whether the sentence says what to do.
    says_what_to_do: bool,
}

/// What is known of one text.
pub(super) struct Attempt<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
    /// Why it gives no key of any version, if there are versions.
    pub(super) error: Option<EnterError>,
    /// Whether there is account data.
    pub(super) has_account_data: bool,
}

impl Reason {
    /// Why a bundle opens nothing where nothing was typed.
    pub(super) fn of_bundle() -> Self {
        let sentence = BUNDLE_OF_OTHER.to_owned();
        Self { number: 1, sentence, is_mistyped: false, says_what_to_do: true }
    }
}

impl Attempt<'_> {
    pub(super) fn reason(self) -> Reason {
        let is_mistyped = self.is_mistyped();
        let (sentence, says_what_to_do) = match &self.error {
            Some(EnterError::NotOpened(error)) if is_of_other_backup(error) => {
                (format!("{OTHER_BACKUP}; {ELSEWHERE}"), true)
            }
            Some(error @ EnterError::NotStored) => (format!("{error}; {ELSEWHERE}"), true),
            Some(EnterError::NotOpened(_)) => (format!("{DAMAGED}; {ELSEWHERE}"), true),
            Some(error) if is_mistyped || self.has_account_data => (error.to_string(), is_mistyped),
            _ if self.has_account_data => (OPENS_NOTHING.to_owned(), false),
            _ => (format!("{}; {OF_STORAGE}", self.is_not()), true),
        };
        Reason { number: self.number, sentence, is_mistyped, says_what_to_do }
    }

    fn is_mistyped(&self) -> bool {
        let Some(EnterError::NotUnlocked(error)) = &self.error else { return false };
        matches!(error.reason, UnlockFailure::RecoveryKey(_))
    }

    /// What it is not, where the key storage is not known.
    fn is_not(&self) -> &'static str {
        let is_key = RecoveryKey::parse(self.text).is_ok()
            || BackupDecryptionKey::from_base64(self.text.trim()).is_ok();
        if is_key {
            "this is not the recovery key of the backup"
        } else {
            "this is not the passphrase of the backup"
        }
    }
}

/// Whether the secret opens, and is that of another backup.
fn is_of_other_backup(error: &SecretOpenError) -> bool {
    match error {
        SecretOpenError::PublicKey(_) => true,
        SecretOpenError::Keys(reasons) => {
            reasons.iter().any(|(_, reason)| is_of_other_backup(reason))
        }
        _ => false,
    }
}

/// Tells of mistyped keys beside others, which would go unnoticed.
pub(super) fn tell_of_mistyped(reasons: &[Reason], typed: usize) {
    for mistyped in reasons.iter().filter(|it| it.is_mistyped && typed > 1) {
        tell(format_args!("Key {}: {}.", mistyped.number, mistyped.sentence));
    }
}

/// Why nothing opens, and what to do then.
pub(super) fn why(reasons: &[Reason]) -> String {
    let sentence = match reasons {
        [] => OTHER_KEYS.to_owned(),
        [only] => only.sentence.clone(),
        several => {
            let of_each = several.iter().map(|it| format!("key {}: {}", it.number, it.sentence));
            of_each.collect::<Vec<_>>().join(". ")
        }
    };
    if reasons.iter().all(|reason| reason.says_what_to_do) {
        format!("{sentence}.")
    } else {
        format!("{sentence}. {DIAGNOSE}")
    }
}

const BUNDLE_OF_OTHER: &str = "the key in the secrets bundle is that of another backup: name a file with --recovery-key-file or \
                               --passphrase-file";

const OTHER_BACKUP: &str =
    "this unlocks your key storage, but the key in it is that of another backup";

const DAMAGED: &str = "this unlocks your key storage, but the key of the backup in it is damaged, or encrypted with another key";

const ELSEWHERE: &str = "look for a device that is still logged in, a file element-keys.txt, or the recovery key of the backup itself";

const OF_STORAGE: &str = "it may be that of your key storage, which was not given: add the account data with --from, or save everything \
                          with \u{201c}strongroom fetch\u{201d}";

const OPENS_NOTHING: &str = "what was entered opens none of these message keys";

const OTHER_KEYS: &str = "what was entered is the key of the backup, but the message keys that were given are those of another: save both again \
                          with \u{201c}strongroom fetch\u{201d}";

/// What to do when no sentence says more.
const DIAGNOSE: &str = "\u{201c}strongroom diagnose\u{201d}, with the same files or account, says which piece does not fit.";
