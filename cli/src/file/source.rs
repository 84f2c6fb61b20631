//! A file of message keys that is read, wherever it comes from.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek as _},
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

use super::{
    reader::Reader,
    refusal::{Purpose, why_unread},
};
use crate::{
    beginning::read_up_to,
    failure::{Failure, Status, named, tell},
    input,
    rescue::Decoded,
    spool::{self, Input},
    terminal::TRIES,
};

/// Where message keys are read from.
pub(crate) struct Source<'a> {
    path: &'a Path,
    purpose: Purpose,
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

impl<'a> Source<'a> {
    /// Opens a file. An encrypted stream is kept in a private file, since it is read several times; so is what is decoded.
    pub(crate) fn open(path: &'a Path, purpose: Purpose) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::file(path, "read", &error);
        let content = match decoded(Input::open(path).map_err(failed)?).map_err(failed)? {
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
        Ok(Self { path, purpose, content: Some(content), passphrase: None, status: Status::Good })
    }

    /// Sees what the file is, and authenticates it with the passphrase that fits.
    pub(crate) fn read(&mut self, passphrases: &[SecretString]) -> Result<Sessions<'a>, Failure> {
        let (path, status) = (self.path, self.status);
        let reader = self.reader().map_err(|error| Failure::file(path, "read", &error))?;
        let file = KeyFile::open(reader, &Limits::default());
        let file = match file.map_err(|error| self.purpose.refused(self.path, error))? {
            KeyFile::Plain(file) => file,
            KeyFile::Encrypted(_) if self.purpose == Purpose::Encryption => {
                return Err(Failure::other(format!(
                    "{} is encrypted already: take the encryption off first with \u{201c}strongroom file decrypt\u{201d}, or \
                     import it as it is",
                    named(path)
                )));
            }
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
        let mut left: Vec<_> = passphrases.iter().rev().cloned().collect();
        left.extend(self.passphrase.take());
        let mut may_ask = if left.is_empty() { TRIES } else { 0 };
        let mut failure = None;
        loop {
            let passphrase = match left.pop() {
                None if may_ask > 0 => {
                    may_ask -= 1;
                    failure.iter().for_each(tell);
                    input::asked(&format!("Passphrase of {}:", named(self.path)))?
                }
                passphrase => passphrase,
            };
            let Some(passphrase) = passphrase else {
                return Err(failure.unwrap_or_else(|| self.locked()));
            };
            match attempt(file, &passphrase) {
                Ok(sessions) => {
                    self.passphrase = Some(passphrase);
                    return sessions.map_err(|error| self.purpose.refused(self.path, error));
                }
                Err(locked) => {
                    let (again, error) = *locked;
                    failure = Some(self.purpose.refused(self.path, error));
                    file = again;
                }
            }
        }
    }

    fn locked(&self) -> Failure {
        let flag = match self.purpose {
            Purpose::Upload => "--export-passphrase-file",
            Purpose::Work | Purpose::Encryption => "--passphrase-file",
        };
        Failure::usage(format!(
            "{} is encrypted: name a file with its passphrase, with {flag}",
            named(self.path)
        ))
    }
}

/// What opens with a passphrase, or the file again with the reason why none of its forms fits.
type Attempt = Result<
    Result<KeyFileSessions<Reader>, KeyFileError>,
    Box<(EncryptedKeyFile<Reader>, KeyFileError)>,
>;

fn attempt(file: EncryptedKeyFile<Reader>, passphrase: &SecretString) -> Attempt {
    let mut attempts = file.unlock(passphrase.expose_str());
    loop {
        match attempts.advance(u32::MAX) {
            Ok(true) => return Ok(attempts.open()),
            Ok(false) => {}
            Err(error) => return Err(Box::new((attempts.into_file(), error))),
        }
    }
}

/// Some shells write UTF-16; what is decoded does not come twice.
fn decoded(input: Input) -> io::Result<Input> {
    Ok(match input {
        Input::Stream(stream) => Input::Stream(Box::new(Decoded::new(stream))),
        Input::File(mut file) => {
            let mut first = Vec::new();
            (&file).take(2).read_to_end(&mut first)?;
            file.rewind()?;
            if matches!(first.as_slice(), [0xff, 0xfe] | [0xfe, 0xff] | [0, _] | [_, 0]) {
                Input::Stream(Box::new(Decoded::new(file)))
            } else {
                Input::File(file)
            }
        }
    })
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
            tell(format_args!("{name}: entry {entry} is left out: {}", why_unread(error)));
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
