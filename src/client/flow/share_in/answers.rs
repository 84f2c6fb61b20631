//! What the other devices answer, and whether it is what was asked for.

use super::ShareIn;
use crate::{
    client::Backup,
    crypto::curve25519::Curve25519PublicKey,
    ids::{DeviceId, RequestId},
    secret_sharing::{DecryptedToDevice, Receipt, RequesterError, SecretSend},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

impl ShareIn {
    /// Takes an answer that is kept although nothing proves it: see
    /// [`Requester::accept_unproven`](crate::secret_sharing::Requester::accept_unproven).
    ///
    /// # Errors
    ///
    /// As there; [`RequesterError::NoCandidate`] if the flow has ended.
    pub fn accept_unproven(
        &mut self,
        id: &RequestId,
        device_id: &DeviceId,
        now_ms: u64,
    ) -> Result<(), RequesterError> {
        let requester = self.requester.as_mut().ok_or(RequesterError::NoCandidate)?;
        let accepted = requester.accept_unproven(id, device_id, &self.devices, now_ms)?;
        self.is_unsaved = true;
        self.took(&Receipt::Accepted(Box::new(accepted)));
        Ok(())
    }

    /// An event that came out of Olm. Says what became of it, if the flow has not ended. What is kept may be taken
    /// later: [`SharedIn::secrets`](super::SharedIn::secrets) has all that was.
    pub fn received(&mut self, event: &DecryptedToDevice, now_ms: u64) -> Option<Receipt> {
        // What a stranger sends is not even read.
        let is_believed = self.requester.as_ref()?.believes(event, &self.devices);
        let found = self.found_key().filter(|found| is_believed && self.fits(event, found));
        let public_keys = self.public_keys(found);
        let requester = self.requester.as_mut()?;
        let (devices, limits) = (&self.devices, &self.limits);
        let receipt = requester.receive(event, devices, &public_keys, limits, now_ms);
        // What is dropped changes nothing that has to outlast a crash.
        self.is_unsaved |= !matches!(receipt, Receipt::Dropped(_));
        self.took(&receipt);
        if matches!(receipt, Receipt::Kept { .. }) {
            // Another device may have made a new backup since, and one that has answered does not answer again.
            self.machine.get_mut()?.look_afresh();
            self.learns = true;
        }
        Some(receipt)
    }

    /// Remembers what became of an answer.
    fn took(&mut self, receipt: &Receipt) {
        match receipt {
            Receipt::Accepted(accepted) => {
                self.outbox.extend(accepted.cancellation.clone());
                self.dropped.extend(accepted.dropped.iter().cloned());
            }
            Receipt::Kept { .. } => {}
            // Anybody can send what is dropped.
            Receipt::Dropped(dropped) if self.dropped.len() < self.limits.findings => {
                self.dropped.push(dropped.clone());
            }
            Receipt::Dropped(_) => {}
        }
    }

    /// The public key of the backup, by the word of the homeserver.
    fn found_key(&self) -> Option<Curve25519PublicKey> {
        let auth_data = self.machine.get()?.found()?.auth_data().ok()?;
        Some(*auth_data.public_key().as_curve25519())
    }

    /// Whether an answer is the key of this backup.
    fn fits(&self, event: &DecryptedToDevice, found: &Curve25519PublicKey) -> bool {
        let sent = SecretSend::read(event, &self.limits).ok();
        let read = sent.and_then(|sent| {
            let text = sent.secret().expose_str().as_bytes();
            SecretValue::read(&MEGOLM_BACKUP_V1.into(), text).ok()
        });
        read.is_some_and(|read| read.value.check_backup_key(found).is_ok())
    }

    /// What the secrets have to belong to.
    fn public_keys(&self, found: Option<Curve25519PublicKey>) -> PublicKeys {
        let verified = self.verified.as_public_keys().clone();
        PublicKeys { backup: verified.backup.or(found), ..verified }
    }

    /// Judges the answers that are kept, if anything has changed by which they are judged.
    pub(super) fn learn(&mut self, now: u64) {
        // What was found before is not held against an answer unless it is still what is there.
        let is_fresh = self.machine.get().is_some_and(Backup::has_looked);
        let found = self.found_key().filter(|_| is_fresh);
        if !self.learns && found == self.judged_by {
            return;
        }
        (self.learns, self.judged_by) = (!is_fresh, found);
        let public_keys = self.public_keys(found);
        let Some(requester) = &mut self.requester else { return };
        let receipts = requester.learn(&self.devices, &public_keys, now);
        self.is_unsaved |= !receipts.is_empty();
        receipts.iter().for_each(|receipt| self.took(receipt));
    }
}
