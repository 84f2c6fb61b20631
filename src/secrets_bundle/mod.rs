//! The secrets bundle: everything that a new device of an account needs, in one object. The device that is there hands it over at a
//! login by QR code
//! ([MSC4108](https://github.com/matrix-org/matrix-spec-proposals/pull/4108), `m.login.secrets`), and clients on
//! matrix-rust-sdk export and import it.
//!
//! ```text
//! {"cross_signing": {"master_key": SEED, "self_signing_key": SEED, "user_signing_key": SEED},
//!  "backup": {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "key": KEY, "backup_version": VERSION}}
//! ```
//!
//! Seeds and the key are 32 bytes in unpadded base64. `backup` is absent where there is none.
//!
//! # Security
//!
//! Whoever reads a bundle is the account, as far as encryption goes. And whoever writes one that a device believes gives that
//! device an identity of theirs. So what was read is [unauthenticated](crate::provenance::Provenance::Unauthenticated) until
//! [`SecretsBundle::verify`] has compared it with public keys that are the user's for sure, or the host asserts with
//! [`SecretsBundle::from_verified_channel`] who wrote it. And a bundle is written only if every seed belongs to a public key
//! that the master key of the user has signed.
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     secret::{SecretBytes, SecretString},
//!     secret_storage::VerifiedPublicKeys,
//!     secrets_bundle::{SecretsBundle, SecretsBundleError},
//! };
//!
//! let json = br#"{"cross_signing":{"master_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
//!     "self_signing_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI",
//!     "user_signing_key":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"}}"#;
//! let bundle = SecretsBundle::read(json, &Limits::default())?;
//! // The user compares this with what another device shows.
//! let master = bundle.public_keys().master.unwrap();
//! let verified = VerifiedPublicKeys::with_master("@alice:example.org".into(), master);
//! // The published self-signing key belongs to it, too: see `QueriedKeys::own_keys`.
//! let error = bundle.verify(&verified).unwrap_err();
//! assert_eq!(error, SecretsBundleError::NotVerified("self-signing key"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// docs/decisions.md, 11: a key carries its source.

mod error;
mod read;
mod write;

use std::fmt;

pub use self::error::SecretsBundleError;
use crate::{
    Limits,
    backup::BackupDecryptionKey,
    encoding::format::FormatError,
    ids::BackupVersion,
    provenance::Provenance,
    secret_storage::VerifiedPublicKeys,
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        MEGOLM_BACKUP_V1, PublicKeys, SecretValue,
    },
};

/// The seeds of an account's three cross-signing keys, and the decryption key of its backup if there is one; each with where it
/// came from.
#[derive(Clone)]
pub struct SecretsBundle {
    /// In the order of [`SEEDS`].
    seeds: [SecretValue; 3],
    backup: Option<BackupDecryptionKey>,
    /// The version as it was read.
    version: Option<BackupVersion>,
}

impl SecretsBundle {
    /// Reads a bundle of which nothing else is known, out of a file for one: every secret in it is
    /// [unauthenticated](Provenance::Unauthenticated).
    ///
    /// | what is met | what becomes of it |
    /// |---|---|
    /// | base64 that is padded | read |
    /// | `"backup": null` | no backup |
    /// | `"type": "m.login.secrets"` | the message of a login by QR code, read as the bundle that it is |
    /// | unknown members | ignored |
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is no such object, is larger than [`Limits::secret_send_bytes`], has a message's type that is
    /// another one, has two members of one name, or a key in it is missing or not 32 bytes in base64.
    pub fn read(json: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        Self::read_with(json, Provenance::Unauthenticated, limits)
    }

    /// Reads a bundle that came through a channel whose other end the user has verified, as it is after the check code of a
    /// login by QR code was entered, and asserts just that: its secrets are
    /// [`VerifiedChannel`](Provenance::VerifiedChannel), and the master key is the user's.
    ///
    /// # Security
    ///
    /// A file is no such channel, nor is the homeserver. The other seeds are still to be [verified](Self::verify): the account
    /// may have other keys by now.
    ///
    /// # Errors
    ///
    /// As [`SecretsBundle::read`].
    pub fn from_verified_channel(json: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        Self::read_with(json, Provenance::VerifiedChannel, limits)
    }

    /// Puts secrets into a bundle to be [written](Self::to_json), as they came out of the secret storage for one. Of several
    /// with one name the first is taken; others than those of a bundle are left out.
    ///
    /// # Errors
    ///
    /// [`SecretsBundleError::Missing`] if one of the three seeds is not among them.
    pub fn new(secrets: impl IntoIterator<Item = SecretValue>) -> Result<Self, SecretsBundleError> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        let find = |name| secrets.iter().find(|secret| secret.name().as_str() == name);
        let [master, self_signing, user_signing] = SEEDS
            .map(|seed| find(seed.name).cloned().ok_or(SecretsBundleError::Missing(seed.words)));
        let seeds = [master?, self_signing?, user_signing?];
        let backup = find(MEGOLM_BACKUP_V1).and_then(SecretValue::backup_key);
        Ok(Self { seeds, backup, version: None })
    }

    /// Compares every seed with the public key that is the user's for sure: that of the master key, which was pinned or
    /// compared by the user, and those that the master key has signed. What is returned has come from
    /// [there](Provenance::VerifiedPublicKey), as far as nothing better was known.
    ///
    /// The backup key becomes that of a verified public key if the backup is
    /// [pinned](VerifiedPublicKeys::pin_backup) and it belongs to it; otherwise it stays what it is.
    ///
    /// # Errors
    ///
    /// [`SecretsBundleError::NotVerified`] or [`SecretsBundleError::OtherKey`], with the first seed that is not the user's;
    /// nothing of the bundle is to be used then.
    pub fn verify(self, verified: &VerifiedPublicKeys) -> Result<Self, SecretsBundleError> {
        self.check_seeds(verified)?;
        let backup = self.backup.and_then(|key| verified.vouch(key.to_secret()).backup_key());
        Ok(Self { seeds: self.seeds.map(|seed| verified.vouch(seed)), backup, ..self })
    }

    fn check_seeds(&self, verified: &VerifiedPublicKeys) -> Result<(), SecretsBundleError> {
        self.seeds.iter().zip(SEEDS).try_for_each(|(secret, seed)| {
            match verified.as_public_keys().check(secret) {
                Ok(true) => Ok(()),
                Ok(false) => Err(SecretsBundleError::NotVerified(seed.words)),
                Err(_) => Err(SecretsBundleError::OtherKey(seed.words)),
            }
        })
    }

    /// The secrets by their names: those of the master, the self-signing and the user-signing key, and of the backup if there
    /// is one.
    pub fn secrets(&self) -> impl Iterator<Item = SecretValue> {
        self.seeds.iter().cloned().chain(self.backup.as_ref().map(BackupDecryptionKey::to_secret))
    }

    /// The decryption key of the backup.
    #[must_use]
    pub fn backup_key(&self) -> Option<&BackupDecryptionKey> {
        self.backup.as_ref()
    }

    /// The version of the backup, as it stands in a bundle that was read. Nothing but its public key shows whether the key is
    /// that of this version.
    #[must_use]
    pub fn backup_version(&self) -> Option<&BackupVersion> {
        self.version.as_ref()
    }

    /// The public keys that its secrets belong to, for a user who compares them.
    ///
    /// # Security
    ///
    /// They are as trustworthy as the bundle.
    #[must_use]
    pub fn public_keys(&self) -> PublicKeys {
        let [master, self_signing, user_signing] =
            self.seeds.each_ref().map(|seed| Some(seed.cross_signing_seed()?.public_key()));
        let backup = self.backup.as_ref().map(|key| *key.public_key().as_curve25519());
        PublicKeys { backup, master, self_signing, user_signing }
    }
}

impl fmt::Debug for SecretsBundle {
    /// Leaves out the version, too: whoever has mixed up the members has a secret there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds: _, backup: _, version: _ } = self;
        f.debug_struct("SecretsBundle").finish_non_exhaustive()
    }
}

/// A cross-signing key whose seed is in a bundle.
struct Seed {
    /// Its name as a secret.
    name: &'static str,
    /// Its member of `cross_signing`.
    member: &'static str,
    /// What people call it.
    words: &'static str,
}

const SEEDS: [Seed; 3] = [
    Seed { name: CROSS_SIGNING_MASTER, member: "master_key", words: "master key" },
    Seed {
        name: CROSS_SIGNING_SELF_SIGNING,
        member: "self_signing_key",
        words: "self-signing key",
    },
    Seed {
        name: CROSS_SIGNING_USER_SIGNING,
        member: "user_signing_key",
        words: "user-signing key",
    },
];

/// The type of the message that hands a bundle over.
const LOGIN_SECRETS: &str = "m.login.secrets";
