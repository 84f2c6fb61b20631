//! The encrypted session as it stands in a backup.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap as _};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{
    crypto::curve25519_aes_sha2::{SealedMessage, SealedMessageError},
    encoding::{
        base64::{self, Base64Error},
        json::{self, JsonText, JsonTextError, RawObject, RawObjectError, UnknownMembers},
    },
};

/// `session_data` under `m.megolm_backup.v1.curve25519-aes-sha2`
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#backup-algorithm-mmegolm_backupv1curve25519-aes-sha2)):
/// `ephemeral`, `ciphertext` and `mac`, each in base64.
///
/// Members that are not known are kept and written back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedSessionData {
    message: SealedMessage,
    unknown: UnknownMembers,
}

/// Why something is not an encrypted session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncryptedSessionDataError {
    /// It is no JSON.
    #[error("the encrypted session is not valid JSON")]
    NotJson,
    /// It is JSON of another type: `null`, or a string as the first draft allowed.
    #[error("the encrypted session is not a JSON object")]
    NotAnObject,
    /// A member is missing or is no string.
    #[error("the encrypted session has no {0}")]
    Missing(EncryptedMember),
    /// A member is not base64 of the right length.
    #[error("the {0} of the encrypted session cannot be read: {1}")]
    Base64(EncryptedMember, Base64Error),
    /// A text in it has half a character, or it is nested too deep to be kept.
    #[error("the encrypted session holds text that is not Unicode, or is nested too deep")]
    Unkeepable,
}

/// The members of an encrypted session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncryptedMember {
    /// The ephemeral public key: 32 bytes.
    Ephemeral,
    /// The ciphertext.
    Ciphertext,
    /// The authentication code: 8 bytes.
    Mac,
}

impl EncryptedMember {
    /// The name of the member in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ephemeral => "ephemeral",
            Self::Ciphertext => "ciphertext",
            Self::Mac => "mac",
        }
    }
}

impl std::fmt::Display for EncryptedMember {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl EncryptedSessionData {
    /// Reads an encrypted session from JSON; base64 may be padded or not.
    ///
    /// # Errors
    ///
    /// [`EncryptedSessionDataError`] says which member is missing or cannot be read.
    pub fn from_json(text: &[u8]) -> Result<Self, EncryptedSessionDataError> {
        let mut object = RawObject::parse(text).map_err(|error| match error {
            RawObjectError::Syntax => EncryptedSessionDataError::NotJson,
            RawObjectError::NotAnObject => EncryptedSessionDataError::NotAnObject,
        })?;
        let ephemeral = read(&mut object, EncryptedMember::Ephemeral)?;
        let ciphertext = read(&mut object, EncryptedMember::Ciphertext)?;
        let mac = read(&mut object, EncryptedMember::Mac)?;
        let unknown =
            UnknownMembers::from_rest(object).ok_or(EncryptedSessionDataError::Unkeepable)?;
        let message =
            SealedMessage::from_base64(ephemeral.as_str(), ciphertext.as_str(), mac.as_str())?;
        Ok(Self { message, unknown })
    }

    /// The JSON bytes of the encrypted session, base64 without padding.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json::to_bytes(self, self.message.ciphertext.len() * 4 / 3 + 128)
    }

    /// The sealed message itself.
    #[must_use]
    pub fn message(&self) -> &SealedMessage {
        &self.message
    }

    /// The sealed message, taken out.
    #[must_use]
    pub fn into_message(self) -> SealedMessage {
        self.message
    }
}

impl From<SealedMessage> for EncryptedSessionData {
    fn from(message: SealedMessage) -> Self {
        Self { message, unknown: UnknownMembers::default() }
    }
}

impl Serialize for EncryptedSessionData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ciphertext", &base64::encode(&self.message.ciphertext))?;
        map.serialize_entry("ephemeral", &self.message.ephemeral.to_base64())?;
        map.serialize_entry("mac", &base64::encode(self.message.mac.as_bytes()))?;
        for (name, value) in self.unknown.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for EncryptedSessionData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(raw.get().as_bytes()).map_err(de::Error::custom)
    }
}

impl From<SealedMessageError> for EncryptedSessionDataError {
    fn from(error: SealedMessageError) -> Self {
        match error {
            SealedMessageError::Ephemeral(error) => Self::Base64(EncryptedMember::Ephemeral, error),
            SealedMessageError::Ciphertext(error) => {
                Self::Base64(EncryptedMember::Ciphertext, error)
            }
            SealedMessageError::Mac(error) => Self::Base64(EncryptedMember::Mac, error),
        }
    }
}

fn read<'a>(
    object: &mut RawObject<'a>,
    member: EncryptedMember,
) -> Result<JsonText<'a>, EncryptedSessionDataError> {
    let missing = EncryptedSessionDataError::Missing(member);
    json::string(object.take(member.as_str()).ok_or(missing)?).map_err(|error| match error {
        JsonTextError::NotAString => missing,
        JsonTextError::LoneSurrogate => EncryptedSessionDataError::Unkeepable,
    })
}
