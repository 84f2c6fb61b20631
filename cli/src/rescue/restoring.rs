//! A response on its way through the library.

use std::{
    fs::File,
    io::{self, Read, Seek as _},
    ops::Range,
};

use strongroom::{
    backup::{FailedSession, Restore, RestoreOptions, RestoreReport, RestoredSession},
    client::rescue::BackupKeys,
};

use super::{
    bodies::{Body, Source},
    decoded::Decoded,
    keys::is_of,
    version_report::VersionReport,
};

/// A response that is being read.
pub(super) struct Restoring<'b> {
    body: &'b Body<'b>,
    keys: &'b BackupKeys,
    input: Box<dyn Read + 'b>,
    restore: Restore,
    buffer: Vec<u8>,
    /// What of the buffer is to be read yet.
    rest: Range<usize>,
    /// Why it could not be read to its end.
    error: Option<io::ErrorKind>,
}

impl<'b> Restoring<'b> {
    /// `None` if there is no key.
    pub(super) fn new(
        body: &'b Body<'b>,
        options: &RestoreOptions,
        keys: &'b BackupKeys,
    ) -> Option<Self> {
        let input: Box<dyn Read> = match body.source {
            Source::Memory(response) => Box::new(response),
            Source::File(file) => match again(file) {
                Ok(file) => Box::new(Decoded::new(file)),
                Err(error) => Box::new(Unreadable(error.kind())),
            },
        };
        let restore = keys.restore(body.version, options.clone())?;
        Some(Self {
            body,
            keys,
            input,
            restore,
            buffer: vec![0; BUFFER_BYTES],
            rest: 0..0,
            error: None,
        })
    }

    /// The next verdicts; `None` at the end of the response.
    pub(super) fn next_batch(&mut self) -> Option<Vec<Result<RestoredSession, FailedSession>>> {
        while self.restore.ended_early().is_none() {
            let mut rest = self.buffer.get(self.rest.clone()).unwrap_or_default();
            let verdicts = self.restore.next_batch(&mut rest);
            self.rest.start = self.rest.end - rest.len();
            if verdicts.is_some() {
                return verdicts;
            }
            match self.input.read(&mut self.buffer) {
                Ok(0) => return None,
                Ok(length) => self.rest = 0..length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error.kind());
                    return None;
                }
            }
        }
        None
    }

    pub(super) fn finish(self) -> (Vec<Result<RestoredSession, FailedSession>>, VersionReport) {
        let (verdicts, report): (_, RestoreReport) = match self.error {
            Some(error) => self.restore.fail(error),
            None => self.restore.finish(),
        };
        let version = self.body.version;
        let is_own = |key: &_| version.is_none_or(|info| is_of(key, info));
        let most = report.opened_by().max_by_key(|(key, count)| (*count, is_own(key)));
        let opened_by = most.and_then(|(most, _)| {
            let (key, source) = self.keys.iter().find(|(key, _)| key.public_key() == most)?;
            Some((source.clone(), is_own(key.public_key())))
        });
        let expected = version.and_then(|info| info.count());
        let version = version.cloned();
        (
            verdicts,
            VersionReport { version, is_named: self.body.is_named, expected, opened_by, report },
        )
    }
}

/// A file from its beginning.
fn again(file: &File) -> io::Result<File> {
    let mut file = file.try_clone()?;
    file.rewind()?;
    Ok(file)
}

/// A file that could be read a moment ago.
struct Unreadable(io::ErrorKind);

impl Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

const BUFFER_BYTES: usize = 64 << 10;
