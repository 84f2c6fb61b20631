//! The flows that set up, rotate and recover.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::RestoreReport,
    client::{
        Backup,
        flow::{Recover, SetUp, TurnOff, VerifyDevice},
    },
    cross_signing::ExpectedDevice,
    encoding::base64,
    secret_storage::{NewKey, SecretStorageKey, SecretVerdict},
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING},
};

use crate::{
    flow::Ended,
    host::{CrossSigning, Result},
    ours::Ours,
};

impl Ours {
    pub(crate) fn set_up(&mut self, passphrase: Option<&str>, name: Option<&str>) -> Result<Value> {
        let (machine, key) = (self.take_machine()?, new_key(passphrase, name)?);
        let secrets = self.secrets.clone();
        self.make(SetUp::bootstrap(machine, key, secrets, Limits::default()))
    }

    pub(crate) fn rotate_everything(&mut self, passphrase: Option<&str>) -> Result<Value> {
        let (machine, key) = (self.take_machine()?, new_key(passphrase, None)?);
        let (old, secrets) = (self.storage_keys.clone(), self.secrets.clone());
        let limits = Limits::default();
        let mut flow = SetUp::rotate_everything(machine, key, &old, secrets, limits);
        flow.believe(&self.verified()?, &[]);
        self.make(flow)
    }

    /// What is missing of key storage, with the key that opened it, or a new one where there is none.
    pub(crate) fn complete(&mut self) -> Result<Value> {
        let (storage, machine) = (self.storage()?, self.take_machine()?);
        let resume = |key: &SecretStorageKey| NewKey::resume(storage.key(key.id())?, key);
        let key = match self.storage_keys.iter().find_map(resume) {
            Some(key) => key,
            None => new_key(None, None)?,
        };
        let mut flow = SetUp::complete(machine, key, self.secrets.clone(), Limits::default());
        flow.believe(&self.verified()?, &[]);
        self.make(flow)
    }

    /// Key storage goes, the user has agreed to all of it.
    pub(crate) fn turn_off(&mut self) -> Result<Value> {
        let (storage, machine) = (self.storage()?, self.take_machine()?);
        let secrets: Vec<_> = storage.secrets().map(|(name, _)| name.clone()).collect();
        let versions: Vec<_> =
            machine.found().map(|info| info.version().clone()).into_iter().collect();
        let flow = TurnOff::new(machine, &versions, &secrets, Limits::default());
        let done = self.run_flow(flow, "", |_, _| Ok(()))?.outcome?;
        let answer = json!({
            "stage": format!("{:?}", done.backup.stage()),
            "left": done.left,
            "notes": format!("{:?}", done.notes),
        });
        self.machine = Some(done.backup);
        Ok(answer)
    }

    fn make(&mut self, flow: SetUp) -> Result<Value> {
        let Ended { outcome, shown } = self.run_flow(flow, "", |_, _| Ok(()))?;
        let done = outcome?;
        let answer = json!({
            "recovery_key": shown,
            "storage_key": done.storage_key.id(),
            "trusted": trusted(&done.backup),
            "replaced": done.replaced,
            "notes": format!("{:?}", done.notes),
        });
        self.storage_keys = vec![done.storage_key];
        self.machine = Some(done.backup);
        Ok(answer)
    }

    pub(crate) fn recover(&mut self, typed: &str) -> Result<Value> {
        let (machine, verified) = (self.take_machine()?, self.verified()?);
        let flow = Recover::new(machine, verified, Limits::default());
        let done = self.run_flow(flow, typed, |_, _| Ok(()))?.outcome;
        let answer = json!({
            "secrets": done.secrets.iter().map(secret).collect::<Vec<_>>(),
            "fetched": done.fetched.as_ref().map(fetched),
            "trusted": trusted(&done.backup),
            "failure": done.failure.map(|failure| failure.to_string()),
        });
        for opened in done.secrets.iter().filter_map(|verdict| verdict.outcome.as_ref().ok()) {
            if let Ok(read) = opened.value() {
                self.keep_secret(read.value);
            }
        }
        self.storage_keys = done.storage_keys;
        self.machine = Some(done.backup);
        self.take_cross_signing();
        Ok(answer)
    }

    /// The self-signing key signs this device, and this device the master key.
    pub(crate) fn verify_itself(&mut self) -> Result<Value> {
        let machine = self.take_machine()?;
        let (user_id, own) = (self.user_id.clone(), self.device.identity());
        let (curve25519, ed25519) = (own.curve25519, own.ed25519);
        let device = ExpectedDevice::own(user_id, own.device_id.clone(), curve25519, ed25519);
        let (pinned, seeds) = (self.pinned, self.secrets.clone());
        let flow = VerifyDevice::new(machine, device, pinned, seeds, Limits::default());
        let done = self.run_flow(flow, "", |_, _| Ok(()))?.outcome?;
        self.pinned = Some(done.master_key);
        self.machine = Some(done.backup);
        Ok(json!({ "refused": done.refused.map(|refused| refused.to_string()) }))
    }

    /// The cross-signing keys, once all seeds are at hand.
    pub(crate) fn take_cross_signing(&mut self) {
        let names = [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING];
        if let [Some(master), Some(self_signing), Some(user_signing)] =
            names.map(|name| self.seed(name))
        {
            let seeds = [master, self_signing, user_signing];
            self.cross_signing = Some(CrossSigning::from_seeds(self.user_id.clone(), seeds));
        }
    }

    fn seed(&self, name: &str) -> Option<[u8; 32]> {
        let secret = self.secrets.iter().find(|secret| secret.name().as_str() == name)?;
        base64::decode(secret.to_text().expose_str()).ok()?.try_into().ok()
    }
}

fn new_key(passphrase: Option<&str>, name: Option<&str>) -> Result<NewKey> {
    Ok(match passphrase {
        Some(passphrase) => NewKey::from_passphrase(passphrase, name)?,
        None => NewKey::generate(name)?,
    })
}

pub(crate) fn trusted(machine: &Backup) -> Option<Value> {
    let trusted = machine.trusted()?;
    Some(json!({ "version": trusted.version(), "reason": format!("{:?}", trusted.reason()) }))
}

pub(crate) fn fetched(report: &RestoreReport) -> Value {
    json!({ "text": report.to_string(), "is_everything": report.is_everything() })
}

fn secret(verdict: &SecretVerdict) -> Value {
    match &verdict.outcome {
        Ok(opened) => json!({
            "name": verdict.name,
            "is_open": true,
            "public_key": format!("{:?}", opened.public_key()),
        }),
        Err(error) => {
            json!({ "name": verdict.name, "is_open": false, "error": error.to_string() })
        }
    }
}
