//! What stands inside an Olm ciphertext around an event.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    own_devices::{DeviceIdentity, OwnDevices},
    requester::RequesterError,
};
use crate::{
    crypto::ed25519::Ed25519PublicKey,
    encoding::{
        format::FormatProblem,
        json::{self, RawObject},
    },
    ids::UserId,
    secret::{SecretString, SecretVec},
};

/// The payload of a message that was meant for this device.
pub(super) struct OlmPayload {
    pub(super) ed25519: Ed25519PublicKey,
    /// Whatever stands there. It is wiped, since what is broken could be a secret.
    pub(super) event_type: SecretString,
    pub(super) content: SecretVec,
}

impl OlmPayload {
    pub(super) fn read(
        plaintext: &[u8],
        sender: &UserId,
        devices: &OwnDevices,
    ) -> Result<Self, RequesterError> {
        let mut object = RawObject::parse(plaintext)
            .map_err(|_| RequesterError::Content(FormatProblem::NotAnObject.of(WHAT)))?;
        if !is(&mut object, "sender", sender.as_str())? {
            return Err(RequesterError::OtherSender);
        }
        if !is(&mut object, "recipient", devices.user_id().as_str())? {
            return Err(RequesterError::OtherRecipient);
        }
        if ed25519(&mut object, "recipient_keys")? != devices.this_device().ed25519 {
            return Err(RequesterError::OtherRecipientKey);
        }
        let ed25519 = ed25519(&mut object, "keys")?;
        let event_type = member(&mut object, "type")?;
        let event_type = json::string(event_type).map_err(|_| missing("type"))?;
        let content = member(&mut object, "content")?.get();
        if !content.starts_with('{') {
            return Err(missing("content"));
        }
        let event_type = SecretString::from(event_type.as_str());
        Ok(Self { ed25519, event_type, content: SecretVec::from(content.as_bytes()) })
    }
}

/// Writes the payload of an event with a secret, for one device of the same user.
pub(super) fn write(
    event_type: &str,
    content: &SecretVec,
    user_id: &UserId,
    from: &DeviceIdentity,
    to: &DeviceIdentity,
) -> SecretVec {
    #[derive(Serialize)]
    struct Keys {
        ed25519: String,
    }
    #[derive(Serialize)]
    struct Wire<'a> {
        keys: Keys,
        recipient: &'a str,
        recipient_keys: Keys,
        sender: &'a str,
        r#type: &'a str,
    }
    let wire = Wire {
        keys: Keys { ed25519: from.ed25519.to_base64() },
        recipient: user_id.as_str(),
        recipient_keys: Keys { ed25519: to.ed25519.to_base64() },
        sender: user_id.as_str(),
        r#type: event_type,
    };
    let content = content.expose_bytes();
    let mut payload = SecretVec::with_capacity(USUAL_LENGTH + content.len());
    payload.extend_from_slice(b"{\"content\":");
    payload.extend_from_slice(content);
    let rest = json::to_bytes(&wire, USUAL_LENGTH);
    payload.extend_from_slice(b",");
    payload.extend_from_slice(rest.get(1..).unwrap_or_default());
    payload
}

fn member<'a>(
    object: &mut RawObject<'a>,
    name: &'static str,
) -> Result<&'a RawValue, RequesterError> {
    object.take(name).ok_or(missing(name))
}

fn is(
    object: &mut RawObject<'_>,
    name: &'static str,
    expected: &str,
) -> Result<bool, RequesterError> {
    let text = json::string(member(object, name)?).map_err(|_| missing(name))?;
    Ok(text.as_str() == expected)
}

fn ed25519(
    object: &mut RawObject<'_>,
    name: &'static str,
) -> Result<Ed25519PublicKey, RequesterError> {
    let keys = RawObject::parse(member(object, name)?.get().as_bytes());
    let key = keys.ok().and_then(|mut keys| keys.take("ed25519"));
    let text = key.and_then(|key| json::string(key).ok());
    let key = text.and_then(|text| Ed25519PublicKey::from_base64(text.as_str()).ok());
    key.ok_or(missing(name))
}

/// It is not repeated, since what is broken could be a secret.
fn missing(name: &'static str) -> RequesterError {
    RequesterError::Content(FormatProblem::Unusable(name).of(WHAT))
}

const WHAT: &str = "the decrypted message";

/// Enough for all but the content.
const USUAL_LENGTH: usize = 512;
