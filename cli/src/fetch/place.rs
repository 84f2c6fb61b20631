//! The folder of a snapshot: what is in it already, and what of that still counts.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use strongroom::{backup::BackupVersionInfo, ids::BackupVersion};

use super::{
    collected,
    snapshot::{SNAPSHOT, Snapshot, Version},
};
use crate::{
    failure::{Failure, named, shown},
    folder::lock,
    network::{Account, now_ms},
    output::{NewFile, make_private_folder, part_of},
};

/// The folder of a snapshot.
pub(super) struct Place {
    folder: PathBuf,
    snapshot: Snapshot,
    /// As long as it is open, no other run writes there.
    _lock: Option<File>,
}

impl Place {
    /// Makes the folder, or takes up one that was not finished.
    pub(super) fn open(folder: &Path, force: bool) -> Result<Self, Failure> {
        let failed = |error| Failure::file(folder, "written", &error);
        if !folder.is_dir() {
            make_private_folder(folder).map_err(failed)?;
        }
        let lock = lock(folder, "fetch")?;
        remove_remains(folder).map_err(failed)?;
        let is_empty = fs::read_dir(folder).map_err(failed)?.next().is_none();
        let snapshot = match Snapshot::in_folder(folder) {
            Some(snapshot) if snapshot.complete && !force => {
                return Err(Failure::other(format!(
                    "{} has a finished snapshot: name another folder, or take it again with --force",
                    named(folder)
                )));
            }
            Some(snapshot) => snapshot,
            None if is_empty || force => Snapshot::default(),
            None => {
                return Err(Failure::other(format!(
                    "{} has other files in it: name a new folder, or write among them with --force",
                    named(folder)
                )));
            }
        };
        // Whether it can be written shows before the work.
        drop(NewFile::create(&folder.join(SNAPSHOT), true)?);
        Ok(Self { folder: folder.to_owned(), snapshot, _lock: lock })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says whose snapshot it is, or sees that it is theirs.
    pub(super) fn begin(&mut self, account: &Account) -> Result<(), Failure> {
        let (server, user) = (account.connection.address(), account.user_id.as_str());
        let before = &self.snapshot;
        if before.user_id.is_empty() {
            self.snapshot.server = server.to_owned();
            self.snapshot.user_id = user.to_owned();
        } else if before.server != server || before.user_id != user {
            return Err(Failure::usage(format!(
                "{} has the snapshot of {} at {}: name another folder",
                named(&self.folder),
                shown(&before.user_id),
                shown(&before.server)
            )));
        }
        self.snapshot.complete = false;
        self.save()
    }

    /// Renames what is there to what it is now. A version that the homeserver no longer has stays: it may be the only copy.
    pub(super) fn settle(&mut self, current: Option<&BackupVersion>) -> Result<(), Failure> {
        let is_current =
            |it: &Version| current.is_some_and(|current| current.as_str() == it.version);
        let mut moved: Vec<_> = self
            .snapshot
            .versions
            .iter()
            .filter(|it| it.current != is_current(it))
            .cloned()
            .collect();
        // The name of the current version is free before another one takes it.
        moved.sort_by_key(|it| !it.current);
        for before in moved {
            let mut after = before.clone();
            after.current = !before.current;
            for kind in [INFO, KEYS] {
                let (from, to) = (self.path(kind, &before), self.path(kind, &after));
                if from.is_file() {
                    fs::rename(&from, &to)
                        .map_err(|error| Failure::file(&to, "written", &error))?;
                }
            }
            self.record(after)?;
        }
        Ok(())
    }

    /// The versions that were there before.
    pub(super) fn versions(&self) -> impl Iterator<Item = BackupVersion> {
        self.snapshot.versions.iter().map(|it| BackupVersion::from(it.version.as_str()))
    }

    /// Whether the message keys of this version are here, whole and as the homeserver has them.
    pub(super) fn has(&self, version: &Version) -> bool {
        let known = self.known(&version.version);
        version.etag.is_some()
            && self.path(KEYS, version).is_file()
            && known.is_some_and(|known| {
                known.complete && known.etag == version.etag && known.count == version.count
            })
    }

    /// How many message keys of it are here.
    pub(super) fn sessions_of(&self, version: &Version) -> u64 {
        let known = self.known(&version.version).filter(|_| self.path(KEYS, version).is_file());
        known.map_or(0, |known| known.sessions)
    }

    /// Keeps what is known of a version, the current one first.
    pub(super) fn record(&mut self, version: Version) -> Result<(), Failure> {
        self.snapshot.versions.retain(|known| known.version != version.version);
        self.snapshot.versions.push(version);
        let newest_first = |it: &Version| (!it.current, !it.version.parse::<u64>().unwrap_or(0));
        self.snapshot.versions.sort_by_key(newest_first);
        self.save()
    }

    /// Writes a small file as a whole.
    pub(super) fn put(&self, name: &str, pieces: &[&[u8]]) -> Result<(), Failure> {
        let mut file = NewFile::create(&self.folder.join(name), true)?;
        for piece in pieces {
            file.put(piece)?;
        }
        file.finish()
    }

    /// Writes what the homeserver says of a version, and returns what is to be recorded of it.
    pub(super) fn put_info(
        &self,
        info: &BackupVersionInfo,
        is_current: bool,
        json: &[u8],
    ) -> Result<Version, Failure> {
        let version = Version {
            version: info.version().as_str().to_owned(),
            current: is_current,
            etag: info.etag().map(str::to_owned),
            count: info.count(),
            ..Version::default()
        };
        let name = self.path(INFO, &version);
        self.put(&name.file_name().unwrap_or_default().to_string_lossy(), &[json])?;
        Ok(version)
    }

    /// Starts the file of the message keys of a version.
    pub(super) fn start_keys(&self, version: &Version) -> Result<NewFile, Failure> {
        NewFile::create(&self.path(KEYS, version), true)
    }

    /// Says that this is all.
    pub(super) fn finish(mut self, complete: bool) -> Result<Snapshot, Failure> {
        self.snapshot.complete = complete;
        self.save()?;
        let rooms = self.folder.join(collected::FOLDER);
        if complete && rooms.is_dir() {
            fs::remove_dir_all(&rooms).map_err(|error| Failure::file(&rooms, "removed", &error))?;
        }
        Ok(self.snapshot)
    }

    fn known(&self, version: &str) -> Option<&Version> {
        self.snapshot.versions.iter().find(|known| known.version == version)
    }

    fn save(&mut self) -> Result<(), Failure> {
        self.snapshot.time_ms = now_ms();
        let json = serde_json::to_vec_pretty(&self.snapshot)
            .map_err(|error| Failure::other(error.to_string()))?;
        self.put(SNAPSHOT, &[&json, b"\n"])
    }

    /// `room_keys.json`, or `room_keys.3.json`.
    fn path(&self, kind: &str, version: &Version) -> PathBuf {
        if version.current {
            return self.folder.join(format!("{kind}.json"));
        }
        self.folder.join(format!("{kind}.{}.json", version.number()))
    }
}

/// Removes what a run has begun that was killed: `room_keys.json.123.part`.
fn remove_remains(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let whole = name.to_str().and_then(part_of);
        if whole.is_some_and(|whole| NAMES.iter().any(|ours| whole.starts_with(ours))) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

const NAMES: [&str; 5] = [INFO, KEYS, SNAPSHOT, "account_data.json", "keys_query.json"];

const INFO: &str = "backup_info";
const KEYS: &str = "room_keys";
