//! Flows: what they hold, want and give.

use strongroom::{
    Limits,
    api::{self, AccessToken, BaseUrl},
    client::{
        Backup, KeyKind,
        backup::BackupOptions,
        flow::{
            DeviceVerified, EnterError, Flow as _, FlowError, Recover, Recovered, SavedFlow, SetUp,
            SetUpDone, ShareIn, SharedIn, Step, TurnOff, TurnedOff, VerifyDevice,
        },
    },
    crypto::ed25519::Ed25519Signature,
    encoding::json_object::JsonObject,
    homeserver::Homeserver,
    ids::EventType,
    secret_sharing::Requester,
    secret_storage::{NewKey, VerifiedPublicKeys},
    secret_value::{CROSS_SIGNING_MASTER, SecretValue},
};

use super::{Witness, run, secret_sharing::this_device_alone};
use crate::{
    identity::{Identity, device_key, own_device, publish_device, user},
    vault::Vault,
};

const USER: &str = "@a:b.org";

#[test]
fn flows_print_neither_the_keys_nor_what_was_typed() {
    run(look);
}

pub(crate) fn look(witness: &mut Witness, vault: &Vault) {
    let mut homeserver = Homeserver::new();
    let token = AccessToken::from(homeserver.log_in(USER, "PHONE").as_str());
    let mut server = Server { homeserver, token };
    let key = NewKey::generate(None).unwrap();
    witness.add_bytes(key.key().expose_bytes());
    look_at_set_up(witness, vault, &mut server, &key);
    look_at_recovery(witness, &mut server, &key);
    look_at_sharing(witness, &mut server);
    look_at_turning_off(witness, &mut server);
    look_at_verification(witness);
}

struct Server {
    homeserver: Homeserver,
    token: AccessToken,
}

impl Server {
    fn send(&mut self, operation: &strongroom::client::Operation) -> http::Response<Vec<u8>> {
        let url = BaseUrl::new("https://b.org").unwrap();
        self.homeserver.respond(&operation.to_http(&url, &self.token).unwrap())
    }

    fn account_data(&mut self) -> Vec<(EventType, JsonObject)> {
        let (url, sync) = (BaseUrl::new("https://b.org").unwrap(), api::get_sync());
        let response = self.homeserver.respond(&sync.to_http(&url, &self.token).unwrap());
        let sync = sync.read_response(&response, &Limits::default()).unwrap();
        sync.account_data
    }
}

fn backup() -> Backup {
    Backup::new(USER.into(), "PHONE".into(), BackupOptions::default(), Limits::default())
}

fn look_at_set_up(witness: &mut Witness, vault: &Vault, server: &mut Server, key: &NewKey) {
    let value =
        SecretValue::kept_by_host(&CROSS_SIGNING_MASTER.into(), vault.key_base64.as_bytes());
    let secrets = vec![value.unwrap().value];
    for is_first in [true, false] {
        let limits = Limits::default();
        let mut flow = SetUp::bootstrap(backup(), key_of(is_first, key), secrets.clone(), limits);
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        loop {
            let step = flow.next_with_rng(0, rng);
            witness.debug::<SetUp>(&flow);
            if !matches!(step, Step::ShowRecoveryKey(_)) {
                witness.debug(&step);
            }
            match step {
                Step::Save(saved) => {
                    witness.debug::<SavedFlow>(&saved);
                    witness.text(str::from_utf8(&saved.backup.public).unwrap());
                    flow.saved();
                }
                Step::Send(operation) => {
                    let response = server.send(&operation);
                    flow.answer(operation.id(), Some(response), 0).unwrap();
                }
                Step::ReadAccountData => flow.account_data(server.account_data()),
                Step::Sign(id, _) => flow.signed(id, &[]).unwrap(),
                Step::ShowRecoveryKey(key) => {
                    witness.text(&format!("{key:?}"));
                    flow.recovery_key_saved();
                }
                Step::Done(done) => {
                    match *done {
                        Ok(done) => witness.debug::<SetUpDone>(&done),
                        Err(error) => witness.error::<FlowError>(error),
                    }
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Another key the second time, so that the flow is refused.
fn key_of(is_first: bool, key: &NewKey) -> NewKey {
    if is_first { key.clone() } else { NewKey::generate(None).unwrap() }
}

fn look_at_recovery(witness: &mut Witness, server: &mut Server, key: &NewKey) {
    let verified = VerifiedPublicKeys::none(USER.into());
    let mut flow = Recover::new(backup(), verified, Limits::default());
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let recovery_key = key.to_recovery_key().unwrap().to_text();
    let mut typed = [recovery_key.expose_str(), "correct horse"].to_vec();
    loop {
        let step = flow.next_with_rng(0, rng);
        witness.debug::<Recover>(&flow);
        witness.debug::<Step<Recover>>(&step);
        match step {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                let response = server.send(&operation);
                flow.answer(operation.id(), Some(response), 0).unwrap();
            }
            Step::ReadAccountData => flow.account_data(server.account_data()),
            Step::Secrets(_) => {}
            Step::EnterKey => match flow.enter(typed.pop().unwrap(), 0) {
                Ok(entered) => witness.debug::<KeyKind>(&entered),
                Err(error) => witness.error::<EnterError>(error),
            },
            Step::Done(recovered) => return witness.debug::<Recovered>(&recovered),
            other => panic!("{other:?}"),
        }
    }
}

fn look_at_turning_off(witness: &mut Witness, server: &mut Server) {
    let names = [CROSS_SIGNING_MASTER, "m.megolm_backup.v1"].map(Into::into);
    for versions in [&[][..], &["1".into(), "2".into()]] {
        let mut flow = TurnOff::new(backup(), versions, &names, Limits::default());
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        loop {
            let step = flow.next_with_rng(0, rng);
            witness.debug::<TurnOff>(&flow);
            witness.debug::<Step<TurnOff>>(&step);
            match step {
                Step::Save(_) => flow.saved(),
                Step::Send(operation) => {
                    let response = server.send(&operation);
                    flow.answer(operation.id(), Some(response), 0).unwrap();
                }
                Step::ReadAccountData => flow.account_data(server.account_data()),
                Step::Done(done) => {
                    match *done {
                        Ok(done) => witness.debug::<TurnedOff>(&done),
                        Err(error) => witness.error::<FlowError>(error),
                    }
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn look_at_verification(witness: &mut Witness) {
    let mut homeserver = Homeserver::new();
    let identity = Identity::new(1);
    for byte in [1, 2] {
        witness.add_bytes(&[byte; 32]);
    }
    publish_device(&mut homeserver);
    let token = AccessToken::from(homeserver.log_in(user(), "PHONE").as_str());
    let mut server = Server { homeserver, token };
    for has_identity in [false, true] {
        if has_identity {
            identity.publish(&mut server.homeserver);
        }
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let backup = Backup::new(user(), "PHONE".into(), options, limits);
        let mut flow = VerifyDevice::new(backup, own_device(), None, identity.seeds(), limits);
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        loop {
            let step = flow.next_with_rng(0, rng);
            witness.debug::<VerifyDevice>(&flow);
            witness.debug::<Step<VerifyDevice>>(&step);
            match step {
                Step::Send(operation) => {
                    let response = server.send(&operation);
                    flow.answer(operation.id(), Some(response), 0).unwrap();
                }
                Step::Sign(id, key) => {
                    let signature = device_key().sign(key.bytes()).to_base64();
                    let signature = Ed25519Signature::from_base64(&signature).unwrap();
                    flow.signed(id, &[("ed25519:PHONE".into(), signature)]).unwrap();
                }
                Step::Done(done) => {
                    match *done {
                        Ok(done) => witness.debug::<DeviceVerified>(&done),
                        Err(error) => witness.error::<FlowError>(error),
                    }
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn look_at_sharing(witness: &mut Witness, server: &mut Server) {
    let requester = Requester::new(USER.into(), "PHONE".into());
    let names = vec![CROSS_SIGNING_MASTER.into()];
    let (devices, verified) = (this_device_alone(USER), VerifiedPublicKeys::none(USER.into()));
    let mut flow = ShareIn::new(backup(), requester, devices, names, verified, Limits::default());
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    loop {
        let step = flow.next_with_rng(0, rng);
        witness.debug::<ShareIn>(&flow);
        match step {
            Step::Save(saved) => {
                witness.debug::<SavedFlow>(&saved);
                flow.saved();
            }
            Step::Send(operation) => {
                let response = server.send(&operation);
                flow.answer(operation.id(), Some(response), 0).unwrap();
            }
            Step::Done(shared) => return witness.debug::<SharedIn>(&shared),
            other => panic!("{other:?}"),
        }
    }
}
