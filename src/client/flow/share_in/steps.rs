//! The steps of sharing, one function for each stage.

use rand_core::CryptoRng;

use super::{SavedFlow, Saves, ShareIn, SharedIn, Stage, open_requests};
use crate::{
    client::{
        backup::SavedBackup,
        flow::{
            FlowError, Step,
            contract::Parts,
            machine::{Machine, Turn},
        },
        operation::{Answer, TaskId},
        waiting::{Awaited, RequestKind},
    },
    ids::SecretName,
    secret::SecretVec,
    secret_sharing::{AcceptedSecret, OutgoingRequest, RequesterError},
};

impl Parts for ShareIn {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn step(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Self> {
        loop {
            if self.saves.is_some() {
                return Step::Wait(None);
            }
            if let Some(step) = self.save() {
                return step;
            }
            let step = match self.stage {
                Stage::Looking => self.look(now_ms, rng),
                Stage::Asking => self.ask(now_ms, rng),
                Stage::Listening => self.listen(now_ms, rng),
                Stage::Finished => self.finish(rng),
                Stage::Ended => Some(Step::Wait(None)),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn awaited_of_host(&self) -> Option<Awaited> {
        match self.stage {
            _ if self.saves.is_some() => Some(Awaited::Saved),
            Stage::Listening => self.awaited_of_devices(),
            Stage::Looking | Stage::Asking | Stage::Finished | Stage::Ended => None,
        }
    }

    fn repeat(&mut self, step: &Step<Self>) {
        match (step, self.saves.take()) {
            (Step::Save(_), Some(Saves::Machine)) => self.machine.is_not_saved(),
            (Step::Save(_), Some(Saves::Requester)) => self.is_unsaved = true,
            (_, saves) => self.saves = saves,
        }
    }

    fn parts(saved: &SavedFlow) -> (&SavedBackup, Option<&SecretVec>) {
        let SavedFlow { secret, backup } = saved;
        (backup, Some(secret))
    }

    fn own_requests(&self) -> &'static [RequestKind] {
        if self.outbox.is_empty() { &[] } else { &[RequestKind::AskDevices] }
    }

    fn take_answer(&mut self, id: TaskId, answer: &Answer, now_ms: u64) -> bool {
        self.sent(id, answer, now_ms)
    }
}

impl ShareIn {
    /// Lets the machine look at the backup.
    pub(super) fn look(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<ShareIn>> {
        match self.work(now, rng) {
            Ok(step) => Some(step),
            Err(until) if !self.has_looked() => Some(Step::Wait(until)),
            Err(_) => {
                self.stage = Stage::Asking;
                None
            }
        }
    }

    /// Whether the homeserver has said which backup there is, or will not soon.
    fn has_looked(&self) -> bool {
        self.machine.get().is_none_or(|backup| backup.has_looked() || backup.is_out_of_sight())
    }

    /// Lets the machine work; tells when it has something to do again.
    fn work(&mut self, now: u64, rng: &mut impl CryptoRng) -> Result<Step<ShareIn>, Option<u64>> {
        loop {
            match self.machine.next(now, rng) {
                Turn::Step(step) => return Ok(step),
                Turn::Save(backup) => {
                    let Some(requester) = &self.requester else { return Err(None) };
                    self.saves = Some(Saves::Machine);
                    let saved = SavedFlow { secret: requester.save(), backup: *backup };
                    return Ok(Step::Save(Box::new(saved)));
                }
                Turn::Wait(until) => return Err(until),
                turn => self.machine.pass(turn),
            }
        }
    }

    /// Makes the requests. Those that are open are made again under their IDs, if they can be.
    pub(super) fn ask(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<ShareIn>> {
        self.expire(now);
        self.learn(now);
        self.failure = None;
        for name in self.names.clone() {
            if self.accepted().any(|accepted| accepted.name == name) {
                continue;
            }
            match self.made(&name, now, rng)? {
                Ok(request) => self.outbox.push_back(request),
                Err(error) => self.failure = Some(FlowError::Sharing(error)),
            }
        }
        self.is_unsaved = true;
        self.stage = Stage::Listening;
        None
    }

    /// The request for a secret, under its ID if it is open.
    fn made(
        &mut self,
        name: &SecretName,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Option<Result<OutgoingRequest, RequesterError>> {
        let requester = self.requester.as_mut()?;
        let open = open_requests(requester, std::slice::from_ref(name)).next();
        if let Some(id) = open.map(|(id, _)| id.clone()) {
            match requester.retry(&id, &self.devices, now) {
                Err(RequesterError::IdentityChanged | RequesterError::NobodyToAsk) => {
                    self.cancel(&id);
                }
                made => return Some(made),
            }
        }
        let requester = self.requester.as_mut()?;
        let to = None;
        Some(requester.request_with_rng(name.clone(), to, &self.devices, now, rng))
    }

    fn expire(&mut self, now: u64) {
        let Some(requester) = &mut self.requester else { return };
        for ended in requester.expire(now) {
            self.outbox.extend(ended.cancellation);
            self.dropped.extend(ended.dropped);
            self.is_unsaved = true;
        }
    }

    /// Waits for answers, and sends what is to be sent.
    pub(super) fn listen(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<ShareIn>> {
        self.expire(now);
        let until = match self.work(now, rng) {
            Ok(step) => return Some(step),
            Err(until) => until,
        };
        if self.has_looked() {
            self.learn(now);
        }
        if let Some(step) = self.deliver(rng) {
            return Some(step);
        }
        let requester = self.requester.as_ref()?;
        if open_requests(requester, &self.names).next().is_none() && self.outbox.is_empty() {
            self.stage = Stage::Finished;
            return None;
        }
        let expiry = requester.next_expiry_ms().map(|wait| now.saturating_add(wait));
        Some(Step::Wait([until, expiry, self.delivery_until()].into_iter().flatten().min()))
    }

    /// Saves what has changed: nobody sends an answer twice.
    pub(super) fn save(&mut self) -> Option<Step<ShareIn>> {
        if !std::mem::take(&mut self.is_unsaved) {
            return None;
        }
        let secret = self.requester.as_ref()?.save();
        let backup = self.machine.get()?.save();
        self.saves = Some(Saves::Requester);
        Some(Step::Save(Box::new(SavedFlow { secret, backup })))
    }

    pub(super) fn finish(&mut self, rng: &mut impl CryptoRng) -> Option<Step<ShareIn>> {
        if let Some(step) = self.deliver(rng) {
            return Some(step);
        }
        if !self.outbox.is_empty() {
            return Some(Step::Wait(self.delivery_until()));
        }
        let secrets: Vec<_> = self.accepted().collect();
        let (mut backup, requester) = (self.machine.give_back()?, self.requester.take()?);
        if let Some(key) = secrets.iter().find_map(AcceptedSecret::backup_key) {
            backup.give_key(key);
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
