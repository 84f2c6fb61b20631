//! Where a secret came from, which decides what it may prove.
//!
//! A homeserver can put a key where a client looks for one. So each key and secret carries where it came from,
//! from the place that knows it to the one that decides: nobody fills it in later.
//!
//! | the secret | its provenance |
//! |---|---|
//! | drawn here | [`Generated`](Provenance::Generated) |
//! | what a user typed: [`RecoveryKey::typed_by_user`], a [passphrase] | [`TypedByUser`](Provenance::TypedByUser) |
//! | [`OpenedSecret::value`], [`OpenedSecret::backup_key`] | by the algorithm that it was stored with |
//! | [`AcceptedSecret::backup_key`] | [`SharedByVerifiedDevice`](Provenance::SharedByVerifiedDevice) |
//! | [`SecretsBundle::from_verified_channel`] | [`VerifiedChannel`](Provenance::VerifiedChannel) |
//! | bytes and text: `from_bytes`, `from_base64`, `read`, [`SecretsBundle::read`], [`RecoveryKey::parse`] | [`Unauthenticated`](Provenance::Unauthenticated) |
//!
//! A host that knows more than the types do says so by a constructor that names what it asserts:
//! [`BackupDecryptionKey::kept_by_host`], for one. One that has a store of its own saves each secret together with its
//! provenance, by [`SecretValue::save`].
//!
//! [`RecoveryKey::typed_by_user`]: crate::recovery_key::RecoveryKey::typed_by_user
//! [`RecoveryKey::parse`]: crate::recovery_key::RecoveryKey::parse
//! [passphrase]: crate::backup::BackupDecryptionKey::from_passphrase
//! [`OpenedSecret::value`]: crate::secret_storage::OpenedSecret::value
//! [`OpenedSecret::backup_key`]: crate::secret_storage::OpenedSecret::backup_key
//! [`AcceptedSecret::backup_key`]: crate::secret_sharing::AcceptedSecret::backup_key
//! [`SecretsBundle::from_verified_channel`]: crate::secrets_bundle::SecretsBundle::from_verified_channel
//! [`SecretsBundle::read`]: crate::secrets_bundle::SecretsBundle::read
//! [`BackupDecryptionKey::kept_by_host`]: crate::backup::BackupDecryptionKey::kept_by_host
//! [`SecretValue::save`]: crate::secret_value::SecretValue::save
//!
//! ```
//! use strongroom::{backup::BackupDecryptionKey, provenance::Provenance, recovery_key::RecoveryKey};
//!
//! let typed = "EsTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j";
//! let key = BackupDecryptionKey::from_recovery_key(RecoveryKey::parse(typed)?);
//! assert_eq!(key.provenance(), Provenance::Unauthenticated, "it may have been read from anywhere");
//! let key = BackupDecryptionKey::from_recovery_key(RecoveryKey::typed_by_user(typed)?);
//! assert_eq!(key.provenance(), Provenance::TypedByUser);
//! # Ok::<(), strongroom::recovery_key::RecoveryKeyError>(())
//! ```

// docs/decisions.md, 11: a key carries its source.

use serde::{Deserialize, Serialize};

use crate::crypto::ed25519::Ed25519PublicKey;

/// Where a secret came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provenance {
    /// Drawn on this device.
    Generated,
    /// Typed by the user, as a recovery key or as a passphrase.
    TypedByUser,
    /// From secret storage whose algorithm authenticates what is stored (`aes-hmac-sha2`), under a key that others
    /// cannot have found by trying passphrases.
    AuthenticatedSecretStorage,
    /// Shared over Olm by the verified device of the same user that has this Ed25519 key. It counts for as long as
    /// that device does.
    SharedByVerifiedDevice(Ed25519PublicKey),
    /// Handed over by one of the user's devices through a channel that the user has verified with both in hand, as at a login
    /// by QR code. Which keys that device has does not show there.
    VerifiedChannel,
    /// From anywhere, but the private half of a public key that is the user's for sure: one that the user pinned or
    /// the pinned master key signed, or that of a backup which is trusted whatever becomes of the user's devices.
    VerifiedPublicKey,
    /// Kept by the host, which asserts that it was authentic when it got there.
    KeptByHost,
    /// As [`Provenance::Unauthenticated`], and the user accepted the risk knowingly.
    AcceptedByUser,
    /// From where others can write too: asymmetric secret storage, `passthrough`, an unknown place; or from a
    /// passphrase with so few rounds that others can have found it.
    Unauthenticated,
}

impl Provenance {
    /// Whether nobody but the user can have put the secret there, or the user took the risk.
    #[must_use]
    pub fn is_authentic(self) -> bool {
        !matches!(self, Self::Unauthenticated)
    }

    /// Whether it is authentic, whatever becomes of the user's devices.
    pub(crate) fn is_lasting(self) -> bool {
        !matches!(self, Self::Unauthenticated | Self::SharedByVerifiedDevice(_))
    }

    /// The same, with the risk taken that it is not authentic, that the device which shared it does not count any more, or
    /// that others know it. What was drawn here has no risk.
    pub(crate) fn accepted(self) -> Self {
        if self == Self::Generated { self } else { Self::AcceptedByUser }
    }

    /// The same of a secret that belongs to a public key which is the user's for sure.
    pub(crate) fn verified(self) -> Self {
        if self.is_lasting() { self } else { Self::VerifiedPublicKey }
    }
}

/// A provenance as it stands in the secret part of a saved state.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SavedProvenance(#[serde(with = "Saved")] pub(crate) Provenance);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Provenance", rename_all = "snake_case")]
pub(crate) enum Saved {
    Generated,
    TypedByUser,
    AuthenticatedSecretStorage,
    SharedByVerifiedDevice(Ed25519PublicKey),
    VerifiedChannel,
    VerifiedPublicKey,
    KeptByHost,
    AcceptedByUser,
    Unauthenticated,
}
