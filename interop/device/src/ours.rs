//! The device, and what its host has beside the crate.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    client::backup::{Backup, BackupOptions, SavedBackup},
    cross_signing::ExpectedDevice,
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    encoding::json_object::JsonObject,
    ids::{DeviceId, EventType, KeyId, UserId},
    secret_sharing::{Requester, Responder, ToDeviceEvent},
    secret_storage::{NotVerified, SecretStorageKey, VerifiedPublicKeys},
    secret_value::SecretValue,
    signed_json::TrustedSigner,
};

use crate::{
    connection::Connection,
    host::{CrossSigning, Device, Result, Server},
    store::Store,
};

pub(crate) struct Ours {
    pub(crate) server: Server,
    pub(crate) device: Device,
    pub(crate) user_id: UserId,
    pub(crate) cross_signing: Option<CrossSigning>,
    /// The master key that the user has compared.
    pub(crate) pinned: Option<Ed25519PublicKey>,
    pub(crate) machine: Option<Backup>,
    /// What was written last.
    pub(crate) disk: Option<SavedBackup>,
    pub(crate) store: Store,
    /// What has happened since the scenario asked last.
    pub(crate) events: Vec<Value>,
    /// The keys of the secret storage at hand.
    pub(crate) storage_keys: Vec<SecretStorageKey>,
    pub(crate) secrets: Vec<SecretValue>,
    pub(crate) since: Option<String>,
    pub(crate) account_data: BTreeMap<EventType, JsonObject>,
    /// To-device events that were received beside account data.
    pub(crate) inbox: Vec<ToDeviceEvent>,
    pub(crate) requester: Option<Requester>,
    pub(crate) responder: Option<Responder>,
}

impl Ours {
    pub(crate) fn log_in(url: &str, user: &str, password: &str, device: &str) -> Result<Self> {
        let connection = Connection::log_in(url, user, password, device)?;
        let mut server = Server::at(url, Box::new(connection))?;
        let user_id = UserId::from(user);
        let device = Device::log_in(&mut server, &user_id, device, ONE_TIME_KEYS)?;
        Ok(Self {
            server,
            device,
            user_id,
            cross_signing: None,
            pinned: None,
            machine: None,
            disk: None,
            store: Store::default(),
            events: Vec::new(),
            storage_keys: Vec::new(),
            secrets: Vec::new(),
            since: None,
            account_data: BTreeMap::new(),
            inbox: Vec::new(),
            requester: None,
            responder: None,
        })
    }

    pub(crate) fn cross_sign(&mut self) -> Result<Value> {
        let keys = CrossSigning::new(self.user_id.clone());
        keys.publish(&mut self.server, self.device.token())?;
        let master = keys.master()?;
        self.pinned = Some(master);
        self.device.verify(&mut self.server, self.device.identity(), &keys)?;
        self.secrets = keys.secrets()?;
        self.cross_signing = Some(keys);
        Ok(json!(master.to_base64()))
    }

    pub(crate) fn pin_master_key(&mut self) -> Result<Value> {
        let query = api::query_keys([(self.user_id.clone(), vec![])], None);
        let keys = self.server.send(self.device.token(), &query)?;
        let key = keys.master_keys.get(&self.user_id).ok_or("the user has no master key")?;
        self.pinned = Some(*key.ed25519());
        Ok(json!(key.ed25519().to_base64()))
    }

    /// Signs a device with the keys that the homeserver shows: here they stand for those that were compared.
    pub(crate) fn verify_device(&mut self, device_id: &str) -> Result<()> {
        let device_id = DeviceId::from(device_id);
        let query = api::query_keys([(self.user_id.clone(), vec![device_id.clone()])], None);
        let queried = self.server.send(self.device.token(), &query)?;
        let devices = queried.device_keys.get(&self.user_id);
        let keys = devices.and_then(|devices| devices.get(&device_id));
        let fingerprint = keys.ok_or("the homeserver shows no such device")?.ed25519().to_base64();
        let expected =
            ExpectedDevice::with_fingerprint(self.user_id.clone(), device_id, &fingerprint)?;
        let cross_signing = self.cross_signing.as_ref().ok_or("the seeds are not at hand")?;
        let signed = cross_signing.sign_expected(&queried, &expected)?;
        let failures = self.server.send(self.device.token(), &api::upload_signatures([signed]))?;
        failures.into_iter().next().map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// Signs with the device key, and with the master key where it is at hand.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<(KeyId, Ed25519Signature)> {
        let by_device = (KeyId::ed25519(self.device.device_id()), self.device.olm.sign(bytes));
        let by_master = self.cross_signing.as_ref().map(|keys| keys.sign_by_master(bytes));
        let both = std::iter::once(by_device).chain(by_master);
        both.map(|(id, made)| (id, Ed25519Signature::from_bytes(made.to_bytes()))).collect()
    }

    /// Whose signatures count: this device's, the pinned master key's, and those of verified devices.
    pub(crate) fn signers(&mut self) -> Result<Vec<TrustedSigner>> {
        let own = self.device.identity();
        let itself = TrustedSigner::new(KeyId::ed25519(&own.device_id), own.ed25519);
        let Some(pinned) = self.pinned else { return Ok(vec![itself]) };
        match self.device.snapshot(&mut self.server, pinned) {
            // The pinned key is still the user's, whatever the homeserver has.
            Err(error) if error.is::<NotVerified>() => {
                Ok(vec![itself, TrustedSigner::of_cross_signing_key(pinned)])
            }
            own => Ok(own?.signers),
        }
    }

    /// The public keys that the pinned master key vouches for.
    pub(crate) fn verified(&mut self) -> Result<VerifiedPublicKeys> {
        let user_id = self.user_id.clone();
        let Some(pinned) = self.pinned else { return Ok(VerifiedPublicKeys::none(user_id)) };
        let query = api::query_keys([(user_id.clone(), vec![])], None);
        let keys = self.server.send(self.device.token(), &query)?;
        let others = [keys.self_signing_keys.get(&user_id), keys.user_signing_keys.get(&user_id)];
        let mut verified = VerifiedPublicKeys::with_master(user_id, pinned);
        for key in others.into_iter().flatten() {
            verified.add_cross_signing_key(key, &Limits::default())?;
        }
        Ok(verified)
    }

    /// A new machine for the account, or the one that there is.
    pub(crate) fn take_machine(&mut self) -> Result<Backup> {
        let signers = self.signers()?;
        let (user_id, device_id) = (self.user_id.clone(), self.device.device_id().clone());
        let new = || Backup::new(user_id, device_id, options(), Limits::default());
        let mut machine = self.machine.take().unwrap_or_else(new);
        machine.set_signers(signers);
        Ok(machine)
    }
}

/// Shorter waits than a client would have, so that a scenario ends soon.
pub(crate) fn options() -> BackupOptions {
    let mut options = BackupOptions::default();
    (options.upload_delay_ms, options.poll_ms, options.check_ms) = (200, 1_000, 2_000);
    options
}

pub(crate) fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

const ONE_TIME_KEYS: usize = 20;
