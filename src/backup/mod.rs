//! Server-side key backup: versions and whom they belong to, sealing sessions, opening them again.
//!
//! Implements `m.megolm_backup.v1.curve25519-aes-sha2`
//! ([specification](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups), MSC1219).
//!
//! | step | type |
//! |---|---|
//! | a key for a new backup, or the one that the user kept | [`BackupDecryptionKey`] |
//! | the key of an old backup that has a passphrase | [`BackupDecryptionKey::from_passphrase`] |
//! | what the server says of a version | [`BackupVersionInfo`], [`AuthData`] |
//! | proof that it is the user's | [`TrustedBackup`] |
//! | what the user's keys sign of it | [`UnsignedAuthData`] |
//! | sessions on their way up | [`SealedSession`]; [`SessionSealer`] for many |
//! | sessions on their way down | [`BackedUpSession`], then [`RestoredSession`] |
//! | all sessions of a response while it arrives | [`Restore`], which is made of a [`RoomKeysSplitter`] |
//!
//! # Security
//!
//! A backup hides sessions from the server. It does not prove who put them there: anyone who knows
//! the public key can add sessions, and the MAC as deployed does not even cover the ciphertext.
//!
//! ```
//! use strongroom::{
//!     backup::BackupDecryptionKey,
//!     crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
//!     session_data::{SessionData, SessionKey},
//! };
//! # let outbound = vodozemac::megolm::GroupSession::new(Default::default());
//! # let exported = outbound.session_key().to_base64();
//!
//! # let device = vodozemac::olm::Account::new();
//! # let (identity_key, signing_key) = (device.curve25519_key().to_base64(), device.ed25519_key().to_base64());
//! let sender = Curve25519PublicKey::from_base64(&identity_key)?;
//! let claimed = Ed25519PublicKey::from_base64(&signing_key)?;
//! let session = SessionData::new(SessionKey::from_base64(&exported)?, sender, claimed);
//! let key = BackupDecryptionKey::generate()?;
//! let sealed = key.public_key().seal(&session)?;
//! let (opened, _) = key.open(&sealed)?;
//! assert_eq!(opened.value, session);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod auth_data;
mod batch;
mod encrypted_session_data;
mod key_backup_data;
mod open;
mod passphrase;
mod proofs;
mod restore;
mod returned;
mod seal;
mod trust;
mod unsigned_auth_data;
mod version;

pub use self::{
    auth_data::AuthData,
    batch::SessionSealer,
    encrypted_session_data::EncryptedSessionData,
    key_backup_data::{KeyBackupData, KeyBackupMetadata},
    open::{FailureCause, OpenError, RestoredSession, Warning},
    passphrase::{BackupPassphraseAttempts, FittingPassphrase},
    restore::{
        FailedSession, Restore, RestoreOptions, RestoreProgress, RestoreReport, RoomKeysItem,
        RoomKeysSplitter, StreamError, restore_all, restore_reader, restore_slice,
    },
    returned::BackedUpSession,
    seal::{SealOptions, SealedSession},
    trust::{TrustError, TrustReason, TrustedBackup},
    unsigned_auth_data::UnsignedAuthData,
    version::BackupVersionInfo,
};

pub(crate) use self::{
    proofs::{Proof, Proofs},
    returned::ReturnedSession,
};
pub use crate::{
    secret_value::backup_key::{BackupDecryptionKey, BackupPublicKey},
    session_data::authenticity::Authenticity,
};

/// The algorithm of key backups.
pub const MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2: &str = "m.megolm_backup.v1.curve25519-aes-sha2";
