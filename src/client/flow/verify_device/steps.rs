//! What is sent, asked and ended, stage by stage.

use rand_core::CryptoRng;

use super::{Stage, VerifyDevice};
use crate::{
    api,
    client::{
        backup::SavedBackup,
        call::Call,
        flow::{FlowError, Step, contract::Parts, machine::Machine, outcome::DeviceVerified},
        operation::{Answer, TaskId},
        waiting::{Awaited, RequestKind},
    },
    crypto::ed25519::Ed25519PublicKey,
    secret::SecretVec,
};

impl VerifyDevice {
    /// Sends what this stage sends, when it may be sent.
    fn send(&mut self) -> Step<Self> {
        let call = match &self.stage {
            Stage::Looking => {
                Call::QueryKeys(api::query_keys([(self.device.user_id().clone(), vec![])], None))
            }
            Stage::Uploading(upload) => Call::UploadSignatures(upload.clone()),
            Stage::Signing { .. } | Stage::Finished(_) | Stage::Ended => return Step::Wait(None),
        };
        let Some(courier) = self.machine.courier() else { return Step::Wait(None) };
        if courier.awaits_flow() {
            return Step::Wait(None);
        }
        match courier.due(call.kind()) {
            Some(due) if due <= courier.now() => Step::Send(Box::new(courier.send(call))),
            due => Step::Wait(due.map(|due| courier.host_time(due))),
        }
    }

    fn finish(&mut self, master_key: Ed25519PublicKey) -> Step<Self> {
        let Some(backup) = self.machine.give_back() else { return Step::Wait(None) };
        self.stage = Stage::Ended;
        let refused = self.refused.take();
        Step::Done(Box::new(Ok(DeviceVerified { backup, master_key, refused })))
    }

    fn fail(&mut self, error: FlowError) -> Step<Self> {
        self.stage = Stage::Ended;
        Step::Done(Box::new(Err(error)))
    }
}

impl Parts for VerifyDevice {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn step(&mut self, _: u64, _: &mut impl CryptoRng) -> Step<Self> {
        let goes_on = !matches!(self.stage, Stage::Ended);
        if let Some(failure) = self.machine.failure(self.own_requests(), goes_on) {
            return self.fail(failure);
        }
        match &mut self.stage {
            Stage::Signing { id, key, is_asked, .. } if !*is_asked => {
                *is_asked = true;
                Step::Sign(*id, key.master_key_to_sign())
            }
            Stage::Finished(master_key) => {
                let master_key = *master_key;
                self.finish(master_key)
            }
            _ => self.send(),
        }
    }

    fn awaited_of_host(&self) -> Option<Awaited> {
        matches!(self.stage, Stage::Signing { .. }).then_some(Awaited::Signatures)
    }

    fn repeat(&mut self, step: &Step<Self>) {
        if let (Step::Sign(..), Stage::Signing { is_asked, .. }) = (step, &mut self.stage) {
            *is_asked = false;
        }
    }

    fn parts(backup: &SavedBackup) -> (&SavedBackup, Option<&SecretVec>) {
        (backup, None)
    }

    fn own_requests(&self) -> &'static [RequestKind] {
        match self.stage {
            Stage::Looking => &[RequestKind::QueryKeys],
            Stage::Uploading(_) => &[RequestKind::UploadSignatures],
            Stage::Signing { .. } | Stage::Finished(_) | Stage::Ended => &[],
        }
    }

    fn take_answer(&mut self, id: TaskId, answer: &Answer, now_ms: u64) -> bool {
        let Some((courier, letter)) = self.machine.take(id, answer, now_ms) else { return false };
        let read = match letter.call() {
            Call::QueryKeys(call) => {
                let published = courier.read(call, answer, now_ms, &self.limits);
                if published.is_ok() {
                    courier.settled(RequestKind::QueryKeys);
                }
                published.map(|published| self.queried(&published))
            }
            Call::UploadSignatures(call) => {
                let failures = courier.read(call, answer, now_ms, &self.limits);
                if failures.is_err() {
                    // They may have arrived all the same.
                    self.stage = Stage::Looking;
                }
                failures.map(|failures| self.uploaded(failures))
            }
            _ => return true,
        };
        match read {
            Ok(result) => self.machine.goes_on(result),
            Err(failure) => self.machine.has_failed_to(letter.call().kind(), failure),
        }
        true
    }
}
