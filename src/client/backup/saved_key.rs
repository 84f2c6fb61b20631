//! Keys and the backup in use, as they are saved.

use serde::{Deserialize, Serialize};

use super::UsedBackup;
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, Proofs},
    crypto::ed25519::Ed25519PublicKey,
    encoding::secret_base64,
    ids::BackupVersion,
    provenance::{Provenance, SavedProvenance},
    saved_state::SavedStateError,
    secret::SecretString,
};

#[derive(Serialize, Deserialize)]
pub(super) struct SavedUsed {
    version: BackupVersion,
    public_key: String,
    signers: Vec<String>,
    keys: Vec<SavedProvenance>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedKey<'a> {
    #[serde(borrow)]
    key: &'a str,
    provenance: SavedProvenance,
}

impl SavedUsed {
    pub(super) fn new(used: &UsedBackup, proofs: &Proofs) -> Self {
        Self {
            version: used.version.clone(),
            public_key: used.public_key.to_base64(),
            signers: proofs.signers.iter().map(Ed25519PublicKey::to_base64).collect(),
            keys: proofs.keys.iter().copied().map(SavedProvenance).collect(),
        }
    }

    pub(super) fn read(self) -> Result<(UsedBackup, Proofs), SavedStateError> {
        let public_key = BackupPublicKey::from_base64(&self.public_key);
        let public_key = public_key.map_err(|_| SavedStateError::Damaged)?;
        let mut proofs = Proofs::default();
        for signer in &self.signers {
            let signer = Ed25519PublicKey::from_base64(signer);
            proofs.add_signer(signer.map_err(|_| SavedStateError::Damaged)?);
        }
        let keys = self.keys.into_iter().map(|SavedProvenance(provenance)| provenance);
        keys.filter(|provenance| provenance.is_authentic()).for_each(|it| proofs.add_key(it));
        Ok((UsedBackup { version: self.version, public_key }, proofs))
    }
}

impl<'a> SavedKey<'a> {
    pub(super) fn new((key, provenance): &'a (SecretString, Provenance)) -> Self {
        Self { key: key.expose_str(), provenance: SavedProvenance(*provenance) }
    }

    pub(super) fn read(self) -> Result<BackupDecryptionKey, SavedStateError> {
        let SavedProvenance(provenance) = self.provenance;
        let bytes = secret_base64::decode_array(self.key).map_err(|_| SavedStateError::Damaged)?;
        Ok(BackupDecryptionKey::with_provenance(bytes, provenance))
    }
}
