//! What a device has, and the backup has not.

use std::path::PathBuf;

use serde_json::{Value, json};
use strongroom::{
    secret::SecretString,
    session_data::{BestCopies, ExportedSession},
};

use crate::{
    failure::{Failure, Status, shown},
    file::{Purpose, Source},
    input::{Wanted, check_standard_input, secret_in},
};

/// The key files of a device, open to be read.
pub(super) struct Local<'a> {
    paths: &'a [PathBuf],
    passphrase_files: &'a [PathBuf],
    files: Vec<Source<'a>>,
    passphrases: Vec<SecretString>,
}

/// Where the backup stands with a message key that a device has.
pub(super) enum Standing {
    /// It opens as many messages.
    Safe,
    /// It is not there.
    Lost,
    /// It opens only the messages from this index on.
    Later(u32),
}

/// What became of the message keys of a device.
pub(super) struct Device {
    pub(super) total: u64,
    pub(super) lost: u64,
    pub(super) later: u64,
    /// How many could not be read, so that nobody knows whether they are in the backup.
    pub(super) unreadable: u64,
    /// Those that are not safe: the first ones, or all.
    pub(super) entries: Vec<Entry>,
    /// Whether everything in the files could be read.
    pub(super) status: Status,
}

/// A message key that is not safe.
pub(super) struct Entry {
    room_id: String,
    session_id: String,
    first_index: u32,
    /// `None` if it is not in the backup.
    backup_index: Option<u32>,
}

impl<'a> Local<'a> {
    pub(super) fn open(
        paths: &'a [PathBuf],
        passphrase_files: &'a [PathBuf],
    ) -> Result<Self, Failure> {
        check_standard_input(paths.iter().chain(passphrase_files))?;
        let files = paths.iter().map(|path| Source::open(path, Purpose::Upload));
        let files = files.collect::<Result<_, _>>()?;
        let passphrases =
            passphrase_files.iter().map(|path| secret_in(path, Wanted::NewPassphrase));
        let passphrases = passphrases.collect::<Result<_, _>>()?;
        Ok(Self { paths, passphrase_files, files, passphrases })
    }

    /// What is read besides the account.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &'a PathBuf> {
        self.paths.iter().chain(self.passphrase_files)
    }

    /// Looks each of its message keys up; nothing if no file was named.
    pub(super) fn compare(
        &mut self,
        standing: impl Fn(&ExportedSession) -> Standing,
        at_most: usize,
    ) -> Result<Option<Device>, Failure> {
        if self.files.is_empty() {
            return Ok(None);
        }
        let mut device = Device::default();
        for file in &mut self.files {
            let mut input = file.read(&self.passphrases)?;
            for session in input.sessions() {
                device.take(&session, &standing(&session), at_most);
            }
            let (status, report) = input.finish_with_report()?;
            device.status = device.status.and(status);
            device.total += report.failed();
            device.unreadable += report.failed();
        }
        Ok(Some(device))
    }
}

impl Standing {
    pub(super) fn of(session: &ExportedSession, backup: &BestCopies) -> Self {
        match backup.first_index(session) {
            None => Self::Lost,
            Some(index) if index > session.session.session_key().first_known_index() => {
                Self::Later(index)
            }
            Some(_) => Self::Safe,
        }
    }
}

impl Default for Device {
    fn default() -> Self {
        let (entries, status) = (Vec::new(), Status::Good);
        Self { total: 0, lost: 0, later: 0, unreadable: 0, entries, status }
    }
}

impl Device {
    fn take(&mut self, session: &ExportedSession, standing: &Standing, at_most: usize) {
        self.total += 1;
        let backup_index = match standing {
            Standing::Safe => return,
            Standing::Lost => {
                self.lost += 1;
                None
            }
            Standing::Later(index) => {
                self.later += 1;
                Some(*index)
            }
        };
        if self.entries.len() < at_most {
            self.entries.push(Entry {
                room_id: session.room_id.as_str().to_owned(),
                session_id: session.session_id().as_str().to_owned(),
                first_index: session.session.session_key().first_known_index(),
                backup_index,
            });
        }
    }

    /// Whether the device can be logged out without a loss. That there is nothing in a file shows nothing of the device.
    pub(super) fn is_safe(&self) -> bool {
        self.total > 0 && self.safe() == self.total && self.status == Status::Good
    }

    /// How many would come back whole.
    pub(super) fn safe(&self) -> u64 {
        self.total - self.lost - self.later - self.unreadable
    }

    pub(super) fn to_json(&self) -> Value {
        let entries: Vec<_> = self.entries.iter().map(Entry::to_json).collect();
        json!({
            "total": self.total,
            "lost": self.lost,
            "later": self.later,
            "unreadable": self.unreadable,
            "entries": entries,
        })
    }
}

impl Entry {
    fn to_json(&self) -> Value {
        json!({
            "room_id": self.room_id,
            "session_id": self.session_id,
            "first_index": self.first_index,
            "backup_index": self.backup_index,
        })
    }

    /// A line for people.
    pub(super) fn line(&self) -> String {
        let (room, session) = (shown(&self.room_id), shown(&self.session_id));
        match self.backup_index {
            None => format!("session {session} in room {room}: not in the backup"),
            Some(index) => format!(
                "session {session} in room {room}: from message {index} on in the backup, from message {} on in the device",
                self.first_index
            ),
        }
    }
}
