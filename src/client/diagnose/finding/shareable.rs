//! Findings that may be shown to strangers.

use std::fmt;

use super::{Finding, Severity, names::Names};

/// A finding that may be shown to strangers: [`Diagnosis::shareable`](super::super::Diagnosis::shareable) gives them.
///
/// It displays as the sentence of the [`Finding`]. The IDs, keys, names and texts of the account are replaced by their kind and a
/// number, “device 1” say, in every sentence and argument. What the specification defines stays: the names of the secrets that it
/// lists. So do numbers: of rounds, of sessions and of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareableFinding {
    code: &'static str,
    severity: Severity,
    sentence: String,
    arguments: Vec<(&'static str, String)>,
    remedy: Option<(&'static str, String)>,
}

impl ShareableFinding {
    pub(in super::super) fn new(finding: &Finding, names: &mut Names) -> Self {
        Self {
            code: finding.code(),
            severity: finding.severity(),
            sentence: finding.sentence(names),
            arguments: finding.arguments_by(names),
            remedy: finding.remedy().map(|remedy| (remedy.code(), remedy.sentence(names))),
        }
    }

    /// Its name, for programs: that of the [`Finding`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What it names, for programs: each with the name of the field.
    #[must_use]
    pub fn arguments(&self) -> &[(&'static str, String)] {
        &self.arguments
    }

    /// The [name](super::super::Remedy::code) of what can be done about it, and its sentence; `None` where nothing has to be.
    #[must_use]
    pub fn remedy(&self) -> Option<(&'static str, &str)> {
        self.remedy.as_ref().map(|(code, sentence)| (*code, sentence.as_str()))
    }
}

impl fmt::Display for ShareableFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
