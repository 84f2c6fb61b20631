//! A file of message keys that is read, wherever it comes from.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
    path::Path,
};

use strongroom::{
    Limits,
    key_export::{
        EncryptedKeyFile, KeyFile, KeyFileError, KeyFileReport, KeyFileSessions, NewKeyFile,
    },
    recovery_key::RecoveryKey,
    secret::{SecretString, SecretVec},
    session_data::ExportedSession,
};

use crate::{
    beginning::read_up_to,
    failure::{Failure, Status, named, tell},
    input,
    spool::{self, Input},
};

/// Where message keys are read from.
pub(crate) struct Source<'a> {
    path: &'a Path,
    /// `None` once a stream was read that does not come twice.
    content: Option<Content>,
    /// The passphrase that fitted.
    passphrase: Option<SecretString>,
    /// What became of the stream that was kept.
    status: Status,
}

enum Content {
    File(File),
    /// What is not encrypted and so must not lie in a file: its beginning, and the rest.
    Stream(SecretVec, Box<dyn Read>),
}

/// Message keys that are being read.
pub(crate) struct Sessions<'a> {
    path: &'a Path,
    file: KeyFileSessions<Reader>,
    status: Status,
}

/// Can be read again from its beginning; a stream only as long as it was not read beyond its own.
pub(super) enum Reader {
    File(BufReader<File>),
    Stream { beginning: Cursor<SecretVec>, rest: Box<dyn Read> },
}

impl<'a> Source<'a> {
    /// Opens a file. An encrypted stream is kept in a private file, since it is read several times.
    pub(crate) fn open(path: &'a Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::file(path, "read", &error);
        let content = match Input::open(path).map_err(failed)? {
            Input::File(file) => Content::File(file),
            Input::Stream(mut stream) => {
                let mut beginning = SecretVec::default();
                read_up_to(BEGINNING_BYTES, &mut stream, &mut beginning).map_err(failed)?;
                if is_encrypted(beginning.expose_bytes()) {
                    Content::File(spool::keep(path, beginning.expose_bytes(), &mut stream)?)
                } else {
                    Content::Stream(beginning, stream)
                }
            }
        };
        Ok(Self { path, content: Some(content), passphrase: None, status: Status::Good })
    }

    /// Sees what the file is, and authenticates it with the passphrase that fits.
    pub(crate) fn read(&mut self, passphrases: &[SecretString]) -> Result<Sessions<'a>, Failure> {
        let (path, status) = (self.path, self.status);
        let reader = self.reader().map_err(|error| Failure::file(path, "read", &error))?;
        let file = KeyFile::open(reader, &Limits::default());
        let file = match file.map_err(|error| Failure::content(path, error))? {
            KeyFile::Plain(file) => file,
            KeyFile::Encrypted(file) => self.unlock(file, passphrases)?,
        };
        Ok(Sessions { path, file, status })
    }

    /// Keeps message keys that come only once, encrypted with a key that nobody else ever sees.
    pub(super) fn make_readable_twice(&mut self) -> Result<(), Failure> {
        if let Some(Content::File(_)) = self.content {
            return Ok(());
        }
        let random = RecoveryKey::generate().map_err(|error| Failure::other(error.to_string()))?;
        let passphrase = random.to_text();
        let new = NewKeyFile::new(passphrase.expose_str(), NewKeyFile::MIN_ROUNDS)
            .map_err(|error| Failure::other(error.to_string()))?;
        let mut sessions = self.read(&[])?;
        let mut file = spool::private_file().map_err(|error| spool::not_kept(&error))?;
        let written = new.write(&mut io::BufWriter::new(&mut file), sessions.sessions());
        written.map_err(|error| match error {
            KeyFileError::Write(kind) => spool::not_kept(&kind.into()),
            error => Failure::other(error.to_string()),
        })?;
        self.status = sessions.finish()?;
        self.content = Some(Content::File(file));
        self.passphrase = Some(passphrase);
        Ok(())
    }

    fn reader(&mut self) -> io::Result<Reader> {
        match self.content.take() {
            Some(Content::File(mut file)) => {
                file.rewind()?;
                let again = file.try_clone()?;
                self.content = Some(Content::File(file));
                Ok(Reader::File(BufReader::new(again)))
            }
            Some(Content::Stream(beginning, rest)) => {
                Ok(Reader::Stream { beginning: Cursor::new(beginning), rest })
            }
            None => Err(io::ErrorKind::NotSeekable.into()),
        }
    }

    fn unlock(
        &mut self,
        mut file: EncryptedKeyFile<Reader>,
        passphrases: &[SecretString],
    ) -> Result<KeyFileSessions<Reader>, Failure> {
        let asked = if passphrases.is_empty() && self.passphrase.is_none() {
            input::asked(&format!("Passphrase of {}:", named(self.path)))?
        } else {
            None
        };
        let mut failure = None;
        let known = self.passphrase.take();
        for passphrase in known.iter().chain(passphrases).chain(&asked) {
            let mut attempts = file.unlock(passphrase.expose_str());
            loop {
                match attempts.advance(u32::MAX) {
                    Ok(true) => {
                        self.passphrase = Some(passphrase.clone());
                        let opened = attempts.open();
                        return opened.map_err(|error| Failure::content(self.path, error));
                    }
                    Ok(false) => {}
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                }
            }
            file = attempts.into_file();
        }
        Err(match failure {
            Some(error) => Failure::content(self.path, error),
            None => Failure::usage(format!(
                "{} is encrypted: name a file with its passphrase, with --passphrase-file",
                named(self.path)
            )),
        })
    }
}

impl Sessions<'_> {
    pub(crate) fn sessions(&mut self) -> impl Iterator<Item = ExportedSession> {
        self.file.verdicts().flatten().map(|read| read.value)
    }

    /// Sees that all of the file was what it is, and tells what was no session in it.
    pub(super) fn finish(self) -> Result<Status, Failure> {
        self.finish_with_report().map(|(status, _)| status)
    }

    /// The same, with what became of its entries.
    pub(crate) fn finish_with_report(self) -> Result<(Status, KeyFileReport), Failure> {
        let (name, status) = (named(self.path), self.status);
        let report = self.finish_quietly()?;
        for (entry, error) in report.failures().iter().take(SHOWN) {
            tell(format_args!("{name}: entry {entry}: {error}"));
        }
        let more = report.failed().saturating_sub(SHOWN as u64);
        if more > 0 {
            tell(format_args!("{name}: and {more} more"));
        }
        if let Some(error) = report.ended_early() {
            tell(format_args!("{name}: {error}"));
        }
        let status = if report.is_everything() { status } else { Status::NotAllGood };
        Ok((status, report))
    }

    pub(super) fn finish_quietly(self) -> Result<KeyFileReport, Failure> {
        self.file.finish().map_err(|error| Failure::content(self.path, error))
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Stream { beginning, rest } => {
                let position = usize::try_from(beginning.position()).unwrap_or(usize::MAX);
                let bytes = beginning.get_ref().expose_bytes().get(position..).unwrap_or_default();
                if bytes.is_empty() {
                    return rest.read(buffer);
                }
                let length = (&*bytes).read(buffer)?;
                beginning.set_position((position + length) as u64);
                Ok(length)
            }
        }
    }
}

impl Seek for Reader {
    /// The beginning of a stream is there until more than that is read, and nobody asks for it then.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match (self, to) {
            (Self::File(file), to) => file.seek(to),
            (Self::Stream { beginning, .. }, SeekFrom::Start(position)) => {
                beginning.set_position(position);
                Ok(position)
            }
            (Self::Stream { beginning, .. }, SeekFrom::Current(0)) => Ok(beginning.position()),
            (Self::Stream { .. }, _) => Err(io::ErrorKind::NotSeekable.into()),
        }
    }
}

/// Whether it is what the library takes for an encrypted key file.
fn is_encrypted(beginning: &[u8]) -> bool {
    let file = KeyFile::from_slice(beginning, &Limits::default());
    let is_plain = match file {
        Ok(KeyFile::Plain(_)) => true,
        Ok(KeyFile::Encrypted(_)) => false,
        Err(error) => error.is_of_other_file(),
    };
    !is_plain
}

/// As much as the library looks at.
const BEGINNING_BYTES: usize = 64 << 10;

/// How many entries that are no sessions are named.
const SHOWN: usize = 10;
