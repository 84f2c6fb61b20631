//! Trying a passphrase on a key file, in slices.

use std::{
    fmt,
    io::{Read, Seek},
};

use super::{EncryptedKeyFile, KeyFileError, KeyFileSessions, header::FileKeys};
use crate::{
    crypto::pbkdf2::Derivation,
    passphrase::{PassphraseForm, PassphraseProgress, candidates_and_trimmed},
    secret::SecretString,
};

/// A passphrase that is tried on a key file, in slices. Dropping it gives up and wipes everything.
///
/// There are up to six forms, each with all rounds, and one or two if all is ASCII. After each, the file is read once to its end.
pub struct KeyFileAttempts<R> {
    file: EncryptedKeyFile<R>,
    candidates: Vec<(PassphraseForm, SecretString)>,
    started: usize,
    running: Option<(PassphraseForm, Derivation)>,
    found: Option<(PassphraseForm, FileKeys)>,
    progress: PassphraseProgress,
}

impl<R> KeyFileAttempts<R> {
    pub(super) fn new(file: EncryptedKeyFile<R>, typed: &str) -> Self {
        let candidates = candidates_and_trimmed(typed);
        let at_most = candidates.len() as u64 * u64::from(file.rounds());
        let progress = PassphraseProgress { done: 0, at_most };
        Self { file, candidates, started: 0, running: None, found: None, progress }
    }

    /// How far they have come.
    #[must_use]
    pub fn progress(&self) -> PassphraseProgress {
        self.progress
    }

    /// Gives the file back, for another passphrase.
    #[must_use]
    pub fn into_file(self) -> EncryptedKeyFile<R> {
        self.file
    }

    /// Goes on with the form at hand or with the next one, which runs its first round.
    fn next_derivation(&mut self) -> Option<(PassphraseForm, Derivation)> {
        if let Some(running) = self.running.take() {
            return Some(running);
        }
        let (form, text) = self.candidates.get(self.started)?;
        self.started += 1;
        let derivation = self.file.header.derive(text.expose_str(), self.file.rounds);
        self.progress.done += u64::from(derivation.done());
        Some((*form, derivation))
    }
}

impl<R: Read + Seek> KeyFileAttempts<R> {
    /// Runs up to `rounds` more rounds of one form of the passphrase. Once its keys are there, the file is authenticated with
    /// them. Returns whether a form fits: then [`KeyFileAttempts::open`] has nothing left to derive.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::WrongPassphrase`] once all forms were tried, [`KeyFileError::BlankPassphrase`] if there are none; and
    /// if the file cannot be read any more, or has changed.
    pub fn advance(&mut self, rounds: u32) -> Result<bool, KeyFileError> {
        if self.found.is_some() {
            return Ok(true);
        }
        let Some((form, mut derivation)) = self.next_derivation() else {
            return Err(match self.candidates.is_empty() {
                true => KeyFileError::BlankPassphrase,
                false => KeyFileError::WrongPassphrase,
            });
        };
        let before = derivation.done();
        let is_finished = derivation.advance(rounds);
        self.progress.done += u64::from(derivation.done() - before);
        if !is_finished {
            self.running = Some((form, derivation));
            return Ok(false);
        }
        let keys = FileKeys(derivation.finish());
        // Of the two passes, the frame was whole before: what is wrong with it now has changed.
        if self.file.is_authentic(&keys).map_err(KeyFileError::later)? {
            self.found = Some((form, keys));
        }
        Ok(self.found.is_some())
    }

    /// Tries what is left, and begins to read the sessions.
    ///
    /// # Errors
    ///
    /// As [`KeyFileAttempts::advance`].
    pub fn open(mut self) -> Result<KeyFileSessions<R>, KeyFileError> {
        while !self.advance(u32::MAX)? {}
        let (form, keys) = self.found.ok_or(KeyFileError::WrongPassphrase)?;
        self.file.rewind()?;
        Ok(KeyFileSessions::encrypted(self.file, &keys, form))
    }
}

impl<R> fmt::Debug for KeyFileAttempts<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, candidates: _, started: _, running: _, found, progress } = self;
        f.debug_struct("KeyFileAttempts")
            .field("file", file)
            .field("progress", progress)
            .field("form", &found.as_ref().map(|(form, _)| form))
            .finish_non_exhaustive()
    }
}
