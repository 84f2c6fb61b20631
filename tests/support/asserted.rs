//! Keys of any provenance, as a host asserts them.
#![allow(dead_code, reason = "each that includes it uses a part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

use strongroom::{
    backup::BackupDecryptionKey,
    crypto::ed25519::Ed25519PublicKey,
    encoding::{format::FormatError, secret_base64},
    ids::{SecretName, SecretStorageKeyId},
    provenance::Provenance,
    secret::SecretBytes,
    secret_storage::{Change, ChangeError},
    secret_value::SecretValue,
};

pub(crate) trait Asserted: Sized {
    fn asserted(bytes: SecretBytes<32>, provenance: Provenance) -> Self;

    fn asserted_base64(text: &str, provenance: Provenance) -> Result<Self, FormatError>;
}

impl Asserted for BackupDecryptionKey {
    fn asserted(bytes: SecretBytes<32>, provenance: Provenance) -> Self {
        let key = match provenance {
            Provenance::TypedByUser => Self::typed_by_user(bytes),
            Provenance::KeptByHost | Provenance::Generated => Self::kept_by_host(bytes),
            Provenance::AuthenticatedSecretStorage => {
                Self::from_authenticated_secret_storage(bytes)
            }
            Provenance::SharedByVerifiedDevice(by) => Self::shared_by_verified_device(bytes, by),
            Provenance::AcceptedByUser => Self::from_bytes(bytes).accept_unauthenticated(),
            Provenance::Unauthenticated => Self::from_bytes(bytes),
            other => panic!("nobody asserts {other:?}"),
        };
        let is_it = provenance == Provenance::Generated || key.provenance() == provenance;
        assert!(is_it, "{:?} instead of {provenance:?}", key.provenance());
        key
    }

    fn asserted_base64(text: &str, provenance: Provenance) -> Result<Self, FormatError> {
        secret_base64::decode_array(text).map(|bytes| Self::asserted(bytes, provenance))
    }
}

/// Shared by some device.
pub(crate) fn shared() -> Provenance {
    let device = Ed25519PublicKey::from_base64("XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI");
    Provenance::SharedByVerifiedDevice(device.unwrap())
}

/// Texts that the host has made.
pub(crate) trait StoreText {
    fn store_text(&mut self, name: &SecretName, text: &str) -> Result<(), ChangeError>;

    fn store_text_under(
        &mut self,
        name: &SecretName,
        text: &str,
        ids: &[SecretStorageKeyId],
    ) -> Result<(), ChangeError>;
}

impl StoreText for Change<'_> {
    fn store_text(&mut self, name: &SecretName, text: &str) -> Result<(), ChangeError> {
        self.store(&SecretValue::kept_by_host(name, text.as_bytes())?.value)
    }

    fn store_text_under(
        &mut self,
        name: &SecretName,
        text: &str,
        ids: &[SecretStorageKeyId],
    ) -> Result<(), ChangeError> {
        self.store_under(&SecretValue::kept_by_host(name, text.as_bytes())?.value, ids)
    }
}
