//! Secrets from and for the user's other devices.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::OwnKeys,
    client::flow::{Flow as _, ShareIn},
    crypto::ed25519::Ed25519PublicKey,
    ids::SecretName,
    secret_sharing::{Decision, IncomingRequest, OwnDevices, Requester, Responder, SharePolicy},
    secret_value::SecretValue,
};

use crate::{
    flow::sleep_until,
    host::{Received, Result},
    ours::{Ours, now_ms},
};

impl Ours {
    /// Asks the verified devices for these secrets, and waits so long for them.
    pub(crate) fn ask_for_secrets(&mut self, names: &[String], ms: u64) -> Result<Value> {
        let devices = self.devices()?;
        let asked: Vec<_> = devices.trusted().map(|it| it.identity.device_id.clone()).collect();
        let names: Vec<SecretName> = names.iter().map(|name| name.as_str().into()).collect();
        let (machine, verified) = (self.take_machine()?, self.verified()?);
        let requester = self.requester.take().unwrap_or_else(|| self.new_requester());
        let (flow_devices, limits) = (devices.clone(), Limits::default());
        let flow = ShareIn::new(machine, requester, flow_devices, names, verified, limits);
        let end = Instant::now() + Duration::from_millis(ms);
        let listen = |ours: &mut Self, flow: &mut ShareIn| {
            ours.take_answers(flow, &devices)?;
            if Instant::now() > end {
                flow.give_up();
            }
            Ok(())
        };
        let done = self.run_flow(flow, "", listen)?.outcome;
        let answer = json!({
            "asked": asked,
            "secrets": done.secrets.iter().map(|it| it.name.clone()).collect::<Vec<_>>(),
            "missing": done.missing,
            "dropped": done.dropped.len(),
        });
        for accepted in done.secrets {
            self.keep_secret(accepted.secret.value);
        }
        (self.machine, self.requester) = (Some(done.backup), Some(done.requester));
        self.take_cross_signing();
        Ok(answer)
    }

    /// Answers requests for so long, by the rules for who is not to be asked.
    pub(crate) fn answer_requests(&mut self, ms: u64) -> Result<Value> {
        let mut responder = self.responder.take().unwrap_or_else(|| self.new_responder());
        let (end, mut log) = (now_ms() + ms, Vec::new());
        while now_ms() < end {
            for event in self.sync()? {
                let devices = self.devices()?;
                let Received::Plain(event) = self.device.read(event, &devices) else {
                    continue;
                };
                let limits = Limits::default();
                match responder.receive(&event, &devices, &limits, now_ms()) {
                    Decision::Share(request) => {
                        log.push(self.share(&mut responder, &request)?);
                    }
                    other => log.push(format!("{other:?}")),
                }
            }
            sleep_until(now_ms() + MOMENT_MS);
        }
        self.responder = Some(responder);
        Ok(json!(log))
    }

    pub(crate) fn secret_texts(&self) -> Value {
        let texts = self.secrets.iter().map(|secret| {
            (secret.name().as_str().to_owned(), json!(secret.to_text().expose_str()))
        });
        Value::Object(texts.collect())
    }

    /// In the place of the one of the same name.
    pub(crate) fn keep_secret(&mut self, secret: SecretValue) {
        self.secrets.retain(|other| other.name() != secret.name());
        self.secrets.push(secret);
    }

    fn take_answers(&mut self, flow: &mut ShareIn, devices: &OwnDevices) -> Result<()> {
        for event in self.sync()? {
            if let Received::Decrypted(event) = self.device.read(event, devices) {
                flow.received(&event, now_ms());
            }
        }
        Ok(())
    }

    fn share(&mut self, responder: &mut Responder, request: &IncomingRequest) -> Result<String> {
        let name = &request.name;
        let Some(secret) = self.secrets.iter().find(|it| it.name() == name).cloned() else {
            responder.refuse(request, now_ms())?;
            return Ok(format!("{name} is not here"));
        };
        let secret = responder.take(request, &secret, &self.devices()?, now_ms())?;
        let payload = secret.expose_olm_payload();
        let bytes = payload.expose_bytes();
        let encrypted = self.device.encrypt(&mut self.server, secret.device(), bytes)?;
        let Some(content) = encrypted else {
            responder.no_session(secret, now_ms())?;
            return Ok("there is no one-time key".to_owned());
        };
        // As the devices are now: one that was blocked or deleted meanwhile gets nothing.
        let sealed = responder.encrypted(secret, content, &self.devices()?, now_ms())?;
        self.device.send_secret(&mut self.server, &sealed)?;
        Ok(format!("sent {name} to {}", request.device.device_id))
    }

    fn devices(&mut self) -> Result<OwnDevices> {
        let pinned = self.pinned()?;
        let OwnKeys { devices, .. } = self.device.snapshot(&mut self.server, pinned)?;
        Ok(devices)
    }

    fn pinned(&self) -> Result<Ed25519PublicKey> {
        Ok(self.pinned.ok_or("no master key is pinned")?)
    }

    fn new_requester(&self) -> Requester {
        let device_id = self.device.device_id().clone();
        Requester::new(self.user_id.clone(), device_id)
    }

    fn new_responder(&self) -> Responder {
        let device_id = self.device.device_id().clone();
        Responder::new(self.user_id.clone(), device_id, SharePolicy::without_questions())
    }
}

const MOMENT_MS: u64 = 200;
