//! What a homeserver publishes of an account, compared with what is known.

use strongroom::{
    Limits,
    api::{self, QueriedKeys},
    cross_signing::{CrossSigningError, ExpectedDevice, SelfSigningKey, SignedKey},
    crypto::ed25519::Ed25519PublicKey,
    ids::{DeviceId, UserId},
    saved_files::SavedFiles,
    secret_value::{PublicKeys, SecretValue},
    signed_json::{DeviceKeys, TrustedSigner},
};

use crate::{
    failure::{Failure, shown},
    network::Account,
};

/// The public keys of the user and their devices.
pub(super) struct Published {
    pub(super) user_id: UserId,
    keys: QueriedKeys,
}

/// A device whose published keys are the expected ones, signed.
pub(super) struct Checked {
    pub(super) key: SelfSigningKey,
    pub(super) signed: SignedKey,
    /// Whether the homeserver shows such a signature already.
    pub(super) is_verified: bool,
    /// The other devices of which it shows one.
    pub(super) verified_devices: Vec<DeviceId>,
}

impl Published {
    pub(super) fn now(account: &Account) -> Result<Self, Failure> {
        let user_id = account.user_id.clone();
        let query = api::query_keys([(user_id.clone(), vec![])], None);
        let keys = account.connection.send(&query).map_err(|it| account.failed(it))?;
        Ok(Self { user_id, keys })
    }

    pub(super) fn saved(saved: &SavedFiles) -> Result<Self, Failure> {
        let keys = saved.keys().cloned().ok_or_else(|| {
            Failure::other(
                "there are no public keys in what was given, which are in keys_query.json of a snapshot: save everything with \
                 \u{201c}strongroom fetch\u{201d}, and name its folder with --from",
            )
        })?;
        let user_id = saved.user_id().cloned().ok_or_else(|| {
            Failure::other(
                "the files do not say whose they are: save everything with \u{201c}strongroom fetch\u{201d}, and name its folder \
                 with --from",
            )
        })?;
        Ok(Self { user_id, keys })
    }

    /// The keys that the seeds have to belong to.
    pub(super) fn public_keys(&self) -> PublicKeys {
        let mut public_keys = PublicKeys::default();
        public_keys.master = self.keys.master_keys.get(&self.user_id).map(|key| *key.ed25519());
        let self_signing = self.keys.self_signing_keys.get(&self.user_id);
        public_keys.self_signing = self_signing.map(|key| *key.ed25519());
        let user_signing = self.keys.user_signing_keys.get(&self.user_id);
        public_keys.user_signing = user_signing.map(|key| *key.ed25519());
        public_keys
    }

    /// Signs the device if everything is as it has to be.
    pub(super) fn check(
        &self,
        device: &ExpectedDevice,
        pinned: Option<Ed25519PublicKey>,
        seeds: &[SecretValue],
        limits: &Limits,
    ) -> Result<Checked, Failure> {
        let master = self.keys.master_keys.get(&self.user_id);
        let self_signing = self.keys.self_signing_keys.get(&self.user_id);
        let (Some(master), Some(self_signing)) = (master, self_signing) else {
            return Err(Failure::other(format!(
                "{} has no digital identity, or the homeserver does not show all of it, so no device can be verified: set it up \
                 in a client",
                shown(self.user_id.as_str())
            )));
        };
        let key = SelfSigningKey::new(master, self_signing, pinned, seeds, limits);
        let key = key.map_err(|error| Failure::other(of_key(&error)))?;
        let published = self.device(device.device_id())?;
        let signed = key.sign_device(published, device, limits).map_err(|refusal| {
            let name = shown(device.device_id().as_str());
            Failure::other(format!("the device {name} cannot be verified: {refusal}"))
        })?;
        let signer = TrustedSigner::of_cross_signing_key(*key.public_key());
        let is_verified = published.is_signed_by(&signer, limits);
        let others = self.devices().filter(|(id, _)| *id != device.device_id());
        let verified = others.filter(|(_, keys)| keys.is_signed_by(&signer, limits));
        let verified_devices = verified.map(|(id, _)| id.clone()).take(NAMED_DEVICES).collect();
        Ok(Checked { key, signed, is_verified, verified_devices })
    }

    fn devices(&self) -> impl Iterator<Item = (&DeviceId, &DeviceKeys)> {
        self.keys.device_keys.get(&self.user_id).into_iter().flatten()
    }

    fn device(&self, device_id: &DeviceId) -> Result<&DeviceKeys, Failure> {
        if let Some((_, keys)) = self.devices().find(|(id, _)| *id == device_id) {
            return Ok(keys);
        }
        let name = shown(device_id.as_str());
        let mut unusable = self.keys.unusable.iter();
        let is_this = |id: &Option<DeviceId>| id.as_ref() == Some(device_id);
        if let Some((.., error)) =
            unusable.find(|(user, id, _)| *user == self.user_id && is_this(id))
        {
            return Err(Failure::other(format!("the device {name} cannot be verified: {error}")));
        }
        let known: Vec<_> =
            self.devices().take(NAMED_DEVICES).map(|(id, _)| shown(id.as_str())).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Failure::other(format!(
            "there is no device {name} that has published its keys, so check --device, or start the client there once; devices that \
             have: {known}"
        )))
    }
}

/// Why nothing can be signed, and what helps.
fn of_key(error: &CrossSigningError) -> String {
    match error {
        CrossSigningError::MasterKeyNotVerified => {
            "only the homeserver says which master key is yours, since the key storage does not hold it: name its fingerprint, as a \
             verified device of yours shows it, with --master-key"
                .to_owned()
        }
        CrossSigningError::NoSeed => format!(
            "{error}, since the key storage does not hold it or what was entered does not open it: set the key storage up again in a \
             verified client, or verify the device with that client"
        ),
        _ => error.to_string(),
    }
}

/// How many devices a sentence names.
const NAMED_DEVICES: usize = 10;
