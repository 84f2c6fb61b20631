//! Keys and the backup in use, as they are saved.

use serde::{Deserialize, Serialize};

use super::UsedBackup;
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, Proof, Proofs},
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
    proofs: Vec<SavedProof>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedProof {
    SignedByUser(String),
    SignedByDevice(String),
    DecryptionKey(SavedProvenance),
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
            proofs: proofs.iter().map(SavedProof::new).collect(),
        }
    }

    pub(super) fn read(self) -> Result<(UsedBackup, Proofs), SavedStateError> {
        let public_key = BackupPublicKey::from_base64(&self.public_key);
        let public_key = public_key.map_err(|_| SavedStateError::Damaged)?;
        let mut proofs = Proofs::default();
        for saved in self.proofs {
            saved.read()?.into_iter().for_each(|proof| proofs.add(proof));
        }
        Ok((UsedBackup { version: self.version, public_key }, proofs))
    }
}

impl SavedProof {
    fn new(proof: Proof) -> Self {
        match proof {
            Proof::SignedByUser(key) => Self::SignedByUser(key.to_base64()),
            Proof::SignedByDevice(key) => Self::SignedByDevice(key.to_base64()),
            Proof::DecryptionKey(provenance) => Self::DecryptionKey(SavedProvenance(provenance)),
        }
    }

    /// The proof, unless it proves nothing.
    fn read(self) -> Result<Option<Proof>, SavedStateError> {
        let key =
            |text: &str| Ed25519PublicKey::from_base64(text).map_err(|_| SavedStateError::Damaged);
        Ok(match self {
            Self::SignedByUser(text) => Some(Proof::SignedByUser(key(&text)?)),
            Self::SignedByDevice(text) => Some(Proof::SignedByDevice(key(&text)?)),
            Self::DecryptionKey(SavedProvenance(provenance)) => {
                provenance.is_authentic().then_some(Proof::DecryptionKey(provenance))
            }
        })
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
