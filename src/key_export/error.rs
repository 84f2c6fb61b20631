//! Why a key file is not read, or not written.

use std::io;

use thiserror::Error;

use super::{
    NewKeyFile,
    armor::{ArmorFault, Place},
};
use crate::{excerpt::Excerpt, randomness::NoRandomness};

/// Why a key file is not read, or not written. Each is a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is nothing in it.
    #[error("this is not a file of exported message keys: it is empty; export the keys once more")]
    Empty,
    /// It is an error of a homeserver, saved in the place of what was asked for.
    #[error(
        "this is not a file of exported message keys: it seems to be an error of a homeserver ({0}), saved in the place of the keys; export the keys once more"
    )]
    ServerError(Excerpt),
    /// It is message keys of a backup, as a homeserver returns them.
    #[error(
        "this is not a file of exported message keys: it seems to be a backup as a homeserver returns it; restore it with the recovery key"
    )]
    BackupResponse,
    /// It is other JSON.
    #[error(
        "this is not a file of exported message keys: it seems to be other JSON; choose the file that a client exported"
    )]
    OtherJson,
    /// It is a web page.
    #[error(
        "this is not a file of exported message keys: it seems to be a web page; download the file itself"
    )]
    WebPage,
    /// It is a recovery key, which opens a backup.
    #[error(
        "this is not a file of exported message keys: it seems to be a recovery key; use it to restore the backup, and choose the file that a client exported here"
    )]
    IsRecoveryKey,
    /// It has a frame like that of a key file: it is a key or a message of another program.
    #[error(
        "this is not a file of exported message keys: it seems to be a key or a message of another program; choose the file that a Matrix client exported"
    )]
    OtherFrame,
    /// It is a text that was saved with two bytes a character.
    #[error(
        "this is not a file of exported message keys: it seems to be a text in UTF-16; save it as UTF-8, or copy the exported file itself"
    )]
    Utf16,
    /// It is a compressed file.
    #[error(
        "this is not a file of exported message keys: it seems to be a compressed file; unpack it first"
    )]
    Compressed,
    /// It is nothing of these.
    #[error(
        "this is not a file of exported message keys: it has no line \u{201c}-----BEGIN MEGOLM SESSION DATA-----\u{201d}; choose the file that a client exported"
    )]
    OtherFile,
    /// It is a key file without its end.
    #[error(
        "the key file is truncated: its last line is missing; copy or download the whole file again, or export the keys once more"
    )]
    Truncated,
    /// It has both lines of a key file, and too little between them.
    #[error(
        "the key file is too short: it holds {found} bytes, and even one without keys has 69; copy the whole file again, or export \
         the keys once more"
    )]
    TooShort {
        /// How many bytes it holds.
        found: u64,
    },
    /// It is of a version that this crate does not know.
    #[error(
        "the key file has version {found}, and only version 1 is known: export the keys once more with another client"
    )]
    UnsupportedVersion {
        /// The version.
        found: u8,
    },
    /// A byte of it cannot stand there.
    #[error(
        "the key file is damaged in line {line} at character {column} (byte {offset}), which cannot stand there: copy or download the \
         file again without opening it in an editor"
    )]
    Character {
        /// How many bytes of the file stand before it.
        offset: u64,
        /// Its line, from 1.
        line: u64,
        /// Its place in the line, in bytes, from 1.
        column: u64,
    },
    /// The number of characters is one that no file has.
    #[error(
        "the key file is damaged: at least one character is missing or was added; copy or download the file again"
    )]
    CharacterMissing,
    /// Another key file follows in the same file.
    #[error("there is more than one key file in this file: save each in a file of its own")]
    SeveralFiles,
    /// It says that its keys are derived in no rounds at all, which is impossible.
    #[error(
        "the key file is damaged: it asks for 0 rounds of key derivation; copy the file again, or export the keys once more"
    )]
    NoRounds,
    /// It asks for more rounds than are allowed. Nothing was computed.
    #[error(
        "the key file asks for {asked} rounds of key derivation, and no more than {limit} are allowed: if you trust it, raise the limit"
    )]
    TooManyRounds {
        /// How many it asks for.
        asked: u32,
        /// How many are [allowed](crate::Limits::pbkdf2_rounds).
        limit: u32,
    },
    /// There is no passphrase to try.
    #[error("no passphrase was entered: enter the one with which the keys were exported")]
    BlankPassphrase,
    /// No form of the passphrase gives keys that fit.
    #[error(
        "the passphrase is not that of this key file, or the file is damaged: check the passphrase, and if it is right, copy the file \
         again or export the keys once more"
    )]
    WrongPassphrase,
    /// What was read the second time is not what was read the first time.
    #[error(
        "the key file changed while it was read: throw away what came of it, and read it again when nothing writes to it"
    )]
    Changed,
    /// It could not be read.
    #[error("the key file could not be read ({0}): try again, or copy it to another place first")]
    Read(io::ErrorKind),
    /// The list in it ends in the middle. Whatever came before is delivered all the same.
    #[error(
        "the list of message keys is truncated: copy the whole file again, or export the keys once more"
    )]
    ListTruncated,
    /// The list is no JSON from here on, so that nobody knows where the next entry begins. What came before is delivered.
    #[error("the list of message keys is not valid JSON: export the keys once more")]
    ListSyntax,
    /// Something follows the list.
    #[error(
        "something follows the list of message keys: export the keys once more if keys are missing"
    )]
    ListTrailingBytes,
    /// There is JSON of another type in the place of the list, or nothing at all.
    #[error("there is no list of message keys in the file: choose a file that a client exported")]
    NotAList,
    /// With so few rounds, whoever has the file that is to be written can find the passphrase by trying.
    #[error(
        "{rounds} rounds are too few to protect a key file: ask for {} or more, better {}",
        NewKeyFile::MIN_ROUNDS,
        NewKeyFile::DEFAULT_ROUNDS
    )]
    TooFewRounds {
        /// How many were asked for.
        rounds: u32,
    },
    /// There is nothing to be seen in the passphrase of a file that is to be written.
    #[error(
        "no passphrase was entered: choose one, since whoever has the file can read your messages with it"
    )]
    NoNewPassphrase,
    /// The operating system has no randomness to give.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The file could not be written.
    #[error(
        "the key file could not be written ({0}): throw away what is there, and try again or in another place"
    )]
    Write(io::ErrorKind),
}

impl KeyFileError {
    /// Whether it is no key file at all, but something else.
    #[must_use]
    pub fn is_of_other_file(&self) -> bool {
        matches!(
            self,
            Self::Empty
                | Self::ServerError(_)
                | Self::BackupResponse
                | Self::OtherJson
                | Self::WebPage
                | Self::IsRecoveryKey
                | Self::OtherFrame
                | Self::Utf16
                | Self::Compressed
                | Self::OtherFile
        )
    }

    /// The same of a file that had nothing of it before.
    pub(super) fn later(self) -> Self {
        match self {
            Self::Read(_) => self,
            _ => Self::Changed,
        }
    }
}

impl From<ArmorFault> for KeyFileError {
    fn from(fault: ArmorFault) -> Self {
        match fault {
            ArmorFault::NoFrame => Self::OtherFile,
            ArmorFault::Truncated => Self::Truncated,
            ArmorFault::Length => Self::CharacterMissing,
            ArmorFault::SecondFrame => Self::SeveralFiles,
            ArmorFault::Character(Place { offset, line, column }) => {
                Self::Character { offset, line, column }
            }
        }
    }
}
