//! A bundle as it is written.

use serde::Serialize;

use super::{LOGIN_SECRETS, SecretsBundle, SecretsBundleError};
use crate::{
    backup::{BackupDecryptionKey, BackupVersionInfo, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2},
    encoding::json,
    provenance::Provenance,
    secret::SecretVec,
    secret_storage::VerifiedPublicKeys,
    secret_value::SecretValue,
};

impl SecretsBundle {
    /// The bundle as JSON, as clients import it; about 400 bytes.
    ///
    /// Every seed must belong to a public key that is the user's for sure, so that the client which imports it believes in the
    /// right identity. The backup is that of the first of `versions` whose public key the backup key belongs to; with none,
    /// the bundle has no backup.
    ///
    /// # Errors
    ///
    /// [`SecretsBundleError::NotVerified`] and [`SecretsBundleError::OtherKey`] with the first seed that is not the user's.
    /// [`SecretsBundleError::Unauthenticated`] and [`SecretsBundleError::OnlyDevice`] if that can be said of the backup key:
    /// the client which imports it would trust the backup.
    pub fn to_json<'a>(
        &self,
        verified: &VerifiedPublicKeys,
        versions: impl IntoIterator<Item = &'a BackupVersionInfo>,
    ) -> Result<SecretVec, SecretsBundleError> {
        self.write(None, verified, versions)
    }

    /// The same as the message `m.login.secrets`, which goes through the channel of a login by QR code and nowhere else.
    ///
    /// # Errors
    ///
    /// As [`SecretsBundle::to_json`].
    pub fn to_login_secrets<'a>(
        &self,
        verified: &VerifiedPublicKeys,
        versions: impl IntoIterator<Item = &'a BackupVersionInfo>,
    ) -> Result<SecretVec, SecretsBundleError> {
        self.write(Some(LOGIN_SECRETS), verified, versions)
    }

    fn write<'a>(
        &self,
        message: Option<&str>,
        verified: &VerifiedPublicKeys,
        versions: impl IntoIterator<Item = &'a BackupVersionInfo>,
    ) -> Result<SecretVec, SecretsBundleError> {
        self.check_seeds(verified)?;
        let version = self.backup.as_ref().and_then(|key| version_of(key, versions));
        if let (Some(key), Some(version)) = (&self.backup, version) {
            check_backup_key(key, version, verified)?;
        }
        let [master, self_signing, user_signing] = self.seeds.each_ref().map(SecretValue::to_text);
        let key = self.backup.as_ref().map(BackupDecryptionKey::to_base64);
        let backup = key.as_ref().zip(version).map(|(key, version)| Backup {
            algorithm: MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
            key: key.expose_str(),
            backup_version: version.version().as_str(),
        });
        // Each byte of the version may become an escape of six.
        let version_length = 6 * backup.as_ref().map_or(0, |backup| backup.backup_version.len());
        let wire = Wire {
            r#type: message,
            cross_signing: CrossSigning {
                master_key: master.expose_str(),
                self_signing_key: self_signing.expose_str(),
                user_signing_key: user_signing.expose_str(),
            },
            backup,
        };
        Ok(json::to_secret_bytes(&wire, USUAL_LENGTH + version_length))
    }
}

/// The version that a key is of.
fn version_of<'a>(
    key: &BackupDecryptionKey,
    versions: impl IntoIterator<Item = &'a BackupVersionInfo>,
) -> Option<&'a BackupVersionInfo> {
    versions.into_iter().find(|info| {
        info.auth_data().is_ok_and(|auth_data| auth_data.public_key() == key.public_key())
    })
}

/// Whoever gets the key takes it on this device's word, and would not hear when another device that has shared it is blocked.
fn check_backup_key(
    key: &BackupDecryptionKey,
    version: &BackupVersionInfo,
    verified: &VerifiedPublicKeys,
) -> Result<(), SecretsBundleError> {
    let vouched = verified.vouch(key.to_secret()).backup_key();
    let auth_data = version.auth_data().ok();
    let provenance = auth_data.zip(vouched).map(|(auth_data, key)| auth_data.provenance_of(&key));
    match provenance.unwrap_or(Provenance::Unauthenticated) {
        Provenance::SharedByVerifiedDevice(_) => Err(SecretsBundleError::OnlyDevice),
        provenance if !provenance.is_authentic() => Err(SecretsBundleError::Unauthenticated),
        _ => Ok(()),
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    cross_signing: CrossSigning<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<Backup<'a>>,
}

#[derive(Serialize)]
struct CrossSigning<'a> {
    master_key: &'a str,
    self_signing_key: &'a str,
    user_signing_key: &'a str,
}

#[derive(Serialize)]
struct Backup<'a> {
    algorithm: &'a str,
    key: &'a str,
    backup_version: &'a str,
}

/// Without the version.
const USUAL_LENGTH: usize = 512;
