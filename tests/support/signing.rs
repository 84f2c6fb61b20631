//! Signing whatever one likes, as other clients and hostile homeservers do. The crate hands out nothing but
//! [`ToSign`](strongroom::signed_json::ToSign).
#![allow(dead_code, reason = "each that includes it uses a part")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by a panic"
)]

use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::AuthData,
    crypto::ed25519::Ed25519Signature,
    encoding::{canonical_json::JsonValue, format::FormatError},
    ids::{KeyId, UserId},
    signed_json::SignedObject,
};

pub(crate) trait SignAnything: Sized {
    fn text(&self) -> &str;

    fn read(text: &str) -> Self;

    /// The canonical JSON without `signatures` and `unsigned`.
    fn bytes_to_sign(&self) -> Result<Vec<u8>, FormatError> {
        let limits = Limits::default();
        let Ok(JsonValue::Object(mut members)) = JsonValue::parse(self.text(), &limits) else {
            panic!("it is no object")
        };
        members.retain(|(name, _)| !["signatures", "unsigned"].contains(&name.as_str()));
        JsonValue::Object(members).to_canonical()
    }

    fn with_signature(self, user: &UserId, key: &KeyId, signature: &Ed25519Signature) -> Self {
        let mut object: Value = serde_json::from_str(self.text()).expect("JSON");
        let members = object.as_object_mut().expect("an object");
        let signatures = members.entry("signatures").or_insert_with(|| json!({}));
        if !signatures.is_object() {
            *signatures = json!({});
        }
        signatures[user.as_str()][key.as_str()] = signature.to_base64().into();
        Self::read(&object.to_string())
    }
}

impl SignAnything for SignedObject {
    fn text(&self) -> &str {
        self.as_json()
    }

    fn read(text: &str) -> Self {
        Self::from_json(text, &Limits::default()).expect("an object")
    }
}

impl SignAnything for AuthData {
    fn text(&self) -> &str {
        self.as_json()
    }

    fn read(text: &str) -> Self {
        Self::from_json(text, &Limits::default()).expect("auth_data")
    }
}
