//! Cross-signing: a device made trusted with the seeds at hand, and a new digital identity.
//!
//! [Specification](https://spec.matrix.org/v1.16/client-server-api/#cross-signing). The master key signs the self-signing
//! key, and that one signs the user's devices: who trusts the master key trusts them. The seeds of the keys usually are in
//! secret storage, so a recovery key is enough to make a device trusted.
//!
//! | step | by |
//! |---|---|
//! | what the homeserver publishes | [`query_keys`](crate::api::query_keys) |
//! | the self-signing seed becomes a key | [`SelfSigningKey::new`]: it fits, and the master key is pinned or proven |
//! | which device is meant | [`ExpectedDevice`]: from outside the homeserver |
//! | its signature | [`SelfSigningKey::sign_device`] |
//! | the device's signature of the master key | [`SelfSigningKey::master_key_to_sign`], which the host signs, and [`SelfSigningKey::master_key_signed_by`] |
//! | published | [`upload_signatures`](crate::api::upload_signatures) |
//!
//! A user without an identity gets one by
//! [`QueriedKeys::new_identity`](crate::api::QueriedKeys::new_identity), which is a [`NewIdentity`].
//!
//! # Security
//!
//! A signature of the self-signing key lets a device read the user's messages, so it is made for what the caller knows from
//! outside the homeserver and for nothing else. Every object that is signed is put together from typed parts; what the
//! homeserver publishes is compared with it.
//!
//! # From the secrets of a recovery key to a verified device
//!
//! ```
//! # use serde_json::json;
//! use strongroom::{
//!     Limits,
//!     api,
//!     cross_signing::{ExpectedDevice, SelfSigningKey},
//!     crypto::{curve25519::Curve25519PublicKey, ed25519::{Ed25519PublicKey, Ed25519Signature}},
//!     ids::{DeviceId, UserId},
//! };
//! # use strongroom::cross_signing::NewIdentity;
//!
//! let (user, device) = (UserId::from("@bot:example.org"), DeviceId::from("BOT"));
//! let limits = Limits::default();
//! # let olm = vodozemac::olm::Account::new();
//! # let new = NewIdentity::replacing_old_identity(user.clone())?;
//! # let upload: serde_json::Value = serde_json::from_slice(api::upload_signing_keys(&new).body())?;
//! # let unsigned = json!({
//! #     "user_id": user, "device_id": device,
//! #     "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
//! #     "keys": { "curve25519:BOT": olm.curve25519_key().to_base64(), "ed25519:BOT": olm.ed25519_key().to_base64() },
//! # });
//! # let canonical = strongroom::encoding::canonical_json::JsonValue::parse(&unsigned.to_string(), &limits)?.to_canonical()?;
//! # let mut keys = unsigned;
//! # keys["signatures"][user.as_str()]["ed25519:BOT"] = olm.sign(&canonical).to_base64().into();
//! # let body = json!({
//! #     "device_keys": { (user.as_str()): { "BOT": keys } },
//! #     "master_keys": { (user.as_str()): upload["master_key"] },
//! #     "self_signing_keys": { (user.as_str()): upload["self_signing_key"] },
//! # });
//! # let response = http::Response::new(body.to_string());
//! # let secrets = new.secrets(); // which a client opens with the recovery key
//! // `secrets` are the values of what secret storage gave, and `response` what /keys/query said.
//! let published = api::query_keys([(user.clone(), vec![])], None).read_response(&response, &limits)?;
//! let (Some(master), Some(self_signing), Some(own)) = (
//!     published.master_keys.get(&user),
//!     published.self_signing_keys.get(&user),
//!     published.device_keys.get(&user).and_then(|devices| devices.get(&device)),
//! ) else {
//!     panic!("the user has no identity, or the device has not published its keys yet");
//! };
//! let key = SelfSigningKey::new(master, self_signing, None, &secrets, &limits)?;
//!
//! // Both identity keys come from the bot's own Olm account.
//! let expected = ExpectedDevice::own(
//!     user.clone(),
//!     device,
//!     Curve25519PublicKey::from_bytes(olm.curve25519_key().to_bytes()),
//!     Ed25519PublicKey::from_bytes(olm.ed25519_key().as_bytes())?,
//! );
//! let device = key.sign_device(own, &expected, &limits)?;
//! let signature = olm.sign(key.master_key_to_sign().bytes());
//! let signature = Ed25519Signature::from_bytes(signature.to_bytes());
//! let master = key.master_key_signed_by(&expected, &signature)?;
//!
//! let upload = api::upload_signatures([device, master]);
//! assert!(str::from_utf8(upload.body())?.contains(r#""device_id":"BOT""#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// docs/decisions.md, 33: a device is signed as the caller knows it.

mod error;
mod expected_device;
mod new_identity;
mod self_signing_key;
mod sign;
mod signed_key;

pub use self::{
    error::CrossSigningError, expected_device::ExpectedDevice, new_identity::NewIdentity,
    self_signing_key::SelfSigningKey, signed_key::SignedKey,
};
use crate::excerpt::Excerpt;

/// How many members an error names.
const NAMED_MEMBERS: usize = 3;

/// Names in one line.
fn list(names: &[Excerpt]) -> String {
    names.iter().map(|name| format!("\u{201c}{name}\u{201d}")).collect::<Vec<_>>().join(", ")
}
