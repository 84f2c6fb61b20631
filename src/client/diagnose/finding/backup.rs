//! What may be found about backup versions and their sessions.

use std::fmt;

use super::{
    super::remedy::Remedy, Severity, argument::Argument as _, names::Names, table::findings,
};
use crate::{
    backup::{BackupPublicKey, StreamError, TrustError},
    excerpt::Excerpt,
    ids::{BackupVersion, KeyId},
    passphrase::PassphraseError,
    secret_value::MEGOLM_BACKUP_V1,
    signed_json::Kind,
};

findings! {
    /// Something about the backup and its older versions.
    enum BackupFinding {
        /// There is none.
        Absent =
            "backup.absent", Severity::Failure, Some(Remedy::CreateBackup),
            "The account has no backup of its message keys.";

        /// The user does not want one.
        SwitchedOff =
            "backup.switched_off", Severity::Notice, Some(Remedy::SwitchBackupOn),
            "The backup of message keys is switched off in the settings of the account.";

        /// The current backup cannot be used.
        Unusable { version: BackupVersion, error: TrustError } =
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
            Some(match fits {
                Some(older) => Remedy::RestoreVersion(older.clone()),
                None => Remedy::StoreSecret(MEGOLM_BACKUP_V1.into()),
            }),
            "The backup key in your key storage (public key {stored}) does not belong to the backup (version {version}, public key {backup}); it opens {fits}.";

        /// No key that is at hand opens it. One may be in the key storage, which was not unlocked.
        NoKey { version: BackupVersion, key: BackupPublicKey, stored: bool } =
            "backup.no_key", Severity::Failure,
            Some(if *stored {
                Remedy::EnterStorageKey
            } else {
                Remedy::AskOtherDevice(MEGOLM_BACKUP_V1.into())
            }),
            "No key that was entered or found opens the backup (version {version}, public key {key}).";

        /// The public key of the current backup was given up.
        Retired { version: BackupVersion, key: BackupPublicKey } =
            "backup.retired", Severity::Danger, Some(Remedy::ReplaceBackup),
            "The backup (version {version}) has the key {key}, which you have replaced: it is an old backup, which is the current one again because a newer one was deleted or because somebody put it back.";

        /// No key that the user trusts has signed it, and no key that is at hand shows that it is the user's. Where
        /// none was tried, one comes first.
        NotTrusted { version: BackupVersion, tried: bool } =
            "backup.not_trusted", Severity::Danger,
            Some(if *tried { Remedy::ReplaceBackup } else { Remedy::EnterStorageKey }),
            "Nothing shows that the backup (version {version}) is yours: no key that you trust has signed it, and no key at hand proves it.";

        /// The user has not signed it.
        NotSigned { version: BackupVersion } =
            "backup.not_signed", Severity::Notice, Some(Remedy::SignBackup(version.clone())),
            "The backup (version {version}) is not signed.";

        /// It is signed with a key that nothing is known of: that of a device that is gone, say.
        UnknownSigner { version: BackupVersion, signer: KeyId } =
            "backup.unknown_signer", Severity::Notice, Some(Remedy::VerifySigner(signer.clone())),
            "The backup (version {version}) is signed by {signer}, which is not one of your known keys: it may be a device that was logged out.";

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
            "The backup (version {version}) holds entries that do not belong there ({members}), so it is not safe to sign it. A new backup can take its place; this one is not deleted.";

        /// It has a passphrase of its own, as before there was secret storage.
        OwnPassphrase { version: BackupVersion } =
            "backup.own_passphrase", Severity::Notice, Some(Remedy::ReplaceBackup),
            "The backup (version {version}) has a passphrase of its own, as old backups had.";

        /// Its own passphrase has few rounds.
        FewRounds { version: BackupVersion, rounds: u32 } =
            "backup.few_rounds", Severity::Danger, Some(Remedy::ReplaceBackup),
            "The passphrase of the backup itself (version {version}) is weakly protected (rounds of computation: {rounds}), so others could guess it.";

        /// Its own passphrase cannot be used.
        PassphraseUnusable { version: BackupVersion, error: PassphraseError } =
            "backup.passphrase_unusable", Severity::Warning, Some(Remedy::ReplaceBackup),
            "The passphrase of the backup itself (version {version}) cannot be used: {error}.";

        /// The homeserver has older versions.
        OlderVersions { versions: Vec<BackupVersion> } =
            "backup.older_versions", Severity::Notice,
            Some(Remedy::DeleteVersions(versions.clone())),
            "The homeserver still has older backups (versions: {versions}), which may hold message keys that are nowhere else.";
    }
}

/// Whether a member of `auth_data` is one that only keys have.
fn is_of_keys(name: &Excerpt) -> bool {
    Kind::BackupAuthData.members_of_others().contains(&name.as_str())
}

findings! {
    /// Something about the sessions of a sample, each of which is one message key.
    enum SessionFinding {
        /// They are sealed to another key than the one at hand.
        UnderOtherKey { count: SessionCount } =
            "sessions.under_other_key", Severity::Failure,
            Some(Remedy::AskOtherDevice(MEGOLM_BACKUP_V1.into())),
            "Message keys in the backup are encrypted with another backup key than the one at hand ({count} that were looked at).";

        /// They are sealed to the key, and damaged.
        Damaged { count: SessionCount } =
            "sessions.damaged", Severity::Failure, Some(Remedy::UploadAgain),
            "Message keys in the backup are damaged ({count} that were looked at).";

        /// They are not what the specification says.
        Malformed { count: SessionCount } =
            "sessions.malformed", Severity::Failure, Some(Remedy::UploadAgain),
            "Message keys in the backup have an invalid format and cannot be read ({count} that were looked at).";

        /// They are of an unknown algorithm.
        Unsupported { count: SessionCount } =
            "sessions.unsupported", Severity::Failure, Some(Remedy::UpdateClient),
            "Message keys in the backup use an algorithm that this client does not know ({count} that were looked at).";

        /// They open, and something in them was repaired or disagrees with what the homeserver says.
        WithWarnings { count: SessionCount } =
            "sessions.with_warnings", Severity::Notice, None,
            "Message keys in the backup can be restored, but had to be repaired or differ from what the homeserver says about them ({count} that were looked at).";

        /// In the place of the sessions of a room stands something else.
        BrokenRooms { count: u64 } =
            "sessions.broken_rooms", Severity::Failure, Some(Remedy::UploadAgain),
            "The homeserver returns something else instead of the message keys of some rooms ({count}).";

        /// The response with the sessions cannot be read to its end.
        ResponseBroken { error: StreamError } =
            "sessions.response_broken", Severity::Failure, Some(Remedy::FetchAgain),
            "Not all message keys could be read: {error}.";

        /// The homeserver counts more than it returned. A few may have been uploaded between the two responses.
        Fewer { returned: u64, total: u64 } =
            "sessions.fewer",
            if is_close(*returned, *total) { Severity::Notice } else { Severity::Warning },
            Some(Remedy::FetchAgain),
            "The homeserver returned fewer message keys ({returned}) than it counted in the backup ({total}): unless the others were uploaded in between, they are missing.";

        /// What a restore would give, and how many sessions the homeserver says there are in all.
        WouldRestore { restored: SessionCount, total: Option<u64> } =
            "sessions.would_restore", Severity::Information, None,
            "A restore would bring back {restored} message keys that were looked at; the backup has {total} in all.";
    }
}

/// Whether so few are missing, a tenth or ten of them, that they may have been uploaded in between.
fn is_close(returned: u64, total: u64) -> bool {
    returned > 0 && total.saturating_sub(returned) <= (total / 10).max(10)
}

/// So many sessions of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct SessionCount {
    /// How many.
    pub(in super::super) count: u64,
    /// Of how many.
    pub(in super::super) of: u64,
}

impl fmt::Display for SessionCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} out of {}", self.count, self.of)
    }
}
