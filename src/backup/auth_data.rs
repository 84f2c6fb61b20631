//! `auth_data`: the public key of a backup, and who signed it.

use std::collections::HashSet;

use serde::{Serialize, Serializer};

use super::{passphrase::FittingPassphrase, trust::TrustError};
use crate::{
    Limits,
    crypto::ed25519::Ed25519Signature,
    encoding::{
        canonical_json::JsonValue,
        format::{FormatError, FormatProblem},
        json,
        read::Read,
    },
    excerpt::Excerpt,
    ids::{KeyId, UserId},
    passphrase::{self, PassphraseError, PassphraseParameters},
    provenance::Provenance,
    secret_value::backup_key::{BackupDecryptionKey, BackupPublicKey},
    signed_json::{
        BackupAuthDataToSign, Kind, PRIVATE_KEY_BITS, PRIVATE_KEY_ITERATIONS, PRIVATE_KEY_SALT,
        PUBLIC_KEY, SignatureReport, SignatureWork, SignedObject, SignedPassphrase, Signers,
        ToSign, TrustedSigner,
    },
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
    passphrase: Result<Option<Read<PassphraseParameters, FormatProblem>>, PassphraseError>,
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
    /// [`TrustError`] if it is no object, has a member twice, or has no usable public key.
    pub fn from_json(text: &str, limits: &Limits) -> Result<Self, TrustError> {
        let signed = SignedObject::from_json(text, limits).map_err(TrustError::Json)?;
        let Some(JsonValue::String(public_key)) = signed.get(PUBLIC_KEY) else {
            return Err(TrustError::NoPublicKey);
        };
        if public_key.is_empty() {
            return Err(TrustError::NoPublicKey);
        }
        let public_key = BackupPublicKey::from_base64(public_key).map_err(TrustError::PublicKey)?;
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
    ) -> Result<Option<&Read<PassphraseParameters, FormatProblem>>, &PassphraseError> {
        self.passphrase.as_ref().map(Option::as_ref)
    }

    /// What a key of the user may sign of it: the members that are made from typed parts, if these are all.
    pub(super) fn to_sign(
        &self,
        passphrase: Option<&FittingPassphrase>,
    ) -> Result<ToSign, TrustError> {
        let is_padded = self.signed.get(PUBLIC_KEY).and_then(JsonValue::as_str);
        let is_padded = is_padded.is_some_and(|text| text.ends_with('='));
        let has_bits = self.signed.get(PRIVATE_KEY_BITS).is_some();
        let parameters = passphrase.and_then(|fitting| fitting.parameters_of(&self.public_key));
        let members = parameters.map(|parameters| SignedPassphrase {
            salt: parameters.salt(),
            iterations: parameters.rounds(),
            bits: has_bits.then(|| parameters.key_length().bits()),
        });
        let public_key = self.public_key.as_curve25519();
        let ours = BackupAuthDataToSign::new(public_key, is_padded, members);
        let others = self.signed.signed_members().filter(|(name, value)| !ours.has(name, value));
        let others: Vec<_> = others.map(|(name, _)| name.as_str()).collect();
        // Nothing of ours is added to what is there either.
        let is_all = || self.signed_bytes().is_ok_and(|signed| signed == ours.bytes());
        if others.is_empty() && is_all() {
            return Ok(ToSign::BackupAuthData(ours));
        }
        let is_of_passphrase = |name: &&str| PASSPHRASE_MEMBERS.contains(name);
        if parameters.is_none() && others.iter().all(is_of_passphrase) && self.has_usual_rounds() {
            return Err(TrustError::PassphraseNeeded);
        }
        let others = others.into_iter().take(MAX_NAMES).map(Excerpt::new);
        Err(TrustError::OtherMembers(others.collect()))
    }

    /// The members for which it is never signed, whatever is typed.
    pub(crate) fn other_members(&self) -> Vec<Excerpt> {
        match self.to_sign(None) {
            Err(TrustError::OtherMembers(members)) => members,
            _ => Vec::new(),
        }
    }

    /// Whether the passphrase is one whose members may be signed once it was entered.
    fn has_usual_rounds(&self) -> bool {
        matches!(&self.passphrase, Ok(Some(read)) if !read.is_guessable())
    }

    /// What a key that belongs to this backup proves. Whatever it comes from, it proves nothing if the key may be that of a
    /// passphrase which others can find by trying: they would open what is uploaded. What was drawn here is of no
    /// passphrase, and who has accepted the risk knows of it.
    pub(crate) fn provenance_of(&self, key: &BackupDecryptionKey) -> Provenance {
        match key.provenance() {
            provenance @ (Provenance::Generated | Provenance::AcceptedByUser) => provenance,
            _ if self.has_guessable_passphrase() => Provenance::Unauthenticated,
            provenance => provenance,
        }
    }

    /// Whether the backup has a passphrase of so few rounds that others can find it by trying.
    pub(crate) fn has_guessable_passphrase(&self) -> bool {
        matches!(&self.passphrase, Ok(Some(read)) if read.is_guessable())
    }

    fn signed_bytes(&self) -> Result<Vec<u8>, FormatError> {
        self.signed.signed_bytes()
    }

    /// The same with one more signature.
    pub(super) fn with_signature(
        self,
        user_id: &UserId,
        key_id: &KeyId,
        signature: &Ed25519Signature,
    ) -> Self {
        Self { signed: self.signed.with_signature(user_id, key_id, signature), ..self }
    }

    /// The same without the user's signatures of these key IDs: those that are wrong, say.
    pub(crate) fn without_signatures(self, user_id: &UserId, key_ids: &HashSet<&KeyId>) -> Self {
        Self { signed: self.signed.without_signatures(user_id, key_ids), ..self }
    }

    /// Whether anything stands in the place of a signature of the user by one of these keys.
    pub(crate) fn has_signature_of(&self, user_id: &UserId, key_ids: &[KeyId]) -> bool {
        let signatures = self.signed.get("signatures").and_then(|it| it.get(user_id.as_str()));
        signatures
            .is_some_and(|of_user| key_ids.iter().any(|id| of_user.get(id.as_str()).is_some()))
    }

    /// The members that make a key of it for other readers. With any of these, no signature on it counts.
    pub(crate) fn members_of_keys(&self) -> impl Iterator<Item = &'static str> {
        self.signed.members_of_other_kinds(Kind::BackupAuthData)
    }

    /// Checks the signatures of one user against the keys that the host trusts. None is valid if the object
    /// could be read as a key as well: then a signature may have been made for that.
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
        self.signed.verify_as(Kind::BackupAuthData, user_id, signers, work, limits)
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
) -> Result<Option<Read<PassphraseParameters, FormatProblem>>, PassphraseError> {
    let member = |name| signed.get(name).filter(|value| **value != JsonValue::Null);
    let [iterations, salt, bits] =
        [PRIVATE_KEY_ITERATIONS, PRIVATE_KEY_SALT, PRIVATE_KEY_BITS].map(member);
    if iterations.or(salt).or(bits).is_none() {
        return Ok(None);
    }
    let iterations = iterations.ok_or(passphrase::missing(passphrase::ITERATIONS))?;
    let iterations = integer(iterations, passphrase::ITERATIONS)?;
    let JsonValue::String(salt) = salt.ok_or(passphrase::missing(passphrase::SALT))? else {
        return Err(passphrase::unusable(passphrase::SALT));
    };
    let bits = bits.map(|bits| integer(bits, passphrase::BITS)).transpose()?;
    PassphraseParameters::from_parts(iterations, salt, bits, limits).map(Some)
}

fn integer(value: &JsonValue, member: &'static str) -> Result<i64, PassphraseError> {
    let integer = match value {
        JsonValue::Integer(integer) => Some(*integer),
        JsonValue::OtherNumber(text) => json::integer_from_number(text).map(passphrase::clamp),
        JsonValue::String(text) => json::integer_from_digits(text).map(passphrase::clamp),
        _ => None,
    };
    integer.ok_or(passphrase::unusable(member))
}

/// How a key is derived from a passphrase, as old clients wrote it.
const PASSPHRASE_MEMBERS: [&str; 3] = [PRIVATE_KEY_SALT, PRIVATE_KEY_ITERATIONS, PRIVATE_KEY_BITS];

/// How many members an error names.
const MAX_NAMES: usize = 8;
