//! What a person has of an account: saved files, and a key that they know.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use strongroom::{
    Limits,
    encoding::text_file,
    saved_files::{SavedFiles, SavedPart},
    secret::{SecretString, SecretVec},
};

pub(crate) use crate::terminal::{asked, chosen};
use crate::{
    failure::{Failure, is_standard_input, named},
    fetch::{self, Snapshot},
    network::Access,
    output::PrivateFolder,
    terminal::is_interactive,
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

/// A recovery key or passphrase.
#[derive(Args)]
pub(crate) struct Key {
    /// A file with a recovery key, or `-` for standard input. Can be given several times.
    #[arg(long, value_name = "FILE")]
    recovery_key_file: Vec<PathBuf>,
    /// A file with a passphrase, or `-` for standard input. Can be given several times.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
    /// An open file descriptor from which a recovery key or passphrase is read.
    #[cfg(unix)]
    #[arg(long, value_name = "N")]
    recovery_key_fd: Vec<u32>,
}

/// What was read.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) files: SavedFiles,
    /// Files of which only the beginning was read, by the place of what they hold.
    long: HashMap<usize, PathBuf>,
    /// Whether a snapshot says that it is not all there is.
    pub(crate) has_gaps: bool,
    /// What was fetched for this command alone, as long as it is needed.
    _fetched: Option<PrivateFolder>,
}

impl Saved {
    /// Reads everything. What is no data in it is told on standard error, and costs itself. `others` are read, too.
    pub(crate) fn read<'a>(
        &'a self,
        others: impl Iterator<Item = &'a PathBuf>,
        limits: &Limits,
    ) -> Result<Loaded, Failure> {
        if self
            .from
            .iter()
            .chain(self.access.files())
            .chain(others)
            .filter(|path| is_standard_input(path))
            .count()
            > 1
        {
            let message = "standard input can be given once: name a file in the place of the other \u{201c}-\u{201d}";
            return Err(Failure::usage(message));
        }
        let mut loaded = Loaded::default();
        if let Some(fetched) = self.fetched()? {
            loaded.read_all(fetched.path(), limits)?;
            loaded._fetched = Some(fetched);
        }
        for path in &self.from {
            loaded.read_all(path, limits)?;
        }
        Ok(loaded)
    }

    /// What the homeserver has, if no files are named.
    fn fetched(&self) -> Result<Option<PrivateFolder>, Failure> {
        match (self.from.is_empty(), self.access.is_given()) {
            (false, false) if self.access.is_idle() => return Ok(None),
            (false, _) => {
                return Err(Failure::usage(
                    "what was saved and the homeserver are not read together: leave out either --from or what is about the \
                     homeserver",
                ));
            }
            (true, false) if !is_interactive() => {
                return Err(Failure::usage(
                    "nothing is named to read: name what was saved of the account with --from, a login with --login, or the \
                     account with --user",
                ));
            }
            (true, _) => {}
        }
        let folder = PrivateFolder::new()?;
        let account = self.access.connect()?;
        fetch::take_into(folder.path(), &account, &fetch::Wanted::default())?;
        Ok(Some(folder))
    }
}

impl Loaded {
    /// The responses with sessions, or their beginnings and the files that hold the whole.
    pub(crate) fn responses(&self) -> impl Iterator<Item = (&[u8], Option<&Path>)> {
        self.files.parts().iter().enumerate().filter_map(|(place, part)| match part {
            SavedPart::RoomKeys(response) => {
                Some((response.expose_bytes(), self.long.get(&place).map(PathBuf::as_path)))
            }
            _ => None,
        })
    }

    fn read_all(&mut self, path: &Path, limits: &Limits) -> Result<(), Failure> {
        if let Some(snapshot) = Snapshot::in_folder(path) {
            self.read_snapshot(path, &snapshot, limits);
        }
        for file in files_of(path)? {
            self.read(&file, limits)?;
        }
        Ok(())
    }

    /// Whose it is, and whether it is all.
    fn read_snapshot(&mut self, path: &Path, snapshot: &Snapshot, limits: &Limits) {
        let owner = serde_json::json!({ "user_id": snapshot.user_id }).to_string();
        // Nothing else is in it.
        let _ = self.files.read(owner.as_bytes(), limits);
        if !snapshot.complete {
            self.has_gaps = true;
            eprintln!(
                "{}: this snapshot is not complete; \u{201c}strongroom fetch\u{201d} goes on where it stopped.",
                named(path)
            );
        }
    }

    fn read(&mut self, path: &Path, limits: &Limits) -> Result<(), Failure> {
        let before = self.files.parts().len();
        let (bytes, is_whole) = beginning_of(path, limits)?;
        self.files
            .read(bytes.expose_bytes(), limits)
            .map_err(|error| Failure::content(path, error))?;
        if !is_whole {
            self.long.insert(before, path.to_owned());
        }
        let name = named(path);
        for part in self.files.parts().iter().skip(before) {
            match part {
                SavedPart::Refused(refusal) => eprintln!("{name}: {refusal}"),
                SavedPart::Broken(error) => eprintln!("{name}: {error}"),
                SavedPart::AccountData { broken: broken @ 1.., .. } => {
                    eprintln!("{name}: entries of the account data that are no events: {broken}");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Key {
    /// The files that it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.recovery_key_file.iter().chain(&self.passphrase_file)
    }

    /// What was typed: of the flags, or else of the files, or else what is asked for on a terminal. Nothing if there is none.
    pub(crate) fn typed(&self, saved: &SavedFiles) -> Result<Vec<SecretString>, Failure> {
        let mut typed = self.files().map(|file| typed_in(file)).collect::<Result<Vec<_>, _>>()?;
        #[cfg(unix)]
        for number in &self.recovery_key_fd {
            typed.push(typed_in(&PathBuf::from(format!("/dev/fd/{number}")))?);
        }
        if typed.is_empty() {
            typed.extend(saved.typed().cloned());
        }
        if typed.is_empty() {
            typed.extend(asked(PROMPT)?);
        }
        Ok(typed)
    }

    /// The only key that a command is about.
    pub(crate) fn one(file: Option<&Path>) -> Result<SecretString, Failure> {
        let typed = match file {
            Some(file) => Some(typed_in(file)?),
            None => asked(PROMPT)?,
        };
        typed.ok_or_else(|| {
            Failure::usage("there is no recovery key: name its file with --file, or \u{201c}-\u{201d} for standard input")
        })
    }
}

/// The files of a snapshot, or the file itself.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if is_standard_input(path) || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error: io::Error| Failure::file(path, "read", &error);
    let entries = fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>();
    let mut files: Vec<_> = entries.map_err(failed)?.iter().map(fs::DirEntry::path).collect();
    // What a snapshot says of itself is no part of the account.
    files.retain(|file| {
        let is_json = file.extension().is_some_and(|extension| extension == "json");
        is_json && file.is_file() && file.file_name().is_none_or(|name| name != "snapshot.json")
    });
    files.sort();
    if files.is_empty() {
        return Err(Failure::content(
            path,
            "there is no file in this folder whose name ends in .json",
        ));
    }
    Ok(files)
}

/// The text of a file, without the end of its line.
pub(crate) fn typed_in(path: &Path) -> Result<SecretString, Failure> {
    let (bytes, _) = beginning_of(path, &Limits::default())?;
    let text = text_file::read_text(bytes.expose_bytes())
        .map_err(|error| Failure::content(path, error))?;
    let text = text.expose_str().trim_end_matches(['\r', '\n']);
    if text.trim().is_empty() {
        return Err(Failure::content(
            path,
            "the file is empty: it should hold a recovery key or passphrase",
        ));
    }
    Ok(SecretString::from(text))
}

/// All of a file, or of a large response with sessions its beginning; and whether it is all. What comes over standard input is
/// there once, so all of it is read.
fn beginning_of(path: &Path, limits: &Limits) -> Result<(SecretVec, bool), Failure> {
    let failed = |error: io::Error| Failure::file(path, "read", &error);
    if is_standard_input(path) {
        let mut input = io::stdin().lock();
        let mut bytes = SecretVec::default();
        let is_whole = read_up_to(MAX_BYTES, &mut input, &mut bytes).map_err(failed)?;
        return if is_whole {
            Ok((bytes, true))
        } else {
            Err(Failure::content(path, "this is too long: name a file"))
        };
    }
    let mut input = File::open(path).map_err(failed)?;
    let length = input.metadata().map_or(0, |it| it.len()).min(FIRST_BYTES);
    let mut bytes = SecretVec::with_capacity(usize::try_from(length).unwrap_or_default());
    let mut is_whole = read_up_to(FIRST_BYTES, &mut input, &mut bytes).map_err(failed)?;
    let is_response = || {
        let parts = SavedPart::read_all(bytes.expose_bytes(), limits);
        matches!(parts.as_deref(), Ok([SavedPart::RoomKeys(_)]))
    };
    if !is_whole && !is_response() {
        is_whole = read_up_to(MAX_BYTES, &mut input, &mut bytes).map_err(failed)?;
    }
    Ok((bytes, is_whole))
}

/// Reads until there are so many bytes, and returns whether the end was reached.
fn read_up_to(limit: u64, input: &mut impl Read, bytes: &mut SecretVec) -> io::Result<bool> {
    let mut input = input.take(limit.saturating_sub(bytes.expose_bytes().len() as u64));
    let mut piece = [0; 1 << 16];
    while input.limit() > 0 {
        match input.read(&mut piece) {
            Ok(0) => return Ok(true),
            Ok(read) => bytes.extend_from_slice(piece.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// In the words of clients, today's and those that people remember.
const PROMPT: &str = "Recovery key (formerly Security Key) or passphrase (Security Phrase):";

/// Of a response with sessions, enough to see which key opens it, and for a diagnosis.
const FIRST_BYTES: u64 = 2 << 20;

/// More than all account data has.
const MAX_BYTES: u64 = 64 << 20;
