//! Reading the parameters, with everything that others may have written.

use std::fmt;

use serde_json::value::RawValue;
use thiserror::Error;

use super::{M_PBKDF2, PassphraseParameters};
use crate::{
    Limits,
    crypto::{
        key_material::{KeyLength, KeyLengthError},
        pbkdf2::{Rounds, RoundsError},
    },
    encoding::json::{self, RawObject, RawObjectError, UnknownMembers},
    excerpt::Excerpt,
};

/// Parameters that were read, and what is to be said about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPassphraseParameters {
    /// The parameters.
    pub parameters: PassphraseParameters,
    /// What is not as it should be; empty for what clients write today.
    pub findings: Vec<PassphraseFinding>,
}

/// Something in the parameters that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PassphraseFinding {
    /// `algorithm` is missing, and was taken to be the only one there is: clients never looked at it.
    AlgorithmMissing,
    /// There are fewer than 10,000 rounds, so whoever has something that the key encrypted can try
    /// many passphrases.
    FewRounds {
        /// How many there are.
        rounds: u32,
    },
}

/// Why parameters cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PassphraseParametersError {
    /// They are no JSON.
    #[error("the passphrase settings are not valid JSON")]
    NotJson,
    /// They are JSON of another type.
    #[error("the passphrase settings are not a JSON object")]
    NotAnObject,
    /// They are for an algorithm that this version does not know.
    #[error(
        "the passphrase settings name the algorithm \u{201c}{0}\u{201d}, which this client does not know"
    )]
    UnsupportedAlgorithm(Excerpt),
    /// A member without which there is no key is missing.
    #[error("the passphrase settings have no \u{201c}{0}\u{201d}")]
    Missing(PassphraseMember),
    /// A member is of another type than it has to be.
    #[error("the value of \u{201c}{0}\u{201d} in the passphrase settings cannot be read")]
    Unreadable(PassphraseMember),
    /// No rounds are asked for, or fewer than none.
    #[error("the passphrase settings ask for 0 rounds of computation")]
    NoRounds,
    /// More rounds are asked for than [`Limits::pbkdf2_rounds`] allows. Nothing was computed.
    #[error(
        "trying it would take too long ({asked} rounds of computation, and this client allows {limit})"
    )]
    TooManyRounds {
        /// How many are asked for; 2^63 - 1 for all that are more.
        asked: u64,
        /// How many are allowed.
        limit: u32,
    },
    /// The key would have a length that no key has.
    #[error("the passphrase settings ask for a key of an unusable length ({0})")]
    KeyLength(KeyLengthError),
    /// A member that the crate does not know is nested too deeply, or holds half a character.
    #[error("the passphrase settings contain text that is not Unicode, or are nested too deep")]
    Unkeepable,
}

impl From<KeyLengthError> for PassphraseParametersError {
    fn from(error: KeyLengthError) -> Self {
        Self::KeyLength(error)
    }
}

/// A member of the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PassphraseMember {
    /// `algorithm`.
    Algorithm,
    /// `iterations`: the number of rounds.
    Iterations,
    /// `salt`.
    Salt,
    /// `bits`: the length of the key.
    Bits,
}

impl ReadPassphraseParameters {
    /// See [`PassphraseParameters::is_guessable`].
    pub(crate) fn is_guessable(&self) -> bool {
        self.parameters.is_guessable()
    }
}

impl PassphraseMember {
    /// The name of the member in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Iterations => "iterations",
            Self::Salt => "salt",
            Self::Bits => "bits",
        }
    }
}

impl fmt::Display for PassphraseMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PassphraseParameters {
    /// Reads parameters from JSON. `bits` may be missing and is 256 then; numbers may be
    /// written as `1e4` or `10000.0`, or as strings of digits.
    ///
    /// # Errors
    ///
    /// [`PassphraseParametersError`] if they are malformed, of an unknown algorithm, or ask for too
    /// much.
    pub fn from_json(
        text: &[u8],
        limits: &Limits,
    ) -> Result<ReadPassphraseParameters, PassphraseParametersError> {
        let mut object = RawObject::parse(text).map_err(|error| match error {
            RawObjectError::Syntax => PassphraseParametersError::NotJson,
            RawObjectError::NotAnObject => PassphraseParametersError::NotAnObject,
        })?;
        let has_algorithm = check_algorithm(&mut object)?;
        let iterations = take(&mut object, PassphraseMember::Iterations)?;
        let iterations = integer(iterations, PassphraseMember::Iterations)?;
        let salt = json::public_string(take(&mut object, PassphraseMember::Salt)?)
            .map_err(|_| PassphraseParametersError::Unreadable(PassphraseMember::Salt))?;
        let bits = object.take_present(PassphraseMember::Bits.as_str());
        let bits = bits.map(|bits| integer(bits, PassphraseMember::Bits)).transpose()?;
        let mut read = Self::from_parts(iterations, &salt, bits, limits)?;
        read.parameters.unknown =
            UnknownMembers::from_rest(object).ok_or(PassphraseParametersError::Unkeepable)?;
        if !has_algorithm {
            read.findings.push(PassphraseFinding::AlgorithmMissing);
        }
        Ok(read)
    }

    /// Takes parameters that stand under other names, as `private_key_iterations`, `private_key_salt`
    /// and `private_key_bits` in the `auth_data` of old backups.
    ///
    /// # Errors
    ///
    /// [`PassphraseParametersError`] if they ask for no rounds, too many, or a length that no key has.
    pub fn from_parts(
        iterations: i64,
        salt: &str,
        bits: Option<i64>,
        limits: &Limits,
    ) -> Result<ReadPassphraseParameters, PassphraseParametersError> {
        let asked = u64::try_from(iterations).unwrap_or(0);
        let rounds = Rounds::new(asked, limits.pbkdf2_rounds).map_err(|error| match error {
            RoundsError::Zero => PassphraseParametersError::NoRounds,
            RoundsError::TooMany { asked, limit } => {
                PassphraseParametersError::TooManyRounds { asked, limit }
            }
        })?;
        let length = match bits {
            Some(bits) => KeyLength::from_bits(u64::try_from(bits).unwrap_or(0))?,
            None => KeyLength::default(),
        };
        let parameters =
            Self { rounds, salt: salt.to_owned(), length, unknown: UnknownMembers::default() };
        let few_rounds = parameters.too_few_rounds();
        let findings =
            few_rounds.map(|few| PassphraseFinding::FewRounds { rounds: few.rounds }).into_iter();
        Ok(ReadPassphraseParameters { findings: findings.collect(), parameters })
    }
}

/// Whether there is an algorithm; an error if it is another one.
fn check_algorithm(object: &mut RawObject<'_>) -> Result<bool, PassphraseParametersError> {
    let Some(algorithm) = object.take_present(PassphraseMember::Algorithm.as_str()) else {
        return Ok(false);
    };
    let algorithm = json::public_string(algorithm)
        .map_err(|_| PassphraseParametersError::Unreadable(PassphraseMember::Algorithm))?;
    if algorithm == M_PBKDF2 {
        Ok(true)
    } else {
        Err(PassphraseParametersError::UnsupportedAlgorithm(Excerpt::new(&algorithm)))
    }
}

fn take<'a>(
    object: &mut RawObject<'a>,
    member: PassphraseMember,
) -> Result<&'a RawValue, PassphraseParametersError> {
    object.take_present(member.as_str()).ok_or(PassphraseParametersError::Missing(member))
}

/// Reads an integer. One that is out of range becomes the nearest that is not.
fn integer(value: &RawValue, member: PassphraseMember) -> Result<i64, PassphraseParametersError> {
    json::integer(value).map(clamp).ok_or(PassphraseParametersError::Unreadable(member))
}

/// The nearest number that is in range.
pub(crate) fn clamp(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}
