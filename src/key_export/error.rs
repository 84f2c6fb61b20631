//! Why a key file is not read.

use std::io;

use thiserror::Error;

use super::{
    OtherFile,
    armor::{ArmorFault, Place},
};

/// Why a key file is not read. Each is a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It is something else.
    #[error("this is not a file of exported message keys: {0}")]
    OtherFile(OtherFile),
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
}

impl KeyFileError {
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
            ArmorFault::NoFrame => Self::OtherFile(OtherFile::Unknown),
            ArmorFault::Truncated => Self::Truncated,
            ArmorFault::Length => Self::CharacterMissing,
            ArmorFault::SecondFrame => Self::SeveralFiles,
            ArmorFault::Character(Place { offset, line, column }) => {
                Self::Character { offset, line, column }
            }
        }
    }
}
