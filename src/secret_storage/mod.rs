//! Secret storage: the secrets of an account, encrypted in its account data, and the keys that open them.
//!
//! Reads `m.secret_storage.v1.aes-hmac-sha2` (MSC2472), which clients write today, and
//! `m.secret_storage.v1.curve25519-aes-sha2` (MSC1946), which they wrote in 2019 and 2020 and no
//! maintained client opens any more
//! ([specification](https://spec.matrix.org/v1.16/client-server-api/#secret-storage)).
//!
//! | step | type |
//! |---|---|
//! | all account data | [`SecretStorage`]: its [`KeyDescription`]s and [`EncryptedSecret`]s |
//! | what somebody typed | [`SecretStorage::unlock`], or [`Unlock`] with progress |
//! | the keys that it gives | [`SecretStorageKey`], with its [`KeyStanding`] |
//! | the secrets that they open | [`OpenedSecret`], with its [`SecretOrigin`] |
//!
//! # Security
//!
//! A server can change everything here but what a symmetric key encrypted. It can take the check of a
//! key away and ask for one round of PBKDF2: so only a key that was [checked](KeyStanding::Checked) or
//! [proven](KeyStanding::Proven) may encrypt. It can plant secrets under an asymmetric key, whose
//! public half it knows: so [`OpenedSecret::is_authenticated`] tells. It can return an old secret, or
//! change its IV: so compare it with the public key that it belongs to, by [`PublicKeys`].
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     encoding::json_object::JsonObject,
//!     ids::EventType,
//!     secret_storage::SecretStorage,
//!     secret_value::PublicKeys,
//! };
//!
//! # let fixture: serde_json::Value =
//! #     serde_json::from_str(include_str!("../../tests/vectors/js-sdk/random.json"))?;
//! # let (recovery_key, account_data) = (&fixture["recovery_key"], &fixture["account_data"]);
//! # let typed = recovery_key.as_str().unwrap();
//! let mut events: Vec<(EventType, JsonObject)> = Vec::new();
//! # for (name, content) in account_data.as_object().unwrap() {
//! events.push((name.as_str().into(), JsonObject::from_json(&serde_json::to_vec(content)?)?));
//! # }
//! let storage = SecretStorage::from_account_data(&events, &Limits::default());
//! let mut unlocked = storage.unlock(typed, &PublicKeys::default(), &Limits::default())?;
//! for verdict in storage.open_all(&mut unlocked.keys, &PublicKeys::default()) {
//!     let secret = verdict.outcome?;
//!     assert!(secret.is_authenticated());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`PublicKeys`]: crate::secret_value::PublicKeys

mod account;
mod account_data;
mod at_hand;
mod change;
mod encrypted_secret;
mod finding;
mod key;
mod key_description;
mod opened_secret;
mod opening;
mod undescribed;
mod unlock;

pub use self::{
    account::SecretStorage,
    account_data::AccountDataPair,
    change::{
        Change, ChangeError, NewKey, NotVerified, Plan, PlanNote, PlanStep, VerifiedPublicKeys,
    },
    encrypted_secret::EncryptedSecret,
    finding::SecretStorageFinding,
    key::{KeyStanding, SecretStorageKey},
    key_description::KeyDescription,
    opened_secret::{OpenedSecret, SecretOpenError, SecretOrigin},
    opening::SecretVerdict,
    unlock::{
        EntryKind, Unlock, UnlockAttempt, UnlockError, UnlockFailure, UnlockOutcome, Unlocked,
    },
};
pub(crate) use self::{
    change::Belief,
    encrypted_secret::SecretEntry,
    key_description::{KeyAlgorithm, KeyTest},
};

pub(crate) use self::opening::Opening;

/// The algorithm of secret storage.
pub const AES_HMAC_SHA2: &str = "m.secret_storage.v1.aes-hmac-sha2";

/// The algorithm of secret storage until MSC2472. It is read and never written.
pub const CURVE25519_AES_SHA2: &str = "m.secret_storage.v1.curve25519-aes-sha2";

/// The type of the event that names the default key.
pub const DEFAULT_KEY: &str = "m.secret_storage.default_key";

/// What the type of an event begins with that describes a key; the key's ID follows.
pub const KEY_PREFIX: &str = "m.secret_storage.key.";
