//! Files of secrets: written whole or not at all, so that their owner alone may read them.

use std::{
    borrow::Borrow,
    env,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process,
};

use clap::Args;
use serde::{Serialize, Serializer};
use strongroom::{
    Limits,
    ids::SessionId,
    key_export::{KeyFileError, NewKeyFile},
    secret::SecretString,
    session_data::ExportedSession,
};

use crate::{
    arguments::between,
    failure::{Failure, is_standard_input, named, shown, tell},
    input, interrupt,
    network::random_name,
};

/// A file that appears under its name when it is finished.
pub(crate) struct NewFile {
    /// `None` once all of it is written.
    file: Option<BufWriter<File>>,
    /// Beside it, until then.
    part: PathBuf,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file; what is there already stays unless it may be replaced.
    pub(crate) fn create(path: &Path, may_replace: bool) -> Result<Self, Failure> {
        require_place(path, may_replace)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}{PART}", process::id()));
        let part = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = interrupt::begin(&part, || options.open(&part));
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::usage(format!(
                "two outputs are named {}: name another file for one of them",
                named(path)
            )),
            _ => Failure::file(path, "written", &error),
        })?;
        Ok(Self { file: Some(BufWriter::new(file)), part, path: path.to_owned() })
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes));
        written.map_err(|error| self.failed(&error))
    }

    /// Sees that all of the file is on the disk, and closes it.
    pub(crate) fn close(&mut self) -> Result<(), Failure> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let written = file.into_inner().map_err(io::IntoInnerError::into_error);
        written.and_then(|file| file.sync_all()).map_err(|error| self.failed(&error))
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.close()?;
        interrupt::end(&self.part, || fs::rename(&self.part, &self.path))
            .map_err(|error| self.failed(&error))
    }

    pub(crate) fn failed(&self, error: &io::Error) -> Failure {
        Failure::file(&self.path, "written", error)
    }
}

/// The name of the file that one of this name, in any process, would have become.
pub(crate) fn part_of(name: &str) -> Option<&str> {
    let (whole, process) = name.strip_suffix(PART)?.rsplit_once('.')?;
    process.bytes().all(|byte| byte.is_ascii_digit()).then_some(whole)
}

const PART: &str = ".part";

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = interrupt::end(&self.part, || fs::remove_file(&self.part));
    }
}

impl NewFile {
    /// Sessions as the encrypted file that clients import.
    pub(crate) fn encrypted<S: Borrow<ExportedSession>>(
        mut self,
        new: NewKeyFile,
        sessions: impl IntoIterator<Item = S>,
    ) -> Result<Self, Failure> {
        let written = new.write(&mut self, sessions);
        // What went wrong is said of this file.
        let written = written.map_err(|error| match error {
            KeyFileError::Write(kind) => self.failed(&kind.into()),
            error => Failure::other(error.to_string()),
        })?;
        written.left_out_sessions.iter().for_each(left_out);
        Ok(self)
    }

    /// Sessions as a JSON array, which is not encrypted.
    pub(crate) fn json<S: Borrow<ExportedSession>>(
        mut self,
        sessions: impl IntoIterator<Item = S>,
    ) -> Result<Self, Failure> {
        let mut separator: &[u8] = b"[";
        for session in sessions {
            let session = session.borrow();
            let Ok(json) = session.to_json() else {
                left_out(&session.session_id());
                continue;
            };
            self.put(separator)?;
            self.put(json.expose_bytes())?;
            separator = b",\n";
        }
        self.put(if separator == b"[" { b"[]\n" } else { b"]\n" })?;
        Ok(self)
    }
}

/// Sees that a file can appear there: what exists stays unless it may be replaced, and what is no ordinary file stays anyway.
fn require_place(path: &Path, may_replace: bool) -> Result<(), Failure> {
    if is_standard_input(path) {
        return Err(Failure::usage("there is no output to \u{201c}-\u{201d}: name a file"));
    }
    let name = named(path);
    match path.metadata() {
        Ok(kind) if kind.is_dir() => {
            Err(Failure::file(path, "written", &io::ErrorKind::IsADirectory.into()))
        }
        // A device would be gone for everybody.
        Ok(kind) if !kind.is_file() => {
            Err(Failure::other(format!("{name} is no ordinary file, and stays: name another file")))
        }
        _ if !may_replace && path.symlink_metadata().is_ok() => Err(Failure::other(format!(
            "{name} exists already: name another file, or replace it with --force"
        ))),
        _ => Ok(()),
    }
}

/// Clients would refuse the whole file.
fn left_out(session: &SessionId) {
    tell(format_args!(
        "{}: left out, since its room has no ID that clients take",
        shown(session.as_str())
    ));
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(bytes.len()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// A folder for the time of one command, which nobody else can read.
pub(crate) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    pub(crate) fn new() -> Result<Self, Failure> {
        let path = env::temp_dir().join(format!("strongroom-{}", random_name()?));
        interrupt::begin(&path, || make_private_folder(&path))
            .map_err(|error| Failure::file(&path, "written", &error))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = interrupt::end(&self.0, || fs::remove_dir_all(&self.0));
    }
}

/// Makes a folder that nobody else can read.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    let builder = DirBuilder::new();
    #[cfg(unix)]
    let builder = {
        let mut builder = builder;
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
    };
    builder.create(path)
}

/// The passphrase of a new key file.
#[derive(Args)]
pub(crate) struct ExportPassphrase {
    /// A file with a new passphrase, which protects the key file; without it, it is asked for twice.
    #[arg(long, value_name = "FILE")]
    export_passphrase_file: Option<PathBuf>,
    /// How many rounds protect the passphrase from being guessed.
    #[arg(long, value_name = "N", default_value_t = NewKeyFile::DEFAULT_ROUNDS, value_parser = rounds)]
    rounds: u32,
}

impl ExportPassphrase {
    /// Where it is read from.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        self.export_passphrase_file.as_ref()
    }

    pub(crate) fn chosen(&self) -> Result<SecretString, Failure> {
        let chosen = match self.file() {
            Some(file) => Some(one_line_in(file)?),
            None => input::chosen("New passphrase for the key file:")?,
        };
        chosen.ok_or_else(|| {
            Failure::usage(
                "a key file needs a passphrase: name a file with --export-passphrase-file",
            )
        })
    }

    /// Starts a key file.
    pub(crate) fn start(&self, passphrase: &SecretString) -> Result<NewKeyFile, Failure> {
        NewKeyFile::new(passphrase.expose_str(), self.rounds)
            .map_err(|error| Failure::usage(error.to_string()))
    }
}

/// A passphrase in a file. Clients ask for one line, so that nobody could type a longer one.
fn one_line_in(path: &Path) -> Result<SecretString, Failure> {
    let passphrase = input::secret_in(path, input::Wanted::NewPassphrase)?;
    if passphrase.expose_str().contains(['\n', '\r']) {
        return Err(Failure::content(
            path,
            "there are several lines in it, and a client takes a passphrase of one: keep one line",
        ));
    }
    Ok(passphrase)
}

/// As many rounds as this program reads again.
fn rounds(typed: &str) -> Result<u32, String> {
    let most = Limits::default().pbkdf2_rounds;
    let rounds = between(typed, NewKeyFile::MIN_ROUNDS.into(), most.into())?;
    u32::try_from(rounds).map_err(|error| error.to_string())
}

/// A secret on its way to standard output.
pub(crate) struct SecretText(SecretString);

impl SecretText {
    pub(crate) fn new(text: SecretString) -> Self {
        Self(text)
    }

    pub(crate) fn expose_str(&self) -> &str {
        self.0.expose_str()
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose_str())
    }
}
