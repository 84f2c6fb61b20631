//! What a diagnosis may find.

pub(super) mod argument;
mod backup;
mod identity;
mod input;
mod secrets;
mod sessions;
mod storage;
mod table;

use std::fmt;

pub use self::{
    backup::BackupFinding,
    identity::IdentityFinding,
    input::InputFinding,
    secrets::{LegacyForm, SecretFinding},
    sessions::{SessionCount, SessionFinding},
    storage::StorageFinding,
};
use super::remedy::Remedy;
use crate::secret_value::MEGOLM_BACKUP_V1;

/// Makes the enum of all findings from the tables of each topic.
macro_rules! topics {
    ($($(#[$doc:meta])* $topic:ident($findings:ty);)*) => {
        /// One thing that was found. It displays as a sentence for the user, without secrets.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Finding {
            $($(#[$doc])* $topic($findings),)*
        }

        impl Finding {
            /// How much it matters.
            #[must_use]
            pub fn severity(&self) -> Severity {
                match self {
                    $(Self::$topic(finding) => finding.severity(),)*
                }
            }

            /// What can be done about it; `None` where nothing has to be.
            #[must_use]
            pub fn remedy(&self) -> Option<Remedy> {
                match self {
                    $(Self::$topic(finding) => finding.remedy(),)*
                }
            }

            /// Its name, for programs: `storage.no_default_key`, say.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$topic(finding) => finding.code(),)*
                }
            }

            /// What it names, for programs: each with the name of the field. What comes from outside is cut and made
            /// visible, and nothing is secret.
            #[must_use]
            pub fn arguments(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(Self::$topic(finding) => finding.arguments(),)*
                }
            }
        }

        impl fmt::Display for Finding {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$topic(finding) => finding.fmt(f),)*
                }
            }
        }

        $(impl From<$findings> for Finding {
            fn from(finding: $findings) -> Self {
                Self::$topic(finding)
            }
        })*
    };
}

topics! {
    /// About what was entered.
    Input(InputFinding);
    /// About the keys of the key storage.
    Storage(StorageFinding);
    /// About the secrets in it.
    Secret(SecretFinding);
    /// About the backup.
    Backup(BackupFinding);
    /// About the message keys in the backup.
    Sessions(SessionFinding);
    /// About the user's own keys.
    Identity(IdentityFinding);
}

impl Finding {
    /// What is done after its remedy.
    pub(super) fn then(&self) -> Option<Remedy> {
        match self {
            Self::Backup(BackupFinding::KeyDiffers { fits: Some(_), .. }) => {
                Some(Remedy::StoreSecret(MEGOLM_BACKUP_V1.into()))
            }
            _ => None,
        }
    }
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
