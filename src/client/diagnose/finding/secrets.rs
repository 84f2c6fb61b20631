//! What may be found about secrets, and about the user's own keys.

use thiserror::Error;

use super::{
    super::remedy::Remedy, Severity, argument::Argument as _, names::Names, table::findings,
};
use crate::{
    backup::BackupPublicKey,
    crypto::ed25519::Ed25519PublicKey,
    encoding::format::FormatError,
    ids::{DeviceId, SecretName, SecretStorageKeyId},
    secret_storage::SecretOpenError,
    secret_value::MEGOLM_BACKUP_V1_RECOVERY_KEY,
};

findings! {
    /// Something about a secret in the key storage.
    enum SecretFinding {
        /// A secret is needed, and not stored.
        Missing { name: SecretName } =
            "secret.missing", Severity::Failure, Some(Remedy::StoreSecret(name.clone())),
            "Your key storage does not hold {name}.";

        /// What stands in its place cannot be read.
        Unreadable { name: SecretName, error: FormatError } =
            "secret.unreadable", Severity::Failure, Some(stored_anew(name)),
            "Your key storage holds something unreadable in the place of {name}: {error}.";

        /// It is encrypted, and what is there can be read for none of its keys.
        EntriesUnreadable { name: SecretName, error: FormatError } =
            "secret.entries_unreadable", Severity::Failure, Some(stored_anew(name)),
            "What your key storage holds in the place of {name} cannot be opened by any key: {error}.";

        /// It is not encrypted to the default key, but to others that are described.
        UnderOtherKey { name: SecretName, keys: Vec<SecretStorageKeyId> } =
            "secret.under_other_key", Severity::Warning,
            Some(if is_draft(name) {
                Remedy::Migrate
            } else {
                Remedy::EncryptToDefaultKey(name.clone())
            }),
            "Your key storage holds {name} encrypted with other keys ({keys}), but not with its default key.";

        /// It is encrypted only to keys that nothing describes, and none of them was tried on it: their recovery keys may
        /// open it.
        UnderUnknownKey { name: SecretName, keys: Vec<SecretStorageKeyId> } =
            "secret.under_unknown_key", Severity::Warning,
            match keys.first() {
                Some(key) if !is_draft(name) => Some(Remedy::DescribeKey(key.clone())),
                _ => Some(stored_anew(name)),
            },
            "Your key storage holds {name} encrypted only with keys whose descriptions are gone or cannot be used: {keys}.";

        /// A key should open it and does not.
        DoesNotOpen { name: SecretName, key: SecretStorageKeyId, error: SecretOpenError } =
            "secret.does_not_open", Severity::Failure, Some(stored_anew(name)),
            "The key {key} does not open {name}: {error}.";

        /// It opens, and is not what its name asks for.
        Malformed { name: SecretName, error: FormatError } =
            "secret.malformed", Severity::Failure, Some(stored_anew(name)),
            "What your key storage holds as {name} cannot be used: {error}.";

        /// It is stored in a form of the past.
        Legacy { name: SecretName, form: LegacyForm } =
            "secret.legacy", Severity::Notice, Some(Remedy::Migrate),
            "Your key storage holds {name} {form}.";

        /// It was encrypted without an initialisation vector.
        WithoutIv { name: SecretName } =
            "secret.without_iv", Severity::Warning,
            Some(if is_draft(name) { Remedy::Migrate } else { Remedy::StoreSecret(name.clone()) }),
            "Your key storage holds {name} in an old form (\u{201c}iv\u{201d} is missing), as old clients for Android and iOS wrote it.";

        /// Anybody could have stored it, and no public key vouches for it.
        Unauthenticated { name: SecretName } =
            "secret.unauthenticated", Severity::Danger, Some(Remedy::AskOtherDevice(name.clone())),
            "Nothing shows that it was you who stored {name}: the homeserver could have put it there.";

        /// A stored cross-signing key is not the one that is published.
        CrossSigningKeyDiffers {
            name: SecretName,
            stored: Ed25519PublicKey,
            published: Ed25519PublicKey,
        } =
            "secret.cross_signing_key_differs", Severity::Failure,
            Some(Remedy::StoreSecret(name.clone())),
            "What your key storage holds as {name} belongs to the public key {stored}, but the published one is {published}.";

        /// The host has another secret of this name than the key storage.
        CachedDiffers { name: SecretName, fits: Fitting } =
            "secret.cached_differs",
            match fits {
                Fitting::Stored | Fitting::Unknown => Severity::Warning,
                Fitting::Cached | Fitting::Neither => Severity::Failure,
            },
            Some(match fits {
                Fitting::Stored => Remedy::UseStoredSecret(name.clone()),
                Fitting::Cached => Remedy::StoreSecret(name.clone()),
                Fitting::Neither | Fitting::Unknown => Remedy::AskOtherDevice(name.clone()),
            }),
            "This device has another value of {name} than your key storage: {fits}.";

        /// One backup key is stored under today's name, and another one under that of a draft.
        TwoBackupKeys { current: BackupPublicKey, draft: BackupPublicKey } =
            "secret.two_backup_keys", Severity::Warning, Some(Remedy::DeleteDraftBackupKey),
            "Your key storage holds two backup keys: one for the backup with the public key {current}, and one under an old name for the backup with the public key {draft}.";
    }
}

/// Which of two secrets of one name belongs to the public key of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) enum Fitting {
    /// The one in the key storage.
    Stored,
    /// The one that the host has.
    Cached,
    /// None of them.
    Neither,
    /// There is no such public key, or it is not at hand.
    Unknown,
}

/// A form in which secrets are not stored any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub(in super::super) enum LegacyForm {
    /// Encrypted asymmetrically.
    #[error("encrypted in an outdated way of 2019 that does not show who stored it")]
    Asymmetric,
    /// Not encrypted: the backup key is the storage key.
    #[error("only as a note that it is the same as the key of the key storage")]
    Passthrough,
    /// The backup key as `12,34,…`.
    #[error("as a list of numbers, which most clients cannot read")]
    NumberList,
    /// The backup key under the name of a draft.
    #[error("where only old clients look for it")]
    NameOfADraft,
}

/// What helps against a secret that is there and of no use.
fn stored_anew(name: &SecretName) -> Remedy {
    if is_draft(name) { Remedy::DeleteDraftBackupKey } else { Remedy::StoreSecret(name.clone()) }
}

/// Whether a secret stands under a name under which nobody looks for it any more.
fn is_draft(name: &SecretName) -> bool {
    name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY
}

findings! {
    /// Something about the user's digital identity, which are the cross-signing keys, and devices.
    enum IdentityFinding {
        /// No cross-signing keys are published, and none are stored.
        NoCrossSigning =
            "identity.no_cross_signing", Severity::Notice, Some(Remedy::SetUpCrossSigning),
            "The account has no digital identity.";

        /// No cross-signing keys are published; whether any are stored is not known.
        NonePublished =
            "identity.none_published", Severity::Notice, None,
            "No digital identity is published for the account; it was not checked whether its keys are stored.";

        /// A key is stored, and not published.
        NotPublished { name: SecretName } =
            "identity.not_published", Severity::Warning, Some(Remedy::PublishKey(name.clone())),
            "The stored key is not published: your key storage holds {name}, but the homeserver does not show its public half.";

        /// Part of the digital identity is neither published nor stored.
        KeyMissing { name: SecretName } =
            "identity.key_missing", Severity::Warning, Some(Remedy::AskOtherDevice(name.clone())),
            "Your digital identity is incomplete: {name} is neither published nor stored.";

        /// The published master key is not the one that is pinned.
        MasterKeyDiffers { pinned: Ed25519PublicKey, published: Ed25519PublicKey } =
            "identity.master_key_differs", Severity::Danger, Some(Remedy::VerifyIdentity),
            "Your digital identity has changed: the homeserver shows another one ({published}) than the one that you verified ({pinned}). If you did not reset it yourself, somebody else may have.";

        /// A published cross-signing key is not signed by the master key.
        NotSignedByMaster { name: SecretName } =
            "identity.not_signed_by_master", Severity::Danger, Some(Remedy::VerifyIdentity),
            "The key that the homeserver shows as {name} is not signed by the master key: somebody else may have put it there.";

        /// In the place of the user's devices stands something else.
        DevicesUnreadable =
            "identity.devices_unreadable", Severity::Warning, Some(Remedy::FetchAgain),
            "The homeserver returns something else instead of the list of your devices.";

        /// A published key cannot be used: one of this device, or a cross-signing key.
        KeyUnusable { device: Option<DeviceId>, error: FormatError } =
            "identity.key_unusable", Severity::Warning,
            Some(match device {
                Some(_) => Remedy::UploadKeysAgain,
                None => Remedy::VerifyIdentity,
            }),
            "A published key of {device} cannot be used: {error}.";

        /// Not all signatures of the keys, devices and backup were checked: there are more than the limits allow.
        SignaturesNotChecked =
            "identity.signatures_not_checked", Severity::Warning, None,
            "The account has too many signatures to check them all, so valid or invalid ones may have been missed.";
    }
}
