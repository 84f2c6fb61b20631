//! What a device vouches for ends with the device: nothing on the way makes it the user's for good.

use ed25519_dalek::SigningKey;
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, QueriedKeys},
    backup::{BackupDecryptionKey, TrustError, UnsignedAuthData},
    client::{
        backup::{KeyFit, Question, Reply, Stage},
        diagnose::{Evidence, Remedy, RepairError, RepairParts, RepairPlan, diagnose},
        flow::{Flow as _, ShareIn, SharedIn, Step},
    },
    crypto::curve25519::Curve25519PublicKey,
    ids::{KeyId, SecretName},
    provenance::Provenance,
    secret::{SecretBytes, SecretVec},
    secret_sharing::{
        DecryptedToDevice, DeviceIdentity, OwnDevice, OwnDevices, Receipt, Requester, SECRET_SEND,
    },
    secret_storage::{NewKey, VerifiedPublicKeys},
    secret_value::{PublicKeys, SecretValue},
    signed_json::TrustedSigner,
};

use crate::{
    driver::Driver,
    house::{
        ALGORITHM, BACKUP, USER, auth_data, event, info, label, master, planted, public, signed,
        signer, storage,
    },
};

/// A device that the user has verified once, and that somebody else has now.
fn taken_over() -> SigningKey {
    SigningKey::from_bytes(&[90; 32])
}

fn its_label() -> KeyId {
    KeyId::new("ed25519:TAKEN")
}

fn its_signer() -> TrustedSigner {
    TrustedSigner::new(its_label(), public(&taken_over()))
}

fn bytes(key: &BackupDecryptionKey) -> SecretBytes<32> {
    SecretBytes::from_slice(key.to_recovery_key().as_secret().expose_bytes()).unwrap()
}

fn shared(key: &BackupDecryptionKey) -> BackupDecryptionKey {
    BackupDecryptionKey::shared_by_verified_device(bytes(key), public(&taken_over()))
}

/// What a homeserver shows of the user's keys: the device, signed when the user trusted it, is still there.
fn keys() -> QueriedKeys {
    let self_signing = SigningKey::from_bytes(&[51; 32]);
    let cross_signing = |usage: &str, key: &SigningKey| {
        json!({
            "user_id": USER, "usage": [usage],
            "keys": { (label(key).as_str()): public(key).to_base64() },
        })
    };
    let device = json!({
        "user_id": USER, "device_id": "TAKEN", "algorithms": [],
        "keys": { "ed25519:TAKEN": public(&taken_over()).to_base64() },
    });
    let device = signed(&device, &taken_over(), &its_label());
    let own = cross_signing("self_signing", &self_signing);
    let body = json!({
        "master_keys": { USER: cross_signing("master", &master()) },
        "self_signing_keys": { USER: signed(&own, &master(), &label(&master())) },
        "device_keys": { USER: {
            "TAKEN": signed(&device, &self_signing, &label(&self_signing)),
        } },
    });
    let response = http::Response::new(body.to_string().into_bytes());
    let keys = api::query_keys([], None).read_response(&response, &Limits::default()).unwrap();
    assert_eq!(keys.unusable.len(), 0, "{:?}", keys.unusable);
    keys
}

fn evidence(auth_data: &Value) -> Evidence {
    let mut evidence = Evidence::new(USER.into());
    evidence.master_key = Some(public(&master()));
    evidence.keys = Some(keys());
    evidence.take_current_backup(Some(info(auth_data)));
    evidence
}

fn sign(evidence: &Evidence) -> Result<RepairPlan, RepairError> {
    let diagnosis = diagnose(evidence, None, &Limits::default());
    let rng = &mut StdRng::seed_from_u64(1);
    diagnosis.repair(&Remedy::SignBackup("5".into()), &RepairParts::default(), rng)
}

#[test]
fn the_user_signs_no_backup_on_the_word_of_a_device_that_the_host_does_not_trust() {
    let theirs = BackupDecryptionKey::generate().unwrap();
    let mut by_device = signed(&auth_data(&theirs), &taken_over(), &its_label());
    by_device["signatures"][USER]["ed25519:X"] = "so that there is something to mend".into();
    let mut evidence = evidence(&by_device);
    assert!(matches!(sign(&evidence), Err(RepairError::NotTrusted)));
    evidence.backup_key = Some(shared(&theirs));
    assert!(matches!(sign(&evidence), Err(RepairError::NotTrusted)));
    // While the host trusts it, the backup may be used. A signature of the master key would outlive that.
    evidence.signers = vec![its_signer()];
    assert!(matches!(sign(&evidence), Err(RepairError::OnlyDevices)));
    evidence.backup_key = Some(BackupDecryptionKey::typed_by_user(bytes(&theirs)));
    assert!(matches!(sign(&evidence), Ok(RepairPlan::Sign(..))));
}

/// A backup that nobody has signed, whose key a verified device has shared.
#[test]
fn the_word_of_a_device_becomes_no_signature_of_the_master_key() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut evidence = evidence(&auth_data(&key));
    evidence.signers = vec![its_signer()];
    evidence.backup_key = Some(shared(&key));
    let diagnosis = diagnose(&evidence, None, &Limits::default());
    assert!(diagnosis.remedies().contains(&Remedy::SignBackup("5".into())));
    assert!(matches!(sign(&evidence), Err(RepairError::OnlyDevices)));
    // Nor does it for a backup that the user would make with its key.
    assert_eq!(UnsignedAuthData::new(&shared(&key)).unwrap_err(), TrustError::OnlyDevice);
}

#[test]
fn a_migration_moves_no_planted_key_on_the_word_of_such_a_device() {
    let theirs = BackupDecryptionKey::generate().unwrap();
    let old = BackupDecryptionKey::generate().unwrap();
    let material = strongroom::crypto::key_material::KeyMaterial::from(&bytes(&old));
    let description = json!({
        "algorithm": "m.secret_storage.v1.curve25519-aes-sha2",
        "pubkey": old.public_key().to_base64(),
    });
    let text = theirs.to_base64();
    let events = vec![
        event("m.secret_storage.default_key", &json!({ "key": "old" })),
        event("m.secret_storage.key.old", &description),
        event(BACKUP, &planted(text.expose_str(), "old", old.public_key().as_curve25519())),
    ];
    let mut evidence = evidence(&signed(&auth_data(&theirs), &taken_over(), &its_label()));
    let storage = storage(&events);
    evidence.storage_keys = vec![storage.key(&"old".into()).unwrap().accept(&material).unwrap()];
    evidence.storage = Some(storage);
    for signers in [Vec::new(), vec![its_signer()]] {
        evidence.signers = signers;
        let diagnosis = diagnose(&evidence, None, &Limits::default());
        let mut parts = RepairParts::default();
        parts.new_key = Some(NewKey::generate(None).unwrap());
        let plan = diagnosis.repair(&Remedy::Migrate, &parts, &mut StdRng::seed_from_u64(1));
        let Ok(RepairPlan::AccountData(plan)) = plan else { panic!("no plan") };
        let is_moved = plan.steps().iter().any(|step| step.event_type.as_str() == BACKUP);
        assert!(!is_moved, "in the storage it would count for good");
    }
}

/// A phone that uses the backup of this key, which these keys have signed.
fn phone(key: &BackupDecryptionKey, signers: &[(&SigningKey, KeyId)]) -> Driver {
    let mut phone = Driver::new();
    let mut auth_data = auth_data(key);
    for (key, id) in signers {
        auth_data = signed(&auth_data, key, id);
    }
    let body = json!({ "algorithm": ALGORITHM, "auth_data": auth_data });
    assert_eq!(phone.ask_server("POST", "/room_keys/version", &body).0, 200);
    phone
}

#[test]
fn before_the_host_says_who_is_trusted_a_shared_key_trusts_nothing() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut phone = phone(&key, &[]);
    phone.machine.set_signers(Vec::new());
    phone.run();
    assert_eq!(phone.machine.give_key(shared(&key)), KeyFit::FitsUnauthenticated);
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Untrusted);
    phone.restart();
    assert_eq!(phone.machine.stage(), Stage::Untrusted);
    // The user can say that it is the right one all the same.
    assert_eq!(phone.machine.give_key(shared(&key).accept_unauthenticated()), KeyFit::Fits);
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
}

/// In the storage it would count as the user's for good.
#[test]
fn a_key_that_only_a_device_vouches_for_is_not_written_to_the_secret_storage() {
    let key = BackupDecryptionKey::generate().unwrap();
    for (is_signed, key_at_hand) in
        [(false, shared(&key)), (true, key.clone()), (true, shared(&key))]
    {
        let by_device = [(&taken_over(), its_label())];
        let mut phone = phone(&key, if is_signed { &by_device } else { &[] });
        phone.machine.set_signers(vec![its_signer()]);
        let unauthenticated = BackupDecryptionKey::from_bytes(bytes(&key_at_hand));
        let is_shared = key_at_hand.provenance() != Provenance::Generated;
        phone.machine.give_key(if is_shared { key_at_hand } else { unauthenticated });
        phone.run();
        assert_eq!(phone.machine.stage(), Stage::Running);
        phone.machine.secret_found(None);
        phone.live(60_000);
        assert!(phone.secrets.is_empty(), "{:?}", phone.secrets);
        // The master key is the user's, whatever becomes of devices.
        phone.machine.give_key(BackupDecryptionKey::typed_by_user(bytes(&key)));
        phone.live(7_200_000);
        assert!(matches!(phone.secrets.first(), Some(Some(_))));
    }
}

/// A device can have any ID, and whoever calls the master key a device hears of it.
#[test]
fn a_device_that_is_called_by_its_key_is_a_device_all_the_same() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut phone = phone(&key, &[(&taken_over(), label(&taken_over()))]);
    for id in [label(&taken_over()), its_label()] {
        phone.machine.set_signers(vec![TrustedSigner::new(id, public(&taken_over()))]);
        phone.machine.give_key(BackupDecryptionKey::from_bytes(bytes(&key)));
        phone.run();
        assert_eq!(phone.machine.stage(), Stage::Running);
        phone.machine.secret_found(None);
        phone.live(60_000);
        assert!(phone.secrets.is_empty(), "{:?}", phone.secrets);
        assert!(phone.machine.secret_is_withheld());
    }
    let declared = TrustedSigner::of_cross_signing_key(public(&taken_over()));
    phone.machine.set_signers(vec![declared]);
    assert!(!phone.machine.secret_is_withheld());
    phone.live(7_200_000);
    assert!(matches!(phone.secrets.first(), Some(Some(_))));
}

#[test]
fn a_copy_in_the_storage_does_not_bring_trust_back_by_itself() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut phone = phone(&key, &[(&taken_over(), its_label())]);
    phone.machine.set_signers(vec![its_signer()]);
    phone.run();
    phone.machine.set_signers(Vec::new());
    phone.run();
    let stored = BackupDecryptionKey::from_authenticated_secret_storage(bytes(&key));
    assert_eq!(phone.machine.give_key(stored), KeyFit::Fits);
    phone.live(7_200_000);
    assert_eq!(phone.machine.stage(), Stage::Changed);
    phone.restart();
    phone.machine.set_signers(Vec::new());
    phone.live(7_200_000);
    assert_eq!(phone.machine.stage(), Stage::Changed);
    let mut questions = phone.machine.open_questions();
    let question = questions.find(|(_, question)| matches!(question, Question::Changed { .. }));
    let (id, question) = question.unwrap();
    let Question::Changed { found: Some(found), .. } = question else { panic!("{question:?}") };
    assert_eq!(found.problem, None, "the user may say that it is right");
    drop(questions);
    phone.machine.reply(id, Reply::Use).unwrap();
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
}

#[test]
fn a_better_key_takes_the_place_of_a_worse_one_and_not_the_other_way_round() {
    let key = BackupDecryptionKey::generate().unwrap();
    let typed = || BackupDecryptionKey::typed_by_user(bytes(&key));
    let planted = || BackupDecryptionKey::from_bytes(bytes(&key));
    for given in [
        vec![typed(), shared(&key), planted()],
        vec![shared(&key), typed(), planted()],
        vec![planted(), shared(&key), typed()],
    ] {
        // Before a backup is known, and after.
        for is_known in [false, true] {
            let mut phone = phone(&key, &[]);
            phone.machine.set_signers(vec![its_signer()]);
            if is_known {
                phone.run();
            }
            for key in &given {
                phone.machine.give_key(key.clone());
            }
            phone.run();
            assert_eq!(phone.machine.stage(), Stage::Running);
            phone.machine.set_signers(Vec::new());
            phone.live(60_000);
            assert_eq!(phone.machine.stage(), Stage::Running, "{given:?}, {is_known}");
        }
    }
    // A device that was hidden and is back: what it shared is still there.
    let mut hidden = phone(&key, &[]);
    hidden.machine.set_signers(vec![its_signer()]);
    hidden.machine.give_key(shared(&key));
    hidden.run();
    hidden.machine.set_signers(Vec::new());
    hidden.machine.give_key(planted());
    hidden.run();
    assert_eq!(hidden.machine.stage(), Stage::Changed);
    hidden.machine.set_signers(vec![its_signer()]);
    hidden.run();
    assert_eq!(hidden.machine.stage(), Stage::Running);
    let other = BackupDecryptionKey::from_bytes(SecretBytes::init_with(|it| *it = [66; 32]));
    let mut phone = phone(&key, &[]);
    phone.machine.give_key(other);
    phone.machine.give_key(typed());
    phone.run();
    assert!(phone.machine.has_key(), "the planted one kept nobody's place");
}

/// The same number, and another key that the user has signed once and that somebody else has now.
#[test]
fn the_key_of_a_version_is_not_exchanged_while_another_backup_is_made() {
    let (honest, stolen) =
        (BackupDecryptionKey::generate().unwrap(), BackupDecryptionKey::generate().unwrap());
    let by_master = [(&master(), label(&master()))];
    for restarts in [false, true] {
        for is_asked in [false, true] {
            let mut phone = phone(&honest, &by_master);
            phone.machine.set_signers(vec![signer(&master())]);
            phone.run();
            assert_eq!(phone.machine.stage(), Stage::Running);
            let theirs = signed(&auth_data(&stolen), &master(), &label(&master()));
            let shown = json!({
                "version": "1", "algorithm": ALGORITHM, "auth_data": theirs, "count": 0, "etag": "x",
            });
            let shown = shown.to_string();
            phone.lie = Some(Box::new(move |request, _| {
                let path = request.uri().path();
                match (request.method().as_str(), path.contains("/room_keys/")) {
                    ("GET", true) => Some(crate::driver::response(200, &shown)),
                    ("POST", true) => {
                        let refusal = r#"{"errcode":"M_FORBIDDEN","error":"no"}"#;
                        Some(crate::driver::response(403, refusal))
                    }
                    ("PUT", true) => {
                        let gone = r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","error":"","current_version":"1"}"#;
                        Some(crate::driver::response(403, gone))
                    }
                    _ => None,
                }
            }));
            if is_asked {
                phone.machine.look_again();
                phone.live(7_200_000);
                assert_eq!(phone.machine.stage(), Stage::Changed);
                let (id, _) = phone.machine.open_questions().next().unwrap();
                phone.machine.reply(id, Reply::Create).unwrap();
            } else {
                phone.machine.rotate();
            }
            phone.has_session();
            for _ in 0..20 {
                phone.live(600_000);
                if restarts {
                    phone.restart();
                    phone.machine.set_signers(vec![signer(&master())]);
                }
                let in_use = phone.machine.trusted().map(|backup| *backup.public_key());
                assert_ne!(in_use, Some(*stolen.public_key()), "{restarts}, {is_asked}");
            }
            assert!(!phone.machine.retired().contains(honest.public_key()));
            let is_told =
                phone.machine.open_questions().count() > 0 || !phone.not_created.is_empty();
            assert!(is_told, "{restarts}, {is_asked}");
        }
    }
}

/// A server that shows the version and refuses each upload as one to another version.
#[test]
fn uploads_that_go_nowhere_are_told() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut phone = phone(&key, &[(&master(), label(&master()))]);
    phone.machine.set_signers(vec![signer(&master())]);
    phone.run();
    phone.lie = crate::driver::lie_about("PUT /room_keys/keys", usize::MAX, || {
        let gone = r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","error":"","current_version":"1"}"#;
        crate::driver::response(403, gone)
    });
    phone.has_session();
    phone.live(86_400_000);
    assert!(!phone.not_stored.is_empty());
}

#[test]
fn a_preference_that_cannot_be_had_keeps_nobody_from_a_backup() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut phone = phone(&key, &[(&master(), label(&master()))]);
    phone.machine.set_signers(vec![signer(&master())]);
    phone.lie = crate::driver::lie_about("GET /user/", usize::MAX, || {
        crate::driver::response(500, r#"{"errcode":"M_UNKNOWN","error":""}"#)
    });
    phone.live(86_400_000);
    assert_eq!(phone.machine.stage(), Stage::Running);
}

#[test]
fn a_shared_key_says_why_it_trusts_nothing_any_more() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut phone = phone(&key, &[]);
    phone.machine.set_signers(vec![its_signer()]);
    phone.machine.give_key(shared(&key));
    phone.run();
    phone.machine.set_signers(Vec::new());
    phone.run();
    let (_, question) = phone.machine.open_questions().next().unwrap();
    let Question::Changed { found: Some(found), .. } = question else { panic!("{question:?}") };
    assert_eq!(found.problem, Some(TrustError::UnauthenticatedSource));
}

/// Everybody in a room can send what nobody can decrypt.
#[test]
fn a_member_of_a_room_does_not_decide_how_much_is_fetched() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut phone = phone(&key, &[(&master(), label(&master()))]);
    phone.machine.set_signers(vec![signer(&master())]);
    phone.machine.give_key(BackupDecryptionKey::typed_by_user(bytes(&key)));
    phone.run();
    phone.machine.undecryptable("!r".into(), "first".into(), phone.now);
    phone.run();
    let question = phone
        .machine
        .open_questions()
        .find_map(|(id, question)| matches!(question, Question::Restore { .. }).then_some(id));
    phone.machine.reply(question.unwrap(), Reply::RestoreSession).unwrap();
    for n in 0..10_100 {
        let session = format!("s{n}");
        phone.machine.undecryptable("!r".into(), session.as_str().into(), phone.now);
    }
    assert!((100..=102).contains(&phone.machine.dropped_wants()));
    let saved = String::from_utf8(phone.machine.save().public).unwrap();
    assert!(!saved.contains("everything") && !saved.contains("Everything"), "{saved}");
    for _ in 0..50 {
        let next = phone.machine.next_with_rng(phone.now, &mut phone.rng);
        phone.work(next);
    }
    let requests = phone.requests();
    let keys: Vec<_> =
        requests.iter().filter(|line| line.starts_with("GET /room_keys/keys")).collect();
    assert!(!keys.is_empty() && keys.iter().all(|line| line.contains("/keys/%21r/")), "{keys:?}");
}

/// The usual order after a restart: who is trusted, what the storage holds, and only then a look.
#[test]
fn no_stage_goes_round_the_question_about_lost_trust() {
    let key = BackupDecryptionKey::generate().unwrap();
    for stage in 0..3 {
        let mut phone = phone(&key, &[(&taken_over(), its_label())]);
        phone.machine.set_signers(vec![its_signer()]);
        phone.run();
        assert_eq!(phone.machine.stage(), Stage::Running);
        match stage {
            0 => phone.reload("PHONE"),
            1 => {
                phone.machine.set_signers(Vec::new());
                phone.run();
            }
            _ => phone.machine.rotate(),
        }
        phone.machine.set_signers(Vec::new());
        let stored = BackupDecryptionKey::from_authenticated_secret_storage(bytes(&key));
        phone.machine.give_key(stored);
        if stage == 1 {
            phone.lie = crate::driver::lie_about("POST /room_keys/version", usize::MAX, || {
                crate::driver::response(403, r#"{"errcode":"M_FORBIDDEN","error":"no"}"#)
            });
            phone.live(60_000);
            let (id, _) = phone.machine.open_questions().next().unwrap();
            phone.machine.reply(id, Reply::Create).unwrap();
        } else if stage == 2 {
            phone.machine.cancel_rotation();
        }
        phone.has_session();
        phone.requests();
        phone.live(7_200_000);
        let requests = phone.requests();
        let is_upload = |line: &String| line.starts_with("PUT /room_keys/keys");
        assert!(!requests.iter().any(is_upload), "{stage}: {requests:?}");
        assert_eq!(phone.machine.stage(), Stage::Changed, "{stage}");
    }
}

#[test]
fn a_plan_stores_nothing_that_only_a_device_vouches_for() {
    let (key, new_key) =
        (BackupDecryptionKey::generate().unwrap(), NewKey::generate(None).unwrap());
    let value = BackupDecryptionKey::typed_by_user(bytes(&key));
    let (typed, of_device) = (secret_of(&value), secret_of(&shared(&key)));
    let plan = |secret| {
        strongroom::secret_storage::SecretStorage::default().plan(&[], &Limits::default(), |it| {
            it.create(&new_key)?;
            it.store(secret)
        })
    };
    assert!(plan(&typed).is_ok());
    let refused = plan(&of_device).unwrap_err();
    assert_eq!(refused, strongroom::secret_storage::ChangeError::Unauthenticated(BACKUP.into()));
}

/// A key as a secret, through a machine that is asked to store it or through a device that has sent it.
fn secret_of(key: &BackupDecryptionKey) -> SecretValue {
    let text = key.to_base64();
    match key.provenance() {
        Provenance::SharedByVerifiedDevice(ed25519) => {
            let identity = |id: &str, ed25519| DeviceIdentity {
                device_id: id.into(),
                curve25519: *key.public_key().as_curve25519(),
                ed25519,
            };
            let own = identity("PHONE", public(&master()));
            let theirs = identity("TAKEN", ed25519);
            let theirs =
                OwnDevice { identity: theirs, verified: true, blocked: false, dehydrated: false };
            let own =
                DeviceIdentity { curve25519: Curve25519PublicKey::from_bytes([9; 32]), ..own };
            let devices = OwnDevices::new(USER.into(), own).with_device(theirs);
            let mut requester = Requester::new(USER.into(), "PHONE".into());
            let asked = requester.request(BACKUP.into(), None, &devices, 0).unwrap();
            let id = asked.request().request_id.as_str();
            let content = json!({ "request_id": id, "secret": text.expose_str() }).to_string();
            let sent = DecryptedToDevice::from_checked_parts(
                USER.into(),
                *key.public_key().as_curve25519(),
                ed25519,
                SECRET_SEND,
                SecretVec::from(content.as_bytes()),
            );
            let mut public_keys = PublicKeys::default();
            public_keys.backup = Some(*key.public_key().as_curve25519());
            match requester.receive(&sent, &devices, &public_keys, &Limits::default(), 1) {
                Receipt::Accepted(accepted) => accepted.secret.value.clone(),
                other => panic!("{other:?}"),
            }
        }
        _ => SecretValue::kept_by_host(&BACKUP.into(), text.expose_str().as_bytes()).unwrap().value,
    }
}

fn identity(id: &str, key: &SigningKey) -> DeviceIdentity {
    let bytes = SecretBytes::init_with(|bytes| *bytes = key.to_bytes());
    let curve25519 = *BackupDecryptionKey::from_bytes(bytes).public_key().as_curve25519();
    DeviceIdentity { device_id: id.into(), curve25519, ed25519: public(key) }
}

/// The phone's devices, while the one that was taken over is trusted, and when it is blocked.
fn own_devices(blocked: bool) -> OwnDevices {
    let identity_of_it = identity("TAKEN", &taken_over());
    let device = OwnDevice { identity: identity_of_it, verified: true, blocked, dehydrated: false };
    OwnDevices::new(USER.into(), identity("PHONE", &master())).with_device(device)
}

const NOTE: &str = "org.example.note";

/// A requester that has accepted the backup's key and a note from that device.
fn requester_with(key: &BackupDecryptionKey) -> Requester {
    let devices = own_devices(false);
    let mut requester = Requester::new(USER.into(), "PHONE".into());
    let mut public_keys = PublicKeys::default();
    public_keys.backup = Some(*key.public_key().as_curve25519());
    for name in [BACKUP, NOTE] {
        let asked = requester.request(name.into(), None, &devices, 0).unwrap();
        let id = asked.request().request_id.as_str();
        let content = json!({ "request_id": id, "secret": key.to_base64().expose_str() });
        let from = identity("TAKEN", &taken_over());
        let sent = DecryptedToDevice::from_checked_parts(
            USER.into(),
            from.curve25519,
            from.ed25519,
            SECRET_SEND,
            SecretVec::from(content.to_string().as_bytes()),
        );
        let receipt = requester.receive(&sent, &devices, &public_keys, &Limits::default(), 1);
        assert!(matches!(receipt, Receipt::Accepted(_)), "{receipt:?}");
    }
    requester
}

/// Lets the flow run until it waits for devices or ends.
fn share(flow: &mut ShareIn, phone: &mut Driver) -> Option<SharedIn> {
    for _ in 0..100 {
        match flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                let answer = phone.exchange(&operation);
                flow.answer(operation.id(), Some(answer), phone.now).unwrap();
            }
            Step::Wait(_) => return None,
            Step::Done(done) => return Some(*done),
            other => panic!("{other:?}"),
        }
    }
    panic!("it does not come to rest")
}

/// It sent them while it was trusted, and the host has not stored them yet.
#[test]
fn what_a_device_sent_before_it_was_blocked_is_not_taken_up() {
    let key = BackupDecryptionKey::generate().unwrap();
    let names: Vec<SecretName> = vec![BACKUP.into(), NOTE.into()];
    for restarts in [false, true] {
        let mut phone = phone(&key, &[]);
        let requester = requester_with(&key);
        assert_eq!(requester.received(&own_devices(false)).count(), 2);
        assert_eq!(requester.received(&own_devices(true)).count(), 0);
        let machine = std::mem::replace(&mut phone.machine, Driver::new().machine);
        let verified = VerifiedPublicKeys::none(USER.into());
        let (at_first, limits) = (own_devices(restarts), Limits::default());
        let mut flow = ShareIn::new(machine, requester, at_first, names.clone(), verified, limits);
        flow.set_devices(own_devices(true));
        let done = match share(&mut flow, &mut phone) {
            Some(done) => done,
            None => {
                flow.give_up();
                share(&mut flow, &mut phone).expect("the flow has ended")
            }
        };
        assert!(done.secrets.is_empty(), "{:?}", done.secrets);
        assert_eq!(done.missing, names);
        phone.machine = done.backup;
        phone.live(60_000);
        assert_ne!(phone.machine.stage(), Stage::Running);
    }
}

/// While it is trusted, they are.
#[test]
fn what_a_trusted_device_sent_before_a_restart_is_taken_up() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut phone = phone(&key, &[]);
    let machine = std::mem::replace(&mut phone.machine, Driver::new().machine);
    let names: Vec<SecretName> = vec![BACKUP.into(), NOTE.into()];
    let verified = VerifiedPublicKeys::none(USER.into());
    let (devices, limits) = (own_devices(false), Limits::default());
    let mut flow = ShareIn::new(machine, requester_with(&key), devices, names, verified, limits);
    let done = share(&mut flow, &mut phone).expect("the flow has ended");
    assert_eq!((done.secrets.len(), done.missing.len()), (2, 0));
}

#[test]
fn a_key_that_is_still_to_be_stored_is_not_forgotten_while_the_backup_is_looked_at() {
    let mut phone = Driver::new();
    phone.has_storage = false;
    phone.machine.set_signers(vec![phone.signer()]);
    phone.set_up();
    assert!(phone.machine.secret_is_due());
    phone.reload("PHONE");
    assert!(phone.machine.secret_read_back(None).is_err());
    phone.has_storage = true;
    phone.machine.secret_storage_is_ready();
    phone.live(7_200_000);
    assert!(!phone.machine.secret_is_due() && !phone.secrets.is_empty());
}

#[test]
fn the_same_key_under_another_version_keeps_its_proofs() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut phone = phone(&key, &[(&master(), label(&master()))]);
    phone.machine.set_signers(vec![signer(&master())]);
    phone.run();
    let body = json!({ "algorithm": ALGORITHM, "auth_data": auth_data(&key) });
    assert_eq!(phone.ask_server("POST", "/room_keys/version", &body).0, 200);
    phone.machine.look_again();
    phone.live(7_200_000);
    assert_eq!(phone.machine.stage(), Stage::Changed);
    let (id, _) = phone.machine.open_questions().next().unwrap();
    phone.machine.reply(id, Reply::Use).unwrap();
    for _ in 0..3 {
        phone.live(7_200_000);
        phone.machine.look_again();
        assert_eq!(phone.machine.stage(), Stage::Running);
    }
}
