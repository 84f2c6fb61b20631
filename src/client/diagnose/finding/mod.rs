//! What a diagnosis may find.

mod backup;
mod identity;
mod input;
mod secrets;
mod sessions;
mod storage;

use thiserror::Error;

pub use self::{
    backup::BackupFinding,
    identity::IdentityFinding,
    input::InputFinding,
    secrets::{LegacyForm, SecretFinding},
    sessions::{SessionCount, SessionFinding},
    storage::StorageFinding,
};
use super::remedy::Remedy;
use crate::excerpt::Excerpt;

/// One thing that was found. It displays as a sentence for the user, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Finding {
    /// About what was typed.
    #[error(transparent)]
    Input(InputFinding),
    /// About the keys of the secret storage.
    #[error(transparent)]
    Storage(StorageFinding),
    /// About the secrets in it.
    #[error(transparent)]
    Secret(SecretFinding),
    /// About the backup.
    #[error(transparent)]
    Backup(BackupFinding),
    /// About the sessions in the backup.
    #[error(transparent)]
    Sessions(SessionFinding),
    /// About the user's own keys.
    #[error(transparent)]
    Identity(IdentityFinding),
}

/// How much a finding matters; what matters most comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Somebody else may have had a hand in it: look at this before anything else is typed or repaired.
    Danger,
    /// History or a secret cannot be had.
    Failure,
    /// Something does not work as it should; history can be had.
    Warning,
    /// It works, and is of the past or unusual.
    Notice,
    /// As it should be.
    Information,
}

impl Finding {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Input(finding) => finding.severity(),
            Self::Storage(finding) => finding.severity(),
            Self::Secret(finding) => finding.severity(),
            Self::Backup(finding) => finding.severity(),
            Self::Sessions(finding) => finding.severity(),
            Self::Identity(finding) => finding.severity(),
        }
    }

    /// What can be done about it; `None` where nothing has to be.
    #[must_use]
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Input(finding) => finding.remedy(),
            Self::Storage(finding) => finding.remedy(),
            Self::Secret(finding) => finding.remedy(),
            Self::Backup(finding) => finding.remedy(),
            Self::Sessions(finding) => finding.remedy(),
            Self::Identity(finding) => finding.remedy(),
        }
    }

    /// Its name, for programs: `storage.no_default_key`, say.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Input(finding) => finding.code(),
            Self::Storage(finding) => finding.code(),
            Self::Secret(finding) => finding.code(),
            Self::Backup(finding) => finding.code(),
            Self::Sessions(finding) => finding.code(),
            Self::Identity(finding) => finding.code(),
        }
    }
}

impl Severity {
    /// Its name, for programs: `danger`, say.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::Failure => "failure",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Information => "information",
        }
    }
}

macro_rules! from_part {
    ($($variant:ident($part:ty)),*) => {
        $(impl From<$part> for Finding {
            fn from(finding: $part) -> Self {
                Self::$variant(finding)
            }
        })*
    };
}

from_part!(
    Input(InputFinding),
    Storage(StorageFinding),
    Secret(SecretFinding),
    Backup(BackupFinding),
    Sessions(SessionFinding),
    Identity(IdentityFinding)
);

/// A name from outside, cut and made visible.
fn shown(name: &impl AsRef<str>) -> Excerpt {
    Excerpt::new(name.as_ref())
}

/// The same in quotation marks, for names that could be taken for words.
fn quoted(name: &impl AsRef<str>) -> String {
    format!("\u{201c}{}\u{201d}", shown(name))
}
