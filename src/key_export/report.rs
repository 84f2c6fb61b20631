//! What becomes of the entries of a key file.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::KeyFileError;
use crate::{
    encoding::read::Read,
    passphrase::PassphraseForm,
    session_data::{ExportedSession, Repair, SessionDataError},
};

/// A session and its room, which nothing in the session proves, or why an entry is none, which costs no other entry.
pub(super) type EntryVerdict = Result<Read<ExportedSession, Repair>, SessionDataError>;

/// What became of a key file: exact counts, and the first entries that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFileReport {
    findings: usize,
    form: Option<PassphraseForm>,
    read: u64,
    repaired: u64,
    failed: u64,
    failures: Vec<(u64, SessionDataError)>,
    ended_early: Option<KeyFileError>,
}

impl KeyFileReport {
    pub(super) fn new(form: Option<PassphraseForm>, findings: usize) -> Self {
        let (read, repaired, failed) = (0, 0, 0);
        Self { findings, form, read, repaired, failed, failures: Vec::new(), ended_early: None }
    }

    /// The form of the passphrase that fitted; `None` for a file that is not encrypted.
    #[must_use]
    pub fn form(&self) -> Option<PassphraseForm> {
        self.form
    }

    /// How many entries there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.read + self.failed
    }

    /// How many of them are sessions.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read
    }

    /// How many of these had something that was made good.
    #[must_use]
    pub fn repaired(&self) -> u64 {
        self.repaired
    }

    /// How many are no sessions.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// The first of these, up to [`Limits::findings`](crate::Limits::findings): their places in the list, from 1, and what is
    /// wrong.
    #[must_use]
    pub fn failures(&self) -> &[(u64, SessionDataError)] {
        &self.failures
    }

    /// Why the list was not read to its end, if so: then there may be more entries.
    #[must_use]
    pub fn ended_early(&self) -> Option<&KeyFileError> {
        self.ended_early.as_ref()
    }

    /// Whether every session of the file was read: the list has its end, and no entry failed.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.ended_early.is_none() && self.failed == 0
    }

    pub(super) fn add(&mut self, verdict: &EntryVerdict) {
        match verdict {
            Ok(read) => {
                self.read += 1;
                self.repaired += u64::from(!read.repairs.is_empty());
            }
            Err(error) => {
                self.failed += 1;
                if self.failures.len() < self.findings {
                    self.failures.push((self.total(), error.clone()));
                }
            }
        }
    }

    /// The first reason counts.
    pub(super) fn end_early(&mut self, error: KeyFileError) {
        self.ended_early.get_or_insert(error);
    }
}

impl fmt::Display for KeyFileReport {
    /// One line, in the words of clients: *3 of 5 message keys were read; unreadable: 2*
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} message keys were read", self.read, self.total())?;
        if self.failed > 0 {
            write!(f, "; unreadable: {}", self.failed)?;
        }
        if let Some(error) = &self.ended_early {
            write!(f, "; there may be more: {error}")?;
        }
        Ok(())
    }
}

impl Serialize for KeyFileReport {
    /// An object with `total`, `read`, `repaired`, `failed` (numbers), `ended_early` (a sentence or `null`) and `failures`, each
    /// with `entry` and `error` (a sentence).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("KeyFileReport", 6)?;
        object.serialize_field("total", &self.total())?;
        object.serialize_field("read", &self.read)?;
        object.serialize_field("repaired", &self.repaired)?;
        object.serialize_field("failed", &self.failed)?;
        object
            .serialize_field("ended_early", &self.ended_early.as_ref().map(ToString::to_string))?;
        let failures = self.failures.iter();
        let failures =
            failures.map(|(entry, error)| Failure { entry: *entry, error: error.to_string() });
        object.serialize_field("failures", &failures.collect::<Vec<_>>())?;
        object.end()
    }
}

#[derive(Serialize)]
struct Failure {
    entry: u64,
    error: String,
}
