//! The public keys of a user or a device, put together to be signed.

// docs/decisions.md, 14: the host signs, and nothing from outside.

use std::fmt;

use super::{CrossSigningUsage, SIGNATURES, SignedObject};
use crate::{
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Signature},
    },
    encoding::canonical_json::JsonValue,
    excerpt::Excerpt,
    ids::{DeviceId, KeyId, UserId},
};

/// The members that are signed of a [device's keys](https://spec.matrix.org/v1.16/client-server-api/#device-keys) or of
/// a [cross-signing key](https://spec.matrix.org/v1.16/client-server-api/#cross-signing), made of typed parts: the user
/// ID, the keys, and either the device ID and known algorithms or the usage.
#[derive(Clone, PartialEq, Eq)]
pub struct KeysToSign {
    user_id: UserId,
    name: String,
    members: Vec<(String, JsonValue)>,
    bytes: Vec<u8>,
}

/// An algorithm that clients say their device can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceAlgorithm(&'static str);

impl DeviceAlgorithm {
    /// All that clients publish: those of the specification, those that succeed them, and the two names from an early
    /// draft that stood in the documentation of libolm.
    pub(crate) const ALL: [Self; 6] = [
        Self("m.olm.v1.curve25519-aes-sha2"),
        Self("m.megolm.v1.aes-sha2"),
        Self("m.olm.v2.curve25519-aes-sha2"),
        Self("m.megolm.v2.aes-sha2"),
        Self("m.olm.curve25519-aes-sha256"),
        Self("m.megolm.v1.aes-sha"),
    ];

    fn read(value: &JsonValue) -> Option<Self> {
        Self::ALL.into_iter().find(|known| value.as_str() == Some(known.0))
    }

    /// Reads a list of different known algorithms, in its order; `None` if it is anything else.
    pub(crate) fn read_list(value: &JsonValue) -> Option<Vec<Self>> {
        let JsonValue::Array(names) = value else { return None };
        if names.len() > Self::ALL.len() {
            return None;
        }
        let mut read = Vec::with_capacity(names.len());
        for name in names {
            let algorithm = Self::read(name)?;
            if read.contains(&algorithm) {
                return None;
            }
            read.push(algorithm);
        }
        Some(read)
    }
}

impl KeysToSign {
    /// The keys of a device.
    pub(crate) fn device(
        user_id: &UserId,
        device_id: &DeviceId,
        algorithms: &[DeviceAlgorithm],
        curve25519: &Curve25519PublicKey,
        ed25519: &Ed25519PublicKey,
    ) -> Self {
        let name = device_id.as_str();
        let algorithms = algorithms.iter().map(|algorithm| string(algorithm.0)).collect();
        let keys = [
            (format!("curve25519:{name}"), string(&curve25519.to_base64())),
            (KeyId::ed25519(device_id).as_str().to_owned(), string(&ed25519.to_base64())),
        ];
        let members = [
            ("algorithms", JsonValue::Array(algorithms)),
            ("device_id", string(name)),
            ("keys", JsonValue::Object(keys.into())),
        ];
        Self::new(user_id, name.to_owned(), members)
    }

    /// A cross-signing key.
    pub(crate) fn cross_signing_key(
        user_id: &UserId,
        usage: CrossSigningUsage,
        key: &Ed25519PublicKey,
    ) -> Self {
        let name = key.to_base64();
        let keys = vec![(format!("ed25519:{name}"), string(&name))];
        let members = [
            ("keys", JsonValue::Object(keys)),
            ("usage", JsonValue::Array(vec![string(usage.as_str())])),
        ];
        Self::new(user_id, name, members)
    }

    fn new<const N: usize>(
        user_id: &UserId,
        name: String,
        members: [(&str, JsonValue); N],
    ) -> Self {
        let user = ("user_id", string(user_id.as_str()));
        let members = members.into_iter().chain([user]);
        let members: Vec<_> = members.map(|(name, value)| (name.to_owned(), value)).collect();
        #[expect(clippy::expect_used, reason = "it has no number, and each name once")]
        let bytes = JsonValue::Object(members.clone()).to_canonical().expect("it is canonical");
        Self { user_id: user_id.clone(), name, members, bytes }
    }

    /// Whose keys they are.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The device ID, or the cross-signing public key in unpadded base64.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes to sign.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The object with this one signature of the user's, as canonical JSON.
    pub(crate) fn with_signature(&self, key_id: &KeyId, signature: &Ed25519Signature) -> String {
        let of_user = vec![(key_id.as_str().to_owned(), string(&signature.to_base64()))];
        let users = vec![(self.user_id.as_str().to_owned(), JsonValue::Object(of_user))];
        self.with([(SIGNATURES.to_owned(), JsonValue::Object(users))])
    }

    /// The object without a signature, as canonical JSON.
    pub(crate) fn without_signature(&self) -> String {
        self.with([])
    }

    fn with<const N: usize>(&self, others: [(String, JsonValue); N]) -> String {
        let members = self.members.iter().cloned().chain(others).collect();
        let bytes = JsonValue::Object(members).to_canonical().ok();
        #[expect(clippy::expect_used, reason = "it has no number, and each name once")]
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).expect("it is canonical")
    }

    /// The members of a published object that are not signed as they are here, `limit` at most; none if both are signed by
    /// the same bytes.
    pub(crate) fn differing_members(&self, published: &SignedObject, limit: usize) -> Vec<Excerpt> {
        if published.signed_bytes().is_ok_and(|bytes| bytes == self.bytes) {
            return Vec::new();
        }
        let canonical = |value: &JsonValue| value.to_canonical().ok();
        let own = |name: &str| self.members.iter().find(|(own, _)| own == name);
        let is_other = |(name, value): &&(String, JsonValue)| {
            let value = canonical(value);
            value.is_none() || own(name).map(|(_, value)| canonical(value)) != Some(value)
        };
        let others = published.signed_members().filter(is_other).map(|(name, _)| name);
        let is_missing = |name: &&String| published.get(name).is_none();
        let missing = self.members.iter().map(|(name, _)| name).filter(is_missing);
        others.chain(missing).take(limit).map(|name| Excerpt::new(name)).collect()
    }
}

impl fmt::Debug for KeysToSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, name, members: _, bytes: _ } = self;
        f.debug_struct("KeysToSign")
            .field("user_id", user_id)
            .field("name", name)
            .finish_non_exhaustive()
    }
}

fn string(text: &str) -> JsonValue {
    JsonValue::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn device() -> KeysToSign {
        let ed25519 = crate::crypto::ed25519::Ed25519Seed::from_bytes(
            crate::secret::SecretBytes::init_with(|bytes| bytes.fill(7)),
        );
        KeysToSign::device(
            &"@a:b".into(),
            &"D".into(),
            &DeviceAlgorithm::ALL[..2],
            &Curve25519PublicKey::from_bytes([9; 32]),
            &ed25519.public_key(),
        )
    }

    #[test]
    fn what_is_signed_are_the_typed_members_and_no_others() {
        let text = concat!(
            r#"{"algorithms":["m.olm.v1.curve25519-aes-sha2","m.megolm.v1.aes-sha2"],"device_id":"D","keys":{"#,
            r#""curve25519:D":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk","#,
            r#""ed25519:D":"6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw"},"user_id":"@a:b"}"#,
        );
        assert_eq!(str::from_utf8(device().bytes()), Ok(text));
    }

    #[test]
    fn a_member_that_is_other_too_many_or_missing_is_named() {
        let names = |text: &str| {
            let object = SignedObject::from_json(text, &Limits::default()).unwrap();
            let names = device().differing_members(&object, 3);
            names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
        };
        let own = device().without_signature();
        assert_eq!(names(&own), [""; 0]);
        assert_eq!(names(&own.replace("@a:b", "@a:c")), ["user_id"]);
        assert_eq!(names(&own.replace("user_id", "user")), ["user", "user_id"]);
        assert_eq!(names(&own.replacen('{', "{\"x\":1.5,", 1)), ["x"]);
        assert_eq!(names(&own.replacen('{', "{\"signatures\":1.5,\"unsigned\":2.5,", 1)), [""; 0]);
        assert_eq!(names("{}"), ["algorithms", "device_id", "keys"], "and no more than the limit");
    }

    #[test]
    fn a_list_of_algorithms_has_each_known_one_once_at_most() {
        let read = |text: &str| {
            DeviceAlgorithm::read_list(&JsonValue::parse(text, &Limits::default()).unwrap())
        };
        assert_eq!(read("[]"), Some(Vec::new()));
        let all = DeviceAlgorithm::ALL.map(|algorithm| format!("\"{}\"", algorithm.0)).join(",");
        assert_eq!(read(&format!("[{all}]")), Some(DeviceAlgorithm::ALL.into()));
        for text in ["{}", "[1]", "[\"m.olm\"]", &format!("[{all},{all}]")] {
            assert_eq!(read(text), None, "{text}");
        }
        let twice = "[\"m.megolm.v1.aes-sha2\",\"m.megolm.v1.aes-sha2\"]";
        assert_eq!(read(twice), None);
    }
}
