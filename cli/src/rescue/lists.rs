//! The failures and warnings of a rescue, as JSON, one after the other.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Seek as _, Write},
};

use serde_json::{Value, json};
use strongroom::{
    backup::{FailedSession, Warning},
    ids::{RoomId, SessionId},
};

use crate::{failure::Failure, spool};

/// All failures and warnings: however many there are, they take no memory.
pub(crate) struct Lists {
    failures: List,
    warnings: List,
}

struct List {
    entries: BufWriter<File>,
    /// The first one that is not written.
    error: Option<io::Error>,
}

impl Lists {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self { failures: List::new()?, warnings: List::new()? })
    }

    pub(super) fn fail(&mut self, failed: &FailedSession) {
        self.failures.add(&failure(failed));
    }

    pub(super) fn warn(&mut self, room_id: &RoomId, session_id: &SessionId, warnings: &[Warning]) {
        warnings.iter().for_each(|it| self.warnings.add(&warning(room_id, session_id, it)));
    }

    pub(super) fn write_failures(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.failures.write(out)
    }

    pub(super) fn write_warnings(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.warnings.write(out)
    }

    /// Whether nothing is lost: the disk may have been full.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        for list in [&mut self.failures, &mut self.warnings] {
            let written = list.error.take().map_or_else(|| list.entries.flush(), Err);
            written.map_err(|error| spool::not_kept(&error))?;
        }
        Ok(())
    }
}

impl List {
    fn new() -> Result<Self, Failure> {
        let file = spool::private_file().map_err(|error| spool::not_kept(&error))?;
        Ok(Self { entries: BufWriter::new(file), error: None })
    }

    fn add(&mut self, entry: &Value) {
        if let Err(error) = writeln!(self.entries, "{entry}") {
            self.error.get_or_insert(error);
        }
    }

    fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.entries.flush()?;
        let mut file = self.entries.get_ref().try_clone()?;
        file.rewind()?;
        write_entries(out, BufReader::new(file).lines())
    }
}

/// The inside of a list.
pub(super) fn write_entries(
    out: &mut dyn Write,
    entries: impl Iterator<Item = io::Result<String>>,
) -> io::Result<()> {
    for (number, entry) in entries.enumerate() {
        let separator = if number == 0 { "" } else { "," };
        write!(out, "{separator}\n    {}", entry?)?;
    }
    Ok(())
}

pub(super) fn failure(failed: &FailedSession) -> Value {
    json!({
        "room_id": failed.room_id.as_str(),
        "session_id": failed.session_id.as_str(),
        "cause": failed.error.cause().as_str(),
        "detail": failed.error.to_string(),
    })
}

pub(super) fn warning(room_id: &RoomId, session_id: &SessionId, warning: &Warning) -> Value {
    let kind = format!("{warning:?}");
    let kind = kind.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    json!({
        "room_id": room_id.as_str(),
        "session_id": session_id.as_str(),
        "kind": snake_case(kind),
        "detail": warning.to_string(),
    })
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
