//! Writing a key file.

// docs/decisions.md, 19: tolerant reader, strict writer.

use std::{
    borrow::Borrow,
    fmt,
    io::{self, Write},
};

use ::base64::{Engine as _, engine::general_purpose::STANDARD};
use ctr::cipher::StreamCipher as _;
use hmac::Mac as _;
use rand_core::CryptoRng;

use super::{
    KeyFileError,
    armor::{BEGIN, END},
    header::{FileKeys, Header},
};
use crate::{
    characters,
    crypto::{
        aes_hmac_sha2::Iv,
        pbkdf2::{Derivation, Rounds},
    },
    ids::SessionId,
    passphrase::PassphraseProgress,
    randomness::with_os_rng,
    secret::SecretVec,
    session_data::ExportedSession,
};

/// A key file that is about to be written: its keys are being derived from the passphrase. Dropping it gives up and wipes
/// everything.
///
/// The passphrase is used as it is: its bytes in UTF-8, white space included.
pub struct NewKeyFile {
    header: Header,
    derivation: Derivation,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenKeyFile {
    /// How many sessions are in the file.
    pub sessions: u64,
    /// How many are not, because [their room ID](crate::session_data::SessionDataError::NotARoomId) would make clients refuse the whole file.
    pub left_out: u64,
    /// The first 1,000 of these.
    pub left_out_sessions: Vec<SessionId>,
}

impl NewKeyFile {
    /// The fewest rounds that are written.
    pub const MIN_ROUNDS: u32 = 100_000;

    /// What clients write. They take 0.15 to 0.3 seconds on a desktop computer, and more on a phone.
    pub const DEFAULT_ROUNDS: u32 = 500_000;

    /// Starts to derive the keys from a passphrase. The salt and the IV are drawn from `rng`.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::TooFewRounds`] for fewer than [`Self::MIN_ROUNDS`], [`KeyFileError::NoNewPassphrase`].
    pub fn new_with_rng(
        passphrase: &str,
        rounds: u32,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, KeyFileError> {
        if characters::is_blank(passphrase) {
            return Err(KeyFileError::NoNewPassphrase);
        }
        let too_few = KeyFileError::TooFewRounds { rounds };
        let enough = Rounds::new(rounds.into(), u32::MAX);
        let enough = enough.filter(|_| rounds >= Self::MIN_ROUNDS).ok_or(too_few)?;
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let header = Header { salt, iv: Iv::draw(rng), rounds };
        let derivation = header.derive(passphrase, enough);
        Ok(Self { header, derivation })
    }

    /// The same with the operating system's randomness.
    ///
    /// # Errors
    ///
    /// The same, and [`KeyFileError::NoRandomness`] if the operating system has none to give.
    pub fn new(passphrase: &str, rounds: u32) -> Result<Self, KeyFileError> {
        with_os_rng(|rng| Self::new_with_rng(passphrase, rounds, rng))?
    }

    /// Runs up to `rounds` more rounds of the derivation, for those who show progress. Returns whether no round is left.
    pub fn advance(&mut self, rounds: u32) -> bool {
        self.derivation.advance(rounds)
    }

    /// How far the derivation has come.
    #[must_use]
    pub fn progress(&self) -> PassphraseProgress {
        let Self { header, derivation } = self;
        PassphraseProgress { done: derivation.done().into(), at_most: header.rounds.into() }
    }

    /// Runs the rounds that are left, and writes the sessions one after the other. Memory does not grow with their number.
    ///
    /// The file is to be used only if this succeeds: otherwise it has no last line, so everybody takes it for truncated. To
    /// keep an older file until then, write to another name and rename.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Write`] if `output` fails.
    pub fn write<S: Borrow<ExportedSession>>(
        self,
        output: impl Write,
        sessions: impl IntoIterator<Item = S>,
    ) -> Result<WrittenKeyFile, KeyFileError> {
        self.try_write(output, sessions).map_err(|error| KeyFileError::Write(error.kind()))
    }

    fn try_write<S: Borrow<ExportedSession>>(
        self,
        mut output: impl Write,
        sessions: impl IntoIterator<Item = S>,
    ) -> io::Result<WrittenKeyFile> {
        let Self { header, derivation } = self;
        let keys = FileKeys(derivation.finish());
        let (mut cipher, mut code) = (keys.cipher(&header.iv), keys.code());
        let mut lines = Lines { output: &mut output, waiting: header.to_bytes() };
        lines.output.write_all(BEGIN)?;
        lines.output.write_all(b"\n")?;
        code.update(&lines.waiting);
        let mut write = |mut plaintext: SecretVec| {
            let text = plaintext.expose_bytes_mut();
            cipher.try_apply_keystream(text).map_err(|_| io::ErrorKind::FileTooLarge)?;
            code.update(text);
            lines.write(text)
        };
        let mut written = WrittenKeyFile::default();
        for session in sessions {
            let session = session.borrow();
            let Ok(json) = session.to_json() else {
                written.leave_out(session);
                continue;
            };
            let separator = if written.sessions == 0 { b"[" } else { b"," };
            write(SecretVec::from(separator.as_slice()))?;
            write(json)?;
            written.sessions += 1;
        }
        let end: &[u8] = if written.sessions == 0 { b"[]" } else { b"]" };
        write(SecretVec::from(end))?;
        lines.write(&code.finalize().into_bytes())?;
        lines.finish()?;
        Ok(written)
    }
}

impl WrittenKeyFile {
    fn leave_out(&mut self, session: &ExportedSession) {
        self.left_out += 1;
        if self.left_out_sessions.len() < MAX_LEFT_OUT {
            self.left_out_sessions.push(session.session_id());
        }
    }
}

impl fmt::Debug for NewKeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { header, derivation } = self;
        f.debug_struct("NewKeyFile")
            .field("header", header)
            .field("derivation", derivation)
            .finish_non_exhaustive()
    }
}

/// Bytes on their way into lines of base64.
struct Lines<W> {
    output: W,
    waiting: Vec<u8>,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() < BUFFER_BYTES {
            return Ok(());
        }
        let whole = self.waiting.len() - self.waiting.len() % LINE_BYTES;
        let rest = self.waiting.split_off(whole);
        self.write_lines()?;
        self.waiting = rest;
        Ok(())
    }

    fn write_lines(&mut self) -> io::Result<()> {
        let mut text = String::with_capacity(self.waiting.len() / 3 * 4 + BUFFER_BYTES / 16);
        for line in self.waiting.chunks(LINE_BYTES) {
            STANDARD.encode_string(line, &mut text);
            text.push('\n');
        }
        self.output.write_all(text.as_bytes())
    }

    fn finish(mut self) -> io::Result<()> {
        self.write_lines()?;
        self.output.write_all(END)?;
        self.output.write_all(b"\n")?;
        self.output.flush()
    }
}

/// Lines as Element Web writes them: 128 characters, the last one padded. Other clients write one single line; those who read
/// lines of any length read these, too, and so do mail programs and editors.
const LINE_BYTES: usize = 96;

/// How much waits until it is written.
const BUFFER_BYTES: usize = 16 << 10;

const MAX_LEFT_OUT: usize = 1_000;
