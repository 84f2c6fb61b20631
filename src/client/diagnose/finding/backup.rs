//! What may be found about backup versions.

use std::fmt;

use super::{super::remedy::Remedy, Severity, argument::Argument as _, table::findings};
use crate::{
    backup::{AuthDataError, BackupPublicKey},
    excerpt::Excerpt,
    ids::{BackupVersion, KeyId},
    passphrase::PassphraseParametersError,
    secret_value::MEGOLM_BACKUP_V1,
    signed_json::Kind,
};

findings! {
    /// Something about the backup and its older versions.
    pub enum BackupFinding {
        /// There is none.
        Absent =
            "backup.absent", Severity::Failure, Some(Remedy::CreateBackup),
            "The account has no backup of its message keys.";

        /// The user does not want one.
        SwitchedOff =
            "backup.switched_off", Severity::Notice, Some(Remedy::SwitchBackupOn),
            "Backing message keys up is switched off in the settings of the account.";

        /// The current backup cannot be used.
        Unusable { version: BackupVersion, error: AuthDataError } =
            "backup.unusable", Severity::Failure, Some(Remedy::ReplaceBackup),
            "The backup (version {version}) cannot be used: {error}.";

        /// The stored backup key is that of another backup: of this version, if it was found.
        KeyDiffers {
            version: BackupVersion,
            backup: BackupPublicKey,
            stored: BackupPublicKey,
            fits: Option<BackupVersion>,
        } =
            "backup.key_differs", Severity::Failure,
            Some(Remedy::StoreSecret(MEGOLM_BACKUP_V1.into())),
            "The backup key in your key storage ({stored}) is not the key of the backup (version {version}, {backup}); it opens {fits}.";

        /// No key that is at hand opens it.
        NoKey { version: BackupVersion, key: BackupPublicKey } =
            "backup.no_key", Severity::Failure,
            Some(Remedy::AskOtherDevice(MEGOLM_BACKUP_V1.into())),
            "No key that was entered or found opens the backup (version {version}, {key}).";

        /// The public key of the current backup was given up.
        Retired { version: BackupVersion, key: BackupPublicKey } =
            "backup.retired", Severity::Danger, Some(Remedy::ReplaceBackup),
            "The backup (version {version}) has the key {key}, which you have replaced: somebody put an old backup back.";

        /// No key that the user trusts has signed it, and no key that is at hand shows that it is the user's.
        NotTrusted { version: BackupVersion } =
            "backup.not_trusted", Severity::Danger, Some(Remedy::ReplaceBackup),
            "No trusted key has signed the backup (version {version}): it may not be yours.";

        /// The user has not signed it.
        NotSigned { version: BackupVersion } =
            "backup.not_signed", Severity::Notice, Some(Remedy::SignBackup(version.clone())),
            "The backup (version {version}) is not signed.";

        /// It is signed with a key that nothing is known of: that of a device that is gone, say.
        UnknownSigner { version: BackupVersion, signer: KeyId } =
            "backup.unknown_signer", Severity::Notice, Some(Remedy::VerifySigner(signer.clone())),
            "The backup (version {version}) is signed by {signer}, which is none of your known keys: a device that is gone, perhaps.";

        /// It is signed by a device or key of the user that nobody has verified.
        UnverifiedSigner { version: BackupVersion, signer: KeyId } =
            "backup.unverified_signer", Severity::Notice,
            Some(Remedy::VerifySigner(signer.clone())),
            "The backup (version {version}) is signed by {signer}, which you have not verified.";

        /// A signature is wrong.
        WrongSignature { version: BackupVersion, signer: KeyId } =
            "backup.wrong_signature", Severity::Danger, Some(Remedy::SignBackup(version.clone())),
            "The signature of {signer} on the backup (version {version}) is wrong: the backup was changed after it was signed, or another key made the signature.";

        /// A signature cannot be checked.
        UnusableSignature { version: BackupVersion, signer: KeyId } =
            "backup.unusable_signature", Severity::Notice,
            Some(Remedy::SignBackup(version.clone())),
            "The signature of {signer} on the backup (version {version}) cannot be checked.";

        /// Its public data has members that nobody here made, so that it is not signed.
        OtherMembers { version: BackupVersion, members: Vec<Excerpt> } =
            "backup.other_members",
            if members.iter().any(is_of_keys) { Severity::Danger } else { Severity::Warning },
            Some(Remedy::ReplaceBackup),
            "The backup (version {version}) cannot be signed, because it has members that could turn a signature into something else: {members}. A new backup can take its place; this one stays.";

        /// It has a passphrase of its own, as before there was secret storage.
        OwnPassphrase { version: BackupVersion } =
            "backup.own_passphrase", Severity::Notice, Some(Remedy::ReplaceBackup),
            "The backup (version {version}) has a passphrase of its own, as old ones had.";

        /// Its own passphrase has few rounds.
        FewRounds { version: BackupVersion, rounds: u32 } =
            "backup.few_rounds", Severity::Danger, Some(Remedy::ReplaceBackup),
            "The passphrase of the backup itself (version {version}) is weakly protected (rounds: {rounds}): others can find it by trying.";

        /// Its own passphrase cannot be used.
        PassphraseUnusable { version: BackupVersion, error: PassphraseParametersError } =
            "backup.passphrase_unusable", Severity::Warning, Some(Remedy::ReplaceBackup),
            "The passphrase of the backup itself (version {version}) cannot be used: {error}.";

        /// The homeserver has older versions.
        OlderVersions { versions: Vec<BackupVersion> } =
            "backup.older_versions", Severity::Notice,
            Some(Remedy::DeleteVersions(versions.clone())),
            "The homeserver still has older backups (versions: {versions}).";
    }
}

/// Whether a member of `auth_data` is one that only keys have.
fn is_of_keys(name: &Excerpt) -> bool {
    Kind::BackupAuthData.members_of_others().contains(&name.as_str())
}
