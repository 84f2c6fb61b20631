//! Keys from passphrases: the parameters of `m.pbkdf2`, and what to try when a passphrase was typed.
//!
//! A key description says how its key was derived
//! ([specification](https://spec.matrix.org/v1.16/client-server-api/#deriving-keys-from-passphrases)):
//!
//! ```text
//! {"algorithm": "m.pbkdf2", "iterations": 500000, "salt": "any text", "bits": 256}
//! key = PBKDF2-HMAC-SHA-512(passphrase, the salt's text, iterations rounds), bits / 8 bytes
//! ```
//!
//! A server can write these parameters. It can ask for so many rounds that a device hangs, so the limit
//! is [checked](crate::Limits::pbkdf2_rounds) while they are read; and for so few that it can try
//! passphrases itself once something was encrypted, so [few](PassphraseParameters::is_guessable) prove nothing.
//!
//! ```
//! use strongroom::{Limits, passphrase::{PassphraseParameters, candidates}};
//!
//! let json = br#"{"algorithm": "m.pbkdf2", "iterations": 10000, "salt": "aBcD"}"#;
//! let read = PassphraseParameters::from_json(json, &Limits::default())?;
//! assert!(read.repairs.is_empty());
//! for candidate in candidates("caf\u{e9}") {
//!     assert_eq!(read.value.derive(candidate.1.expose_str()).expose_bytes().len(), 32);
//! }
//! # Ok::<(), strongroom::passphrase::PassphraseError>(())
//! ```

// docs/decisions.md, 15: what others can guess proves nothing.

#[cfg(feature = "zxcvbn")]
mod advice;
mod attempts;
mod candidates;
mod read;
mod reuse;

use std::num::NonZeroU32;

use rand_core::CryptoRng;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

#[cfg(feature = "zxcvbn")]
pub use self::advice::{PassphraseAdvice, PassphraseScore, advise};
pub use self::{
    attempts::PassphraseProgress,
    candidates::{PassphraseForm, candidates},
    read::PassphraseError,
    reuse::is_login_password,
};
pub(crate) use self::{
    attempts::{DerivedKey, PassphraseAttempts, PassphraseStep},
    candidates::candidates_and_trimmed,
    read::{ALGORITHM, BITS, ITERATIONS, SALT, clamp, missing, unusable},
};
use crate::{
    crypto::{
        key_material::{KeyLength, KeyMaterial},
        pbkdf2::{self, Derivation, Rounds},
    },
    encoding::json::{self, UnknownMembers},
    randomness::{NoRandomness, alphanumeric, with_os_rng},
};

/// How a key is derived from a passphrase. Nothing in it is secret.
///
/// There are no more rounds than the limits allowed when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[doc(alias("security phrase"))]
pub struct PassphraseParameters {
    rounds: Rounds,
    salt: String,
    length: KeyLength,
    unknown: UnknownMembers,
}

impl PassphraseParameters {
    /// Parameters for a new key of 256 bits: 500,000 rounds and a salt of 32 letters and digits.
    pub fn generate_with_rng(rng: &mut impl CryptoRng) -> Self {
        Self {
            rounds: DEFAULT_ROUNDS,
            salt: alphanumeric(SALT_CHARACTERS, rng),
            length: KeyLength::default(),
            unknown: UnknownMembers::default(),
        }
    }

    /// The same from the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        with_os_rng(Self::generate_with_rng)
    }

    /// Derives the key in one go. The passphrase is taken as it is; see [`candidates`].
    #[must_use]
    pub fn derive(&self, passphrase: &str) -> KeyMaterial {
        pbkdf2::derive(passphrase.as_bytes(), self.salt.as_bytes(), self.rounds, self.length)
    }

    /// Starts to derive the key in slices, so that progress can be shown and the user can give up.
    pub(crate) fn start(&self, passphrase: &str) -> Derivation {
        Derivation::new(passphrase.as_bytes(), self.salt.as_bytes(), self.rounds, self.length)
    }

    /// Starts to derive the key from each form of what was typed, in turn and in slices.
    #[must_use]
    pub(crate) fn attempts(&self, typed: &str) -> PassphraseAttempts {
        PassphraseAttempts::new(self, candidates(typed).into())
    }

    /// How many rounds are run.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.rounds.get()
    }

    /// The salt: its bytes are those of the text, which is never decoded.
    #[must_use]
    pub fn salt(&self) -> &str {
        &self.salt
    }

    /// The length of the key in bits: 128 to 512, in whole bytes.
    #[must_use]
    pub fn bits(&self) -> u16 {
        self.length.bits()
    }

    pub(crate) fn key_length(&self) -> KeyLength {
        self.length
    }

    /// The JSON bytes of the parameters, members that the crate does not know included.
    ///
    /// # Errors
    ///
    /// [`PassphraseError::TooFewRounds`] if there are fewer than 10,000. Who has to keep somebody else's keeps their
    /// JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, PassphraseError> {
        if self.is_guessable() {
            return Err(PassphraseError::TooFewRounds { rounds: self.rounds() });
        }
        Ok(json::to_bytes(&Json(self), self.salt.len() + 128))
    }

    /// Whether there are so few rounds, under 10,000, that whoever wrote the parameters, or sees something that the
    /// key encrypted, can find the passphrase by trying. Then others can have the key, and it shows nothing: what it
    /// opens is read, and nothing is trusted because of it. That holds for a backup's own passphrase and for secret
    /// storage alike, since a homeserver writes the parameters of both.
    #[must_use]
    pub fn is_guessable(&self) -> bool {
        self.rounds() < MIN_ROUNDS
    }
}

/// What is written once it is known that it may be.
struct Json<'a>(&'a PassphraseParameters);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PassphraseParameters { rounds, salt, length, unknown } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(ALGORITHM, M_PBKDF2)?;
        map.serialize_entry(ITERATIONS, &rounds.get())?;
        map.serialize_entry(SALT, salt)?;
        map.serialize_entry(BITS, &length.bits())?;
        for (name, value) in unknown.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The one algorithm there is.
const M_PBKDF2: &str = "m.pbkdf2";

/// With fewer rounds, nothing is written.
const MIN_ROUNDS: u32 = 10_000;

/// What clients write.
const DEFAULT_ROUNDS: Rounds = Rounds::of(NonZeroU32::new(500_000).unwrap());

const SALT_CHARACTERS: usize = 32;
