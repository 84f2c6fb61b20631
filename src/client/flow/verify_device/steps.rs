//! What is sent, asked and ended, stage by stage.

use http::Response;
use rand_core::CryptoRng;

use super::{Stage, VerifyDevice};
use crate::{
    api,
    client::{
        backup::SavedBackup,
        call::Call,
        flow::{
            FlowError, Step, contract::Parts, error::final_error, machine::Machine,
            outcome::DeviceVerified,
        },
        operation::{NoAnswer, TaskId},
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
        if self.in_flight.is_some() {
            return Step::Wait(None);
        }
        match courier.due(call.kind()) {
            Some(due) if due <= courier.now() => {
                let operation = courier.send(call);
                self.in_flight = Some(operation.id());
                Step::Send(Box::new(operation))
            }
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
        if !matches!(self.stage, Stage::Ended) && self.failure.is_none() {
            let failing = self.machine.failing(self.own_requests());
            self.failure = failing.map(|waiting| FlowError::Failing(Box::new(waiting)));
        }
        if let Some(failure) = self.failure.take() {
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

    fn take_answer(
        &mut self,
        id: TaskId,
        answer: &Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> bool {
        let Some(courier) = self.machine.courier() else { return false };
        courier.advance(now_ms);
        let Some(letter) = courier.take(id, true, answer) else { return false };
        self.in_flight = None;
        let failure = match letter.call() {
            Call::QueryKeys(call) => match courier.read(call, answer, now_ms, &self.limits) {
                Ok(published) => {
                    courier.settled(RequestKind::QueryKeys);
                    self.failure = self.queried(&published).err();
                    return true;
                }
                Err(failure) => failure,
            },
            Call::UploadSignatures(call) => {
                match courier.read(call, answer, now_ms, &self.limits) {
                    Ok(failures) => {
                        self.failure = self.uploaded(failures).err();
                        return true;
                    }
                    Err(failure) => {
                        // It may have arrived all the same.
                        self.stage = Stage::Looking;
                        failure
                    }
                }
            }
            _ => return true,
        };
        courier.failed(letter.call().kind(), failure.wait_ms());
        self.failure = final_error(failure);
        true
    }
}
