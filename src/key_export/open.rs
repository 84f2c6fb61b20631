//! What a file is, and that it is whole: before anybody is asked for a passphrase.

use std::{
    fmt,
    io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom},
};

use memchr::memmem;
use zeroize::Zeroizing;

use super::{
    KeyFileAttempts, KeyFileError, KeyFileSessions,
    armor::{BEGIN, DASHES},
    header::{FileKeys, Header},
    other::BYTE_ORDER_MARK,
    payload::Payload,
};
use crate::{Limits, crypto::pbkdf2::Rounds};

/// A file with exported message keys.
#[derive(Debug)]
pub enum KeyFile<R> {
    /// As clients export it, encrypted with a passphrase.
    Encrypted(EncryptedKeyFile<R>),
    /// The same list without encryption.
    Plain(KeyFileSessions<R>),
}

/// An encrypted key file that has its beginning, its end and nothing but base64 between them.
///
/// Whether the base64 is what was written, only the passphrase can tell.
pub struct EncryptedKeyFile<R> {
    pub(super) input: R,
    /// Where in the input it begins.
    pub(super) start: u64,
    pub(super) header: Header,
    pub(super) rounds: Rounds,
    pub(super) limits: Limits,
}

impl<'a> KeyFile<Cursor<&'a [u8]>> {
    /// The same for a file that is in memory.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::open`].
    pub fn from_slice(file: &'a [u8], limits: &Limits) -> Result<Self, KeyFileError> {
        Self::open(Cursor::new(file), limits)
    }
}

impl<R: Read + Seek> KeyFile<R> {
    /// Sees by the content what a file is, and reads an encrypted one once to its end.
    ///
    /// It begins where the input stands, and is read up to three times, since nothing of an encrypted file may be used before
    /// all of it was seen: here, once for each form of the passphrase that is tried, and when its sessions are read.
    /// Save what can be read only once, a download or a pipe, to a temporary file first: it is encrypted, and may lie there.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if it is another thing, truncated or damaged so that it shows without the passphrase, or asks for
    /// more rounds than the [limit](Limits::pbkdf2_rounds).
    pub fn open(mut input: R, limits: &Limits) -> Result<Self, KeyFileError> {
        let start = input.stream_position().map_err(read_error)?;
        let mut beginning = Zeroizing::new(vec![0; BEGINNING_BYTES]);
        let length = read_full(&mut input, &mut beginning)?;
        let beginning = beginning.get(..length).unwrap_or(&beginning);
        let is_whole = length < BEGINNING_BYTES;
        input.seek(SeekFrom::Start(start)).map_err(read_error)?;
        if memmem::find(beginning, BEGIN).is_some() {
            return EncryptedKeyFile::check(input, start, limits).map(Self::Encrypted);
        }
        let text = beginning.strip_prefix(BYTE_ORDER_MARK).unwrap_or(beginning);
        if text.trim_ascii_start().first() == Some(&b'[') {
            return Ok(Self::Plain(KeyFileSessions::plain(input, limits)));
        }
        if is_whole && is_beginning_of_frame(text) {
            return Err(KeyFileError::Truncated);
        }
        Err(KeyFileError::other(beginning, is_whole))
    }
}

impl<R> EncryptedKeyFile<R> {
    /// How many rounds each form of a passphrase takes.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.rounds.get()
    }

    /// Starts to try what somebody typed, in each of its forms: unchanged, in Unicode's normal forms, and without white space
    /// around it.
    #[must_use]
    pub fn unlock(self, typed: &str) -> KeyFileAttempts<R> {
        KeyFileAttempts::new(self, typed)
    }
}

impl<R: Read + Seek> EncryptedKeyFile<R> {
    /// Reads a file once: its frame, and the header that is in it.
    fn check(mut input: R, start: u64, limits: &Limits) -> Result<Self, KeyFileError> {
        let mut payload = Payload::new();
        while payload.next(&mut input)?.is_some() {}
        let too_short = KeyFileError::TooShort { found: 0 };
        let header = payload.header().cloned().ok_or(too_short)?;
        let (asked, limit) = (header.rounds, limits.pbkdf2_rounds);
        let rounds = match Rounds::new(asked.into(), limit) {
            Some(rounds) => rounds,
            None if asked == 0 => return Err(KeyFileError::NoRounds),
            None => return Err(KeyFileError::TooManyRounds { asked, limit }),
        };
        Ok(Self { input, start, header, rounds, limits: *limits })
    }

    /// Whether the code at the end is that of the keys, over all of the file.
    pub(super) fn is_authentic(&mut self, keys: &FileKeys) -> Result<bool, KeyFileError> {
        use hmac::Mac as _;

        self.rewind()?;
        let (mut payload, mut code) = (Payload::new(), keys.code());
        while let Some(covered) = payload.next(&mut self.input)? {
            code.update(covered.bytes);
        }
        if payload.header() != Some(&self.header) {
            return Err(KeyFileError::Changed);
        }
        Ok(code.verify_slice(payload.code()).is_ok())
    }

    pub(super) fn rewind(&mut self) -> Result<(), KeyFileError> {
        self.input.seek(SeekFrom::Start(self.start)).map(drop).map_err(read_error)
    }
}

impl<R> fmt::Debug for EncryptedKeyFile<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input: _, start, header, rounds: _, limits: _ } = self;
        f.debug_struct("EncryptedKeyFile")
            .field("start", start)
            .field("header", header)
            .finish_non_exhaustive()
    }
}

/// Reads until the buffer is full or the input ends; how many bytes came.
fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> Result<usize, KeyFileError> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(read_error(error)),
        }
    }
    Ok(length)
}

fn read_error(error: io::Error) -> KeyFileError {
    KeyFileError::Read(error.kind())
}

/// Whether it is so little of a key file that even its first line is not whole.
fn is_beginning_of_frame(text: &[u8]) -> bool {
    // Zeros are what a file system leaves where the rest got lost.
    let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let line = text.get(..end).unwrap_or_default().trim_ascii();
    line.len() > DASHES && BEGIN.starts_with(line)
}

/// So far a file may begin with other text. It is read to see what the file is.
const BEGINNING_BYTES: usize = 64 << 10;
