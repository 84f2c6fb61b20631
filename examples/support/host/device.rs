//! A device that is logged in.

use std::collections::BTreeMap;

use serde_json::json;
use strongroom::{
    Limits,
    api::{self, OwnKeys},
    crypto::ed25519::Ed25519PublicKey,
    encoding::json_object::JsonObject,
    ids::{DeviceId, UserId},
    secret_sharing::{
        DecryptedToDevice, DeviceIdentity, EncryptedSecretSend, OutgoingRequest, OwnDevices,
        RequesterError, ToDeviceEvent,
    },
    signed_json::SignedObject,
};

use super::{
    CrossSigning, Result, Server,
    olm::{ONE_TIME_KEY, Olm},
};

pub(crate) struct Device {
    pub(crate) olm: Olm,
    token: String,
    since: Option<String>,
    sent: u32,
}

/// An event that was sent to a device, in one of the two ways there are.
pub(crate) enum Received {
    Plain(ToDeviceEvent),
    Decrypted(Box<DecryptedToDevice>),
    /// It was decrypted, and is not meant for this device.
    Refused(RequesterError),
    /// Olm does not decrypt it.
    Undecryptable,
}

impl Device {
    /// Logs in, and publishes the keys of the device.
    pub(crate) fn log_in(
        server: &mut Server,
        user_id: &UserId,
        device_id: &str,
        one_time_keys: usize,
    ) -> Result<Self> {
        let token = server.log_in(user_id, &device_id.into());
        let olm = Olm::new(user_id.clone(), device_id.into())?;
        server.post(&token, "keys/upload", &json!({ "device_keys": olm.device_keys()? }))?;
        let mut device = Self { olm, token, since: None, sent: 0 };
        device.publish_one_time_keys(server, one_time_keys)?;
        Ok(device)
    }

    pub(crate) fn identity(&self) -> &DeviceIdentity {
        self.olm.identity()
    }

    pub(crate) fn device_id(&self) -> &DeviceId {
        &self.identity().device_id
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn publish_one_time_keys(
        &mut self,
        server: &mut Server,
        count: usize,
    ) -> Result<()> {
        let keys = self.olm.one_time_keys(count)?;
        server.post(&self.token, "keys/upload", &json!({ "one_time_keys": keys })).map(drop)
    }

    /// What the pinned master key vouches for now, of the own account.
    pub(crate) fn snapshot(
        &self,
        server: &mut Server,
        pinned: Ed25519PublicKey,
    ) -> Result<OwnKeys> {
        let user_id = self.olm.user_id();
        let keys = server.send(&self.token, &api::query_keys([(user_id.clone(), vec![])], None))?;
        let this_device = self.identity().clone();
        // Nobody is blocked here: a client asks what its user did.
        Ok(keys.own_keys(user_id, this_device, pinned, |_| false, &Limits::default())?)
    }

    /// Signs another device of the user, which the user has compared with the one in hand.
    pub(crate) fn verify(
        &self,
        server: &mut Server,
        compared: &DeviceIdentity,
        keys: &CrossSigning,
    ) -> Result<()> {
        let query = api::query_keys([(self.olm.user_id().clone(), vec![])], None);
        let published = server.send(&self.token, &query)?;
        let signed = keys.sign_device(&published, compared)?;
        match server.send(&self.token, &api::upload_signatures([signed]))?.pop() {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }

    /// Asks, or takes a question back.
    pub(crate) fn send_request(
        &mut self,
        server: &mut Server,
        request: &OutgoingRequest,
    ) -> Result<()> {
        let send = api::request_secret(&self.next_transaction(), request);
        server.send(&self.token, &send)
    }

    /// Sends a secret that is encrypted.
    pub(crate) fn send_secret(
        &mut self,
        server: &mut Server,
        secret: &EncryptedSecretSend,
    ) -> Result<()> {
        let send = api::send_secret(&self.next_transaction(), secret);
        server.send(&self.token, &send)
    }

    /// Encrypts with Olm for a device of the user; nothing if there is no session and no one-time key for
    /// one.
    pub(crate) fn encrypt(
        &mut self,
        server: &mut Server,
        to: &DeviceIdentity,
        plaintext: &[u8],
    ) -> Result<Option<JsonObject>> {
        let user_id = self.olm.user_id().clone();
        self.encrypt_for(server, &user_id, to, plaintext)
    }

    /// The same for a device of any user.
    pub(crate) fn encrypt_for(
        &mut self,
        server: &mut Server,
        user_id: &UserId,
        to: &DeviceIdentity,
        plaintext: &[u8],
    ) -> Result<Option<JsonObject>> {
        if !self.olm.has_session(to) {
            let Some(key) = self.claim_one_time_key(server, user_id, to)? else { return Ok(None) };
            self.olm.start_session(user_id, to, &key)?;
        }
        self.olm.encrypt(to, plaintext).map(Some)
    }

    /// What was sent to the device since the last time. A request comes in clear, a secret never does.
    pub(crate) fn receive(
        &mut self,
        server: &mut Server,
        devices: &OwnDevices,
    ) -> Result<Vec<Received>> {
        let events = self.sync(server)?;
        Ok(events.into_iter().map(|event| self.read(event, devices)).collect())
    }

    /// The same events as they came.
    pub(crate) fn sync(&mut self, server: &mut Server) -> Result<Vec<ToDeviceEvent>> {
        let request = api::get_sync().account_data([]);
        let request =
            self.since.clone().into_iter().fold(request, |request, since| request.since(&since));
        let response = server.send(&self.token, &request)?;
        self.since = Some(response.next_batch);
        Ok(response.to_device)
    }

    pub(crate) fn next_transaction(&mut self) -> String {
        self.sent += 1;
        format!("{}-{}", self.device_id(), self.sent)
    }

    /// One of them, decrypted if it is encrypted.
    pub(crate) fn read(&mut self, event: ToDeviceEvent, devices: &OwnDevices) -> Received {
        if event.event_type.as_str() != "m.room.encrypted" {
            return Received::Plain(event);
        }
        let ToDeviceEvent { sender, content, .. } = event;
        let Ok(decrypted) = self.olm.decrypt(&content) else {
            return Received::Undecryptable;
        };
        let (key, plaintext) = (decrypted.session_key, &decrypted.plaintext);
        match DecryptedToDevice::from_olm(sender, key, plaintext, devices) {
            Ok(event) => Received::Decrypted(Box::new(event)),
            Err(error) => Received::Refused(error),
        }
    }

    fn claim_one_time_key(
        &self,
        server: &mut Server,
        user_id: &UserId,
        of: &DeviceIdentity,
    ) -> Result<Option<SignedObject>> {
        let (user_id, device_id) = (user_id.as_str(), of.device_id.as_str());
        let body = json!({ "one_time_keys": { (user_id): { (device_id): ONE_TIME_KEY } } });
        let answer = server.post(&self.token, "keys/claim", &body)?;
        let keys = answer.pointer("/one_time_keys").and_then(|users| users.get(user_id));
        let Some(keys) = keys.and_then(|devices| devices.get(device_id)) else { return Ok(None) };
        let keys: BTreeMap<String, serde_json::Value> = serde_json::from_value(keys.clone())?;
        let key = keys.into_values().next();
        key.map(|key| Ok(SignedObject::from_json(&key.to_string(), &Limits::default())?))
            .transpose()
    }
}
