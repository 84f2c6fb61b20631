//! Reading the parameters, with everything that others may have written.

use serde_json::value::RawValue;
use thiserror::Error;

use super::{M_PBKDF2, MIN_ROUNDS, PassphraseParameters};
use crate::{
    Limits,
    crypto::{key_material::KeyLength, pbkdf2::Rounds},
    encoding::{
        format::{FormatError, FormatProblem},
        json::{self, RawObject, UnknownMembers},
        read::Read,
    },
    excerpt::Excerpt,
};

/// Why parameters cannot be used, or a passphrase does not open a backup.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// They are no JSON object, or lack something without which there is no key.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// They are for an algorithm that this version does not know.
    #[error(
        "the passphrase settings name the algorithm \u{201c}{0}\u{201d}, which this client does not know"
    )]
    UnsupportedAlgorithm(Excerpt),
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
    /// There are fewer than 10,000 rounds: such parameters are read and not written.
    #[error(
        "{rounds} rounds are too few to protect a passphrase: at least {MIN_ROUNDS} are required"
    )]
    TooFewRounds {
        /// How many there are.
        rounds: u32,
    },
    /// The key would have a length that no key has.
    #[error(
        "the passphrase settings ask for a key of an unusable length ({bits} bits instead of 128 to 512 in whole bytes)"
    )]
    KeyLength {
        /// The length that is asked for.
        bits: u64,
    },
    /// The backup does not say how its key is derived from a passphrase. It may never have had one.
    #[error("this backup cannot be opened with a passphrase")]
    NoPassphrase,
    /// The passphrase would give fewer bits than a backup's key has. Nothing was computed.
    #[error(
        "the backup's passphrase settings ask for a key of {bits} bits, but a backup key has 256"
    )]
    KeyTooShort {
        /// How many bits there would be.
        bits: u16,
    },
    /// No form of the passphrase gives the backup's key.
    #[error("the passphrase is not that of this backup")]
    DoesNotFit,
}

impl Read<PassphraseParameters, FormatProblem> {
    /// See [`PassphraseParameters::is_guessable`].
    pub(crate) fn is_guessable(&self) -> bool {
        self.value.is_guessable()
    }
}

impl PassphraseParameters {
    /// Reads parameters from JSON. `bits` may be missing and is 256 then; numbers may be
    /// written as `1e4` or `10000.0`, or as strings of digits. A missing `algorithm` is taken to be the only one there is, and
    /// named: clients never looked at it.
    ///
    /// # Errors
    ///
    /// [`PassphraseError`] if they are malformed, of an unknown algorithm, or ask for too
    /// much.
    pub fn from_json(
        text: &[u8],
        limits: &Limits,
    ) -> Result<Read<PassphraseParameters, FormatProblem>, PassphraseError> {
        let mut object =
            RawObject::parse(text).map_err(|error| FormatProblem::of_object(error, WHAT))?;
        let has_algorithm = check_algorithm(&mut object)?;
        let iterations = take(&mut object, ITERATIONS)?;
        let iterations = integer(iterations, ITERATIONS)?;
        let salt = json::public_string(take(&mut object, SALT)?).map_err(|_| unusable(SALT))?;
        let bits = object.take_present(BITS);
        let bits = bits.map(|bits| integer(bits, BITS)).transpose()?;
        let mut read = Self::from_parts(iterations, &salt, bits, limits)?;
        read.value.unknown =
            UnknownMembers::from_rest(object).ok_or(FormatProblem::Unkeepable.of(WHAT))?;
        if !has_algorithm {
            read.repairs.push(FormatProblem::Missing(ALGORITHM));
        }
        Ok(read)
    }

    /// Takes parameters that stand under other names, as `private_key_iterations`, `private_key_salt`
    /// and `private_key_bits` in the `auth_data` of old backups.
    ///
    /// # Errors
    ///
    /// [`PassphraseError`] if they ask for no rounds, too many, or a length that no key has.
    pub fn from_parts(
        iterations: i64,
        salt: &str,
        bits: Option<i64>,
        limits: &Limits,
    ) -> Result<Read<PassphraseParameters, FormatProblem>, PassphraseError> {
        let asked = u64::try_from(iterations).unwrap_or(0);
        let limit = limits.pbkdf2_rounds;
        let rounds = Rounds::new(asked, limit).ok_or(match asked {
            0 => PassphraseError::NoRounds,
            _ => PassphraseError::TooManyRounds { asked, limit },
        })?;
        let bits = bits.map(|bits| u64::try_from(bits).unwrap_or(0));
        let length = match bits {
            Some(bits) => KeyLength::from_bits(bits).ok_or(PassphraseError::KeyLength { bits })?,
            None => KeyLength::default(),
        };
        let parameters =
            Self { rounds, salt: salt.to_owned(), length, unknown: UnknownMembers::default() };
        Ok(Read { value: parameters, repairs: Vec::new() })
    }
}

/// Whether there is an algorithm; an error if it is another one.
fn check_algorithm(object: &mut RawObject<'_>) -> Result<bool, PassphraseError> {
    let Some(algorithm) = object.take_present(ALGORITHM) else {
        return Ok(false);
    };
    let algorithm = json::public_string(algorithm).map_err(|_| unusable(ALGORITHM))?;
    if algorithm == M_PBKDF2 {
        Ok(true)
    } else {
        Err(PassphraseError::UnsupportedAlgorithm(Excerpt::new(&algorithm)))
    }
}

fn take<'a>(
    object: &mut RawObject<'a>,
    member: &'static str,
) -> Result<&'a RawValue, PassphraseError> {
    object.take_present(member).ok_or(missing(member))
}

/// Reads an integer. One that is out of range becomes the nearest that is not.
fn integer(value: &RawValue, member: &'static str) -> Result<i64, PassphraseError> {
    json::integer(value).map(clamp).ok_or(unusable(member))
}

pub(crate) fn unusable(member: &'static str) -> PassphraseError {
    FormatProblem::Unusable(member).of(WHAT).into()
}

pub(crate) fn missing(member: &'static str) -> PassphraseError {
    FormatProblem::Missing(member).of(WHAT).into()
}

/// The nearest number that is in range.
pub(crate) fn clamp(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

const WHAT: &str = "the object with the passphrase settings";

pub(crate) const ALGORITHM: &str = "algorithm";
/// The number of rounds.
pub(crate) const ITERATIONS: &str = "iterations";
pub(crate) const SALT: &str = "salt";
/// The length of the key.
pub(crate) const BITS: &str = "bits";
