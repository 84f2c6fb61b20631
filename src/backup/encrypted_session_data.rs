//! The encrypted session as it stands in a backup.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap as _};
use serde_json::value::RawValue;

use crate::{
    crypto::curve25519_aes_sha2::SealedMessage,
    encoding::{
        base64,
        format::{FormatError, FormatProblem},
        json::{self, JsonText, RawObject, RawObjectError, UnknownMembers},
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
        Self::read(RawObject::parse(text))
    }

    /// As [`EncryptedSessionData::from_json`], from a value that was read as a part of another.
    pub(super) fn from_raw(value: &RawValue) -> Result<Self, FormatError> {
        Self::read(RawObject::parse_raw(value))
    }

    fn read(object: Result<RawObject<'_>, RawObjectError>) -> Result<Self, FormatError> {
        let mut object = object.map_err(|error| FormatProblem::of_object(error, WHAT))?;
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
        let SealedMessage { ephemeral, ciphertext, mac } = &self.message;
        let mut json = String::with_capacity(ciphertext.len() * 4 / 3 + 128);
        // As `Serialize` has it; but base64 has nothing to escape, so nobody looks for it.
        let members = [
            ("ciphertext", ciphertext.as_slice()),
            ("ephemeral", ephemeral.as_bytes()),
            ("mac", mac.as_bytes()),
        ];
        for (name, bytes) in members {
            json.push(if json.is_empty() { '{' } else { ',' });
            json.extend(["\"", name, "\":\""]);
            base64::encode_onto(bytes, &mut json);
            json.push('"');
        }
        for (name, value) in self.unknown.iter() {
            json.extend([",", &json::to_text(name), ":", value.get()]);
        }
        json.push('}');
        json.into_bytes()
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
        Self::from_raw(&raw).map_err(de::Error::custom)
    }
}

fn read<'a>(object: &mut RawObject<'a>, member: &'static str) -> Result<JsonText<'a>, FormatError> {
    let value = object.take(member).ok_or(FormatProblem::Missing(member).of(WHAT))?;
    json::string(value).map_err(|error| FormatProblem::of_string(error, member).of(WHAT))
}

const WHAT: &str = "the encrypted session";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{curve25519::Curve25519PublicKey, curve25519_aes_sha2::MessageMac};

    #[test]
    fn both_ways_write_the_same_and_what_is_written_is_read() {
        for (length, unknown) in
            [(0, "{}"), (16, r#"{"\u0061\"":[1, {}],"b":"\ud83d\udd11"}"#), (640, "{}")]
        {
            let message = SealedMessage {
                ephemeral: Curve25519PublicKey::from_bytes([0xfb; 32]),
                ciphertext: (0..=255).cycle().take(length).collect(),
                mac: MessageMac::from_bytes([0xff; 8]),
            };
            let unknown = UnknownMembers::from_rest(RawObject::parse(unknown.as_bytes()).unwrap());
            let data = EncryptedSessionData { message, unknown: unknown.unwrap() };
            let json = data.to_json();
            assert_eq!(json, serde_json::to_vec(&data).unwrap());
            assert_eq!(EncryptedSessionData::from_json(&json), Ok(data));
        }
    }
}
