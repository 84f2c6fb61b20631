//! A planted key becomes authentic on its way: through a plan, a repair, a set-up, another device, a text or the hands of
//! a host.
//!
//! Reproductions `repair_launder`, `planted` and `misuse` (2).

use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::json;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustError, TrustedBackup},
    client::{
        backup::{Backup, BackupOptions, KeyFit, Question, SavedBackup, Stage},
        diagnose::{Evidence, Remedy, RepairError, RepairParts, RepairPlan, diagnose},
        flow::{Flow as _, FlowError, SetUp, Step},
    },
    crypto::{ed25519::Ed25519Seed, key_material::KeyMaterial},
    ids::SecretName,
    provenance::Provenance,
    recovery_key::RecoveryKey,
    saved_state::SavedStateError,
    secret::{SecretBytes, SecretVec},
    secret_sharing::{
        DecryptedToDevice, DeviceIdentity, IncomingRequest, OwnDevice, OwnDevices, Receipt,
        Requester, Responder, ResponderError, SECRET_REQUEST, SECRET_SEND, SharePolicy,
        ToDeviceEvent,
    },
    secret_storage::{
        ChangeError, NewKey, OpenedSecret, SecretStorage, SecretStorageKey, VerifiedPublicKeys,
    },
    secret_value::{PublicKeys, SecretValue},
};

use crate::{
    driver::Driver,
    house::{
        BACKUP, Events, USER, after, auth_data, event, info, label, master, planted, public,
        signed, signer, storage,
    },
};

/// An account of 2019 beside one of today, and what a homeserver has planted there: its own backup key, and its own
/// backup.
struct Planted {
    events: Events,
    storage: SecretStorage,
    /// The keys that the user's client has: today's, and the asymmetric one.
    keys: Vec<SecretStorageKey>,
    today: NewKey,
    servers: BackupDecryptionKey,
    info: BackupVersionInfo,
}

impl Planted {
    fn new() -> Self {
        let today = NewKey::generate(None).unwrap();
        let old = RecoveryKey::generate().unwrap();
        let public_key =
            *BackupDecryptionKey::from_bytes(old.as_secret().clone()).public_key().as_curve25519();
        let plan = SecretStorage::default().plan(&[], &Limits::default(), |it| it.create(&today));
        let mut events = after(&Events::new(), &plan.unwrap());
        let description = json!({
            "algorithm": "m.secret_storage.v1.curve25519-aes-sha2",
            "pubkey": public_key.to_base64(),
        });
        events.push(event("m.secret_storage.key.old", &description));
        let servers = BackupDecryptionKey::generate().unwrap();
        let text = servers.to_base64();
        events.push(event(BACKUP, &planted(text.expose_str(), "old", &public_key)));
        let storage = storage(&events);
        let old = storage.key(&"old".into()).unwrap().accept(&KeyMaterial::from(old.as_secret()));
        let keys = vec![today.key().clone(), old.unwrap()];
        let info = info(&auth_data(&servers));
        Self { events, storage, keys, today, servers, info }
    }

    fn opened(&self) -> OpenedSecret {
        let mut keys = self.keys.clone();
        self.storage.open(&BACKUP.into(), &mut keys, &PublicKeys::default()).unwrap()
    }

    /// Whether the planted key makes the homeserver's backup trusted, if it is read from these events with these keys.
    fn is_laundered(&self, events: &Events, keys: &[SecretStorageKey]) -> bool {
        let storage = storage(events);
        let mut keys = keys.to_vec();
        let opened = storage.open(&BACKUP.into(), &mut keys, &PublicKeys::default());
        let key = opened.ok().and_then(|opened| opened.backup_key());
        key.is_some_and(|key| {
            key.public_key() == self.servers.public_key()
                && TrustedBackup::by_decryption_key(&self.info, &key, &[]).is_ok()
        })
    }
}

#[test]
fn every_way_from_a_planted_secret_to_a_key_makes_nothing_trusted() {
    let planted = Planted::new();
    let opened = planted.opened();
    let value = opened.value().unwrap().value;
    assert_eq!(value.provenance(), Provenance::Unauthenticated);
    let text = value.to_text();
    let key = opened.backup_key().unwrap();
    let recovery_text = key.to_recovery_key().to_text();
    let read = |name: &str| SecretValue::read(&name.into(), text.expose_str().as_bytes());
    let ways = [
        key.clone(),
        value.backup_key().unwrap(),
        value.clone().backup_key().unwrap(),
        read(BACKUP).unwrap().value.backup_key().unwrap(),
        read("m.megolm_backup.v1.recovery_key").unwrap().value.backup_key().unwrap(),
        BackupDecryptionKey::from_base64(text.expose_str()).unwrap(),
        BackupDecryptionKey::from_recovery_key(key.to_recovery_key()),
        BackupDecryptionKey::from_recovery_key(
            RecoveryKey::parse(recovery_text.expose_str()).unwrap(),
        ),
        BackupDecryptionKey::from_bytes(key.to_recovery_key().into_bytes()),
    ];
    for key in ways {
        let error = TrustedBackup::by_decryption_key(&planted.info, &key, &[]).unwrap_err();
        assert_eq!(error, TrustError::UnauthenticatedSource);
    }
    let none = VerifiedPublicKeys::none(USER.into());
    assert_eq!(none.vouch(value.clone()).provenance(), Provenance::Unauthenticated);
    let mut pinned = none;
    pinned.pin_backup(*planted.servers.public_key().as_curve25519());
    assert_eq!(pinned.vouch(value).provenance(), Provenance::VerifiedPublicKey);
}

#[test]
fn no_plan_stores_a_planted_secret_where_it_counts_as_authentic() {
    let planted = Planted::new();
    let value = planted.opened().value().unwrap().value;
    let unauthenticated = ChangeError::Unauthenticated(BACKUP.into());
    let (id, limits) = (planted.today.id().clone(), Limits::default());
    let stored = planted.storage.plan(&planted.keys, &limits, |change| change.store(&value));
    assert_eq!(stored.unwrap_err(), unauthenticated);
    let stored = planted.storage.plan(&planted.keys, &limits, |change| {
        change.store_under(&value, std::slice::from_ref(&id))
    });
    assert_eq!(stored.unwrap_err(), unauthenticated);
    let another = NewKey::generate(None).unwrap();
    let nobody = VerifiedPublicKeys::none(USER.into());
    let plans = [
        planted.storage.plan(&planted.keys, &limits, |change| change.add_key(&another)),
        planted.storage.plan(&planted.keys, &limits, |change| change.create(&another)),
        planted.storage.plan(&planted.keys, &limits, |change| change.rotate(&id, &another)),
        planted
            .storage
            .plan(&planted.keys, &limits, |change| change.rotate(&"old".into(), &another)),
        planted
            .storage
            .plan(&planted.keys, &limits, |change| change.migrate(&another, &nobody, &[])),
        planted.storage.plan(&planted.keys, &limits, |change| {
            change.believe(&nobody, &[]);
            change.migrate(&another, &nobody, &[])?;
            change.add_key(&another)
        }),
    ];
    let mut keys = planted.keys.clone();
    keys.push(another.key().clone());
    for plan in plans {
        let plan = plan.unwrap();
        assert!(!planted.is_laundered(&after(&planted.events, &plan), &keys), "{plan}");
    }
    // The user may accept it by its name, and a pinned public key may vouch for it.
    let accepted = planted.storage.plan(&planted.keys, &limits, |change| {
        change.store(&value.clone().accept_unauthenticated())
    });
    assert!(planted.is_laundered(&after(&planted.events, &accepted.unwrap()), &keys));
}

/// All orders of the remedies that a diagnosis has, with what the host has opened as its own secrets.
#[test]
fn no_order_of_repairs_stores_a_planted_secret_where_it_counts_as_authentic() {
    let planted = Planted::new();
    let opened = planted.opened().value().unwrap().value;
    let mut repaired = 0;
    let mut queue = vec![(planted.events.clone(), planted.keys.clone(), 0)];
    while let Some((events, keys, depth)) = queue.pop() {
        let mut evidence = Evidence::new(USER.into());
        evidence.storage = Some(storage(&events));
        evidence.take_current_backup(Some(planted.info.clone()));
        evidence.storage_keys = keys.clone();
        let diagnosis = diagnose(&evidence, None, &Limits::default());
        for remedy in diagnosis.remedies().iter().filter(|it| it.is_repairable()) {
            let mut parts = RepairParts::default();
            parts.secrets = vec![opened.clone()];
            let new_key = NewKey::generate(None).unwrap();
            parts.new_key = Some(new_key.clone());
            let rng = &mut StdRng::seed_from_u64(1);
            match diagnosis.repair(remedy, &parts, rng) {
                Ok(RepairPlan::AccountData(plan)) => {
                    repaired += 1;
                    let events = after(&events, &plan);
                    let mut keys = keys.clone();
                    keys.push(new_key.key().clone());
                    assert!(!planted.is_laundered(&events, &keys), "{remedy:?}: {plan}");
                    if depth < 2 && !plan.steps().is_empty() {
                        queue.push((events, keys, depth + 1));
                    }
                }
                Ok(RepairPlan::Sign(..)) => panic!("the homeserver's backup is signed"),
                Ok(_) => {}
                Err(error) => {
                    let is_store = matches!(remedy, Remedy::StoreSecret(_));
                    let is_refused = matches!(
                        error,
                        RepairError::Change(ChangeError::Unauthenticated(_))
                            | RepairError::NoValue(_)
                    );
                    assert!(!is_store || is_refused, "{error:?}");
                }
            }
        }
    }
    assert!(repaired > 0);
}

#[test]
fn a_set_up_stores_no_planted_secret_over_a_restart_either() {
    let planted = Planted::new();
    let value = planted.opened().value().unwrap().value;
    let name = SecretName::from("m.cross_signing.master");
    let seed = SecretValue::read(&name, value.to_text().expose_str().as_bytes()).unwrap().value;
    for restarts in [false, true] {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let backup = Backup::new(USER.into(), "PHONE".into(), options, limits);
        let key = NewKey::generate(None).unwrap();
        let mut flow = SetUp::bootstrap(backup, key, vec![seed.clone()], limits);
        let mut driver = Driver::new();
        let (mut error, mut saves) = (None, 0);
        for _ in 0..200 {
            driver.now += 1_000;
            match flow.next_with_rng(driver.now, &mut driver.rng) {
                Step::Save(saved) if restarts => {
                    let (options, limits) = (BackupOptions::default(), Limits::default());
                    flow.saved();
                    let user = USER.into();
                    saves += 1;
                    if u32::is_power_of_two(saves) {
                        flow = SetUp::from_saved(&saved, user, "PHONE".into(), options, limits)
                            .unwrap();
                    }
                }
                Step::Save(_) => flow.saved(),
                Step::ReadAccountData => flow.account_data(Vec::new()),
                Step::Sign(id, _) => flow.signed(id, &[]).unwrap(),
                Step::ShowRecoveryKey(_) => flow.recovery_key_saved(),
                Step::Send(operation) => {
                    let answer = driver.exchange(&operation);
                    flow.answer(operation.id(), Some(answer), driver.now).unwrap();
                }
                Step::Wait(until) => driver.now = until.unwrap_or(driver.now),
                Step::Done(done) => {
                    error = done.err();
                    break;
                }
                _ => {}
            }
        }
        let expected = FlowError::Change(ChangeError::Unauthenticated(name.clone()));
        assert_eq!(error, Some(expected), "restarts: {restarts}");
    }
}

fn device(id: &str, byte: u8) -> OwnDevice {
    let bytes = || SecretBytes::init_with(|bytes| *bytes = [byte; 32]);
    let identity = DeviceIdentity {
        device_id: id.into(),
        curve25519: *BackupDecryptionKey::from_bytes(bytes()).public_key().as_curve25519(),
        ed25519: Ed25519Seed::from_bytes(bytes()).public_key(),
    };
    OwnDevice { identity, verified: true, blocked: false, dehydrated: false }
}

/// The device that gets it would take it on this one's word.
#[test]
fn a_planted_secret_is_shared_with_no_other_device() {
    let (phone, laptop) = (device("PHONE", 1), device("LAPTOP", 2));
    let seen_by_phone =
        OwnDevices::new(USER.into(), phone.identity.clone()).with_device(laptop.clone());
    let seen_by_laptop = OwnDevices::new(USER.into(), laptop.identity).with_device(phone);
    let mut requester = Requester::new(USER.into(), "PHONE".into());
    let asked = requester.request(BACKUP.into(), None, &seen_by_phone, 0).unwrap();
    let event = ToDeviceEvent {
        sender: USER.into(),
        event_type: SECRET_REQUEST.into(),
        content: asked.content(),
    };
    let policy = SharePolicy::without_questions();
    let mut responder = Responder::new(USER.into(), "LAPTOP".into(), policy);
    let decision = responder.receive(&event, &seen_by_laptop, &Limits::default(), 0);
    let incoming: IncomingRequest = match decision {
        strongroom::secret_sharing::Decision::Share(incoming) => incoming,
        other => panic!("{other:?}"),
    };
    let value = Planted::new().opened().value().unwrap().value;
    let refused = responder.take(&incoming, &value, &seen_by_laptop, 0).unwrap_err();
    assert_eq!(refused, ResponderError::Unauthenticated);
    let own = SecretValue::kept_by_host(&BACKUP.into(), value.to_text().expose_str().as_bytes());
    assert!(responder.take(&incoming, &own.unwrap().value, &seen_by_laptop, 0).is_ok());
}

#[test]
fn a_machine_says_that_a_planted_key_fits_and_trusts_nothing() {
    let planted = Planted::new();
    let mut phone = Driver::new();
    phone.plant(&planted.servers.public_key().to_base64());
    phone.run();
    let fit = phone.machine.give_key(planted.opened().backup_key().unwrap());
    assert_eq!(fit, KeyFit::FitsUnauthenticated);
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Untrusted);
    // The reason is that of the key, though no signature is there either.
    let Question::Use { found, .. } = phone.question() else { panic!() };
    assert_eq!(found.problem, Some(TrustError::UnauthenticatedSource));
    phone.restart();
    assert!(phone.machine.trusted().is_none());
    assert!(!phone.machine.secret_is_due(), "it goes to no storage");
    let accepted = planted.opened().backup_key().unwrap().accept_unauthenticated();
    assert_eq!(phone.machine.give_key(accepted), KeyFit::Fits);
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
}

#[test]
fn a_planted_key_of_a_backup_that_the_user_signed_is_the_users() {
    let planted = Planted::new();
    let mut phone = Driver::new();
    let by_master = signed(&auth_data(&planted.servers), &master(), &label(&master()));
    let body = json!({ "algorithm": crate::house::ALGORITHM, "auth_data": by_master });
    assert_eq!(phone.ask_server("POST", "/room_keys/version", &body).0, 200);
    phone.machine.set_signers(vec![signer(&master())]);
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running, "{}", public(&master()));
    let fit = phone.machine.give_key(planted.opened().backup_key().unwrap());
    assert_eq!(fit, KeyFit::FitsUnauthenticated);
    // It is stored where it is missing: its public key is vouched for.
    phone.machine.secret_found(None);
    phone.live(60_000);
    let Some(Some(secret)) = phone.secrets.last() else { panic!("{:?}", phone.secrets) };
    assert_eq!(secret.provenance(), Provenance::VerifiedPublicKey);
}

/// Provenance stands in the secret part, with the key.
#[test]
fn a_restart_changes_no_provenance() {
    let planted = Planted::new();
    let mut phone = Driver::new();
    phone.plant(&planted.servers.public_key().to_base64());
    phone.run();
    phone.machine.give_key(planted.opened().backup_key().unwrap());
    for _ in 0..3 {
        let saved: SavedBackup = phone.machine.save();
        phone.disk = saved;
        phone.reload("PHONE");
        phone.live(60_000);
        assert_eq!(phone.machine.stage(), Stage::Untrusted);
    }
}

/// What the user accepts is what stands under that name, and not what a draft of 2019 called so.
#[test]
fn a_secret_that_is_accepted_brings_no_other_with_it() {
    let Planted { events, keys, .. } = Planted::new();
    let old =
        BackupDecryptionKey::from_bytes(SecretBytes::from_slice(keys[1].expose_bytes()).unwrap());
    let draft = BackupDecryptionKey::generate().unwrap();
    let name = "m.megolm_backup.v1.recovery_key";
    let mut events = events;
    events.push(event(
        name,
        &planted(draft.to_base64().expose_str(), "old", old.public_key().as_curve25519()),
    ));
    events.push(event("m.secret_storage.default_key", &json!({ "key": "old" })));
    let storage = storage(&events);
    let (new_key, accepted) = (NewKey::generate(None).unwrap(), [SecretName::from(BACKUP)]);
    let plan = storage.plan(&keys, &Limits::default(), |change| {
        change.believe(&VerifiedPublicKeys::none(USER.into()), &accepted);
        change.create(&new_key)
    });
    let moved: Vec<_> = plan.unwrap().steps().iter().map(|step| step.event_type.clone()).collect();
    assert!(!moved.contains(&name.into()), "{moved:?}");
}

/// A device can be blocked tomorrow, and nobody would know of whom a third device has its key. So each device hands on
/// only what does not rest on another one.
#[test]
fn what_a_device_has_shared_is_shared_with_no_other() {
    let (phone, laptop, tablet) = (device("PHONE", 1), device("LAPTOP", 2), device("TABLET", 3));
    let seen = |tablet: OwnDevice| {
        let own = OwnDevices::new(USER.into(), laptop.identity.clone());
        own.with_device(phone.clone()).with_device(tablet)
    };
    let content = json!({
        "action": "request", "name": BACKUP, "request_id": "1", "requesting_device_id": "PHONE",
    });
    let event = ToDeviceEvent {
        sender: USER.into(),
        event_type: SECRET_REQUEST.into(),
        content: event("x", &content).1,
    };
    let policy = SharePolicy::without_questions();
    let mut responder = Responder::new(USER.into(), "LAPTOP".into(), policy);
    let decision = responder.receive(&event, &seen(tablet.clone()), &Limits::default(), 0);
    let strongroom::secret_sharing::Decision::Share(incoming) = decision else {
        panic!("{decision:?}")
    };
    let mut requester = Requester::new(USER.into(), "LAPTOP".into());
    let devices = seen(tablet.clone());
    let asked = requester.request(BACKUP.into(), None, &devices, 0).unwrap();
    let key = BackupDecryptionKey::generate().unwrap();
    let (id, text) = (asked.request().request_id.as_str(), key.to_base64());
    let content = json!({ "request_id": id, "secret": text.expose_str() }).to_string();
    let DeviceIdentity { curve25519, ed25519, .. } = tablet.identity;
    let content = SecretVec::from(content.as_bytes());
    let user = USER.into();
    let sent =
        DecryptedToDevice::from_checked_parts(user, curve25519, ed25519, SECRET_SEND, content);
    let mut public_keys = PublicKeys::default();
    public_keys.backup = Some(*key.public_key().as_curve25519());
    let receipt = requester.receive(&sent, &devices, &public_keys, &Limits::default(), 1);
    let Receipt::Accepted(accepted) = receipt else { panic!("{receipt:?}") };
    let value = accepted.secret.value.clone();
    let blocked = OwnDevice { blocked: true, ..tablet.clone() };
    let refused = responder.take(&incoming, &value, &seen(blocked), 0).unwrap_err();
    assert_eq!(refused, ResponderError::OnlyDevice);
    let refused = responder.take(&incoming, &value, &seen(tablet.clone()), 0).unwrap_err();
    assert_eq!(refused, ResponderError::OnlyDevice);
    // What belongs to a public key that is the user's for sure is the user's, whoever sent it.
    let mut verified = VerifiedPublicKeys::none(USER.into());
    verified.pin_backup(*key.public_key().as_curve25519());
    let value = verified.vouch(value);
    assert!(responder.take(&incoming, &value, &seen(tablet), 0).is_ok());
}

/// A host with a store of its own need not assert anything of what it keeps there.
#[test]
fn what_a_host_keeps_in_a_store_of_its_own_keeps_its_provenance() {
    let planted = Planted::new();
    let (user, phone) = (USER.into(), "PHONE".into());
    let bytes = || SecretBytes::init_with(|bytes| bytes.fill(3));
    let of_server = planted.opened().value().unwrap().value;
    let keys = [
        BackupDecryptionKey::generate().unwrap(),
        BackupDecryptionKey::typed_by_user(bytes()),
        BackupDecryptionKey::shared_by_verified_device(bytes(), public(&master())),
        BackupDecryptionKey::from_bytes(bytes()),
        of_server.backup_key().unwrap(),
    ];
    let note = SecretValue::kept_by_host(&"org.example.note".into(), "a \"n\u{f6}te\"".as_bytes());
    let secrets = keys.iter().map(BackupDecryptionKey::to_secret).chain([note.unwrap().value]);
    for secret in secrets {
        let saved = secret.save(&user, &phone);
        let restored = SecretValue::from_saved(&saved, &user, &phone).unwrap();
        assert_eq!((&restored, restored.provenance()), (&secret, secret.provenance()));
        let others = SecretValue::from_saved(&saved, &user, &"TABLET".into());
        assert_eq!(others.unwrap_err(), SavedStateError::OtherAccount);
        let text = str::from_utf8(saved.expose_bytes()).unwrap();
        for (from, to) in [("provenance", "provinance"), ("secret value", "set up"), ("{", "[")] {
            let changed = SecretVec::from(text.replacen(from, to, 1).as_bytes());
            assert!(SecretValue::from_saved(&changed, &user, &phone).is_err(), "{from}");
        }
    }
}
