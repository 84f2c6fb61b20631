//! What a diagnosis could judge, and for what it lacked something: nothing is well that was not looked at. All of it in words,
//! and as JSON.

// docs/decisions.md, 30: a diagnosis is findings, not a verdict.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::{CurrentBackup, Diagnosis, Evidence, Finding, Severity, facts::Facts};
use crate::backup::BackupVersionInfo;

/// What follows from a diagnosis as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiagnosisVerdict {
    /// Nothing is wrong with [what was compared](super::Diagnosis::compared).
    Well,
    /// Something is wrong.
    Ill,
    /// Nothing wrong was found, but no key was tried on what it should open: that is too little to judge.
    Unknown,
}

impl DiagnosisVerdict {
    /// Its name, for programs: `well`, `ill` or `unknown`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Ill => "ill",
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn of(findings: &[Finding], compared: &[Comparison]) -> Self {
        let is_opening = |comparison: &Comparison| {
            matches!(comparison, Comparison::SecretsWithStorageKey | Comparison::KeyWithBackup)
        };
        if findings.iter().any(|finding| finding.severity() < Severity::Notice) {
            Self::Ill
        } else if compared.iter().any(is_opening) {
            Self::Well
        } else {
            Self::Unknown
        }
    }
}

/// Makes an enum of rows `/// What it is. Variant = "code", "in words";`.
macro_rules! named {
    ($(#[$about:meta])* pub enum $name:ident {
        $($(#[$doc:meta])* $variant:ident = $code:literal, $words:literal;)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All there are, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, for programs.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $words,)*
                })
            }
        }
    };
}

named! {
    /// Two pieces that were compared. It displays as words for a list.
    pub enum Comparison {
        /// What was entered, with the keys of the key storage.
        EnteredWithStorage = "entered_with_key_storage", "what you entered against your key storage";
        /// What was entered, with the backup and its older versions.
        EnteredWithBackup = "entered_with_backup", "what you entered against the backup";
        /// The secrets, with the keys of the key storage that are at hand.
        SecretsWithStorageKey = "secrets_with_storage_key",
            "what your key storage holds against its key";
        /// The secrets that the host has, with those in the key storage.
        CachedWithStored = "cached_secrets_with_key_storage",
            "the secrets on this device against what your key storage holds";
        /// The backup, with the backup keys that are at hand.
        KeyWithBackup = "backup_key_with_backup", "the backup key against the backup";
        /// The signatures on the backup, with the keys that are trusted.
        SignaturesWithTrustedKeys = "backup_signatures_with_trusted_keys",
            "the signatures on the backup against the keys you trust";
        /// The cross-signing keys that are stored, with those that are published.
        StoredWithPublished = "stored_keys_with_published_keys",
            "the stored keys of your digital identity against the published ones";
        /// The published master key, with the one that the host has pinned.
        PublishedWithPinned = "published_keys_with_verified_master_key",
            "your published digital identity against the one you verified";
        /// Sessions of the backup, with the backup keys that are at hand.
        SessionsWithKey = "message_keys_with_backup_key",
            "message keys of the backup against the backup key";
    }
}

named! {
    /// What was not at hand, so that something could not be compared. It displays as words for a list.
    pub enum MissingEvidence {
        /// Nothing was entered, and the host has no key.
        Key = "key", "a recovery key or passphrase";
        /// The account data.
        AccountData = "account_data", "the account data with your key storage";
        /// A key that opens the key storage.
        StorageKey = "storage_key", "a key that opens your key storage";
        /// The answer to `GET /room_keys/version`.
        Backup = "backup_version", "the current version of the backup";
        /// The key of the backup.
        BackupKey = "backup_key", "the backup key";
        /// The answer to `POST /keys/query`.
        PublishedKeys = "published_keys", "your published keys";
        /// A key that the user trusts, to check signatures with.
        TrustedKey = "trusted_key", "a device or digital identity that you have verified";
        /// Sessions of the backup.
        Sessions = "message_keys", "message keys of the backup";
    }
}

/// What was compared.
pub(super) fn comparisons(evidence: &Evidence, facts: &Facts) -> Vec<Comparison> {
    let has_typed = facts.tried.is_some();
    let has_versions = evidence.versions().next().is_some();
    let has_usable = evidence.versions().any(|info| info.auth_data().is_ok());
    let has_backup_key = facts.backup_keys(evidence).next().is_some();
    let storage = evidence.storage.as_ref();
    let has_secrets = storage.is_some_and(|it| it.secrets().next().is_some());
    let has_storage = has_secrets || storage.is_some_and(|it| it.keys().next().is_some());
    let has_cached = evidence.cached_secrets().any(|it| facts.opened(it.name().as_str()).is_some());
    let is_open = storage.is_some() && (!has_secrets || has_opened(facts));
    let (has_keys, has_sample) = (evidence.own_keys().is_some(), evidence.sample.is_some());
    let is_signed = is_usable(evidence.current()) && !facts.trusted.is_empty();
    let made = [
        (Comparison::EnteredWithStorage, has_typed && has_storage),
        (Comparison::EnteredWithBackup, has_typed && has_versions),
        (Comparison::SecretsWithStorageKey, !facts.secrets.is_empty()),
        (Comparison::CachedWithStored, has_cached),
        (Comparison::KeyWithBackup, has_usable && has_backup_key),
        (Comparison::SignaturesWithTrustedKeys, is_signed),
        (Comparison::StoredWithPublished, is_open && has_keys),
        (Comparison::PublishedWithPinned, evidence.master_key.is_some() && has_keys),
        (Comparison::SessionsWithKey, has_sample && has_backup_key),
    ];
    only(made)
}

/// What was missing.
pub(super) fn missing(evidence: &Evidence, facts: &Facts) -> Vec<MissingEvidence> {
    let has_none = facts.tried.is_none()
        && facts.storage_keys.is_empty()
        && facts.backup_keys(evidence).next().is_none();
    let is_locked = evidence.storage.as_ref().is_some_and(|it| it.secrets().next().is_some())
        && !has_opened(facts);
    let current = evidence.current();
    let has_backup = is_usable(current);
    let is_shut = has_backup && current.is_none_or(|info| facts.key_of(evidence, info).is_none());
    let is_unknown = matches!(evidence.backup, CurrentBackup::Unknown);
    let lacks_sessions = evidence.sample.is_none() && (is_unknown || has_backup);
    only([
        (MissingEvidence::Key, has_none),
        (MissingEvidence::AccountData, evidence.storage.is_none()),
        (MissingEvidence::StorageKey, is_locked),
        (MissingEvidence::Backup, is_unknown),
        (MissingEvidence::BackupKey, is_shut),
        (MissingEvidence::PublishedKeys, evidence.own_keys().is_none()),
        (MissingEvidence::TrustedKey, has_backup && facts.trusted.is_empty()),
        (MissingEvidence::Sessions, lacks_sessions),
    ])
}

/// Whether any secret was opened with a key that is the right one.
fn has_opened(facts: &Facts) -> bool {
    facts.secrets.iter().any(|verdict| verdict.opened_by_known().is_some())
}

fn is_usable(info: Option<&BackupVersionInfo>) -> bool {
    info.is_some_and(|info| info.auth_data().is_ok())
}

fn only<T, const N: usize>(rows: [(T, bool); N]) -> Vec<T> {
    rows.into_iter().filter_map(|(row, holds)| holds.then_some(row)).collect()
}

impl fmt::Display for Diagnosis {
    /// A line for each finding, what matters most first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings().iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}: {finding}", finding.severity().code())?;
        }
        Ok(())
    }
}

impl Serialize for Diagnosis {
    /// An object with `verdict` (a name), `findings`, and `compared` and `missing` (arrays of names).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Diagnosis", 4)?;
        object.serialize_field("verdict", self.verdict().code())?;
        object.serialize_field("findings", self.findings())?;
        let compared: Vec<_> = self.compared().into_iter().map(Comparison::code).collect();
        object.serialize_field("compared", &compared)?;
        let missing: Vec<_> = self.missing().into_iter().map(MissingEvidence::code).collect();
        object.serialize_field("missing", &missing)?;
        object.end()
    }
}

impl Serialize for Finding {
    /// An object with `code`, `severity`, `sentence`, `arguments` (an object of strings) and `remedy` (a name or
    /// `null`).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Finding", 5)?;
        object.serialize_field("code", self.code())?;
        object.serialize_field("severity", self.severity().code())?;
        object.serialize_field("sentence", &self.to_string())?;
        let arguments: BTreeMap<_, _> = self.arguments().into_iter().collect();
        object.serialize_field("arguments", &arguments)?;
        object.serialize_field("remedy", &self.remedy().map(|remedy| remedy.code()))?;
        object.end()
    }
}
