//! The encrypted session as it stands in a backup.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap as _};
use serde_json::value::RawValue;

use crate::{
    crypto::curve25519_aes_sha2::SealedMessage,
    encoding::{
        base64,
        format::{FormatError, FormatProblem},
        json::{self, JsonText, RawObject, UnknownMembers},
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

impl EncryptedSessionData {
    /// Reads an encrypted session from JSON; base64 may be padded or not.
    ///
    /// # Errors
    ///
    /// [`FormatError`] says which member is missing or cannot be read.
    pub fn from_json(text: &[u8]) -> Result<Self, FormatError> {
        let mut object =
            RawObject::parse(text).map_err(|error| FormatProblem::of_object(error, WHAT))?;
        let ephemeral = read(&mut object, "ephemeral")?;
        let ciphertext = read(&mut object, "ciphertext")?;
        let mac = read(&mut object, "mac")?;
        let unknown =
            UnknownMembers::from_rest(object).ok_or(FormatProblem::Unkeepable.of(WHAT))?;
        let message =
            SealedMessage::from_base64(ephemeral.as_str(), ciphertext.as_str(), mac.as_str())
                .map_err(|error| error.problem.of(WHAT))?;
        Ok(Self { message, unknown })
    }

    /// The JSON bytes of the encrypted session, base64 without padding.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json::to_bytes(self, self.message.ciphertext.len() * 4 / 3 + 128)
    }

    /// The sealed message itself.
    pub(crate) fn message(&self) -> &SealedMessage {
        &self.message
    }

    /// A sealed message, with nothing beside it.
    pub(super) fn of(message: SealedMessage) -> Self {
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

fn read<'a>(object: &mut RawObject<'a>, member: &'static str) -> Result<JsonText<'a>, FormatError> {
    let value = object.take(member).ok_or(FormatProblem::Missing(member).of(WHAT))?;
    json::string(value).map_err(|error| FormatProblem::of_string(error, member).of(WHAT))
}

const WHAT: &str = "the encrypted session";
