//! What a host is asked to sign.

// docs/decisions.md, 14: the host signs, and nothing from outside.

use std::fmt;

use super::keys_to_sign::KeysToSign;
use crate::{
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519Signature, Ed25519SigningKey},
    },
    encoding::canonical_json::JsonValue,
};

/// What a host signs with a key of the user: built from typed parts by this crate, never an object that
/// somebody sent.
///
/// Cross-signing keys, device keys, one-time keys and the `auth_data` of backups are all signed JSON, and
/// nothing in a signature tells one kind from another. Whoever gets a key of the user to sign one object of
/// their choice can pass it off as any of them, so only members that this crate made itself are in
/// [`bytes`](Self::bytes).
///
/// ```compile_fail
/// # use strongroom::signed_json::{BackupAuthDataToSign, ToSign};
/// let forged = ToSign::BackupAuthData(BackupAuthDataToSign { bytes: b"{}".to_vec() });
/// ```
///
/// ```compile_fail
/// # use strongroom::signed_json::{KeysToSign, ToSign};
/// let forged = ToSign::DeviceKeys(KeysToSign { bytes: b"{}".to_vec() });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToSign {
    /// The public key of the user's own backup: sign it with the device key, and with the master key where it
    /// is at hand.
    BackupAuthData(BackupAuthDataToSign),
    /// The keys of a device that was compared outside the homeserver: the self-signing key signs them.
    DeviceKeys(KeysToSign),
    /// The user's master key, which a device of theirs signs; or a self-signing or user-signing key that was drawn here,
    /// which the master key signs.
    CrossSigningKey(KeysToSign),
}

/// The members of `auth_data` that are signed
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#backup-algorithm-mmegolm_backupv1curve25519-aes-sha2)):
/// `public_key`, and for an old backup the three members from which a passphrase that was typed in this run
/// derives its key.
#[derive(Clone, PartialEq, Eq)]
pub struct BackupAuthDataToSign {
    members: Vec<(String, JsonValue)>,
    bytes: Vec<u8>,
    public_key: Curve25519PublicKey,
}

/// How the decryption key of an old backup is derived from its passphrase.
pub(crate) struct SignedPassphrase<'a> {
    pub(crate) salt: &'a str,
    pub(crate) iterations: u32,
    /// `None` if the member is not there.
    pub(crate) bits: Option<u16>,
}

impl ToSign {
    /// The bytes to sign: canonical JSON.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::BackupAuthData(auth_data) => auth_data.bytes(),
            Self::DeviceKeys(keys) | Self::CrossSigningKey(keys) => keys.bytes(),
        }
    }

    /// The signature of a key that is at hand.
    pub(crate) fn sign_with(&self, key: &Ed25519SigningKey) -> Ed25519Signature {
        key.sign(self.bytes())
    }
}

impl BackupAuthDataToSign {
    /// For a backup with this public key, whose base64 may be padded, as it stands in what was signed before.
    pub(crate) fn new(
        public_key: &Curve25519PublicKey,
        is_padded: bool,
        passphrase: Option<SignedPassphrase<'_>>,
    ) -> Self {
        let mut text = public_key.to_base64();
        if is_padded {
            text.push('=');
        }
        let mut members = vec![(PUBLIC_KEY.to_owned(), JsonValue::String(text))];
        if let Some(SignedPassphrase { salt, iterations, bits }) = passphrase {
            let mut add = |name: &str, value| members.push((name.to_owned(), value));
            add(PRIVATE_KEY_SALT, JsonValue::String(salt.to_owned()));
            add(PRIVATE_KEY_ITERATIONS, JsonValue::Integer(iterations.into()));
            if let Some(bits) = bits {
                add(PRIVATE_KEY_BITS, JsonValue::Integer(bits.into()));
            }
        }
        #[expect(clippy::expect_used, reason = "all numbers are integers of 32 bits")]
        let bytes = JsonValue::Object(members.clone()).to_canonical().expect("it is canonical");
        Self { members, bytes, public_key: *public_key }
    }

    /// The public key of the backup.
    #[must_use]
    pub fn public_key(&self) -> &Curve25519PublicKey {
        &self.public_key
    }

    /// The bytes to sign.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a member is signed with this very value.
    pub(crate) fn has(&self, name: &str, value: &JsonValue) -> bool {
        self.members.iter().any(|(own, own_value)| own == name && own_value == value)
    }
}

impl fmt::Debug for BackupAuthDataToSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { members: _, bytes: _, public_key } = self;
        f.debug_struct("BackupAuthDataToSign")
            .field("public_key", public_key)
            .finish_non_exhaustive()
    }
}

/// The one member that `auth_data` must have.
pub(crate) const PUBLIC_KEY: &str = "public_key";
/// The salt of an old backup's passphrase.
pub(crate) const PRIVATE_KEY_SALT: &str = "private_key_salt";
/// The rounds of an old backup's passphrase.
pub(crate) const PRIVATE_KEY_ITERATIONS: &str = "private_key_iterations";
/// The length of the key that an old backup's passphrase gives.
pub(crate) const PRIVATE_KEY_BITS: &str = "private_key_bits";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::base64;

    #[test]
    fn what_is_signed_are_the_typed_members_and_no_others() {
        let key = Curve25519PublicKey::from_bytes([9; 32]);
        let alone = BackupAuthDataToSign::new(&key, false, None);
        let text = format!(r#"{{"public_key":"{}"}}"#, base64::encode(&[9; 32]));
        assert_eq!(alone.bytes, text.as_bytes());
        let passphrase = SignedPassphrase { salt: "\"s", iterations: 10_000, bits: Some(256) };
        let with = BackupAuthDataToSign::new(&key, true, Some(passphrase));
        let text = format!(
            r#"{{"private_key_bits":256,"private_key_iterations":10000,"private_key_salt":"\"s","public_key":"{}="}}"#,
            base64::encode(&[9; 32])
        );
        assert_eq!(with.bytes, text.as_bytes());
    }
}
