//! A new device of the account, with keys that it has signed itself.

use serde_json::{Value, json};
use strongroom::{Limits, encoding::canonical_json::JsonValue};
use vodozemac::olm::Account as Olm;

pub(crate) const TABLET: &str = "TABLET";

pub(crate) struct Tablet {
    user: String,
    olm: Olm,
}

impl Tablet {
    pub(crate) fn of(user: &str) -> Self {
        Self { user: user.to_owned(), olm: Olm::new() }
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.olm.ed25519_key().to_base64()
    }

    /// What it publishes, and `more` members that it signs as well.
    pub(crate) fn keys(&self, more: &Value) -> Value {
        let mut keys = json!({
            "user_id": self.user,
            "device_id": TABLET,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {
                format!("curve25519:{TABLET}"): self.olm.curve25519_key().to_base64(),
                format!("ed25519:{TABLET}"): self.fingerprint(),
            },
        });
        let members = more.as_object().into_iter().flatten();
        members.for_each(|(name, value)| keys[name] = value.clone());
        let signed = JsonValue::parse(&keys.to_string(), &Limits::default()).unwrap();
        let signature = self.olm.sign(signed.to_canonical().unwrap()).to_base64();
        keys["signatures"] = json!({ &self.user: { format!("ed25519:{TABLET}"): signature } });
        keys
    }
}

/// The fixture's self-signing key, by whose label a signature is found.
pub(crate) fn self_signing_key(keys_query: &Value, user: &str) -> String {
    let keys = keys_query["self_signing_keys"][user]["keys"].as_object().unwrap();
    keys.values().next().unwrap().as_str().unwrap().to_owned()
}
