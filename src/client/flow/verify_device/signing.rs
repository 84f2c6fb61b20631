//! What the homeserver shows, compared with what is known, and what follows from it.

// docs/decisions.md, 14: the host signs, and nothing from outside.

use super::{Stage, VerifyDevice};
use crate::{
    api::{self, QueriedKeys, SignatureFailure},
    client::{flow::FlowError, waiting::RequestKind},
    cross_signing::{SelfSigningKey, SignedKey},
    crypto::ed25519::Ed25519Signature,
    ids::KeyId,
    signed_json::TrustedSigner,
};

impl VerifyDevice {
    /// What the homeserver publishes has come: everything is compared before anything is signed.
    pub(super) fn queried(&mut self, published: &QueriedKeys) -> Result<(), FlowError> {
        let (user_id, device_id) = (self.device.user_id(), self.device.device_id());
        let master = published.master_keys.get(user_id).ok_or(FlowError::NoIdentity)?;
        let self_signing = published.self_signing_keys.get(user_id);
        let self_signing = self_signing.ok_or(FlowError::NoIdentity)?;
        let devices = published.device_keys.get(user_id);
        let device = devices.and_then(|of_user| of_user.get(device_id));
        let device = device.ok_or(FlowError::DeviceNotPublished)?;
        let key =
            SelfSigningKey::new(master, self_signing, self.pinned, &self.secrets, &self.limits)
                .map_err(FlowError::SelfSigningKey)?;
        // Another answer must not tell of another identity.
        self.pinned = Some(*key.master_key());
        let signed = key.sign_device(device, &self.device, &self.limits);
        let signed = signed.map_err(FlowError::DeviceNotSigned)?;
        let signer = TrustedSigner::of_cross_signing_key(*key.public_key());
        let is_signed = device.is_signed_by(&signer, &self.limits);
        let own = TrustedSigner::new(KeyId::ed25519(device_id), *self.device.ed25519());
        let signs_master = self.signs_master && !master.is_signed_by_device(&own, &self.limits);
        self.go_on(key, (!is_signed).then_some(signed), signs_master);
        Ok(())
    }

    /// What is not signed yet is signed and published.
    fn go_on(&mut self, key: SelfSigningKey, device: Option<SignedKey>, signs_master: bool) {
        let Some(courier) = self.machine.courier() else { return };
        let is_done = device.is_none() && !signs_master;
        if is_done {
            courier.settled(RequestKind::UploadSignatures);
        } else if std::mem::take(&mut self.is_uploaded) {
            // A server may lag.
            courier.failed(RequestKind::UploadSignatures, 0);
        }
        self.stage = match device {
            device if signs_master => {
                let (id, key) = (courier.new_id(), Box::new(key));
                Stage::Signing { id, key, device, is_asked: false }
            }
            Some(device) => Stage::Uploading(api::upload_signatures([device])),
            None => Stage::Finished(*key.master_key()),
        };
    }

    /// The host has signed the master key, or has not.
    pub(super) fn master_signed(
        &mut self,
        key: &SelfSigningKey,
        device: Option<SignedKey>,
        signature: Option<&Ed25519Signature>,
    ) -> Result<(), FlowError> {
        let sign = |signature| key.master_key_signed_by(&self.device, signature);
        let master = signature.map(sign).transpose().map_err(FlowError::DeviceNotSigned)?;
        self.signs_master = master.is_some();
        let keys: Vec<_> = device.into_iter().chain(master).collect();
        self.stage = if keys.is_empty() {
            Stage::Finished(*key.master_key())
        } else {
            Stage::Uploading(api::upload_signatures(keys))
        };
        Ok(())
    }

    /// The homeserver has taken the signatures, but these.
    pub(super) fn uploaded(&mut self, failures: Vec<SignatureFailure>) -> Result<(), FlowError> {
        let name = self.device.device_id().as_str();
        if let Some(failure) = failures.iter().find(|failure| failure.name == name) {
            return Err(FlowError::SignatureRefused(failure.clone()));
        }
        // Without its signature of the master key, the device is trusted all the same.
        self.signs_master &= failures.is_empty();
        self.refused = failures.into_iter().next();
        self.is_uploaded = true;
        self.stage = Stage::Looking;
        Ok(())
    }
}
