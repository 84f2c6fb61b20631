//! The account's machine and the flows: what they hold, say, save and throw away.

use std::convert::Infallible;

use http::Response;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::json;
use strongroom::{
    Limits,
    api::{AccessToken, BaseUrl},
    backup::BackupDecryptionKey,
    client::{
        Backup,
        backup::{BackupOptions, Next, Operation, Reply, SavedBackup},
        flow::{Flow, Recover, SavedFlow, SetUp, ShareIn, Step},
    },
    encoding::json_object::JsonObject,
    ids::EventType,
    secret_storage::{NewKey, VerifiedPublicKeys},
    secret_value::{MEGOLM_BACKUP_V1, SecretValue},
};

use crate::{
    leaves_nothing,
    saved_states::{DEVICE, USER, saved_backups},
    secret_storage,
    sharing::{answer, requester, requester_of, seen_by_the_phone},
    vault::{FixedRng, KEY, TOKEN, Vault, decryption_key, secret},
};

/// A machine that knows nothing yet.
pub(crate) fn machine() -> Backup {
    Backup::new(USER.into(), DEVICE.into(), BackupOptions::default(), Limits::default())
}

fn restored(saved: &SavedBackup) -> Backup {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    Backup::from_saved(saved, USER.into(), DEVICE.into(), options, limits).unwrap()
}

/// A key of the secret storage with the bytes of [`KEY`].
pub(crate) fn new_key() -> NewKey {
    let key = NewKey::generate_with_rng(None, &mut Once(true));
    assert_eq!(key.key().expose_bytes(), KEY);
    key
}

/// Gives [`KEY`] once, and other bytes afterwards: those are public.
struct Once(bool);

impl TryRng for Once {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let is_key = bytes.len() == KEY.len() && std::mem::take(&mut self.0);
        FixedRng(if is_key { KEY } else { [6; 32] }).try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Once {}

/// The secret of the vault, as a host has it.
pub(crate) fn stored(vault: &Vault) -> SecretValue {
    let text = vault.key_base64.as_bytes();
    SecretValue::kept_by_host(&MEGOLM_BACKUP_V1.into(), text).unwrap().value
}

/// A set-up in place of everything, as it is saved first.
pub(crate) fn set_up() -> SavedFlow {
    let (key, secrets) = (new_key(), vec![stored(&Vault::new())]);
    let old_keys = [key.key().clone()];
    let mut flow = SetUp::rotate_everything(machine(), key, &old_keys, secrets, Limits::default());
    match flow.next_with_rng(1, &mut FixedRng([3; 32])) {
        Step::Save(saved) => *saved,
        other => panic!("{other:?}"),
    }
}

/// A homeserver that has the backup of [`KEY`], and takes everything.
fn respond(operation: &Operation) -> Response<Vec<u8>> {
    let (url, token) = (BaseUrl::new("https://b.org").unwrap(), AccessToken::from("token"));
    let request = operation.to_http(&url, &token).unwrap();
    let path = request.uri().path();
    let (status, body) = if path.ends_with("/room_keys/version") && request.method() == "GET" {
        let auth_data = json!({ "public_key": decryption_key().public_key().to_base64() });
        let algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
        let info = json!({
            "version": "5", "algorithm": algorithm, "auth_data": auth_data, "count": 0, "etag": "0",
        });
        (200, info)
    } else if path.contains("/room_keys/keys") {
        (200, json!({ "rooms": {} }))
    } else if path.contains("/room_keys/version") {
        (200, json!({ "version": "6" }))
    } else if path.contains("/account_data/") && request.method() == "GET" {
        (404, json!({ "errcode": "M_NOT_FOUND", "error": "" }))
    } else {
        (200, json!({}))
    };
    Response::builder().status(status).body(body.to_string().into_bytes()).unwrap()
}

/// Lets a machine work for some steps, and says what it wanted.
fn run(machine: &mut Backup) -> Vec<&'static str> {
    let (mut now, mut seen) = (1, Vec::new());
    let rng = &mut FixedRng([5; 32]);
    for _ in 0..40 {
        let next = machine.next_with_rng(now, rng);
        drop(format!("{next:?}{machine:?}"));
        match next {
            Next::Save(saved) => {
                drop(restored(&saved));
                drop(saved.clone());
                machine.saved();
            }
            Next::Send(operation) => {
                machine.answer(operation.id(), Some(respond(&operation)), now).unwrap();
            }
            Next::StoreSecret(secret) => {
                seen.push("secret");
                machine.secret_found(Some(&secret));
                machine.secret_read_back(Some(&secret.clone())).unwrap();
            }
            Next::DeleteSecret => machine.secret_read_back(None).unwrap(),
            Next::Ask(id, question) => {
                seen.push("question");
                // What is not answered here is open for as long as the machine lives.
                let _ = machine.reply(id, Reply::Saved);
                drop(question);
            }
            Next::Sign(id, _) => machine.signed(id, &[]).unwrap(),
            _ => {}
        }
        now += 60_000;
    }
    seen
}

#[test]
fn the_machine_leaves_nothing_at_work() {
    let (vault, [saved, disabling]) = (Vault::new(), saved_backups());
    let mut seen = Vec::new();
    leaves_nothing(&vault, || {
        let mut machine = machine();
        let typed = BackupDecryptionKey::typed_by_user(secret(&KEY));
        drop(format!("{:?}", machine.give_key(typed)));
        seen.extend(run(&mut machine));
        machine.secret_found(None);
        seen.extend(run(&mut machine));
        machine.rotate();
        seen.extend(run(&mut machine));
        machine.cancel_rotation();
        machine.rotate();
        machine.disable();
        seen.extend(run(&mut machine));
        drop(machine);
        for saved in [&saved, &disabling] {
            seen.extend(run(&mut restored(saved)));
            let mut machine = restored(saved);
            machine.enable();
            seen.extend(run(&mut machine));
        }
    });
    assert!(seen.contains(&"secret") && seen.contains(&"question"), "{seen:?}");
}

/// Lets a flow work until it ends, or wants nothing more.
fn work<F: Flow + std::fmt::Debug>(
    flow: &mut F,
    account_data: &[(EventType, JsonObject)],
    mut typed: Vec<&str>,
) -> Option<F::Outcome>
where
    F::Outcome: std::fmt::Debug,
{
    let (rng, mut is_entered) = (&mut FixedRng([5; 32]), false);
    for now in (1..80).map(|minute| minute * 60_000) {
        let step = flow.next_with_rng(now, rng);
        drop(format!("{step:?}{flow:?}"));
        match step {
            Step::Save(saved) => {
                drop(saved.clone());
                flow.saved();
            }
            Step::Send(operation) => {
                flow.answer(operation.id(), Some(respond(&operation)), now).unwrap();
            }
            Step::ReadAccountData => flow.account_data(account_data.to_vec()),
            Step::Sign(id, _) => flow.signed(id, &[]).unwrap(),
            Step::ShowRecoveryKey(key) => {
                drop(key.to_text());
                flow.recovery_key_saved();
            }
            Step::Secrets(_) => {}
            Step::EnterKey if is_entered && typed.is_empty() => flow.skip_key(now),
            Step::EnterKey => {
                let entered = flow.enter(typed.pop()?, now);
                is_entered |= entered.is_ok();
                drop(format!("{entered:?}"));
            }
            Step::Import(id, ..) => flow.ack(id),
            Step::Wait(_) => {}
            Step::Done(done) => return Some(*done),
            other => panic!("{other:?}"),
        }
    }
    None
}

#[test]
fn set_ups_leave_nothing_saved_restored_or_given_up() {
    let (vault, saved) = (Vault::new(), set_up());
    leaves_nothing(&vault, || {
        let limits = Limits::default();
        let restore = |saved: &SavedFlow| {
            SetUp::from_saved(saved, USER.into(), DEVICE.into(), BackupOptions::default(), limits)
        };
        let mut flow = restore(&saved).unwrap();
        let Step::Save(again) = flow.next_with_rng(1, &mut FixedRng([5; 32])) else { panic!() };
        assert!(again.secret == saved.secret);
        drop(restore(&again).unwrap());
        drop(flow.into_backup());
        drop(work(&mut restore(&saved).unwrap(), &[], Vec::new()));
        let secrets = vec![stored(&vault)];
        let mut first = SetUp::bootstrap(machine(), new_key(), secrets, limits);
        let _ = work(&mut first, &[], Vec::new()).unwrap().unwrap_err();
    });
}

#[test]
fn recoveries_leave_nothing_whatever_is_entered() {
    let vault = Vault::new();
    let account_data = secret_storage(&vault);
    let malformed = vault.malformed_recovery_keys();
    let other = format!("{TOKEN}\u{e9}");
    let mut recovered = 0;
    leaves_nothing(&vault, || {
        let flow =
            || Recover::new(machine(), VerifiedPublicKeys::none(USER.into()), Limits::default());
        for typed in [vault.recovery_key.as_str(), TOKEN] {
            let all = [typed, &other, malformed[0].as_str(), malformed.last().unwrap(), ""];
            recovered += usize::from(work(&mut flow(), &account_data, all.to_vec()).is_some());
        }
        assert!(work(&mut flow(), &account_data, vec![&other]).is_none());
        let mut given_up = flow();
        given_up.unlocked(vec![new_key().key().clone()], 0);
        drop(given_up.into_backup());
        let mut given = flow();
        given.unlocked(vec![new_key().key().clone()], 0);
        drop(work(&mut given, &account_data, Vec::new()));
    });
    assert_eq!(recovered, 2);
}

#[test]
fn flows_that_ask_other_devices_leave_nothing() {
    let (vault, saved) = (Vault::new(), requester().save());
    let ids: Vec<_> = requester_of(&saved).requests().map(|(id, ..)| id.clone()).collect();
    let answers: Vec<_> =
        ids.iter().map(|id| (id, answer(id.as_str(), &vault.key_base64))).collect();
    leaves_nothing(&vault, || {
        let flow = || {
            let (names, verified) =
                (vec![MEGOLM_BACKUP_V1.into()], VerifiedPublicKeys::none(USER.into()));
            let devices = seen_by_the_phone();
            ShareIn::new(
                machine(),
                requester_of(&saved),
                devices,
                names,
                verified,
                Limits::default(),
            )
        };
        let mut asking = flow();
        assert!(
            work(&mut asking, &[], Vec::new()).is_some(),
            "an answer that was kept is the backup's key"
        );
        let mut given_up = flow();
        given_up.give_up();
        assert!(work(&mut given_up, &[], Vec::new()).is_some());
        let mut asking = flow();
        for (id, answer) in &answers {
            drop(format!("{:?}", asking.received(answer, 1)));
            drop(format!("{:?}", asking.accept_unproven(id, &"LAPTOP".into(), 1)));
        }
        drop(asking.into_parts());
    });
}
