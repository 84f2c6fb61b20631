//! What account data says of a key: which algorithm, and how to tell whether a key is the one.

use super::{AES_HMAC_SHA2, CURVE25519_AES_SHA2};
use crate::{
    Limits,
    crypto::{aes_hmac_sha2::KeyCheck, curve25519::Curve25519PublicKey},
    encoding::{
        canonical_json::JsonValue,
        format::{FormatError, FormatProblem},
        json::{self, RawObject},
        json_object::JsonObject,
        read::Read,
    },
    excerpt::Excerpt,
    ids::{SecretStorageKeyId, UserId},
    passphrase::{PassphraseError, PassphraseParameters},
    signed_json::{Kind, SignatureReport, SignatureWork, SignedObject, Signers, TrustedSigner},
};

/// A key of the secret storage as its owner described it
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#key-storage)).
///
/// It is kept as it came, to the last byte, since it may be signed: members and algorithms that are not
/// known survive. What cannot be read in it costs only itself.
#[derive(Debug, Clone)]
pub struct KeyDescription {
    id: SecretStorageKeyId,
    signed: SignedObject,
    algorithm: KeyAlgorithm,
    test: KeyTest,
    name: Option<String>,
    passphrase: Option<ReadPassphrase>,
}

type ReadPassphrase = Result<Read<PassphraseParameters, FormatProblem>, PassphraseError>;

/// What a key of the secret storage encrypts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyAlgorithm {
    /// `m.secret_storage.v1.aes-hmac-sha2`: who has the key encrypts and decrypts.
    AesHmacSha2,
    /// `m.secret_storage.v1.curve25519-aes-sha2`: everybody can encrypt.
    Curve25519AesSha2,
    /// One that this version does not know.
    Unsupported(Excerpt),
}

/// What a description holds to tell whether a key is the one that it describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyTest {
    /// `iv` and `mac`: what zeros become under the key.
    Check(KeyCheck),
    /// `pubkey`: the public half of the key.
    PublicKey(Curve25519PublicKey),
    /// Nothing. The specification says to assume that a key is the right one.
    Absent,
    /// Something that cannot be read, which is as good as nothing.
    Unreadable(FormatError),
}

impl KeyAlgorithm {
    fn name(&self) -> &str {
        match self {
            Self::AesHmacSha2 => AES_HMAC_SHA2,
            Self::Curve25519AesSha2 => CURVE25519_AES_SHA2,
            Self::Unsupported(name) => name.as_str(),
        }
    }
}

impl KeyDescription {
    /// Reads the content of the event `m.secret_storage.key.` and this ID.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is none.
    pub fn from_json(
        id: SecretStorageKeyId,
        content: &JsonObject,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        if json::is_nothing(content.as_raw()) {
            return Err(FormatProblem::Deleted.of("it"));
        }
        let signed = SignedObject::from_json(content.as_str(), limits)?;
        let algorithm = signed.get("algorithm").and_then(JsonValue::as_str);
        let algorithm = algorithm.filter(|it| !it.is_empty());
        let algorithm = algorithm.ok_or(FormatProblem::Missing("algorithm").of("it"))?;
        let mut object = RawObject::parse(content.as_bytes()).unwrap_or_default();
        let (algorithm, test) = match algorithm {
            AES_HMAC_SHA2 => (KeyAlgorithm::AesHmacSha2, read_check(&mut object)),
            CURVE25519_AES_SHA2 => (KeyAlgorithm::Curve25519AesSha2, read_public_key(&mut object)),
            other => (KeyAlgorithm::Unsupported(Excerpt::new(other)), KeyTest::Absent),
        };
        let name = signed.get("name").and_then(JsonValue::as_str).map(str::to_owned);
        let passphrase = read_passphrase(&mut object, limits);
        Ok(Self { id, signed, algorithm, test, name, passphrase })
    }

    /// What can be said of a key that nothing describes as it should: its algorithm, and how it comes from its passphrase, if
    /// that is left of its description. One that others can guess is not: it would make the recovery key a guess, too.
    pub(super) fn presumed(
        id: SecretStorageKeyId,
        algorithm: KeyAlgorithm,
        left: Option<&JsonObject>,
        limits: &Limits,
    ) -> Option<Self> {
        let content = format!("{{\"algorithm\":{}}}", json::to_text(algorithm.name()));
        let content = JsonObject::from_our_own(&content);
        let left = left.and_then(|left| RawObject::parse(left.as_bytes()).ok());
        let passphrase = left.and_then(|mut left| read_passphrase(&mut left, limits));
        let is_guessable = |read: &ReadPassphrase| read.as_ref().is_ok_and(|it| it.is_guessable());
        let passphrase = passphrase.filter(|read| !is_guessable(read));
        Some(Self { passphrase, ..Self::from_json(id, &content, limits).ok()? })
    }

    /// The key's ID.
    #[must_use]
    pub fn id(&self) -> &SecretStorageKeyId {
        &self.id
    }

    /// The name of the algorithm that the key encrypts with: `m.secret_storage.v1.aes-hmac-sha2`,
    /// `m.secret_storage.v1.curve25519-aes-sha2`, with which everybody can encrypt, or the beginning of a name that is not
    /// [supported](Self::is_supported).
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.algorithm.name()
    }

    /// Whether this version knows the algorithm.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        !matches!(self.algorithm, KeyAlgorithm::Unsupported(_))
    }

    pub(crate) fn known_algorithm(&self) -> &KeyAlgorithm {
        &self.algorithm
    }

    /// Whether anything in it tells if a key is the right one. Without, the specification says to assume that it is; what
    /// is there and cannot be read is a [finding](super::SecretStorage::findings).
    #[must_use]
    pub fn can_be_checked(&self) -> bool {
        matches!(self.test, KeyTest::Check(_) | KeyTest::PublicKey(_))
    }

    pub(crate) fn test(&self) -> &KeyTest {
        &self.test
    }

    /// What the key is called, if it has a name. It may be of any length and hold any character.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How the key is derived from a passphrase; `None` if it is not.
    ///
    /// # Errors
    ///
    /// Why the parameters cannot be used.
    pub fn passphrase(
        &self,
    ) -> Result<Option<&Read<PassphraseParameters, FormatProblem>>, &PassphraseError> {
        self.passphrase.as_ref().map(Result::as_ref).transpose()
    }

    pub(super) fn has_guessable_passphrase(&self) -> bool {
        matches!(self.passphrase(), Ok(Some(read)) if read.is_guessable())
    }

    /// Checks the signatures of one user against the keys that the host trusts: old clients had the
    /// master key sign every description of an asymmetric key.
    ///
    /// No algorithm needs a signature. One that is there and invalid shows that the description was
    /// changed.
    #[must_use]
    pub fn check_signatures(
        &self,
        user_id: &UserId,
        trusted: &[TrustedSigner],
        limits: &Limits,
    ) -> SignatureReport {
        let signers = &Signers::new(trusted, &[]);
        self.check_signatures_with(user_id, signers, &mut SignatureWork::new(limits), limits)
    }

    /// The same with keys that are merely published, too, and with what work is left.
    pub(crate) fn check_signatures_with(
        &self,
        user_id: &UserId,
        signers: &Signers<'_>,
        work: &mut SignatureWork,
        limits: &Limits,
    ) -> SignatureReport {
        self.signed.verify_as(Kind::KeyDescription, user_id, signers, work, limits)
    }

    /// The JSON as it came.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.signed.as_json()
    }
}

fn read_passphrase(object: &mut RawObject<'_>, limits: &Limits) -> Option<ReadPassphrase> {
    let json = object.take_something("passphrase")?;
    Some(PassphraseParameters::from_json(json.get().as_bytes(), limits))
}

fn read_check(object: &mut RawObject<'_>) -> KeyTest {
    let mut member = |name| {
        let text = object.take_something(name).map(json::public_string).transpose();
        text.map_err(|_| FormatProblem::Unusable(name).of("it"))
    };
    let check = match (member("iv"), member("mac")) {
        // Without a code there is nothing to compare with, whatever the IV is.
        (_, Ok(None)) => return KeyTest::Absent,
        (Ok(Some(iv)), Ok(Some(mac))) => KeyCheck::from_base64(&iv, &mac),
        (Ok(None), _) => Err(FormatProblem::Unusable("iv").of("it")),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    check.map_or_else(KeyTest::Unreadable, KeyTest::Check)
}

fn read_public_key(object: &mut RawObject<'_>) -> KeyTest {
    match object.take_something("pubkey").map(json::public_string) {
        None => KeyTest::Absent,
        Some(Ok(text)) => match Curve25519PublicKey::from_base64(&text) {
            Ok(key) => KeyTest::PublicKey(key.canonical()),
            Err(error) => KeyTest::Unreadable(error.problem.in_member("pubkey").of("it")),
        },
        Some(Err(_)) => KeyTest::Unreadable(FormatProblem::Unusable("pubkey").of("it")),
    }
}
