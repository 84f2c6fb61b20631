//! What a person has of an account: saved files, and a key that they know.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use strongroom::{
    Limits,
    backup::BackupVersionInfo,
    saved_files::{SavedFiles, SavedPart},
};

pub(crate) use crate::fetch::Extent;
use crate::{
    beginning::beginning_of,
    content,
    failure::{Failure, is_standard_input, named, shown, tell},
    fetch::{self, SNAPSHOT, Snapshot},
    network::Access,
    output::PrivateFolder,
    terminal::is_interactive,
};
pub(crate) use crate::{
    terminal::{asked, chosen, confirmed, free_place, place},
    typed::{Key, Wanted, secret_in},
};

/// What was saved of an account.
#[derive(Args)]
pub(crate) struct Saved {
    /// What was saved of the account: a folder, a file, or `-` for standard input. What a file is, is seen by its content. Can
    /// be given several times.
    #[arg(long, value_name = "PATH")]
    from: Vec<PathBuf>,
    #[command(flatten)]
    access: Access,
}

/// What was read.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) files: SavedFiles,
    /// Where each part was read from.
    paths: Vec<PathBuf>,
    /// Whether a snapshot says that it is not all there is, or nobody can say so.
    pub(crate) has_gaps: bool,
    /// Of a snapshot of an account without a backup, a sentence that says so.
    pub(crate) without_backup: Option<String>,
    /// What was fetched for this command alone, as long as it is needed.
    _fetched: Option<PrivateFolder>,
    /// Of what only the beginning was read, the whole, by the place of what it holds.
    long: HashMap<usize, File>,
}

/// A response with sessions that was saved.
pub(crate) struct Response<'a> {
    /// It, or its beginning.
    pub(crate) bytes: &'a [u8],
    /// All of it, if that is more.
    pub(crate) file: Option<&'a File>,
    /// The version that was saved with it.
    pub(crate) version: Option<&'a BackupVersionInfo>,
}

impl Saved {
    /// Reads everything. What is no data in it is told on standard error, and costs itself. `others` are read, too; of an account on a homeserver
    /// no more than is `wanted` is fetched.
    pub(crate) fn read<'a>(
        &'a self,
        others: impl Iterator<Item = &'a PathBuf>,
        wanted: Extent,
        limits: &Limits,
    ) -> Result<Loaded, Failure> {
        check_standard_input(self.from.iter().chain(self.access.files()).chain(others))?;
        let mut loaded = Loaded::default();
        if let Some(fetched) = self.fetched(wanted)? {
            let path = fetched.path().to_owned();
            loaded._fetched = Some(fetched);
            loaded.read_all(&path, limits)?;
        }
        loaded.add(&self.from, limits)?;
        Ok(loaded)
    }

    /// Whether something of an account is named.
    pub(crate) fn is_given(&self) -> bool {
        !self.from.is_empty() || !self.access.is_idle()
    }

    /// The account, as it is named on the command line to put something into its backup.
    pub(crate) fn account(&self) -> String {
        let of_snapshot = || self.from.iter().find_map(|path| Snapshot::in_folder(path)?.account());
        let named = self.access.named().or_else(of_snapshot);
        named.unwrap_or_else(|| "--user @you:example.org".to_owned())
    }

    /// The files and folders that are named.
    pub(crate) fn from(&self) -> &[PathBuf] {
        &self.from
    }

    /// The account on a homeserver.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Whether a homeserver is to be asked, since no files are named.
    pub(crate) fn is_of_homeserver(&self) -> Result<bool, Failure> {
        match (self.from.is_empty(), self.access.is_given()) {
            (false, false) if self.access.is_idle() => Ok(false),
            (false, _) => Err(Failure::usage(
                "what was saved and the homeserver are not read together: leave out either --from or what is about the \
                 homeserver",
            )),
            (true, false) if !is_interactive() => Err(Failure::usage(
                "nothing is named to read: name what was saved of the account with --from, a login with --login, or the \
                 account with --user",
            )),
            (true, _) => Ok(true),
        }
    }

    /// What the homeserver has, if no files are named.
    fn fetched(&self, wanted: Extent) -> Result<Option<PrivateFolder>, Failure> {
        if !self.is_of_homeserver()? {
            return Ok(None);
        }
        let folder = PrivateFolder::new()?;
        let account = self.access.connect()?;
        fetch::take_into(folder.path(), &account, &wanted.into())?;
        Ok(Some(folder))
    }
}

impl Loaded {
    /// The responses with sessions.
    pub(crate) fn responses(&self) -> impl Iterator<Item = Response<'_>> {
        self.files.parts().iter().enumerate().filter_map(|(place, part)| match part {
            SavedPart::RoomKeys(response) => Some(Response {
                bytes: response.expose_bytes(),
                file: self.long.get(&place),
                version: self.version_beside(self.paths.get(place)?),
            }),
            _ => None,
        })
    }

    /// Of `room_keys.2.json` what `backup_info.2.json` has, or what stands in the same file.
    fn version_beside(&self, path: &Path) -> Option<&BackupVersionInfo> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(name.replacen("room_keys", "backup_info", 1));
        let mut parts = self.files.parts().iter().zip(&self.paths);
        parts.find_map(|(part, of)| match part {
            SavedPart::Version(info) if of == path || *of == beside => Some(&**info),
            _ => None,
        })
    }

    pub(crate) fn add(&mut self, paths: &[PathBuf], limits: &Limits) -> Result<(), Failure> {
        paths.iter().try_for_each(|path| self.read_all(path, limits))
    }

    /// What is no data in a folder is told, and costs itself, unless there is nothing else.
    fn read_all(&mut self, path: &Path, limits: &Limits) -> Result<(), Failure> {
        if is_standard_input(path) || !path.is_dir() {
            return self.read(path, limits);
        }
        self.read_snapshot(path, limits);
        let files = files_of(path)?;
        let mut unread = Vec::new();
        for file in &files {
            match self.read(file, limits) {
                Err(failure) if failure.is_of_content() => unread.push(failure),
                read => read?,
            }
        }
        if unread.len() == files.len() {
            return unread.into_iter().next().map_or(Ok(()), Err);
        }
        self.has_gaps |= !unread.is_empty();
        unread.iter().for_each(|failure| tell(format_args!("{failure}. It was passed over.")));
        Ok(())
    }

    /// Whose it is, and whether it is all.
    fn read_snapshot(&mut self, path: &Path, limits: &Limits) {
        let Some(snapshot) = Snapshot::in_folder(path) else {
            if path.join(SNAPSHOT).exists() {
                self.has_gaps = true;
                tell(format_args!(
                    "{}: this file is damaged, so it is not known whether everything is in the folder: save it again with \
                     \u{201c}strongroom fetch\u{201d}.",
                    named(&path.join(SNAPSHOT))
                ));
            }
            return;
        };
        let owner = serde_json::json!({ "user_id": snapshot.user_id }).to_string();
        // Nothing else is in it.
        let _ = self.files.read(owner.as_bytes(), limits);
        if let Some((user, server)) = snapshot.without_backup() {
            let _ = self.files.read(NO_BACKUP.as_bytes(), limits);
            self.without_backup =
                Some(format!("{} has no backup on {}", shown(user), shown(server)));
        }
        self.paths.resize(self.files.parts().len(), path.to_owned());
        if !snapshot.complete && !self.has_gaps && self._fetched.is_none() {
            tell(format_args!(
                "{}: this snapshot is not complete; \u{201c}strongroom fetch\u{201d} goes on where it stopped.",
                named(path)
            ));
        }
        self.has_gaps |= !snapshot.complete;
    }

    fn read(&mut self, path: &Path, limits: &Limits) -> Result<(), Failure> {
        let before = self.files.parts().len();
        let (bytes, long) = beginning_of(path, limits)?;
        self.files.read(bytes.expose_bytes(), limits).map_err(|error| {
            Failure::content(path, content::unread(bytes.expose_bytes(), &error))
        })?;
        self.paths.resize(self.files.parts().len(), path.to_owned());
        self.long.extend(long.map(|file| (before, file)));
        let name = named(path);
        for part in self.files.parts().iter().skip(before) {
            match part {
                SavedPart::Refused(refusal) => tell(format_args!("{name}: {refusal}")),
                SavedPart::Broken(error) => {
                    self.has_gaps = true;
                    tell(format_args!("{name}: {error}"));
                }
                // It is passed over: who can say whether its message keys are elsewhere?
                SavedPart::KeysOfRoom(_) => self.has_gaps = true,
                SavedPart::Version(info) if has_namesake(&self.files, info) => {
                    self.has_gaps = true;
                    tell(format_args!(
                        "{name}: this is another backup than the version {} that was read before; it was passed over: call the \
                         command for one after the other.",
                        shown(info.version().as_str())
                    ));
                }
                SavedPart::AccountData { broken: broken @ 1.., .. } => {
                    tell(format_args!(
                        "{name}: entries of the account data that are no events: {broken}"
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether another backup has the same number, that of another account, say: the first one counts.
fn has_namesake(files: &SavedFiles, info: &BackupVersionInfo) -> bool {
    let key = |info: &BackupVersionInfo| info.auth_data().ok().map(|it| *it.public_key());
    let mut all = files.versions();
    all.any(|other| other.version() == info.version() && key(other) != key(info))
}

/// Standard input can be one of the files that a command reads.
pub(crate) fn check_standard_input<'a>(
    files: impl Iterator<Item = &'a PathBuf>,
) -> Result<(), Failure> {
    if files.filter(|path| is_standard_input(path)).count() > 1 {
        let message = "standard input can be given once: name a file in the place of the other \u{201c}-\u{201d}";
        return Err(Failure::usage(message));
    }
    Ok(())
}

/// The files of a snapshot.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::file(path, "read", &error);
    let entries = fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>();
    let mut files: Vec<_> = entries.map_err(failed)?.iter().map(fs::DirEntry::path).collect();
    // What a snapshot says of itself is no part of the account.
    files.retain(|file| {
        let is_json = file.extension().is_some_and(|extension| extension == "json");
        is_json && file.is_file() && file.file_name().is_none_or(|name| name != SNAPSHOT)
    });
    files.sort();
    if files.is_empty() {
        return Err(Failure::content(
            path,
            "there is no file in this folder whose name ends in .json: name one that \u{201c}strongroom fetch\u{201d} has written",
        ));
    }
    Ok(files)
}

/// What a homeserver answers where an account has no backup.
const NO_BACKUP: &str = r#"{"room_keys_version":{"errcode":"M_NOT_FOUND"}}"#;
