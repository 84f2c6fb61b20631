//! A device is made trusted, with seeds that are at hand.

mod signing;
mod steps;

use std::fmt;

use super::{Flow, FlowError, machine::Machine, outcome::DeviceVerified};
use crate::{
    Limits,
    api::{Request, SignatureFailure},
    client::{
        backup::{Backup, SavedBackup},
        operation::{AnswerError, MAX_SIGNATURES, TaskId},
    },
    cross_signing::{ExpectedDevice, SelfSigningKey, SignedKey},
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    ids::KeyId,
    secret_value::SecretValue,
};

/// Makes a device trusted: the self-signing key signs it, and it signs the master key
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#cross-signing)).
///
/// The seeds are those that [`Recover`](super::Recover) or [`ShareIn`](super::ShareIn) gave, or that the host has kept. Only
/// what the caller knows of the device from outside the homeserver is signed, and only under a master key that is pinned or
/// that an authentic master seed gives ([`SelfSigningKey::new`]). The master key is signed by the host's
/// [own](ExpectedDevice::own) device alone, by [`Step::Sign`].
///
/// The homeserver has to show what was published before the flow ends. It keeps nothing: after a restart it is begun again,
/// and what is signed already is not signed again.
///
/// [`SelfSigningKey::new`]: crate::cross_signing::SelfSigningKey::new
/// [`Step::Sign`]: super::Step::Sign
pub struct VerifyDevice {
    machine: Machine,
    limits: Limits,
    device: ExpectedDevice,
    pinned: Option<Ed25519PublicKey>,
    secrets: Vec<SecretValue>,
    stage: Stage,
    /// Whether the homeserver has said that it took the signatures.
    is_uploaded: bool,
    /// Whether the device is to sign the master key: not any more if the host does not, or the homeserver takes it from nobody.
    signs_master: bool,
    refused: Option<SignatureFailure>,
}

/// How far the flow is.
enum Stage {
    /// The homeserver is asked what it publishes.
    Looking,
    /// The host signs the master key.
    Signing {
        id: TaskId,
        key: Box<SelfSigningKey>,
        is_asked: bool,
        device: Option<SignedKey>,
    },
    /// The signatures are published.
    Uploading(Request<Vec<SignatureFailure>>),
    /// The homeserver shows the signatures.
    Finished(Ed25519PublicKey),
    Ended,
}

impl VerifyDevice {
    /// For a device that the caller knows from outside the homeserver. `pinned` is the master key that the user has verified,
    /// if the host remembers one.
    #[must_use]
    pub fn new(
        backup: Backup,
        device: ExpectedDevice,
        pinned: Option<Ed25519PublicKey>,
        secrets: impl IntoIterator<Item = SecretValue>,
        limits: Limits,
    ) -> Self {
        Self {
            machine: Machine::new(backup),
            limits,
            signs_master: device.is_own(),
            device,
            pinned,
            secrets: secrets.into_iter().collect(),
            stage: Stage::Looking,
            is_uploaded: false,
            refused: None,
        }
    }

    /// Gives the account's machine back, when the flow has failed or the host gives it up. Nothing if the flow has ended
    /// with it.
    #[must_use]
    pub fn into_backup(mut self) -> Option<Backup> {
        self.machine.give_back()
    }
}

impl Flow for VerifyDevice {
    type Outcome = Result<DeviceVerified, FlowError>;
    type Saved = SavedBackup;

    fn give_up(&mut self) {
        let has_ended = matches!(self.stage, Stage::Finished(_) | Stage::Ended);
        if !has_ended && !self.machine.has_failed() {
            self.machine.give_up();
        }
    }

    fn signed(
        &mut self,
        id: TaskId,
        signatures: &[(KeyId, Ed25519Signature)],
    ) -> Result<(), AnswerError> {
        let is_asked = matches!(self.stage, Stage::Signing { id: asked, .. } if asked == id);
        if !is_asked || self.machine.has_failed() {
            return Err(AnswerError::NotAwaited);
        }
        if signatures.len() > MAX_SIGNATURES {
            return Err(AnswerError::TooManySignatures { found: signatures.len() });
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Looking);
        if let Stage::Signing { key, device, .. } = stage {
            let label = KeyId::ed25519(self.device.device_id());
            let own = signatures.iter().find(|(key_id, _)| *key_id == label);
            let own = own.map(|(_, signature)| signature);
            let result = self.master_signed(&key, device, own);
            self.machine.goes_on(result);
        }
        Ok(())
    }
}

impl fmt::Debug for VerifyDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyDevice")
            .field("backup", &self.machine.get())
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}
