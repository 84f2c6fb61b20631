//! Pushed keys (MSC4385): what other devices push is given to the machine, and the key of a backup that this device has
//! made goes to them.

use std::collections::VecDeque;

use rand_core::CryptoRng;

use super::{
    Backup, Call, Lane, RequestKind, Stage,
    office::{Effect, Office},
};
use crate::{
    api::{self, Request},
    backup::BackupDecryptionKey,
    client::failure::Failure,
    ids::SecretName,
    provenance::Provenance,
    randomness::alphanumeric,
    secret_sharing::{EncryptedSecretSend, OwnDevices, SecretPushes, SecretToEncrypt},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

/// Messages on their way to other devices.
#[derive(Debug, Default)]
pub(super) struct PushLane {
    /// Each with the request that it goes out with, once it was tried: by its transaction ID the homeserver knows it.
    outbox: VecDeque<(EncryptedSecretSend, Option<Request<()>>)>,
    /// What became of them, and whether the homeserver has taken it, until `SecretPushes` is told.
    ended: Vec<(EncryptedSecretSend, bool)>,
}

impl Backup {
    /// Brings the machine and what is pushed together: call it when something came, when the devices change, and after
    /// each answer. The feature `unstable-msc4385` is needed.
    ///
    /// A backup key that a device has pushed is given to the machine if it is the key of the backup on the homeserver, which is
    /// looked at soon if something came. It opens that backup, and is a proof of it for as long as the device is trusted. It
    /// replaces nothing: while another backup was used here, the user is asked as ever
    /// ([`Question::Changed`](super::Question::Changed)).
    ///
    /// Returns the key of the backup in use if this device has made it and a verified device does not have it yet, to be
    /// encrypted for that device: with [`SecretPushes::encrypted`], then [`Backup::send_push`], or
    /// [`SecretPushes::no_session`]. Call it until it returns `None`.
    pub fn exchange_pushes(
        &mut self,
        pushes: &mut SecretPushes,
        devices: &OwnDevices,
        now_ms: u64,
    ) -> Option<SecretToEncrypt> {
        for (message, is_sent) in std::mem::take(&mut self.pushes.ended) {
            if is_sent { pushes.sent(&message) } else { pushes.not_sent(&message, now_ms) }
        }
        self.drop_outdated(pushes, devices);
        self.take_pushed(pushes, devices, now_ms);
        let secret = self.key_to_push()?;
        // What may not be pushed is no error: the policy has said so.
        pushes.push(&secret, devices, now_ms).ok().flatten()
    }

    /// Sends a key that was encrypted for a device, as soon as the homeserver takes it, unless [`Backup::exchange_pushes`] is
    /// told meanwhile that the device is not trusted any more. It is forgotten with the machine: after a restart,
    /// [`Backup::exchange_pushes`] gives the key for that device once more.
    pub fn send_push(&mut self, message: EncryptedSecretSend) {
        self.pushes.outbox.push_back((message, None));
    }

    /// Drops what waits for a device that is not trusted any more, or has another key than the one in use.
    fn drop_outdated(&mut self, pushes: &mut SecretPushes, devices: &OwnDevices) {
        // What was sent already, and is not answered yet, is past help.
        let sent = usize::from(self.office.courier.is_busy(Lane::Push));
        let outbox = &mut self.pushes.outbox;
        let waiting = outbox.split_off(sent.min(outbox.len()));
        outbox.extend(waiting.into_iter().filter(|(message, _)| pushes.is_due(message, devices)));
    }

    fn take_pushed(&mut self, pushes: &mut SecretPushes, devices: &OwnDevices, now_ms: u64) {
        if pushes.take_news() {
            self.apply(Effect::LookSoon);
        }
        let found = self.look.public_key().filter(|_| self.look.is_done);
        let public_keys =
            PublicKeys { backup: found.map(|key| *key.as_curve25519()), ..PublicKeys::default() };
        let name = SecretName::from(MEGOLM_BACKUP_V1);
        let fitting = pushes.learn(devices, &public_keys, now_ms);
        for pushed in fitting.into_iter().filter(|pushed| *pushed.secret.name() == name) {
            let Some(key) = pushed.secret.backup_key() else { continue };
            let is_enough = |other: &BackupDecryptionKey| {
                other.provenance() == key.provenance() || other.provenance().is_lasting()
            };
            let is_new = !self.kept.keys_of(key.public_key()).any(is_enough);
            if is_new {
                self.give_key(key);
            } else if !self.office.desk.is_unsaved && !self.office.desk.is_saving {
                // A crash cannot lose it any more.
                pushes.stored(&pushed.secret);
            }
        }
    }

    /// The key of the backup in use, if it was drawn here.
    fn key_to_push(&self) -> Option<SecretValue> {
        let used = self.kept.used_key().filter(|_| self.stage() == Stage::Running)?;
        let mut keys = self.kept.keys_of(&used);
        let own = keys.find(|key| key.provenance() == Provenance::Generated)?;
        let is_trusted = self.trusted().is_some_and(|it| *it.public_key() == used);
        is_trusted.then(|| own.to_secret())
    }
}

impl PushLane {
    pub(super) fn next(&mut self, office: &Office, rng: &mut impl CryptoRng) -> Option<Call> {
        let courier = &office.courier;
        if courier.is_busy(Lane::Push) || !courier.may_send(RequestKind::PushSecret) {
            return None;
        }
        let (message, request) = self.outbox.front_mut()?;
        let request = request.get_or_insert_with(|| {
            api::send_secret(&alphanumeric(TRANSACTION_ID_LENGTH, rng), message)
        });
        Some(Call::PushSecret(request.clone()))
    }

    pub(super) fn due(&self, office: &Office) -> Option<u64> {
        let is_free = !self.outbox.is_empty() && !office.courier.is_busy(Lane::Push);
        office.courier.due(RequestKind::PushSecret).filter(|_| is_free)
    }

    pub(super) fn kind(&self) -> Option<RequestKind> {
        (!self.outbox.is_empty()).then_some(RequestKind::PushSecret)
    }

    /// The same message is sent again if it may succeed: the homeserver passes it on once.
    pub(super) fn answered(&mut self, office: &mut Office, answer: Result<(), Failure>) {
        let is_sent = answer.is_ok();
        match &answer {
            Ok(()) => office.courier.settled(RequestKind::PushSecret),
            Err(failure) => office.courier.failed(RequestKind::PushSecret, failure.wait_ms()),
        }
        if is_sent || matches!(answer, Err(Failure::Refused(_))) {
            let ended = self.outbox.pop_front().map(|(message, _)| (message, is_sent));
            self.ended.extend(ended);
        }
    }
}

const TRANSACTION_ID_LENGTH: usize = 24;
