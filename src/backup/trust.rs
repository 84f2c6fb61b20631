//! Proof that a backup is the user's own.

// docs/decisions.md, 10: a `TrustedBackup` is the proof.

use thiserror::Error;

use super::{auth_data::AuthData, proofs::Proofs, version::BackupVersionInfo};
use crate::{
    Limits,
    encoding::format::FormatError,
    excerpt::Excerpt,
    ids::{BackupVersion, UserId},
    provenance::Provenance,
    secret_value::backup_key::{BackupDecryptionKey, BackupPublicKey},
    signed_json::{SignatureReport, SignatureVerdict, TrustedSigner},
};

/// A backup that may be uploaded to: somebody whom the user trusts vouches for its public key.
///
/// There is no way to make one but to prove it: it has two constructors, and it does not deserialise.
/// After a restart trust is established again: [`client::Backup`](crate::client::Backup) remembers the public key
/// together with its proofs, which is the third way.
///
/// ```compile_fail
/// fn read<T: serde::de::DeserializeOwned>() {}
/// read::<strongroom::backup::TrustedBackup>();
/// ```
#[derive(Debug, Clone)]
pub struct TrustedBackup {
    version: BackupVersion,
    public_key: BackupPublicKey,
    reason: TrustReason,
}

/// What makes a backup trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustReason {
    /// A key that the host trusts signed the backup's public key.
    Signature(TrustedSigner),
    /// The decryption key belongs to the backup's public key, and came from an authentic source.
    DecryptionKey(Provenance),
    /// It has the public key of the backup that this device was proven to use before a restart, and a proof of then still
    /// stands.
    UsedBefore,
}

/// Why a backup is not trusted, or not even usable, or its `auth_data` is not handed out to be signed. The version can be
/// listed, replaced and deleted all the same: make a new backup in its place, then the old one stays, and its key opens it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The version is of an algorithm that this version of the crate does not know.
    #[error("the backup's algorithm \u{201c}{0}\u{201d} is not supported")]
    UnsupportedAlgorithm(Excerpt),
    /// The homeserver did not say which algorithm it is of, or returned no `auth_data`.
    #[error("the homeserver returned no {0} for the backup")]
    Missing(&'static str),
    /// It is no JSON object that could have been signed.
    #[error("the backup's public data cannot be read ({0})")]
    Json(FormatError),
    /// It has no public key.
    #[error("the backup has no public key")]
    NoPublicKey,
    /// Its public key cannot be used.
    #[error("{0}")]
    PublicKey(FormatError),
    /// The public key is one that this user has given up. A server can serve an old version again.
    #[error("the backup's public key was given up earlier and must not be used again")]
    Retired,
    /// None of the trusted keys signed the public key.
    #[error("no device or key that you trust has signed this backup")]
    NoTrustedSignature(SignatureReport),
    /// A trusted key signed it, but it could be a key of the user as well, and the signature may have been made for
    /// that. The members that make it one are named.
    #[error("the backup\u{2019}s public data could be a key of yours as well ({}), so no signature on it counts", .0.join(", "))]
    OtherKind(Vec<&'static str>),
    /// The decryption key belongs to another backup.
    #[error(
        "the key belongs to the backup {key}, not to this one, {backup}; if it is the recovery key of your key storage, \
         unlock that with it: the key of this backup is in there"
    )]
    OtherPublicKey {
        /// The public key of the backup on the server.
        backup: BackupPublicKey,
        /// The public half of the decryption key.
        key: BackupPublicKey,
    },
    /// The decryption key fits, but anyone can have put it where it was found, or the backup tells that it has a passphrase
    /// of so [few rounds](crate::passphrase::PassphraseParameters::is_guessable) that others can find the key.
    #[error("the key fits this backup, but the server could have planted or found it")]
    UnauthenticatedSource,
    /// It has members that this device did not make, and a signature would cover them: the homeserver could use
    /// the signed object as a key of the user.
    #[error("the backup\u{2019}s public data has members that must not be signed: {}", .0.iter().map(Excerpt::as_str).collect::<Vec<_>>().join(", "))]
    OtherMembers(Vec<Excerpt>),
    /// Its key comes from a passphrase, which was not entered in this run.
    #[error("the backup\u{2019}s public data is about a passphrase, which has to be entered first")]
    PassphraseNeeded,
    /// The key is from where the server could have planted it.
    #[error("the backup\u{2019}s key comes from where the server could have planted it")]
    KeyNotAuthentic,
    /// Another device has shared the key, and a signature of the user would outlive the trust in that device.
    #[error("the backup\u{2019}s key is one that another device has shared")]
    OnlyDevice,
    /// The backup is another one than the trusted one.
    #[error("the backup is another one than the one that is trusted")]
    OtherBackup,
}

impl TrustedBackup {
    /// Trusts a backup because a trusted key signed its public key.
    ///
    /// `trusted` are keys of the user's own: the pinned master key and verified devices. `retired` are
    /// the public keys of backups that the user has given up.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if the backup cannot be used; [`TrustError::Retired`], [`TrustError::NoTrustedSignature`].
    pub fn by_signature(
        info: &BackupVersionInfo,
        user_id: &UserId,
        trusted: &[TrustedSigner],
        retired: &[BackupPublicKey],
        limits: &Limits,
    ) -> Result<Self, TrustError> {
        let report = usable(info, retired)?.check_signatures(user_id, trusted, limits);
        Self::by_report(info, &report, retired)
    }

    /// The same when the signatures were checked already.
    pub(crate) fn by_report(
        info: &BackupVersionInfo,
        report: &SignatureReport,
        retired: &[BackupPublicKey],
    ) -> Result<Self, TrustError> {
        let auth_data = usable(info, retired)?;
        match report.trusted_signer() {
            Some(signer) => Ok(Self::new(info, auth_data, TrustReason::Signature(signer.clone()))),
            None if report
                .signatures()
                .iter()
                .any(|(_, verdict)| *verdict == SignatureVerdict::OtherKind) =>
            {
                Err(TrustError::OtherKind(auth_data.members_of_keys().collect()))
            }
            None => Err(TrustError::NoTrustedSignature(report.clone())),
        }
    }

    /// Trusts a backup because the user has its decryption key, from an
    /// [authentic source](Provenance::is_authentic), and others cannot have found it: a backup whose passphrase has
    /// [few rounds](crate::passphrase::PassphraseParameters::is_guessable) is trusted by no key but one that was drawn here,
    /// or for which the user [accepts](BackupDecryptionKey::accept_unauthenticated) the risk. A key that a device has shared counts while that device is verified,
    /// which is the caller's to know.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if the backup cannot be used; [`TrustError::Retired`], [`TrustError::OtherPublicKey`],
    /// [`TrustError::UnauthenticatedSource`].
    pub fn by_decryption_key(
        info: &BackupVersionInfo,
        key: &BackupDecryptionKey,
        retired: &[BackupPublicKey],
    ) -> Result<Self, TrustError> {
        let auth_data = usable(info, retired)?;
        if auth_data.public_key() != key.public_key() {
            let (backup, key) = (*auth_data.public_key(), *key.public_key());
            return Err(TrustError::OtherPublicKey { backup, key });
        }
        let provenance = auth_data.provenance_of(key);
        if !provenance.is_authentic() {
            return Err(TrustError::UnauthenticatedSource);
        }
        Ok(Self::new(info, auth_data, TrustReason::DecryptionKey(provenance)))
    }

    /// Trusts the backup of a public key that was trusted before, by proofs of which one is left.
    pub(crate) fn by_memory(
        info: &BackupVersionInfo,
        used: &BackupPublicKey,
        proofs: &Proofs,
        retired: &[BackupPublicKey],
    ) -> Result<Self, TrustError> {
        let auth_data = usable(info, retired)?;
        if proofs.is_empty() {
            return Err(TrustError::NoTrustedSignature(SignatureReport::default()));
        }
        if auth_data.public_key() != used {
            let (backup, key) = (*auth_data.public_key(), *used);
            return Err(TrustError::OtherPublicKey { backup, key });
        }
        Ok(Self::new(info, auth_data, TrustReason::UsedBefore))
    }

    /// The version to upload to.
    #[must_use]
    pub fn version(&self) -> &BackupVersion {
        &self.version
    }

    /// The key to seal to.
    #[must_use]
    pub fn public_key(&self) -> &BackupPublicKey {
        &self.public_key
    }

    /// Why the backup is trusted.
    #[must_use]
    pub fn reason(&self) -> &TrustReason {
        &self.reason
    }

    fn new(info: &BackupVersionInfo, auth_data: &AuthData, reason: TrustReason) -> Self {
        Self { version: info.version().clone(), public_key: *auth_data.public_key(), reason }
    }
}

fn usable<'a>(
    info: &'a BackupVersionInfo,
    retired: &[BackupPublicKey],
) -> Result<&'a AuthData, TrustError> {
    let auth_data = info.auth_data().map_err(Clone::clone)?;
    if retired.contains(auth_data.public_key()) {
        return Err(TrustError::Retired);
    }
    Ok(auth_data)
}
