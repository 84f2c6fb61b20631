//! What was tried to unlock a secret storage, and why it failed.

use thiserror::Error;

use super::{EntryKind, expected::Expected};
use crate::{
    excerpt::Excerpt,
    ids::SecretStorageKeyId,
    passphrase::{PassphraseError, PassphraseForm},
    recovery_key::{RecoveryKeyError, TypingMistake},
    secret_storage::key::{KeyStanding, SecretStorageKey},
};

/// Keys that a typed text gave.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Unlocked {
    /// The keys that fit or may fit: one at least. Those that were checked or proven come first, and of these the
    /// ones that others cannot guess.
    pub keys: Vec<SecretStorageKey>,
    /// What was tried, for each key that is described or that secrets are encrypted with.
    pub attempts: Vec<UnlockAttempt>,
}

/// A typed text gave no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
#[non_exhaustive]
pub struct UnlockError {
    /// What is most likely the matter.
    pub reason: UnlockFailure,
    /// Why the text is no recovery key; `None` if it is one.
    pub recovery_key: Option<RecoveryKeyError>,
    /// What was tried, for each key that is described or that secrets are encrypted with.
    pub attempts: Vec<UnlockAttempt>,
}

/// Why a typed text gave no key, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnlockFailure {
    /// No key is described, and nothing is encrypted.
    #[error("this account has no key storage, so there is nothing to unlock")]
    NoKeys,
    /// There is nothing to be seen in the text. Nothing was tried.
    #[error("nothing was entered; enter {}", Expected { storage: *storage, backup: *backup })]
    Empty {
        /// What opens the key storage; `None` if there is none, or nothing that could be tried.
        storage: Option<EntryKind>,
        /// What opens the backup without the key storage. Where there is a key storage, this is only said if the backup has
        /// a passphrase of its own.
        backup: Option<EntryKind>,
    },
    /// The recovery key is that of the backup.
    #[error("this is the key of the backup itself, not the recovery key of your key storage")]
    BackupKey,
    /// It gives a key that was replaced: its description was left behind, and it opens nothing any more.
    #[error("{}", other_key(&quoted(key), &quoted(newer), *is_default))]
    OlderKey {
        /// The key that it gives.
        key: SecretStorageKeyId,
        /// The key to enter: the default one, unless nothing is encrypted with that and something is with another.
        newer: SecretStorageKeyId,
        /// Whether it is the default one.
        is_default: bool,
    },
    /// It gives a key that fits its description and opens none of the secrets that are encrypted to it; those are
    /// encrypted to no other key.
    #[error(
        "this fits the description of the key {} of your key storage, but opens nothing that is stored there; an older \
         recovery key may open it, or what is stored is damaged",
        quoted(key)
    )]
    OpensNothing {
        /// The key that it gives.
        key: SecretStorageKeyId,
    },
    /// It was meant as a recovery key, and is none.
    #[error("this looks like a recovery key but is not a valid one, because {0}")]
    RecoveryKey(RecoveryKeyError),
    /// It is a recovery key that opens something, but for one typing mistake.
    /// [`RecoveryKey::repair_typed`](crate::recovery_key::RecoveryKey::repair_typed) has the key.
    #[error("this recovery key has one typing mistake: counting groups of four, {0}")]
    Mistyped(TypingMistake),
    /// It was not meant as a recovery key, and no key of the account has a passphrase.
    #[error(
        "this looks like a passphrase, which does not help here; enter the recovery key of your key storage, 48 letters \
         and digits beginning with Es"
    )]
    RecoveryKeyExpected,
    /// The same where there is only a backup, which has no passphrase of its own.
    #[error(
        "this looks like a passphrase, which does not help here; enter the recovery key of the backup, 48 letters and \
         digits beginning with Es"
    )]
    BackupKeyExpected,
    /// It is a recovery key or was meant as one, and the keys of the account are longer or shorter.
    #[error(
        "this looks like a recovery key, which does not help here; enter the passphrase of your key storage"
    )]
    PassphraseExpected,
    /// The recovery key is well-formed, and belongs to none of the keys.
    #[error(
        "this recovery key does not open anything here; it may be an older one, or that of another account"
    )]
    RecoveryKeyDoesNotFit,
    /// The recovery key is well-formed and not that of the backup; the key storage was not at hand.
    #[error(
        "this is not the recovery key of the backup; it may be that of your key storage, which was not looked at: if it is, \
         unlock your key storage with it, the key of the backup is in there"
    )]
    NotTheBackupKey,
    /// The passphrase gives none of the keys.
    #[error(
        "this passphrase does not open anything here; check capital letters, spaces and the keyboard layout, and make sure \
         that it is not the password that you log in with"
    )]
    PassphraseDoesNotFit,
    /// Nothing could be tried, for the reasons of the attempts.
    #[error("what you entered could not be tried on any key of this account")]
    NothingToTry,
}

fn other_key(key: &str, newer: &str, is_default: bool) -> String {
    if is_default {
        format!(
            "this is an older key of your key storage, {key}, which opens nothing any more; the default one is {newer}"
        )
    } else {
        format!(
            "this belongs to the key {key} of your key storage, which opens nothing; the one in use is {newer}"
        )
    }
}

/// What was tried for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnlockAttempt {
    /// The key.
    pub key_id: SecretStorageKeyId,
    /// What came of it.
    pub outcome: UnlockOutcome,
    /// Whether the key that it gives has opened a secret: that is what unlocks.
    pub opens: bool,
}

/// What came of trying a typed text, or a key, for one key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnlockOutcome {
    /// It gives the key: as a passphrase in this form, or as a recovery key.
    #[error("it is the right one for the key")]
    Fits(Option<PassphraseForm>, KeyStanding),
    /// It gives another key.
    #[error("it is not the right one for the key")]
    DoesNotFit,
    /// It opens none of the secrets that are encrypted to the key: one that fits what describes it, or one that nothing
    /// describes.
    #[error("it opens nothing that is encrypted with the key")]
    OpensNothing,
    /// The key was not made from a passphrase, so only its recovery key gives it.
    #[error("the key has no passphrase")]
    NoPassphrase,
    /// The parameters of its passphrase cannot be used, or ask for too many rounds.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The passphrases of the keys before it took all the rounds that
    /// [`Limits::unlock_rounds`](crate::Limits::unlock_rounds) allows, or there are more than 1,000 of them.
    #[error("trying it on this key as well would take too long ({rounds} rounds of computation)")]
    TooMuchWork {
        /// How many rounds it asks for.
        rounds: u32,
    },
    /// Its passphrase has so few rounds that others can guess the key, and as many of those before it were tried as
    /// [`Limits::guessable_keys`](crate::Limits::guessable_keys) allows.
    #[error("too many keys have a passphrase that is as weakly protected")]
    TooManyGuessable,
    /// As many keys with passphrases were tried before it as [`Limits::passphrase_keys`](crate::Limits::passphrase_keys)
    /// allows.
    #[error("too many keys have a passphrase")]
    TooManyKeys,
    /// An asymmetric key has 32 bytes, and its passphrase is to give another number.
    #[error("its passphrase settings ask for {0} bytes, but a key of this kind has 32")]
    Length(usize),
    /// An asymmetric key has 32 bytes, and the one that is compared with its description has another number.
    #[error("the described key has 32 bytes, this has {0}")]
    KeyLength(usize),
    /// It is of an algorithm that this version does not know.
    #[error("it uses the algorithm \u{201c}{0}\u{201d}, which this client does not know")]
    Unsupported(Excerpt),
}

fn quoted(id: &SecretStorageKeyId) -> String {
    format!("\u{201c}{}\u{201d}", Excerpt::new(id.as_str()))
}
