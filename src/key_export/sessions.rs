//! The sessions of a key file, one after the other, and at the end whether they count.

use std::{
    fmt,
    io::{ErrorKind, Read},
    iter,
};

use aes::Aes256;
use ctr::{Ctr128BE, cipher::StreamCipher as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::{
    EncryptedKeyFile, KeyFileError, KeyFileReport,
    entries::Entries,
    header::{FileKeys, Header},
    payload::Payload,
    report::EntryVerdict,
};
use crate::{
    Limits, encoding,
    passphrase::PassphraseForm,
    secret::SecretVec,
    session_data::{ExportedSession, Repair, SessionDataError, authenticity::Authenticity},
};

/// The sessions of a key file: a [verdict](Self::verdicts) for each entry, and at the end [whether they count](Self::finish).
///
/// **Nothing of it counts until [`KeyFileSessions::finish`] returns a report.** The file was authenticated before, and is
/// authenticated once more while it is read: only at its end is it known that nobody wrote to it between the two. So put
/// the sessions where they can be thrown away, and move them into place when the report is there.
///
/// Memory is bounded by [`Limits::session_bytes`], not by the file.
#[must_use = "the sessions count only once `finish` returns a report"]
pub struct KeyFileSessions<R> {
    input: R,
    /// `None` for a file that is not encrypted.
    decryption: Option<Box<Decryption>>,
    /// What was decrypted or read and is not split yet.
    plaintext: SecretVec,
    used: usize,
    entries: Entries,
    report: KeyFileReport,
    /// What came of the input, once it is used up.
    end: Option<Result<(), KeyFileError>>,
}

struct Decryption {
    header: Header,
    payload: Payload,
    cipher: Ctr128BE<Aes256>,
    code: Hmac<Sha256>,
}

impl<R: Read> KeyFileSessions<R> {
    /// What becomes of each entry, in the file's order: a session and its room, which nothing in the session proves and which is
    /// [unauthenticated](Self::authenticity), or why it is none, which costs no other entry.
    ///
    /// It borrows, so that it cannot be used up without [`KeyFileSessions::finish`] at hand.
    pub fn verdicts(
        &mut self,
    ) -> impl Iterator<Item = Result<encoding::read::Read<ExportedSession, Repair>, SessionDataError>>
    {
        iter::from_fn(|| self.next_verdict())
    }

    /// Reads what is left, authenticates the file, and returns what became of its entries. Verdicts that were not taken are
    /// in the report alone.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Changed`] if this is not the file that was authenticated before, or if it could not be read: throw
    /// away all sessions of it.
    pub fn finish(mut self) -> Result<KeyFileReport, KeyFileError> {
        self.verdicts().for_each(drop);
        while self.fill() {}
        if let Some(Err(error)) = self.end {
            return Err(error);
        }
        if let Err(error) = self.entries.end() {
            self.report.end_early(error);
        }
        Ok(self.report)
    }

    /// Reads all sessions into memory, and [finishes](Self::finish).
    ///
    /// # Errors
    ///
    /// As [`KeyFileSessions::finish`].
    pub fn read_all(mut self) -> Result<(Vec<ExportedSession>, KeyFileReport), KeyFileError> {
        let sessions = self.verdicts().flatten().map(|read| read.value).collect();
        Ok((sessions, self.finish()?))
    }

    fn next_verdict(&mut self) -> Option<EntryVerdict> {
        while self.report.ended_early().is_none() {
            let mut rest = self.plaintext.expose_bytes().get(self.used..).unwrap_or_default();
            let before = rest.len();
            let verdict = match self.entries.next(&mut rest) {
                Ok(json) => json.map(|json| json.and_then(ExportedSession::from_json)),
                Err(error) => {
                    self.report.end_early(error);
                    break;
                }
            };
            self.used += before - rest.len();
            if let Some(verdict) = verdict {
                self.report.add(&verdict);
                return Some(verdict);
            }
            if !self.fill() {
                break;
            }
        }
        None
    }

    /// Gets more plaintext in the place of what was there; `false` if there is none left.
    fn fill(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        self.used = 0;
        let more = match &mut self.decryption {
            Some(decryption) => decryption.next(&mut self.input, &mut self.plaintext),
            None => read_plain(&mut self.input, &mut self.plaintext),
        };
        match more {
            Ok(true) => return true,
            Ok(false) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error)),
        }
        self.plaintext.truncate(0);
        false
    }
}

impl<R> KeyFileSessions<R> {
    pub(super) fn plain(input: R, limits: &Limits) -> Self {
        Self::new(input, None, KeyFileReport::new(None, limits.findings), limits)
    }

    pub(super) fn encrypted(
        file: EncryptedKeyFile<R>,
        keys: &FileKeys,
        form: PassphraseForm,
    ) -> Self {
        let EncryptedKeyFile { input, header, limits, .. } = file;
        let (cipher, code) = (keys.cipher(&header.iv), keys.code());
        let decryption = Decryption { header, payload: Payload::new(), cipher, code };
        let report = KeyFileReport::new(Some(form), limits.findings);
        Self::new(input, Some(Box::new(decryption)), report, &limits)
    }

    fn new(
        input: R,
        decryption: Option<Box<Decryption>>,
        report: KeyFileReport,
        limits: &Limits,
    ) -> Self {
        let (plaintext, entries) = (SecretVec::default(), Entries::new(limits));
        Self { input, decryption, plaintext, used: 0, entries, report, end: None }
    }

    /// What vouches for the sessions: nothing, whatever the passphrase. Whoever knew it can have put any session there, and
    /// anybody can into a file that is not encrypted.
    #[must_use]
    pub fn authenticity(&self) -> Authenticity {
        Authenticity::Unauthenticated
    }

    /// The form of the passphrase that fitted; `None` if the file is not encrypted.
    #[must_use]
    pub fn form(&self) -> Option<PassphraseForm> {
        self.report.form()
    }
}

impl Decryption {
    /// Decrypts more into `plaintext`; `false` at the end of a file that is the same as before.
    fn next(
        &mut self,
        input: &mut impl Read,
        plaintext: &mut SecretVec,
    ) -> Result<bool, KeyFileError> {
        plaintext.truncate(0);
        let Some(covered) = self.payload.next(input).map_err(KeyFileError::later)? else {
            let is_same = self.code.clone().verify_slice(self.payload.code()).is_ok();
            return if is_same { Ok(false) } else { Err(KeyFileError::Changed) };
        };
        self.code.update(covered.bytes);
        plaintext.extend_from_slice(covered.ciphertext);
        self.cipher
            .try_apply_keystream(plaintext.expose_bytes_mut())
            .map_err(|_| KeyFileError::Changed)?;
        if self.payload.header() != Some(&self.header) {
            return Err(KeyFileError::Changed);
        }
        Ok(true)
    }
}

fn read_plain(input: &mut impl Read, plaintext: &mut SecretVec) -> Result<bool, KeyFileError> {
    // Zeros in the place of what was there.
    plaintext.truncate(0);
    plaintext.extend_from_slice(&[0; BUFFER_BYTES]);
    loop {
        match input.read(plaintext.expose_bytes_mut()) {
            Ok(length) => {
                plaintext.truncate(length);
                return Ok(length > 0);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(KeyFileError::Read(error.kind())),
        }
    }
}

impl<R> fmt::Debug for KeyFileSessions<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input: _, decryption: _, plaintext: _, used: _, entries: _, report, end } = self;
        f.debug_struct("KeyFileSessions")
            .field("report", report)
            .field("end", end)
            .finish_non_exhaustive()
    }
}

/// How much of a file that is not encrypted is read at a time.
const BUFFER_BYTES: usize = 16 << 10;
