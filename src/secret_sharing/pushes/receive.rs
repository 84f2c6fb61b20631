//! From a push to a secret.

use super::{Held, PushedSecret, SecretPushes, secret_push};
use crate::{
    Limits,
    provenance::Provenance,
    secret_sharing::{
        own_devices::OwnDevices,
        requester::{RequesterError, pinned},
        to_device::DecryptedToDevice,
    },
    secret_value::{PublicKeys, SecretValue},
};

impl SecretPushes {
    /// Takes an event that Olm decrypted, and returns its secret if it belongs to the public key that stands for its name.
    /// `None` if it is held: see [`SecretPushes::learn`].
    ///
    /// It is taken from this user alone, from a device that is trusted now, which is found by its *keys*. The pinned
    /// master key of `devices` counts before the one in `public_keys`. An event that came in clear does not get here:
    ///
    /// ```compile_fail,E0308
    /// # use strongroom::{Limits, secret_value::PublicKeys};
    /// # use strongroom::secret_sharing::{OwnDevices, ToDeviceEvent, SecretPushes};
    /// fn receive(pushes: &mut SecretPushes, event: &ToDeviceEvent, devices: &OwnDevices) {
    ///     let _ = pushes.receive(event, devices, &PublicKeys::default(), &Limits::default(), 0);
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RequesterError`] if it is not taken; its secret is wiped then. [`RequesterError::NotAsked`] if secrets of this
    /// name are not taken unasked.
    pub fn receive(
        &mut self,
        event: &DecryptedToDevice,
        devices: &OwnDevices,
        public_keys: &PublicKeys,
        limits: &Limits,
        now_ms: u64,
    ) -> Result<Option<PushedSecret>, RequesterError> {
        let since_ms = self.clock.advance(now_ms);
        if !self.is_ours(devices) {
            return Err(RequesterError::OtherAccount);
        }
        let from = event.trusted_sender(devices)?;
        let (name, text) = secret_push::read(event, limits).map_err(RequesterError::Content)?;
        if !self.is_wanted(&name) {
            return Err(RequesterError::NotAsked);
        }
        let provenance = Provenance::SharedByVerifiedDevice(from.ed25519);
        let read = SecretValue::read_with(&name, text.expose_str().as_bytes(), provenance);
        let secret = read.map_err(RequesterError::Shape)?.value;
        let verdict = pinned(public_keys, devices).check(&secret);
        // Which backup is the current one may not be known yet; a user's identity is.
        if let Err(error) = verdict
            && secret.backup_key().is_none()
        {
            return Err(RequesterError::PublicKey(error));
        }
        self.forget(devices, since_ms);
        let master_key = devices.master_key().copied();
        let pushed = PushedSecret { secret: secret.clone(), from: from.clone() };
        self.hold(Held { secret, from, master_key, since_ms })?;
        Ok(Some(pushed).filter(|_| verdict == Ok(true)))
    }

    /// The secrets that are held and belong to their public keys, each once: call it whenever the host learns of a public
    /// key, and after a restart. What was held for a week, or came from a device that is not trusted any more or before the
    /// identity was reset, is wiped.
    pub fn learn(
        &mut self,
        devices: &OwnDevices,
        public_keys: &PublicKeys,
        now_ms: u64,
    ) -> Vec<PushedSecret> {
        let now = self.clock.advance(now_ms);
        if !self.is_ours(devices) {
            return Vec::new();
        }
        self.forget(devices, now);
        let public_keys = pinned(public_keys, devices);
        let mut fitting: Vec<PushedSecret> = Vec::new();
        for Held { secret, from, .. } in &self.held {
            if public_keys.check(secret) == Ok(true)
                && !fitting.iter().any(|other| other.secret == *secret)
            {
                fitting.push(PushedSecret { secret: secret.clone(), from: from.clone() });
            }
        }
        fitting
    }

    /// The host has stored the secret, or does not want it: it is wiped here, whoever pushed it.
    pub fn stored(&mut self, secret: &SecretValue) {
        self.held.retain(|held| held.secret != *secret);
    }

    /// Whether something came since this was asked last.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Holds a secret. What a device sent before makes room for what it sends now.
    fn hold(&mut self, new: Held) -> Result<(), RequesterError> {
        let is_alike =
            |held: &Held| held.from == new.from && held.secret.name() == new.secret.name();
        let alike = || self.held.iter().enumerate().filter(|(_, held)| is_alike(held));
        if alike().any(|(_, held)| held.secret == new.secret) {
            return Err(RequesterError::Duplicate);
        }
        let oldest_alike = alike().next().filter(|_| alike().count() >= HELD_PER_DEVICE);
        let oldest_alike = oldest_alike.map(|(index, _)| index);
        if let Some(index) = oldest_alike.or((self.held.len() >= MAX_HELD).then_some(0)) {
            self.held.remove(index);
        }
        self.held.push(new);
        self.has_news = true;
        Ok(())
    }

    /// Wipes what nobody is believed any more about, or was held for too long.
    fn forget(&mut self, devices: &OwnDevices, now: u64) {
        self.held.retain(|held| {
            let is_of_other_identity = matches!(
                (&held.master_key, devices.master_key()),
                (Some(then), Some(now)) if then != now
            );
            devices.still_trusted(&held.from).is_ok()
                && !is_of_other_identity
                && held.since_ms.saturating_add(LIFETIME_MS) > now
        });
    }
}

/// A user does not make more backups while another device is off.
const HELD_PER_DEVICE: usize = 4;

/// More than a few devices push.
const MAX_HELD: usize = 256;

/// A week: a device that was off for longer asks for what it lacks.
const LIFETIME_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
