//! What goes to the other devices, what they answer, and whether it is what was asked for.

use rand_core::CryptoRng;

use super::{ShareIn, Stage, open_requests};
use crate::{
    api,
    client::{
        Backup,
        call::Call,
        flow::{Flow as _, FlowError, Step, contract::Parts as _, error::final_error},
        operation::{Answer, TaskId},
        waiting::{Awaited, RequestKind, Waiting},
    },
    crypto::curve25519::Curve25519PublicKey,
    ids::{DeviceId, RequestId},
    randomness::alphanumeric,
    secret_sharing::{DecryptedToDevice, OutgoingRequest, Receipt, RequesterError, SecretSend},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

impl ShareIn {
    /// Whether the other devices are still to be asked for something.
    fn has_questions(&self) -> bool {
        self.outbox.iter().any(is_question)
    }

    /// What the devices that were asked are waited for; nothing if all of it is still to be sent.
    pub(super) fn awaited_of_devices(&self) -> Option<Awaited> {
        let requester = self.requester.as_ref()?;
        let is_it = |sent: &OutgoingRequest, id: &RequestId| {
            is_question(sent) && sent.request().request_id == *id
        };
        let is_sent = |id: &RequestId| !self.outbox.iter().any(|sent| is_it(sent, id));
        let sent = open_requests(requester, &self.names).filter(|(id, _)| is_sent(id));
        let is_answered = |id| requester.candidates(id).next().is_some();
        sent.map(|(id, _)| if is_answered(id) { Awaited::Proof } else { Awaited::Devices }).min()
    }

    /// What could not be sent for about an hour is not sent any more, and no answer is waited for.
    fn drop_undeliverable(&mut self) {
        let kinds = self.own_requests();
        let is_own =
            |waiting: &Waiting| kinds.iter().any(|kind| waiting.what == Awaited::Request(*kind));
        if self.machine.failing(kinds).as_ref().is_some_and(is_own) {
            self.give_up();
            self.outbox.clear();
        }
    }

    /// Notes why nobody was asked, if nobody was.
    pub(super) fn note_failure(&mut self) {
        if self.stage == Stage::Looking || self.has_questions() {
            let waiting = self.machine.waiting_for(self.own_requests()).into_iter();
            let failing = waiting.filter(|waiting| waiting.last_error.is_some()).last();
            self.failure =
                failing.map(|it| FlowError::Failing(Box::new(it))).or(self.failure.take());
        }
    }

    /// Saves what has changed, then sends what is to be sent.
    pub(super) fn deliver(&mut self, rng: &mut impl CryptoRng) -> Option<Step<ShareIn>> {
        if let Some(step) = self.save() {
            return Some(step);
        }
        self.drop_undeliverable();
        let request = self.outbox.front()?;
        let courier = self.machine.courier()?;
        if courier.awaits_flow() || !courier.may_send(RequestKind::AskDevices) {
            return None;
        }
        let transaction = alphanumeric(TRANSACTION_ID_LENGTH, rng);
        let call = Call::AskDevices(api::request_secret(&transaction, request));
        Some(Step::Send(Box::new(courier.send(call))))
    }

    /// When something may be sent, in the host's time.
    pub(super) fn delivery_until(&mut self) -> Option<u64> {
        let courier = self.machine.courier()?;
        if courier.awaits_flow() || self.outbox.is_empty() {
            return None;
        }
        Some(courier.host_time(courier.due(RequestKind::AskDevices)?))
    }

    /// Whether this was one of the flow's requests.
    pub(super) fn sent(&mut self, id: TaskId, answer: &Answer, now_ms: u64) -> bool {
        let Some((courier, letter)) = self.machine.take(id, answer, now_ms) else { return false };
        let Call::AskDevices(call) = letter.call() else { return true };
        match courier.read(call, answer, now_ms, &self.limits) {
            Ok(()) => {
                courier.settled(RequestKind::AskDevices);
                self.outbox.pop_front();
            }
            // It is sent again, if it may succeed: a device takes the same request once.
            Err(failure) => {
                courier.failed(RequestKind::AskDevices, failure.wait_ms());
                final_error(failure).into_iter().for_each(|error| self.is_refused(error));
            }
        }
        true
    }

    /// What the homeserver does not send on to the devices, they do not answer. That they are not told of an end is no
    /// failure.
    fn is_refused(&mut self, error: FlowError) {
        let Some(refused) = self.outbox.pop_front().filter(is_question) else { return };
        let ended = self.requester.as_mut().map(|it| it.cancel(&refused.request().request_id));
        self.dropped.extend(ended.into_iter().flatten().flat_map(|ended| ended.dropped));
        (self.failure, self.is_unsaved) = (Some(error), true);
    }
}

/// Whether something is asked for, and not taken back.
fn is_question(sent: &OutgoingRequest) -> bool {
    sent.request().name().is_some()
}

const TRANSACTION_ID_LENGTH: usize = 24;

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
