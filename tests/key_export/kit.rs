//! Key files made with nothing but the ciphers themselves, so that what is wrong with one is known.

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom},
    sync::LazyLock,
};

use aes::Aes256;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha256, Sha512};
use strongroom::{
    Limits,
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Seed},
    },
    ids::RoomId,
    key_export::{KeyFile, KeyFileError, KeyFileReport, KeyFileSessions},
    secret::SecretBytes,
    session_data::{ExportedSession, Repair, SessionData, SessionDataError, SessionKey},
};

pub(crate) const BEGIN: &str = "-----BEGIN MEGOLM SESSION DATA-----";
pub(crate) const END: &str = "-----END MEGOLM SESSION DATA-----";
pub(crate) const PASSPHRASE: &str = "correct horse";
pub(crate) const SALT: [u8; 16] = *b"salt of 16 bytes";
pub(crate) const IV: [u8; 16] = [0x51; 16];

/// The bytes between the lines.
pub(crate) fn sealed(passphrase: &str, rounds: u32, iv: [u8; 16], plaintext: &[u8]) -> Vec<u8> {
    let keys = keys(passphrase, &SALT, rounds);
    let mut bytes = [&[1], SALT.as_slice(), &iv, &rounds.to_be_bytes(), plaintext].concat();
    Ctr128BE::<Aes256>::new(keys[..32].try_into().unwrap(), (&iv).into())
        .apply_keystream(&mut bytes[37..]);
    bytes.extend(code(&keys, &bytes));
    bytes
}

/// The plaintext of a file, by the letter of the specification.
pub(crate) fn opened(passphrase: &str, file: &str) -> Vec<u8> {
    let text: String = file.lines().filter(|line| !line.starts_with("-----")).collect();
    let bytes = STANDARD.decode(text).unwrap();
    let (covered, mac) = bytes.split_at(bytes.len() - 32);
    assert_eq!(covered[0], 1);
    let rounds = u32::from_be_bytes(covered[33..37].try_into().unwrap());
    let keys = keys(passphrase, &covered[1..17], rounds);
    assert_eq!(code(&keys, covered), mac);
    let mut plaintext = covered[37..].to_vec();
    let iv: &[u8; 16] = covered[17..33].try_into().unwrap();
    Ctr128BE::<Aes256>::new(keys[..32].try_into().unwrap(), iv.into())
        .apply_keystream(&mut plaintext);
    plaintext
}

fn keys(passphrase: &str, salt: &[u8], rounds: u32) -> [u8; 64] {
    pbkdf2::pbkdf2_hmac_array::<Sha512, 64>(passphrase.as_bytes(), salt, rounds)
}

fn code(keys: &[u8; 64], bytes: &[u8]) -> Vec<u8> {
    let mut code = Hmac::<Sha256>::new_from_slice(&keys[32..]).unwrap();
    code.update(bytes);
    code.finalize().into_bytes().to_vec()
}

/// The base64 of a file, in one line and padded.
pub(crate) fn base64_of(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn framed(bytes: &[u8]) -> String {
    format!("{BEGIN}\n{}\n{END}\n", base64_of(bytes))
}

/// A file of one round with this plaintext.
pub(crate) fn file_of(plaintext: &str) -> String {
    framed(&sealed(PASSPHRASE, 1, IV, plaintext.as_bytes()))
}

pub(crate) fn file_with(sessions: &[ExportedSession]) -> String {
    file_of(&json(sessions))
}

/// The list of sessions.
pub(crate) fn json(sessions: &[ExportedSession]) -> String {
    let entries: Vec<_> = sessions.iter().map(entry).collect();
    format!("[{}]", entries.join(","))
}

pub(crate) fn entry(session: &ExportedSession) -> String {
    String::from_utf8(session.to_json().unwrap().expose_bytes().to_vec()).unwrap()
}

/// Sessions that differ in their keys.
pub(crate) fn sessions(count: u32) -> Vec<ExportedSession> {
    (0..count).map(session).collect()
}

pub(crate) fn session(number: u32) -> ExportedSession {
    static ID: LazyLock<Ed25519PublicKey> = LazyLock::new(|| {
        Ed25519Seed::from_bytes(SecretBytes::init_with(|seed| *seed = [7; 32])).public_key()
    });
    let id = *ID;
    let mut key = [&[1], number.to_be_bytes().as_slice(), &[9; 128], id.as_bytes()].concat();
    key[5..9].copy_from_slice(&number.wrapping_mul(747_796_405).to_be_bytes());
    let key = SessionKey::from_bytes(&key).unwrap();
    let session = SessionData::new(key, Curve25519PublicKey::from_bytes([5; 32]), id);
    ExportedSession { room_id: RoomId::new("!room:example.org"), session }
}

/// The file as it is opened; a file that is not encrypted has no passphrase.
pub(crate) fn open<R: Read + Seek>(
    file: R,
    passphrase: &str,
) -> Result<KeyFileSessions<R>, KeyFileError> {
    match KeyFile::open(file, &Limits::default())? {
        KeyFile::Encrypted(file) => file.unlock(passphrase).open(),
        KeyFile::Plain(sessions) => Ok(sessions),
    }
}

pub(crate) type EntryVerdict =
    Result<strongroom::encoding::read::Read<ExportedSession, Repair>, SessionDataError>;

pub(crate) type Outcome = Result<(Vec<EntryVerdict>, KeyFileReport), KeyFileError>;

pub(crate) fn read_with(file: impl Read + Seek, passphrase: &str) -> Outcome {
    let mut sessions = open(file, passphrase)?;
    let verdicts: Vec<_> = sessions.verdicts().collect();
    Ok((verdicts, sessions.finish()?))
}

pub(crate) fn read(file: impl AsRef<[u8]>) -> Outcome {
    read_with(Cursor::new(file), PASSPHRASE)
}

/// The sessions of a file of which everything can be read.
#[track_caller]
pub(crate) fn read_whole(file: impl AsRef<[u8]>) -> Vec<ExportedSession> {
    let (verdicts, report) = read(file).unwrap();
    assert!(report.is_everything(), "{report}");
    exported(&verdicts)
}

pub(crate) fn exported(verdicts: &[EntryVerdict]) -> Vec<ExportedSession> {
    let read = verdicts.iter().filter_map(|verdict| match verdict {
        Ok(read) => Some(read.value.clone()),
        Err(_) => None,
    });
    read.collect()
}

/// Gives so many bytes at a time, and is interrupted now and then.
pub(crate) struct InPieces<T> {
    pub(crate) inner: Cursor<T>,
    pub(crate) piece: usize,
    pub(crate) reads: usize,
}

impl<T: AsRef<[u8]>> InPieces<T> {
    pub(crate) fn new(inner: T, piece: usize) -> Self {
        Self { inner: Cursor::new(inner), piece, reads: 0 }
    }
}

impl<T: AsRef<[u8]>> Read for InPieces<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = self.piece.min(buffer.len());
        self.inner.read(&mut buffer[..length])
    }
}

impl<T: AsRef<[u8]>> Seek for InPieces<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
