//! What may be found about backup versions.

use thiserror::Error;

use super::{super::remedy::Remedy, Severity, quoted, shown};
use crate::{
    backup::{AuthDataError, BackupPublicKey},
    excerpt::Excerpt,
    ids::{BackupVersion, KeyId},
    passphrase::PassphraseParametersError,
    secret_value::MEGOLM_BACKUP_V1,
    signed_json::Kind,
};

/// Something about the backup and its older versions.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BackupFinding {
    /// There is none.
    #[error("The account has no backup.")]
    Absent,
    /// The current backup cannot be used.
    #[error("The backup (version {first}) cannot be used: {1}.", first = shown(.0))]
    Unusable(BackupVersion, #[source] AuthDataError),
    /// The stored backup key is that of another backup.
    #[error("The stored backup key belongs to {stored}, but the backup (version {shown}) has the public key {backup}{fitting}.", shown = shown(version), fitting = fitting(.fits.as_ref()))]
    KeyDiffers {
        /// The current backup.
        version: BackupVersion,
        /// Its public key.
        backup: BackupPublicKey,
        /// The public half of the stored key.
        stored: BackupPublicKey,
        /// The older version that the stored key opens, if it was found.
        fits: Option<BackupVersion>,
    },
    /// No key that is at hand opens it.
    #[error("No key that was found opens the backup (version {first}, public key {1}).", first = shown(.0))]
    NoKey(BackupVersion, BackupPublicKey),
    /// The public key of the current backup was given up.
    #[error("The backup (version {first}) has the public key {1}, which you have given up: an old backup was put back.", first = shown(.0))]
    Retired(BackupVersion, BackupPublicKey),
    /// Nobody whom the user trusts vouches for it.
    #[error("Nobody whom you trust vouches for the backup (version {first}): it may not be yours.", first = shown(.0))]
    NotTrusted(BackupVersion),
    /// The user has not signed it.
    #[error("The backup (version {first}) is not signed.", first = shown(.0))]
    NotSigned(BackupVersion),
    /// It is signed with a key that nothing is known of: that of a device that is gone, say.
    #[error("The backup (version {first}) is signed by {second}, of which nothing is known.", first = shown(.0), second = quoted(.1))]
    UnknownSigner(BackupVersion, KeyId),
    /// It is signed by a device or key of the user that nobody has verified.
    #[error("The backup (version {first}) is signed by {second}, which you have not verified.", first = shown(.0), second = quoted(.1))]
    UnverifiedSigner(BackupVersion, KeyId),
    /// A signature is wrong.
    #[error("The backup (version {first}) was changed after {second} had signed it, or the signature is not that key\u{2019}s.", first = shown(.0), second = quoted(.1))]
    WrongSignature(BackupVersion, KeyId),
    /// A signature cannot be checked.
    #[error("The signature of {second} on the backup (version {first}) cannot be checked.", first = shown(.0), second = quoted(.1))]
    UnusableSignature(BackupVersion, KeyId),
    /// Its public data has members that nobody here made, so that it is not signed.
    #[error("The backup (version {first}) cannot be signed, because its public data has members that could turn a signature into something else: {second}. A new backup can take its place; this one stays.", first = shown(.0), second = names(.1))]
    OtherMembers(BackupVersion, Vec<Excerpt>),
    /// It has a passphrase of its own, as before there was secret storage.
    #[error("The backup (version {first}) has a passphrase of its own, as old ones had.", first = shown(.0))]
    OwnPassphrase(BackupVersion),
    /// Its own passphrase has few rounds.
    #[error("The backup\u{2019}s own passphrase (version {first}) is protected by few rounds ({1}): others can find it by trying.", first = shown(.0))]
    FewRounds(BackupVersion, u32),
    /// Its own passphrase cannot be used.
    #[error("The backup\u{2019}s own passphrase (version {first}) cannot be used: {1}.", first = shown(.0))]
    PassphraseUnusable(BackupVersion, #[source] PassphraseParametersError),
    /// The homeserver has older versions.
    #[error("The homeserver keeps older backups: {}.", list(.0))]
    OlderVersions(Vec<BackupVersion>),
}

impl BackupFinding {
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::Retired(..)
            | Self::NotTrusted(_)
            | Self::WrongSignature(..)
            | Self::FewRounds(..) => Severity::Danger,
            Self::OtherMembers(_, names) if names.iter().any(is_of_keys) => Severity::Danger,
            Self::Absent | Self::Unusable(..) | Self::KeyDiffers { .. } | Self::NoKey(..) => {
                Severity::Failure
            }
            Self::PassphraseUnusable(..) | Self::OtherMembers(..) => Severity::Warning,
            Self::NotSigned(_)
            | Self::UnknownSigner(..)
            | Self::UnverifiedSigner(..)
            | Self::UnusableSignature(..)
            | Self::OwnPassphrase(_)
            | Self::OlderVersions(_) => Severity::Notice,
        }
    }

    pub(super) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Absent => Some(Remedy::CreateBackup),
            Self::Unusable(..)
            | Self::Retired(..)
            | Self::NotTrusted(_)
            | Self::OtherMembers(..)
            | Self::OwnPassphrase(_)
            | Self::FewRounds(..)
            | Self::PassphraseUnusable(..) => Some(Remedy::ReplaceBackup),
            Self::KeyDiffers { .. } => Some(Remedy::StoreSecret(MEGOLM_BACKUP_V1.into())),
            Self::NoKey(..) => Some(Remedy::AskOtherDevice(MEGOLM_BACKUP_V1.into())),
            Self::NotSigned(version)
            | Self::WrongSignature(version, _)
            | Self::UnusableSignature(version, _) => Some(Remedy::SignBackup(version.clone())),
            Self::UnknownSigner(_, key_id) | Self::UnverifiedSigner(_, key_id) => {
                Some(Remedy::VerifySigner(key_id.clone()))
            }
            Self::OlderVersions(versions) => Some(Remedy::DeleteVersions(versions.clone())),
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Absent => "backup.absent",
            Self::Unusable(..) => "backup.unusable",
            Self::KeyDiffers { .. } => "backup.key_differs",
            Self::NoKey(..) => "backup.no_key",
            Self::Retired(..) => "backup.retired",
            Self::NotTrusted(_) => "backup.not_trusted",
            Self::NotSigned(_) => "backup.not_signed",
            Self::UnknownSigner(..) => "backup.unknown_signer",
            Self::UnverifiedSigner(..) => "backup.unverified_signer",
            Self::WrongSignature(..) => "backup.wrong_signature",
            Self::UnusableSignature(..) => "backup.unusable_signature",
            Self::OtherMembers(..) => "backup.other_members",
            Self::OwnPassphrase(_) => "backup.own_passphrase",
            Self::FewRounds(..) => "backup.few_rounds",
            Self::PassphraseUnusable(..) => "backup.passphrase_unusable",
            Self::OlderVersions(_) => "backup.older_versions",
        }
    }
}

fn fitting(version: Option<&BackupVersion>) -> String {
    let version = version.map(shown);
    version.map_or_else(String::new, |version| format!("; it opens the older version {version}"))
}

/// Whether a member of `auth_data` is one that only keys have.
fn is_of_keys(name: &Excerpt) -> bool {
    Kind::BackupAuthData.members_of_others().contains(&name.as_str())
}

fn names(names: &[Excerpt]) -> String {
    names.iter().map(Excerpt::as_str).collect::<Vec<_>>().join(", ")
}

/// The first few, so that nobody can flood a screen.
fn list(versions: &[BackupVersion]) -> String {
    let shown = versions.iter().take(SHOWN).map(|version| shown(version).to_string());
    let mut shown: Vec<_> = shown.collect();
    if versions.len() > SHOWN {
        shown.push(format!("and {} more", versions.len() - SHOWN));
    }
    shown.join(", ")
}

const SHOWN: usize = 10;
