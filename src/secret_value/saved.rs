//! A secret in a store of the host's, together with where it came from.

use serde::{Deserialize, Serialize};

use super::{SecretContent, SecretRepair, SecretShape, SecretValue};
use crate::{
    encoding::{format::FormatError, json, read::Read, secret_base64},
    ids::{DeviceId, SecretName, UserId},
    provenance::{Provenance, SavedProvenance},
    saved_state::{Header, SavedStateError},
    secret::{SecretString, SecretVec},
};

/// A secret as it stands in the secret part of a saved state.
#[derive(Serialize, Deserialize)]
pub(crate) struct SavedSecret<'a> {
    name: SecretName,
    provenance: SavedProvenance,
    /// In base64, since text in JSON could have escapes, which are not read without a copy.
    secret: &'a str,
}

impl<'a> SavedSecret<'a> {
    pub(crate) fn new(secret: &SecretValue, base64: &'a SecretString) -> Self {
        let (name, provenance) = (secret.name().clone(), SavedProvenance(secret.provenance()));
        Self { name, provenance, secret: base64.expose_str() }
    }

    pub(crate) fn read(self) -> Option<SecretValue> {
        let Self { name, provenance: SavedProvenance(provenance), secret } = self;
        let text = secret_base64::decode(secret).ok()?;
        let read = SecretValue::read_saved(&name, text.expose_bytes(), provenance);
        read.ok().map(|read| read.value)
    }
}

#[derive(Serialize)]
struct SecretPart<'a> {
    #[serde(flatten)]
    header: Header,
    #[serde(flatten)]
    secret: SavedSecret<'a>,
}

impl SecretValue {
    /// The secret and where it came from, for a host that keeps secrets in a store of its own: some JSON, about 300 bytes
    /// longer than the secret. It can be [sealed](crate::saved_state::StateKey). A backup key is saved as
    /// [the secret that it is](super::backup_key::BackupDecryptionKey::to_secret).
    ///
    /// ```
    /// use strongroom::{backup::BackupDecryptionKey, provenance::Provenance, secret_value::SecretValue};
    ///
    /// let key = BackupDecryptionKey::generate()?;
    /// let (user, device) = ("@a:b.org".into(), "PHONE".into());
    /// let saved = key.to_secret().save(&user, &device);
    ///
    /// let restored = SecretValue::from_saved(&saved, &user, &device)?;
    /// assert_eq!(restored.provenance(), Provenance::Generated);
    /// assert_eq!(restored.backup_key().unwrap().public_key(), key.public_key());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn save(&self, user_id: &UserId, device_id: &DeviceId) -> SecretVec {
        let text = self.to_base64();
        let capacity = USUAL_LENGTH + 2 * text.expose_str().len();
        let header = Header::new(PART, user_id, device_id);
        json::to_secret_bytes(
            &SecretPart { header, secret: SavedSecret::new(self, &text) },
            capacity,
        )
    }

    /// The secret, with the provenance that it had when it was saved.
    ///
    /// # Security
    ///
    /// The host asserts that nobody else can write where it has kept this, or has sealed it: whoever can, says where a
    /// secret came from. What a device has shared still counts only while that device is verified, so a machine that is
    /// given such a key is told [who is trusted](crate::client::Backup::set_signers) before.
    ///
    /// # Errors
    ///
    /// [`SavedStateError`] if it is damaged, of another format, or of another user or device.
    pub fn from_saved(
        saved: &SecretVec,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<Self, SavedStateError> {
        let secret: SavedSecret<'_> = Header::read(saved.expose_bytes(), PART, user_id, device_id)?;
        secret.read().ok_or(SavedStateError::Damaged)
    }

    /// Reads a secret out of a saved state. Once any text was taken for the key of a dehydrated device, and saved: that
    /// is still the text that it was, and no reason to lose the rest of the state.
    pub(crate) fn read_saved(
        name: &SecretName,
        saved: &[u8],
        provenance: Provenance,
    ) -> Result<Read<Self, SecretRepair>, FormatError> {
        let had_no_shape = SecretShape::of(name) == SecretShape::DehydratedDeviceKey;
        Self::read_with(name, saved, provenance).or_else(|error| {
            let text = str::from_utf8(saved).ok().filter(|_| had_no_shape).ok_or(error)?;
            let content = SecretContent::Text(SecretString::from(text));
            let value = Self { name: name.clone(), content, provenance };
            Ok(Read { value, repairs: Vec::new() })
        })
    }

    /// The text to store, in base64 once more.
    pub(crate) fn to_base64(&self) -> SecretString {
        secret_base64::encode(self.to_text().expose_str().as_bytes())
    }
}

const PART: &str = "secret value";

/// Room for the names of the user and of the secret.
const USUAL_LENGTH: usize = 1024;
