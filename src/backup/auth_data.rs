//! `auth_data`: the public key of a backup, and who signed it.

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::{
    Limits,
    backup_key::{BackupPublicKey, BackupPublicKeyError},
    crypto::ed25519::Ed25519Signature,
    encoding::canonical_json::{JsonValue, NotCanonical},
    excerpt::Excerpt,
    ids::{KeyId, UserId},
    passphrase::{
        self, PassphraseMember, PassphraseParameters, PassphraseParametersError,
        ReadPassphraseParameters,
    },
    signed_json::{SignatureReport, SignedJsonError, SignedObject, TrustedSigner},
};

/// `auth_data` of a backup of the current algorithm
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#backup-algorithm-mmegolm_backupv1curve25519-aes-sha2)):
/// its public key, with signatures.
///
/// It is kept as it came, to the last byte: members that are not known, padding and order survive, and
/// what is verified is what was read.
#[derive(Debug, Clone)]
pub struct AuthData {
    signed: SignedObject,
    public_key: BackupPublicKey,
    passphrase: Result<Option<ReadPassphraseParameters>, PassphraseParametersError>,
}

/// Why `auth_data` cannot be used. The version can still be listed, replaced and deleted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthDataError {
    /// The version is of an algorithm that this version of the crate does not know.
    #[error("the backup's algorithm \u{201c}{0}\u{201d} is not supported")]
    UnsupportedAlgorithm(Excerpt),
    /// It is no JSON object that could be signed.
    #[error("the backup's public data cannot be read: {0}")]
    Json(#[from] SignedJsonError),
    /// It has no public key.
    #[error("the backup has no public key")]
    NoPublicKey,
    /// Its public key cannot be used.
    #[error(transparent)]
    PublicKey(#[from] BackupPublicKeyError),
}

impl AuthData {
    /// For a new backup, not signed yet.
    #[must_use]
    pub fn new(public_key: &BackupPublicKey) -> Self {
        let signed = SignedObject::of_one_member(PUBLIC_KEY, &public_key.to_base64());
        Self { signed, public_key: *public_key, passphrase: Ok(None) }
    }

    /// Reads `auth_data` from JSON. Unusable parameters of a passphrase do not make it unusable.
    ///
    /// # Errors
    ///
    /// [`AuthDataError`] if it is no object, has a member twice, or has no usable public key.
    pub fn from_json(text: &str, limits: &Limits) -> Result<Self, AuthDataError> {
        let signed = SignedObject::from_json(text, limits)?;
        let Some(JsonValue::String(public_key)) = signed.get(PUBLIC_KEY) else {
            return Err(AuthDataError::NoPublicKey);
        };
        let public_key = BackupPublicKey::from_base64(public_key)?;
        let passphrase = read_passphrase(&signed, limits);
        Ok(Self { signed, public_key, passphrase })
    }

    /// The key that sessions of this backup are sealed to.
    #[must_use]
    pub fn public_key(&self) -> &BackupPublicKey {
        &self.public_key
    }

    /// How the decryption key is derived from a passphrase: `private_key_salt`,
    /// `private_key_iterations` and `private_key_bits`, as clients wrote them before there was secret
    /// storage. `None` if none of the three is there. New `auth_data` never has them.
    ///
    /// # Errors
    ///
    /// Why they cannot be used; too many rounds were refused when they were read.
    pub fn passphrase(
        &self,
    ) -> Result<Option<&ReadPassphraseParameters>, &PassphraseParametersError> {
        self.passphrase.as_ref().map(Option::as_ref)
    }

    /// What to sign: the canonical JSON without signatures.
    ///
    /// # Errors
    ///
    /// [`NotCanonical`] if it holds a number that cannot be signed.
    pub fn bytes_to_sign(&self) -> Result<Vec<u8>, NotCanonical> {
        self.signed.bytes_to_sign()
    }

    /// The same with one more signature over [`AuthData::bytes_to_sign`].
    #[must_use]
    pub fn with_signature(
        self,
        user_id: &UserId,
        key_id: &KeyId,
        signature: &Ed25519Signature,
    ) -> Self {
        Self { signed: self.signed.with_signature(user_id, key_id, signature), ..self }
    }

    /// The same without the signature of this key ID: one that is wrong, say.
    #[must_use]
    pub fn without_signature(self, user_id: &UserId, key_id: &KeyId) -> Self {
        Self { signed: self.signed.without_signature(user_id, key_id), ..self }
    }

    /// Checks the signatures of one user against the keys that the host trusts.
    #[must_use]
    pub fn check_signatures(
        &self,
        user_id: &UserId,
        trusted: &[TrustedSigner],
        limits: &Limits,
    ) -> SignatureReport {
        self.signed.verify(user_id, trusted, limits)
    }

    /// The JSON as it came.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.signed.as_json()
    }
}

impl Serialize for AuthData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.signed.serialize(serializer)
    }
}

/// Numbers may be strings of digits, as in a key description.
fn read_passphrase(
    signed: &SignedObject,
    limits: &Limits,
) -> Result<Option<ReadPassphraseParameters>, PassphraseParametersError> {
    let member = |name| signed.get(name).filter(|value| **value != JsonValue::Null);
    let [iterations, salt, bits] = [ITERATIONS, SALT, BITS].map(member);
    if iterations.or(salt).or(bits).is_none() {
        return Ok(None);
    }
    let missing = PassphraseParametersError::Missing;
    let iterations = iterations.ok_or(missing(PassphraseMember::Iterations))?;
    let iterations = integer(iterations, PassphraseMember::Iterations)?;
    let JsonValue::String(salt) = salt.ok_or(missing(PassphraseMember::Salt))? else {
        return Err(PassphraseParametersError::Unreadable(PassphraseMember::Salt));
    };
    let bits = bits.map(|bits| integer(bits, PassphraseMember::Bits)).transpose()?;
    PassphraseParameters::from_parts(iterations, salt, bits, limits).map(Some)
}

fn integer(value: &JsonValue, member: PassphraseMember) -> Result<i64, PassphraseParametersError> {
    let integer = match value {
        JsonValue::Integer(integer) => Some(*integer),
        JsonValue::OtherNumber(text) | JsonValue::String(text) => {
            passphrase::integer_from_digits(text)
        }
        _ => None,
    };
    integer.ok_or(PassphraseParametersError::Unreadable(member))
}

const PUBLIC_KEY: &str = "public_key";
const SALT: &str = "private_key_salt";
const ITERATIONS: &str = "private_key_iterations";
const BITS: &str = "private_key_bits";
