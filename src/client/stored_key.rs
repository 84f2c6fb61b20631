//! The backup's key out of a secret storage.

use crate::{
    backup::{BackupDecryptionKey, KeySource},
    encoding::secret_base64,
    secret_storage::OpenedSecret,
    secret_value::SecretContent,
};

/// The backup key in a stored secret, with what its place says of its source.
pub(super) fn stored_key(opened: &OpenedSecret) -> Option<BackupDecryptionKey> {
    let read = opened.value().ok()?;
    let SecretContent::BackupKey(key) = read.value.content() else { return None };
    let source = if opened.is_authenticated() {
        KeySource::AuthenticatedSecretStorage
    } else {
        KeySource::Unauthenticated
    };
    let text = secret_base64::encode(key.as_secret().expose_bytes());
    BackupDecryptionKey::from_base64(text.expose_str(), source).ok()
}
