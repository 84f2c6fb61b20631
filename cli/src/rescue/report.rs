//! What a rescue says of what it did.

use std::io::{self, Write};

use serde_json::{Value, json};
use strongroom::{
    backup::{FailureCause, RestoreReport},
    crypto::curve25519_aes_sha2::MacScheme,
};

use crate::failure::{Status, shown};

/// What became of everything.
#[derive(Default)]
pub(super) struct Report {
    pub(super) versions: Vec<VersionReport>,
    /// How many sessions are in the file: of two copies, one.
    pub(super) written: u64,
    /// Whether there is more that was not given.
    pub(super) has_gaps: bool,
}

/// What became of one version.
pub(super) struct VersionReport {
    pub(super) version: Option<String>,
    /// How many sessions it has, by the word of the homeserver.
    pub(super) expected: Option<u64>,
    pub(super) opened_by: Option<&'static str>,
    pub(super) report: RestoreReport,
}

impl Report {
    pub(super) fn restored(&self) -> u64 {
        self.sum(RestoreReport::restored)
    }

    pub(super) fn status(&self) -> Status {
        let (restored, total) = (self.restored(), self.sum(RestoreReport::total));
        if restored == 0 && total > 0 {
            Status::Failed
        } else if restored < total || total == 0 || !self.is_complete() {
            Status::NotAllGood
        } else {
            Status::Good
        }
    }

    fn sum(&self, count: impl Fn(&RestoreReport) -> u64) -> u64 {
        self.versions.iter().map(|version| count(&version.report)).sum()
    }

    fn is_complete(&self) -> bool {
        !self.has_gaps && self.versions.iter().all(VersionReport::is_complete)
    }

    fn expected(&self) -> Option<u64> {
        self.versions.iter().map(|version| version.expected).sum()
    }

    pub(super) fn to_json(&self) -> String {
        let versions = self.versions.iter().map(|it| {
            json!({
                "version": it.version,
                "opened_by": it.opened_by,
                "total": it.report.total(),
                "restored": it.report.restored(),
            })
        });
        let report = json!({
            "expected": self.expected(),
            "total": self.sum(RestoreReport::total),
            "restored": self.restored(),
            "failed": self.sum(RestoreReport::failed),
            "complete": self.is_complete(),
            "mac": {
                "empty_string": self.sum(|it| it.restored_under(MacScheme::EmptyString)),
                "ciphertext": self.sum(|it| it.restored_under(MacScheme::Ciphertext)),
            },
            "versions": versions.collect::<Vec<_>>(),
            "failures": self.failures(),
            "warnings": self.warnings(),
        });
        format!("{report:#}")
    }

    fn failures(&self) -> Vec<Value> {
        let failures = self.versions.iter().flat_map(|it| it.report.failures());
        let failure = |it: &strongroom::backup::FailedSession| {
            json!({
                "room_id": it.room_id.as_str(),
                "session_id": it.session_id.as_str(),
                "cause": it.error.cause().as_str(),
                "detail": it.error.to_string(),
            })
        };
        failures.take(NAMED).map(failure).collect()
    }

    fn warnings(&self) -> Vec<Value> {
        let warned = self.versions.iter().flat_map(|it| it.report.warnings());
        let warnings = warned.flat_map(|it| {
            it.warnings.iter().map(|warning| {
                let kind = format!("{warning:?}");
                let kind = kind.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                json!({
                    "room_id": it.room_id.as_str(),
                    "session_id": it.session_id.as_str(),
                    "kind": snake_case(kind),
                    "detail": warning.to_string(),
                })
            })
        });
        warnings.take(NAMED).collect()
    }

    /// For people, in the words of clients.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        for it in &self.versions {
            let name = it
                .version
                .as_deref()
                .map_or_else(String::new, |name| format!("version {}: ", shown(name)));
            writeln!(out, "{name}{}", it.report)?;
            if let Some(error) = it.report.wrong_key() {
                writeln!(out, "  {error}")?;
            } else {
                it.report
                    .failures()
                    .iter()
                    .take(SHOWN)
                    .try_for_each(|failed| writeln!(out, "  {failed}"))?;
                let more = it.report.failed().saturating_sub(SHOWN as u64);
                if more > 0 && it.report.failed_by(FailureCause::WrongKey) < it.report.failed() {
                    writeln!(out, "  and {more} more")?;
                }
            }
            if let (false, Some(expected)) = (it.is_complete(), it.expected) {
                writeln!(out, "  the homeserver says that this version has {expected}")?;
            }
        }
        if self.sum(RestoreReport::total) == 0 && self.sum(RestoreReport::skipped) > 0 {
            writeln!(out, "Nothing in the backup is of this room or session: check the ID.")?;
        } else if self.sum(RestoreReport::total) == 0 {
            writeln!(
                out,
                "The backup is empty. An older version may have what you look for: save it, too."
            )?;
        }
        Ok(())
    }
}

impl VersionReport {
    /// Whether the response was whole, and had as many sessions as the homeserver says.
    fn is_complete(&self) -> bool {
        let seen = self.report.total() + self.report.skipped();
        self.report.is_complete() && self.expected.is_none_or(|expected| seen >= expected)
    }
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}

/// How many failures and warnings are named in JSON.
const NAMED: usize = 1_000;

/// And for people.
const SHOWN: usize = 10;
