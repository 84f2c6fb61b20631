//! The keys of Matrix users: server-side key backup, secret storage and secret sharing.
//!
//! A client-side library. It seals and opens, signs and checks, parses and speaks the wire formats;
//! it does no I/O, keeps no state in the background and needs no runtime. Bytes, randomness and limits
//! come in as arguments, requests and results go out as values.
//!
//! # Quick start
//!
//! A device seals a session to the public key of a backup, and whoever has the recovery key opens it:
//!
//! ```
//! use strongroom::{
//!     backup::BackupDecryptionKey,
//!     crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
//!     recovery_key::RecoveryKey,
//!     session_data::{SessionData, SessionKey},
//! };
//!
//! # let megolm = vodozemac::megolm::GroupSession::new(Default::default());
//! # let session_key = megolm.session_key().to_base64();
//! # let device = vodozemac::olm::Account::new();
//! # let (identity_key, signing_key) = (device.curve25519_key().to_base64(), device.ed25519_key().to_base64());
//! let session = SessionData::new(
//!     SessionKey::from_base64(&session_key)?,
//!     Curve25519PublicKey::from_base64(&identity_key)?, // of the device that made the session
//!     Ed25519PublicKey::from_base64(&signing_key)?,     // of the same device
//! );
//! let key = BackupDecryptionKey::generate()?;
//! let sealed = key.public_key().seal(&session)?;
//! let written_down = key.to_recovery_key().to_text();
//!
//! let typed = RecoveryKey::typed_by_user(written_down.expose_str())?;
//! let (opened, _) = BackupDecryptionKey::from_recovery_key(typed).open(&sealed)?;
//! assert_eq!(opened.value, session);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The topics
//!
//! | module | what |
//! |---|---|
//! | [`backup`] | keys, versions, trust, sealing and opening |
//! | [`session_data`] | a Megolm session as it is backed up and exported |
//! | [`key_export`] | the encrypted file that clients export and import |
//! | [`recovery_key`] | the text that people write down |
//! | [`provenance`] | where a key or secret came from, and so what it may prove |
//! | [`passphrase`] | keys from passphrases: parameters, limits, and what to try |
//! | [`secret_storage`] | keys and secrets in account data: reading, unlocking, opening, changing |
//! | [`secret_sharing`] | asking the user's other devices for secrets, and answering them |
//! | [`secrets_bundle`] | all secrets of an account in one object, as one device hands them over to the next |
//! | [`secret_value`] | a named secret, its shape, and the public key that it belongs to |
//! | [`signed_json`] | signed objects, kept to the last byte |
//! | [`cross_signing`] | a device made trusted with the self-signing key; a new digital identity |
//! | [`client`] | one machine per account, which does everything a client does about its backup; what is wrong with an account |
//! | [`api`] | the HTTP endpoints as typed requests and responses |
//! | [`crypto`], [`encoding`], [`secret`], [`ids`] | what the others stand on |
//! | [`excerpt`], [`randomness`], [`saved_state`] | names from outside, fit to be shown; the operating system's randomness; what machines save |
#![cfg_attr(
    feature = "homeserver",
    doc = "| [`homeserver`] | an in-memory homeserver to test against |"
)]
//!
//! # Features
//!
//! `homeserver`: the in-memory homeserver. `parallel`: batches on several threads (rayon). `zxcvbn`:
//! how strong a passphrase is. `unstable-msc4385`: secrets that devices push to each other
//! ([MSC4385](https://github.com/matrix-org/matrix-spec-proposals/pull/4385)), which may change with any version. No
//! feature is on by default, and none changes what the others do.

#![cfg_attr(docsrs, feature(doc_cfg))]

// docs/decisions.md, 1: no I/O.

pub mod api;
#[doc(alias("key backup", "m.megolm_backup.v1"))]
pub mod backup;
mod characters;
pub mod client;
mod clock;
pub mod cross_signing;
pub mod crypto;
pub mod encoding;
pub mod excerpt;
#[cfg(feature = "homeserver")]
pub mod homeserver;
pub mod ids;
#[doc(alias("megolm export", "export room keys"))]
pub mod key_export;
mod limits;
#[doc(alias("security phrase"))]
pub mod passphrase;
pub mod provenance;
pub mod randomness;
#[doc(alias("security key"))]
pub mod recovery_key;
pub mod saved_files;
pub mod saved_state;
pub mod secret;
pub mod secret_sharing;
#[doc(alias("4S", "SSSS"))]
pub mod secret_storage;
pub mod secret_value;
#[doc(alias("m.login.secrets"))]
pub mod secrets_bundle;
pub mod session_data;
pub mod signed_json;

pub use limits::Limits;

/// The code in the README and in the guide is compiled, and runs.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/guide/backup.md")]
    struct Backup;
    #[doc = include_str!("../docs/guide/client.md")]
    struct Client;
    #[doc = include_str!("../docs/guide/flows.md")]
    struct Flows;
    #[cfg(feature = "unstable-msc4385")]
    #[doc = include_str!("../docs/guide/sharing.md")]
    struct Sharing;
}
