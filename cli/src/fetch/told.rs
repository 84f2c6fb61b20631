//! What is said of a snapshot in the end.

use std::{
    fmt::{self, Display},
    io::{self, Write},
    path::Path,
};

use super::snapshot::{Snapshot, Version};
use crate::failure::{named, shown};

/// What there is, what to do about the rest, and what to do with it. `login` is the file that was given.
pub(super) fn print(
    out: &mut impl Write,
    snapshot: &Snapshot,
    folder: &Path,
    login: Option<&Path>,
) -> io::Result<()> {
    if snapshot.versions.is_empty() {
        return writeln!(
            out,
            "The account has no backup: there are no message keys on the homeserver."
        );
    }
    for version in &snapshot.versions {
        writeln!(out, "{version}")?;
    }
    if !snapshot.complete {
        writeln!(out)?;
        snapshot.versions.iter().try_for_each(|version| print_missing(out, version))?;
    }
    let name = named(folder);
    writeln!(out, "\nNext: strongroom rescue --from {name} --out keys.txt")?;
    writeln!(
        out,
        "  Or, into the backup of another account: strongroom upload --user @you:example.org --from {name}"
    )?;
    if let Some(login) = login {
        writeln!(
            out,
            "When your messages are back: strongroom logout --login {}, and remove {name}.",
            named(login)
        )?;
    }
    Ok(())
}

/// Where the message keys of a version are that did not come, and what helps.
fn print_missing(out: &mut impl Write, version: &Version) -> io::Result<()> {
    let missing = version.count.unwrap_or_default().saturating_sub(version.sessions);
    if version.complete && missing == 0 {
        return Ok(());
    }
    let keys = match missing {
        0 => "There may be more message keys".to_owned(),
        missing => format!("{missing} message keys"),
    };
    let (of, rooms) = (shown(&version.version), version.missing_rooms.len());
    let unknown = "rooms that the homeserver does not name";
    match rooms {
        _ if !version.is_by_rooms => {
            writeln!(out, "{keys} of version {of} did not come: repeat the same line later.")
        }
        0 => writeln!(
            out,
            "{keys} of version {of} are in {unknown}, as those that you left long ago: repeat the same line with --room ID for each \
             room that you remember."
        ),
        rooms => writeln!(
            out,
            "{keys} of version {of} are in rooms that could not be reached, which are {rooms}, or in {unknown}: repeat the same \
             line later, for the latter with --room ID."
        ),
    }
}

/// What is not known is not shown.
fn of_count(sessions: u64, count: Option<u64>) -> String {
    match count {
        Some(count) if count > sessions => {
            format!("{sessions} of {count} message keys; {} could not be reached", count - sessions)
        }
        _ => format!("{sessions} message keys"),
    }
}

impl Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_current = if self.current { ", the current one" } else { "" };
        write!(
            f,
            "Version {}{is_current}: {}",
            shown(&self.version),
            of_count(self.sessions, self.count)
        )?;
        if !self.complete && self.count.is_none_or(|count| count <= self.sessions) {
            f.write_str("; there may be more")?;
        }
        if !self.missing_rooms.is_empty() {
            write!(f, "; rooms that could not be reached: {}", self.missing_rooms.len())?;
        }
        f.write_str(".")
    }
}
