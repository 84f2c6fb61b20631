//! A new device gets its secrets from the user's other devices, over real Olm sessions, and the sessions with them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod again;
mod chaos;
mod devices;
#[path = "../client_backup/driver/lies.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod driver;
#[path = "../client_faults/fault.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod fault;
mod faults;
#[path = "../../examples/support/host/mod.rs"]
mod host;
#[path = "../support/household.rs"]
mod household;
#[path = "../support/mod.rs"]
mod support;
mod waits;

use host::{Received, Remote, Result, Server};
use household::{ALICE, BACKUP_KEY, Household, Whose, backup_key, public_keys};
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::json;
use strongroom::{
    Limits, api,
    backup::{AuthData, BackupPublicKey, TrustReason},
    client::{
        Backup, Operation,
        backup::BackupOptions,
        flow::{Flow as _, FlowError, Recover, Recovered, SavedFlow, ShareIn, SharedIn, Step},
    },
    ids::{DeviceId, SecretName, UserId},
    provenance::Provenance,
    secret_sharing::{OwnDevices, Receipt, Requester, RequesterError},
    secret_storage::VerifiedPublicKeys,
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1},
};
use support::synapse::Synapse;

/// The user's devices, and a backup with the key that the laptop has.
fn household() -> Result<Household> {
    with_backup(Household::new(10)?)
}

fn with_backup(mut house: Household) -> Result<Household> {
    let public_key = BackupPublicKey::new(public_keys()?.backup.unwrap()).unwrap();
    let token = house.phone.token().to_owned();
    house.server.send(&token, &api::create_backup_version(&AuthData::new(&public_key)))?;
    Ok(house)
}

fn backup(user_id: &UserId) -> Backup {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    Backup::new(user_id.clone(), "PHONE".into(), options, limits)
}

fn verified(user_id: &UserId) -> VerifiedPublicKeys {
    VerifiedPublicKeys::none(user_id.clone())
}

fn flow(
    user_id: &UserId,
    devices: OwnDevices,
    names: &[&str],
    saved: Option<&SavedFlow>,
) -> ShareIn {
    let requester = match saved {
        Some(SavedFlow { secret, .. }) => {
            Requester::from_saved(secret, user_id.clone(), "PHONE".into()).unwrap()
        }
        None => Requester::new(user_id.clone(), "PHONE".into()),
    };
    let backup = match saved {
        Some(saved) => {
            let (options, limits) = (BackupOptions::default(), Limits::default());
            let (user_id, device) = (user_id.clone(), "PHONE".into());
            Backup::from_saved(&saved.backup, user_id, device, options, limits).unwrap()
        }
        None => backup(user_id),
    };
    let names = names.iter().map(|name| SecretName::from(*name)).collect();
    ShareIn::new(backup, requester, devices, names, verified(user_id), Limits::default())
}

/// A phone with a flow.
struct Phone {
    flow: ShareIn,
    names: Vec<&'static str>,
    now: u64,
    rng: StdRng,
    /// Whether the host is restarted whenever it has saved.
    restarts: bool,
}

impl Phone {
    fn new(house: &mut Household, names: &[&'static str], restarts: bool) -> Result<Self> {
        let devices = house.seen_by(Whose::Phone)?;
        let flow = flow(&house.user_id, devices, names, None);
        let (names, rng) = (names.to_vec(), StdRng::seed_from_u64(3));
        Ok(Self { flow, names, now: 0, rng, restarts })
    }

    /// Works until the flow waits or ends.
    fn run(&mut self, house: &mut Household) -> Result<Option<SharedIn>> {
        let mut restarts = 0;
        loop {
            match self.flow.next_with_rng(self.now, &mut self.rng) {
                Step::Save(saved) => {
                    restarts += 1;
                    if self.restarts && restarts < 5 {
                        let devices = house.seen_by(Whose::Phone)?;
                        self.flow = flow(&house.user_id, devices, &self.names, Some(&saved));
                    } else {
                        self.flow.saved();
                    }
                }
                Step::Send(operation) => {
                    let response = send(house, &operation);
                    self.flow.answer(operation.id(), Some(response), self.now)?;
                }
                Step::Wait(_) => return Ok(None),
                Step::Done(shared) => return Ok(Some(*shared)),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Works, and lets time pass, until the flow ends.
    fn wait(&mut self, house: &mut Household) -> Result<SharedIn> {
        for _ in 0..10_000 {
            if let Some(shared) = self.run(house)? {
                return Ok(shared);
            }
            let Step::Wait(Some(until)) = self.flow.next_with_rng(self.now, &mut self.rng) else {
                panic!()
            };
            self.now = until.max(self.now + 1);
        }
        panic!("it never ends: {:?}", self.flow);
    }

    fn receives(&mut self, house: &mut Household) -> Result<Vec<Option<Receipt>>> {
        let received = house.phone_receives()?;
        let receipt = |event: &Received| match event {
            Received::Decrypted(event) => self.flow.received(event, self.now),
            _ => None,
        };
        Ok(received.iter().map(receipt).collect())
    }
}

fn send(house: &mut Household, operation: &Operation) -> http::Response<Vec<u8>> {
    let token = house.phone.token().into();
    let request = operation.to_http(house.server.base_url(), &token).unwrap();
    house.server.exchange(&request)
}

#[test]
fn the_backup_key_comes_from_the_laptop_and_the_sessions_with_it() -> Result<()> {
    for restarts in [false, true] {
        share(household()?, restarts)?;
    }
    Ok(())
}

#[test]
fn so_it_does_on_a_real_homeserver() -> Result<()> {
    let Some(synapse) = Synapse::from_environment("sharing over Olm") else { return Ok(()) };
    let user_id = UserId::from(synapse.register().user_id);
    let url = synapse.url().to_owned();
    let server = Server::at(&url, Box::new(synapse))?;
    share(with_backup(Household::on(server, user_id, 10)?)?, false)
}

impl Remote for Synapse {
    fn respond(&mut self, request: &http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
        self.send(request.clone())
    }

    fn log_in(&mut self, user_id: &UserId, device_id: &DeviceId) -> String {
        let name = user_id.as_str().trim_start_matches('@').split(':').next().unwrap();
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": user_id.as_str() },
            "password": name,
            "device_id": device_id.as_str(),
        });
        let (status, answer) = self.ask("", "POST", "/_matrix/client/v3/login", &body.to_string());
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

fn share(mut house: Household, restarts: bool) -> Result<()> {
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], restarts)?;
    assert!(phone.run(&mut house)?.is_none(), "it waits for answers");
    house.laptop_shares()?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Accepted(_))]), "{receipts:?}");
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.missing, []);
    assert_eq!(shared.secrets[0].secret.value, backup_key()?);
    assert!(shared.failure.is_none());
    let cancelled = house.decisions(Whose::Tablet)?;
    assert_eq!(cancelled.len(), 2, "asked, and told that it is over: {cancelled:?}");

    let shared_by = Provenance::SharedByVerifiedDevice(shared.secrets[0].from.ed25519);
    let recovered = recover(&mut house, shared.backup);
    assert!(recovered.fetched.is_some());
    let trusted = recovered.backup.trusted().unwrap().reason().clone();
    assert_eq!(trusted, TrustReason::DecryptionKey(shared_by));
    Ok(())
}

/// With the key, nothing has to be entered.
fn recover(house: &mut Household, backup: Backup) -> Recovered {
    let mut flow = Recover::new(backup, verified(&house.user_id), Limits::default());
    let mut rng = StdRng::seed_from_u64(4);
    loop {
        match flow.next_with_rng(0, &mut rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                let response = send(house, &operation);
                flow.answer(operation.id(), Some(response), 0).unwrap();
            }
            Step::ReadAccountData => flow.account_data(Vec::new()),
            Step::Done(recovered) => return *recovered,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_nobody_sends_is_missing_when_the_host_gives_up() -> Result<()> {
    let mut house = household()?;
    let names = [MEGOLM_BACKUP_V1, CROSS_SIGNING_MASTER];
    let mut phone = Phone::new(&mut house, &names, false)?;
    assert!(phone.run(&mut house)?.is_none());
    let decisions = house.decisions(Whose::Laptop)?;
    assert_eq!(decisions.len(), 2);
    phone.flow.give_up();
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.missing, names.map(SecretName::from));
    let withdrawn = house.decisions(Whose::Laptop)?;
    assert_eq!(withdrawn.len(), 2, "{withdrawn:?}");
    assert!(!format!("{shared:?}").contains(BACKUP_KEY));
    Ok(())
}

#[test]
fn requests_end_by_themselves() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    let shared = phone.wait(&mut house)?;
    assert!(phone.now >= 24 * 60 * 60 * 1_000, "{}", phone.now);
    assert_eq!(shared.missing, [MEGOLM_BACKUP_V1.into()]);
    Ok(())
}

#[test]
fn without_another_verified_device_nobody_is_asked() -> Result<()> {
    let mut house = household()?;
    let alone = OwnDevices::new(ALICE.into(), house.phone.identity().clone());
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    phone.flow.set_devices(alone);
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.failure, Some(FlowError::Sharing(RequesterError::NobodyToAsk)));
    assert_eq!(shared.missing, [MEGOLM_BACKUP_V1.into()]);
    assert_eq!(house.decisions(Whose::Laptop)?, []);
    Ok(())
}
