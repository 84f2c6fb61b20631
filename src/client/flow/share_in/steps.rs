//! The steps of sharing, one function for each stage.

use http::Response;
use rand_core::CryptoRng;

use super::{Saves, ShareIn, SharedIn, Stage, open_requests};
use crate::{
    api::SendToDevice,
    backup::{BackupDecryptionKey, KeySource},
    client::{
        backup::Next,
        failure::Failure,
        flow::{FlowError, SavedFlow, Step, post::Call},
        operation::{NoAnswer, OperationId},
    },
    randomness::alphanumeric,
    secret_sharing::Recipients,
    secret_value::MEGOLM_BACKUP_V1,
};

impl ShareIn {
    /// Lets the machine look at the backup.
    pub(super) fn look(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SharedIn>> {
        let backup = self.backup.as_mut()?;
        if backup.has_looked() {
            self.stage = Stage::Asking;
            return None;
        }
        match backup.next(now, rng) {
            Next::Save(saved) => {
                self.saves = Some(Saves::Machine);
                let requester = self.requester.as_ref()?.save();
                let (public, secret) = (requester.public, requester.secret);
                Some(Step::Save(Box::new(SavedFlow { public, secret, backup: *saved })))
            }
            Next::Send(operation) => Some(Step::Send(operation)),
            Next::Want(_) => {
                backup.offer(&[], rng);
                None
            }
            Next::Wait(until) => Some(Step::Wait(until)),
            _ => None,
        }
    }

    /// Makes the requests. Those that are open are made again under their IDs.
    pub(super) fn ask(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SharedIn>> {
        let requester = self.requester.as_mut()?;
        for name in &self.names {
            if self.accepted.iter().any(|accepted| accepted.name == *name) {
                continue;
            }
            let open = open_requests(requester).find(|(_, open)| *open == name);
            let made = match open.map(|(id, _)| id.clone()) {
                Some(id) => requester.retry(&id, &self.devices, now),
                None => {
                    let to = Recipients::All;
                    requester.request_with_rng(name.clone(), to, &self.devices, now, rng)
                }
            };
            match made {
                Ok(request) => self.outbox.push_back(request),
                Err(error) => self.failure = Some(FlowError::Sharing(error)),
            }
        }
        self.is_unsaved = true;
        self.stage = Stage::Listening;
        None
    }

    /// Waits for answers, and sends what is to be sent.
    pub(super) fn listen(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SharedIn>> {
        let ended = self.requester.as_mut()?.expire(now);
        for ended in ended {
            self.outbox.extend(ended.cancellation);
            self.dropped.extend(ended.dropped);
            self.is_unsaved = true;
        }
        if let Some(step) = self.deliver(now, rng) {
            return Some(step);
        }
        let requester = self.requester.as_ref()?;
        if open_requests(requester).next().is_none() && self.outbox.is_empty() {
            self.stage = Stage::Finished;
            return None;
        }
        let expiry = requester.next_expiry_ms().map(|wait| now.saturating_add(wait));
        let due = self.post.until().filter(|_| !self.outbox.is_empty());
        Some(Step::Wait(expiry.into_iter().chain(due).min()))
    }

    /// Saves what has changed, then sends what is to be sent.
    fn deliver(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SharedIn>> {
        if std::mem::take(&mut self.is_unsaved) {
            self.saves = Some(Saves::Requester);
            let requester = self.requester.as_ref()?.save();
            let (public, secret) = (requester.public, requester.secret);
            let backup = self.backup.as_ref()?.save();
            return Some(Step::Save(Box::new(SavedFlow { public, secret, backup })));
        }
        let request = self.outbox.front()?;
        let transaction = alphanumeric(TRANSACTION_ID_LENGTH, rng);
        let call = Call::ToDevice(SendToDevice::requests(transaction.into(), request));
        let operation = self.post.send(call, now, rng)?;
        Some(Step::Send(Box::new(operation)))
    }

    /// Whether this was one of the flow's requests.
    pub(super) fn sent(
        &mut self,
        id: OperationId,
        answer: &Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> bool {
        let Some(call) = self.post.take(id) else { return false };
        let Call::ToDevice(call) = call else { return true };
        match self.post.read(&call, answer.clone(), now_ms, &self.limits) {
            Ok(()) => drop(self.outbox.pop_front()),
            Err(Failure::Refused(error)) => {
                self.outbox.pop_front();
                self.failure = Some(FlowError::Refused(error));
            }
            // It is sent again: a device takes the same request once.
            Err(_) => {}
        }
        true
    }

    pub(super) fn finish(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SharedIn>> {
        if let Some(step) = self.deliver(now, rng) {
            return Some(step);
        }
        if !self.outbox.is_empty() {
            return Some(Step::Wait(self.post.until()));
        }
        let (mut backup, requester) = (self.backup.take()?, self.requester.take()?);
        let secrets = std::mem::take(&mut self.accepted);
        let key = secrets.iter().find(|accepted| accepted.name.as_str() == MEGOLM_BACKUP_V1);
        if let Some(accepted) = key {
            let (text, source) =
                (accepted.secret.value.to_text(), KeySource::SharedByVerifiedDevice);
            if let Ok(key) = BackupDecryptionKey::from_base64(text.expose_str(), source) {
                backup.give_key(key);
            }
        }
        let is_missing = |name: &&_| secrets.iter().all(|accepted| accepted.name != **name);
        let missing = self.names.iter().filter(is_missing).cloned().collect();
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(SharedIn {
            backup,
            requester,
            secrets,
            missing,
            dropped: std::mem::take(&mut self.dropped),
            failure: self.failure.take(),
        })))
    }
}

const TRANSACTION_ID_LENGTH: usize = 24;
