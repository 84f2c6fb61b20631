//! What a diagnosis may find.

pub(super) mod argument;
mod backup;
mod errors;
mod input;
pub(super) mod names;
mod secrets;
mod shareable;
mod storage;
mod table;

use std::fmt;

use self::names::Names;
pub use self::shareable::ShareableFinding;
pub(super) use self::{
    backup::{BackupFinding, SessionCount, SessionFinding},
    input::InputFinding,
    secrets::{Fitting, IdentityFinding, LegacyForm, SecretFinding},
    storage::StorageFinding,
};
use super::remedy::Remedy;
use crate::secret_value::MEGOLM_BACKUP_V1;

/// One thing that was found. It displays as a sentence for the user, without secrets.
///
/// A program knows it by its [`code`](Finding::code), and what it names by its [`arguments`](Finding::arguments). All codes,
/// each with an example and what helps, stand in `docs/diagnose.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding(Topic);

/// Makes the enum of all findings from the tables of each topic.
macro_rules! topics {
    ($($(#[$doc:meta])* $topic:ident($findings:ty);)*) => {
        /// What it is about.
        #[derive(Debug, Clone, PartialEq, Eq)]
        enum Topic {
            $($(#[$doc])* $topic($findings),)*
        }

        impl Finding {
            /// The names of all that may be found.
            pub fn codes() -> impl Iterator<Item = &'static str> {
                [$(<$findings>::CODES),*].into_iter().flatten().copied()
            }

            /// How much it matters.
            #[must_use]
            pub fn severity(&self) -> Severity {
                match &self.0 {
                    $(Topic::$topic(finding) => finding.severity(),)*
                }
            }

            /// What can be done about it; `None` where nothing has to be.
            #[must_use]
            pub fn remedy(&self) -> Option<Remedy> {
                match &self.0 {
                    $(Topic::$topic(finding) => finding.remedy(),)*
                }
            }

            /// Its name, for programs: `storage.no_default_key`, say.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match &self.0 {
                    $(Topic::$topic(finding) => finding.code(),)*
                }
            }

            /// What it names, with these names.
            fn arguments_by(&self, names: &mut Names) -> Vec<(&'static str, String)> {
                match &self.0 {
                    $(Topic::$topic(finding) => finding.arguments(names),)*
                }
            }

            /// The sentence for the user, with these names.
            fn sentence(&self, names: &mut Names) -> String {
                match &self.0 {
                    $(Topic::$topic(finding) => finding.sentence(names),)*
                }
            }
        }

        $(impl From<$findings> for Finding {
            fn from(finding: $findings) -> Self {
                Self(Topic::$topic(finding))
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

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence(&mut Names::as_they_are()))
    }
}

impl Finding {
    /// What it names, for programs: each with the name of the field. What comes from outside is cut and made
    /// visible, and nothing is secret.
    #[must_use]
    pub fn arguments(&self) -> Vec<(&'static str, String)> {
        self.arguments_by(&mut Names::as_they_are())
    }

    /// What is done after its remedy.
    pub(super) fn then(&self) -> Option<Remedy> {
        match &self.0 {
            Topic::Backup(BackupFinding::KeyDiffers { fits: Some(_), .. }) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile() -> String {
        format!("evil\n\u{202e}\u{1b}[2J{}", "x".repeat(300))
    }

    /// Nothing of the name's steering or length is left; the beginning is there. `tests/excerpts.rs` has the same.
    #[track_caller]
    fn is_an_excerpt(shown: &impl fmt::Display) {
        let shown = shown.to_string();
        assert!(!shown.contains(['\n', '\u{202e}', '\u{1b}']), "{shown:?}");
        assert!(shown.contains("evil\\u{a}") && !shown.contains(&"x".repeat(70)), "{shown:?}");
    }

    #[test]
    fn findings_show_excerpts() {
        let name = hostile();
        let text = name.as_str();
        let findings: [Finding; 8] = [
            InputFinding::StorageKeyFits { key: text.into() }.into(),
            InputFinding::OlderBackupKey { version: text.into() }.into(),
            StorageFinding::DefaultKeyMissing { key: text.into() }.into(),
            StorageFinding::WrongSignature { key: text.into(), signer: text.into() }.into(),
            SecretFinding::Missing { name: text.into() }.into(),
            SecretFinding::UnderUnknownKey { name: text.into(), keys: vec![text.into()] }.into(),
            BackupFinding::UnknownSigner { version: text.into(), signer: text.into() }.into(),
            BackupFinding::OlderVersions { versions: vec![text.into()] }.into(),
        ];
        findings.iter().for_each(is_an_excerpt);
        findings.iter().for_each(|finding| {
            if let Some(remedy @ (Remedy::StoreSecret(_) | Remedy::VerifySigner(_))) =
                finding.remedy()
            {
                is_an_excerpt(&remedy);
            }
        });
    }

    #[test]
    fn what_a_finding_names_is_an_argument_as_it_is() {
        let finding = Finding::from(InputFinding::StorageKeyTyped { key: "a key".into() });
        assert_eq!(finding.arguments(), [("key", "a key".to_owned())]);
    }
}
