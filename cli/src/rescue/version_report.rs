//! What a rescue says of one version of the backup.

use std::io::{self, Write};

use strongroom::{
    backup::{BackupVersionInfo, RestoreReport},
    client::rescue::KeySource,
};

use super::{
    keys::words,
    words::{self as counts, message_keys},
};
use crate::failure::shown;

/// What became of one version.
pub(super) struct VersionReport {
    pub(super) version: Option<BackupVersionInfo>,
    /// Whether what was saved says so, not only a key that opens it.
    pub(super) is_named: bool,
    /// How many sessions it has, by the word of the homeserver.
    pub(super) expected: Option<u64>,
    /// The key that opened most of it, and whether it is its own.
    pub(super) opened_by: Option<(KeySource, bool)>,
    pub(super) report: RestoreReport,
}

impl VersionReport {
    pub(super) fn print(&self, out: &mut impl Write, is_any_open: bool) -> io::Result<()> {
        let name = self.version.as_ref();
        let name = name.map(|info| shown(info.version().as_str()));
        let name = name.map_or_else(String::new, |name| format!("version {name}: "));
        if self.lacks_all() {
            let expected = self.expected.unwrap_or_default();
            let why = self.report.ended_early();
            let why = why.map_or_else(String::new, |error| format!(" ({error})"));
            return writeln!(
                out,
                "{name}the homeserver says that it has {}, but the saved response has none{why}: fetch it again",
                message_keys(expected)
            );
        }
        if self.report.wrong_key().is_some() {
            let of = match self.report.total() {
                1 => "its only message key does not open".to_owned(),
                of => format!("none of its {of} message keys opens"),
            };
            writeln!(out, "{name}{of} with what was entered")?;
            return if is_any_open {
                writeln!(out, "  it has a key of its own: to get these, too, enter that as well")
            } else {
                Ok(())
            };
        }
        writeln!(out, "{name}{}", counts::line(&self.report))?;
        self.print_details(out)
    }

    fn print_details(&self, out: &mut impl Write) -> io::Result<()> {
        if let Some((source, is_own)) = &self.opened_by {
            let others = match self.report.opened_by().count() {
                0 | 1 => String::new(),
                2 => ", and with another one".to_owned(),
                count => format!(", and with {} others", count - 1),
            };
            writeln!(out, "  opened with {}{others}", words(source, *is_own))?;
        }
        let failures = self.report.failures().iter();
        failures.take(SHOWN).try_for_each(|failed| writeln!(out, "  {failed}"))?;
        let more = self.report.failed().saturating_sub(SHOWN as u64);
        if more > 0 {
            writeln!(out, "  and {more} more")?;
        }
        match self.expected {
            Some(expected) if !self.is_complete() => {
                writeln!(
                    out,
                    "  the homeserver says that this version has {}",
                    message_keys(expected)
                )
            }
            _ => Ok(()),
        }
    }

    /// Whether there is nothing in the response though the homeserver counts some.
    pub(super) fn lacks_all(&self) -> bool {
        let seen = self.report.total() + self.report.skipped();
        seen == 0 && self.expected.is_some_and(|expected| expected > 0)
    }

    /// Whether the response was whole, and had as many sessions as the homeserver says.
    pub(super) fn is_complete(&self) -> bool {
        let seen = self.report.total() + self.report.skipped();
        self.report.is_complete() && self.expected.is_none_or(|expected| seen >= expected)
    }
}

/// How many failures are named.
const SHOWN: usize = 10;
