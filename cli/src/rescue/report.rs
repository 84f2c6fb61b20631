//! What a rescue says of what it did.

use std::io::{self, Write};

use serde_json::json;
use strongroom::{
    backup::{BackupVersionInfo, FailedSession, RestoreReport, RestoredSession},
    client::rescue::RescueTable,
    crypto::curve25519_aes_sha2::MacScheme,
    ids::BackupVersion,
};

use super::{
    lists::{self, Lists},
    version_report::VersionReport,
};
use crate::failure::{Status, shown};

/// What became of everything.
#[derive(Default)]
pub(crate) struct Report {
    pub(super) versions: Vec<VersionReport>,
    /// Those of which no sessions were given.
    pub(super) absent: Vec<AbsentVersion>,
    /// Every failure and warning, if that is wanted; otherwise the first ones are in the versions’ reports.
    pub(super) lists: Option<Lists>,
    /// How many sessions are in the file: of two copies, one.
    pub(super) written: u64,
    /// Whether a snapshot says that it is not all there is.
    pub(crate) has_gaps: bool,
    /// Why nothing opens, if nothing does.
    pub(super) reason: String,
    /// Whether only the current version was wanted.
    pub(super) current_only: bool,
    /// Which key opened how much of which version.
    pub(super) table: Option<RescueTable>,
}

/// A version of which no sessions were given.
pub(super) struct AbsentVersion {
    pub(super) version: BackupVersion,
    pub(super) expected: Option<u64>,
}

impl Report {
    pub(crate) fn total(&self) -> u64 {
        self.sum(RestoreReport::total)
    }

    pub(crate) fn restored(&self) -> u64 {
        self.sum(RestoreReport::restored)
    }

    pub(crate) fn status(&self) -> Status {
        let (restored, total) = (self.restored(), self.total());
        let nothing_is_of_filter = total == 0 && self.sum(RestoreReport::skipped) > 0;
        let lacks_all = total == 0 && self.versions.iter().any(VersionReport::lacks_all);
        if (restored == 0 && total > 0) || nothing_is_of_filter || lacks_all {
            Status::Failed
        } else if restored < total || total == 0 || !self.is_complete() {
            Status::NotAllGood
        } else {
            Status::Good
        }
    }

    pub(crate) fn failed(&self) -> u64 {
        self.sum(RestoreReport::failed)
    }

    /// Whether a version came whole, as it is now, and all of it opened.
    pub(crate) fn is_all_open(&self, version: &BackupVersionInfo) -> bool {
        let state = |info: &BackupVersionInfo| {
            (info.version().clone(), info.etag().map(str::to_owned), info.count())
        };
        let is_it = |it: &&VersionReport| {
            it.is_named && it.version.as_ref().is_some_and(|info| state(info) == state(version))
        };
        let mut reports = self.versions.iter().filter(is_it).peekable();
        reports.peek().is_some() && reports.all(|it| it.is_complete() && it.report.failed() == 0)
    }

    /// How many were restored and are not written, since there is a better copy, or another one that is as good.
    pub(crate) fn duplicates(&self) -> u64 {
        self.restored() - self.written
    }

    fn sum(&self, count: impl Fn(&RestoreReport) -> u64) -> u64 {
        self.versions.iter().map(|version| count(&version.report)).sum()
    }

    pub(crate) fn is_complete(&self) -> bool {
        !self.has_gaps
            && self.absent.is_empty()
            && self.versions.iter().all(VersionReport::is_complete)
    }

    pub(crate) fn expected(&self) -> Option<u64> {
        let there = self.versions.iter().map(|version| version.expected);
        there.chain(self.absent.iter().map(|version| version.expected)).sum()
    }

    pub(super) fn list_failure(&mut self, failed: &FailedSession) {
        if let Some(lists) = &mut self.lists {
            lists.fail(failed);
        }
    }

    pub(super) fn list_warnings(&mut self, session: &RestoredSession) {
        if let Some(lists) = &mut self.lists {
            let exported = session.exported();
            lists.warn(&exported.room_id, &exported.session.session_id(), session.warnings());
        }
    }

    /// The document without its lists, which come at its end.
    fn head(&self) -> String {
        let there = self.versions.iter().map(|it| {
            json!({
                "version": it.version.as_ref().map(BackupVersionInfo::version),
                "opened_by": it.opened_by.as_ref().map(|(source, _)| source.as_str()),
                "total": it.report.total(),
                "restored": it.report.restored(),
            })
        });
        let absent = self.absent.iter().map(
            |it| json!({ "version": it.version, "opened_by": null, "total": 0, "restored": 0 }),
        );
        let head = json!({
            "expected": self.expected(),
            "total": self.total(),
            "restored": self.restored(),
            "failed": self.sum(RestoreReport::failed),
            "complete": self.is_complete(),
            "mac": {
                "empty_string": self.sum(|it| it.restored_under(MacScheme::EmptyString)),
                "ciphertext": self.sum(|it| it.restored_under(MacScheme::Ciphertext)),
            },
            "versions": there.chain(absent).collect::<Vec<_>>(),
            "table": self.table,
        });
        format!("{head:#}")
    }

    /// One JSON document.
    pub(super) fn write_json(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let head = self.head();
        write!(out, "{},\n  \"failures\": [", head.trim_end_matches(['}', '\n']))?;
        match &mut self.lists {
            Some(lists) => lists.write_failures(out)?,
            None => lists::write_entries(out, self.first_failures())?,
        }
        write!(out, "\n  ],\n  \"warnings\": [")?;
        match &mut self.lists {
            Some(lists) => lists.write_warnings(out)?,
            None => lists::write_entries(out, self.first_warnings())?,
        }
        writeln!(out, "\n  ]\n}}")
    }

    fn first_failures(&self) -> impl Iterator<Item = io::Result<String>> {
        let failures = self.versions.iter().flat_map(|it| it.report.failures());
        failures.take(NAMED).map(|it| Ok(lists::failure(it).to_string()))
    }

    fn first_warnings(&self) -> impl Iterator<Item = io::Result<String>> {
        let warned = self.versions.iter().flat_map(|it| it.report.warnings());
        let warnings = warned.flat_map(|(room_id, session_id, warnings)| {
            warnings.iter().map(|warning| lists::warning(room_id, session_id, warning))
        });
        warnings.take(NAMED).map(|it| Ok(it.to_string()))
    }

    /// For people, in the words of clients.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let (restored, total) = (self.restored(), self.total());
        let is_any_open = restored > 0;
        if is_any_open && self.versions.len() > 1 {
            let of = self.versions.len();
            writeln!(
                out,
                "{restored} of {total} message keys were restored, out of {of} versions of the backup."
            )?;
        }
        self.versions.iter().try_for_each(|it| it.print(out, is_any_open))?;
        for AbsentVersion { version, expected } in &self.absent {
            let has = expected.map_or_else(String::new, |it| format!(", which are {it}"));
            writeln!(
                out,
                "version {}: its message keys{has}, were not given: save them, too",
                shown(version.as_str())
            )?;
        }
        self.print_table(out)?;
        if self.total() == 0 { self.print_empty(out) } else { Ok(()) }
    }

    /// Where there is more than one version, or several keys opened something.
    fn print_table(&self, out: &mut impl Write) -> io::Result<()> {
        let Some(table) = &self.table else { return Ok(()) };
        let is_of_use = table.version_count() > 1 || table.useful_key_count() > 1;
        if is_of_use && table.useful_key_count() > 0 { write!(out, "\n{table}") } else { Ok(()) }
    }

    /// Why there is nothing.
    fn print_empty(&self, out: &mut impl Write) -> io::Result<()> {
        if self.sum(RestoreReport::skipped) > 0 {
            return writeln!(
                out,
                "Nothing was written: nothing in the backup is of this room or session, so check the ID."
            );
        }
        if self.versions.iter().any(VersionReport::lacks_all) {
            return writeln!(out, "Nothing was written.");
        }
        if self.current_only {
            return writeln!(
                out,
                "The current version of the backup is empty: leave --current-only out, and the older ones are opened, too."
            );
        }
        let oldest = self
            .versions
            .iter()
            .filter_map(|it| it.version.as_ref()?.version().as_str().parse().ok())
            .min();
        match oldest {
            Some(1) => writeln!(out, "The backup is empty, and there is no older one."),
            Some(oldest) => writeln!(
                out,
                "The backup is empty. An older version, {} or one below, may have what you look for: save it, too.",
                oldest - 1_u64
            ),
            None => writeln!(
                out,
                "The backup is empty. An older version may have what you look for: save it, too."
            ),
        }
    }
}

/// How many failures and warnings are named in JSON.
const NAMED: usize = 1_000;
