//! Recovery keys: the textual form of a 32-byte key that people write down.
//!
//! One form serves the backup decryption key and the secret storage key
//! ([specification](https://spec.matrix.org/v1.16/client-server-api/#recovery-key)):
//!
//! ```text
//! base58(0x8B 0x01 | key (32 bytes) | XOR of the 34 bytes before), in groups of four characters
//! ```
//!
//! Base58 of these 35 bytes always has 48 characters.
//!
//! ```
//! use strongroom::recovery_key::RecoveryKey;
//!
//! let typed = "EsTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j";
//! let key = RecoveryKey::parse(typed)?;
//! assert_eq!(key.to_text().expose_str(), typed);
//! # Ok::<(), strongroom::recovery_key::RecoveryKeyError>(())
//! ```

mod groups;
mod reading;
mod repair;
mod run;
mod tokens;

use std::{fmt, str::FromStr};

use rand_core::CryptoRng;
use thiserror::Error;

pub use self::repair::TypingMistake;
use crate::{
    encoding::base58,
    provenance::Provenance,
    randomness::{NoRandomness, with_os_rng},
    secret::{SecretBytes, SecretString, SecretVec},
};

/// A 32-byte key that has a textual form.
///
/// It remembers where it came from: what was made from bytes, or read from a text of which nothing is known, may
/// have come from anywhere.
#[derive(Clone)]
#[doc(alias("security key"))]
pub struct RecoveryKey {
    bytes: SecretBytes<32>,
    provenance: Provenance,
}

/// Why there is no recovery key in a text, in the order of the checks. They are about the letters and digits in it that look
/// like those of a key, otherwise about the whole text.
///
/// Positions are counted in characters from 1, from the first of these on, with all that is seen between them.
///
/// No variant holds a character of what was typed, but for one that cannot be seen and is none of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecoveryKeyError {
    /// There is nothing to be seen in it.
    #[error("nothing was entered")]
    Empty,
    /// There are two different keys in it.
    #[error("there is more than one recovery key in it: enter one of them")]
    Several,
    /// A character that no recovery key has.
    #[error(
        "the character at position {position} of it (counting spaces) cannot be part of a recovery key, which has \
         Latin letters and digits, but never 0 (zero), O (capital o), I (capital i) or l (small L)"
    )]
    Character {
        /// The place of the first such character.
        position: usize,
    },
    /// A character that no recovery key has, and that cannot be seen.
    #[error(
        "at position {position} of it there is a character that cannot be seen (U+{code_point:04X}): remove it"
    )]
    Invisible {
        /// The place of the first such character.
        position: usize,
        /// Its code point in Unicode.
        code_point: u32,
    },
    /// Too few or too many characters.
    #[error("a recovery key has 48 letters and digits, but this has {found}")]
    Length {
        /// How many characters of keys were found.
        found: usize,
    },
    /// The first characters are not those of a recovery key.
    #[error("its first characters are wrong: every recovery key begins with EsS, EsT or EsU")]
    Prefix,
    /// The check byte does not fit: a typing mistake.
    #[error(
        "there is a mistake in it: compare every character with what you wrote down, capital and small letters too"
    )]
    Parity,
}

impl RecoveryKey {
    /// Draws a key.
    pub fn generate_with_rng(rng: &mut impl CryptoRng) -> Self {
        let bytes = SecretBytes::init_with(|bytes| rng.fill_bytes(bytes));
        Self { bytes, provenance: Provenance::Generated }
    }

    /// Draws a key from the operating system's random source.
    ///
    /// # Errors
    ///
    /// If the operating system has no randomness to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        with_os_rng(Self::generate_with_rng)
    }

    /// Takes the 32 bytes of a key. Nothing is known of where they came from.
    #[must_use]
    pub fn from_bytes(bytes: SecretBytes<32>) -> Self {
        Self { bytes, provenance: Provenance::Unauthenticated }
    }

    /// The same with what is known of where they came from.
    pub(crate) fn with_provenance(bytes: SecretBytes<32>, provenance: Provenance) -> Self {
        Self { bytes, provenance }
    }

    /// Reads what the user has just typed, or pasted, and asserts just that: the key is
    /// [typed by the user](Provenance::TypedByUser), and can make a backup trusted. What was read from a file, an
    /// event or another device is read by [`RecoveryKey::parse`].
    ///
    /// # Errors
    ///
    /// As [`RecoveryKey::parse`].
    pub fn typed_by_user(text: &str) -> Result<Self, RecoveryKeyError> {
        let key = Self::parse(text)?;
        Ok(Self { provenance: Provenance::TypedByUser, ..key })
    }

    /// Reads the text of a key, of which nothing is known: the key opens what it fits, and makes nothing trusted.
    ///
    /// The text is what people paste: only letters and digits count. White space, punctuation, symbols, what cannot be seen,
    /// and markup as in HTML, URLs and lists are ignored, and full-width letters and digits are those of ASCII. The key is
    /// the only 48 letters and digits in the text that begin and end a word and have the prefix and parity of a key; beside
    /// it there may be labels and other words. For the text of a file see [`text_file`](crate::encoding::text_file).
    ///
    /// One parity byte cannot catch every mistake: about 0.3 % of single wrong characters give
    /// another valid key, which only a check against its public key tells.
    ///
    /// # Errors
    ///
    /// The first of [`RecoveryKeyError`]'s variants that applies.
    pub fn parse(text: &str) -> Result<Self, RecoveryKeyError> {
        reading::find(text).map(Self::from_bytes).map_err(|no_key| no_key.error)
    }

    /// Whether somebody who typed this meant a recovery key, rightly written or not, rather than a passphrase.
    pub(crate) fn is_meant(text: &str) -> bool {
        reading::find(text).err().is_none_or(|no_key| no_key.is_meant)
    }

    /// The text to show to the user: 12 groups of four characters with a space between them.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        let mut bytes = SecretVec::with_capacity(BYTES);
        bytes.extend_from_slice(PREFIX);
        bytes.extend_from_slice(self.bytes.expose_bytes());
        bytes.extend_from_slice(&[parity(bytes.expose_bytes())]);
        let characters = base58::encode_vartime(bytes.expose_bytes());
        let mut text = SecretString::with_capacity(CHARACTERS + CHARACTERS / 4);
        for (index, character) in characters.expose_str().chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push_within_capacity(' ');
            }
            text.push_within_capacity(character);
        }
        text
    }

    /// The key itself.
    #[must_use]
    pub fn as_secret(&self) -> &SecretBytes<32> {
        &self.bytes
    }

    /// The key itself, taken out.
    #[must_use]
    pub fn into_bytes(self) -> SecretBytes<32> {
        self.bytes
    }

    /// Where the key came from.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }
}

impl FromStr for RecoveryKey {
    type Err = RecoveryKeyError;

    /// As [`RecoveryKey::parse`]: nothing is known of where the key came from.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl PartialEq for RecoveryKey {
    /// Compares the keys, wherever they are from, in constant time.
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for RecoveryKey {}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes: _, provenance } = self;
        f.debug_struct("RecoveryKey").field("provenance", provenance).finish_non_exhaustive()
    }
}

fn parity(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |parity, byte| parity ^ byte)
}

/// What every recovery key begins with.
const PREFIX: &[u8; 2] = &[0x8b, 0x01];

/// Prefix, key and parity.
const BYTES: usize = 2 + 32 + 1;

/// Base58 of the 35 bytes.
const CHARACTERS: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "EsTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j";

    #[test]
    fn every_key_has_48_characters_and_begins_with_es() {
        for byte in [0, 1, 0x7f, 0xff] {
            let text = RecoveryKey::from_bytes(SecretBytes::init_with(|b| b.fill(byte))).to_text();
            assert_eq!(text.expose_str().split(' ').map(str::len).sum::<usize>(), CHARACTERS);
            assert!(text.expose_str().starts_with("Es"));
        }
    }

    #[test]
    fn the_first_wrong_character_is_located_in_the_text_as_typed() {
        let text = TEXT.replace("gJdT", "g0dO");
        let error = RecoveryKey::parse(&text).unwrap_err();
        assert_eq!(error, RecoveryKeyError::Character { position: 12 });
        assert_eq!(text.chars().nth(11), Some('0'));
    }

    #[test]
    fn a_long_text_costs_little_and_is_a_wrong_length() {
        let error = RecoveryKey::parse(&"E".repeat(1_000_000)).unwrap_err();
        assert_eq!(error, RecoveryKeyError::Length { found: 1_000_000 });
    }

    #[test]
    fn the_highest_text_of_48_characters_is_no_key() {
        assert_eq!(RecoveryKey::parse(&"z".repeat(48)), Err(RecoveryKeyError::Prefix));
        assert_eq!(RecoveryKey::parse(&"1".repeat(48)), Err(RecoveryKeyError::Prefix));
    }
}
