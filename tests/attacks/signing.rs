//! Something foreign is signed: a homeserver gets a key of the user to sign members of its choice.
//!
//! Reproductions `sign_confusion`, `sign_device` and `saved_public` (a).

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    proptest,
};
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustError, TrustedBackup, UnsignedAuthData},
    client::{
        backup::{Backup, BackupOptions, Next, SavedBackup},
        diagnose::{
            Diagnosis, Evidence, Finding, Remedy, RepairError, RepairParts, RepairPlan, diagnose,
        },
    },
    passphrase::PassphraseParameters,
    secret::SecretBytes,
    signed_json::ToSign,
};

use crate::{
    driver::{Driver, Lied, response},
    house::{
        USER, auth_data, evil, info, label, master, public, signature, signed, signer, version,
    },
    readers::readers_of,
};

/// The members of a cross-signing key, of a device's keys and of a one-time key.
fn members_of_keys() -> Value {
    let key = public(&evil()).to_base64();
    json!({
        "user_id": USER, "device_id": "PHONE", "usage": ["self_signing"], "key": key,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": { (label(&evil()).as_str()): key, "curve25519:PHONE": key, "ed25519:PHONE": key },
    })
}

fn with(mut object: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

/// What a user's client finds when the recovery key of the backup is typed.
fn look(info: &BackupVersionInfo, typed: &str) -> Diagnosis {
    let mut evidence = Evidence::new(USER.into());
    evidence.take_current_backup(Some(info.clone()));
    evidence.master_key = Some(public(&master()));
    diagnose(&evidence, Some(typed), &Limits::default())
}

fn repair(diagnosis: &Diagnosis, remedy: &Remedy) -> Result<RepairPlan, RepairError> {
    diagnosis.repair(remedy, &RepairParts::default(), &mut StdRng::seed_from_u64(1))
}

/// Fails unless these bytes have nothing in them but the public key of this backup, and the members of a passphrase.
#[track_caller]
fn assert_ours(bytes: &[u8], key: &BackupDecryptionKey) {
    let object: Value = serde_json::from_slice(bytes).unwrap();
    let members = object.as_object().unwrap();
    let allowed = ["public_key", "private_key_salt", "private_key_iterations", "private_key_bits"];
    assert!(members.keys().all(|name| allowed.contains(&name.as_str())), "{object}");
    let public_key = object["public_key"].as_str().unwrap().trim_end_matches('=');
    assert_eq!(public_key, key.public_key().to_base64(), "{object}");
    let signed = signed(&object, &master(), &label(&master()));
    assert_eq!(readers_of(&signed), [""; 0], "{object}");
}

#[test]
fn a_repair_signs_no_member_of_the_homeservers() {
    let real = BackupDecryptionKey::generate().unwrap();
    let typed = real.to_recovery_key().to_text();
    let info = info(&with(auth_data(&real), &members_of_keys()));
    let diagnosis = look(&info, typed.expose_str());
    let remedy = Remedy::SignBackup(info.version().clone());
    assert!(!diagnosis.remedies().contains(&remedy));
    assert!(diagnosis.remedies().contains(&Remedy::ReplaceBackup), "the old version stays");
    let error = repair(&diagnosis, &remedy).unwrap_err();
    let RepairError::NotSignable(TrustError::OtherMembers(named)) = &error else {
        panic!("{error:?}")
    };
    let mut named: Vec<_> = named.iter().map(|name| name.as_str()).collect();
    named.sort_unstable();
    let expected = ["algorithms", "device_id", "key", "keys", "usage", "user_id"];
    assert_eq!(named, expected);
    let is_named = |finding: &&Finding| {
        let members = finding.arguments().into_iter().find(|(name, _)| *name == "members");
        finding.code() == "backup.other_members"
            && members.is_some_and(|(_, members)| members.split(", ").count() == 6)
    };
    let finding = diagnosis.findings().iter().find(is_named).unwrap();
    assert!(finding.to_string().contains("usage") && finding.to_string().contains("keys"));
}

#[test]
fn one_member_more_is_enough_for_nothing_to_be_signed() {
    let real = BackupDecryptionKey::generate().unwrap();
    let typed = real.to_recovery_key().to_text();
    for (name, value) in [("x", json!(1)), ("", json!(null)), ("a\u{202e}b", json!(1.5))] {
        let info = info(&with(auth_data(&real), &json!({ name: value })));
        let diagnosis = look(&info, typed.expose_str());
        let error = repair(&diagnosis, &Remedy::SignBackup(info.version().clone())).unwrap_err();
        let is_it = matches!(&error, RepairError::NotSignable(TrustError::OtherMembers(names)) if names.len() == 1);
        assert!(is_it, "{error:?}");
        assert!(!error.to_string().contains('\u{202e}'), "{error}");
    }
}

#[test]
fn what_has_nothing_but_the_public_key_is_signed_and_keeps_its_signatures() {
    let real = BackupDecryptionKey::generate().unwrap();
    let typed = real.to_recovery_key().to_text();
    let device = strongroom::ids::KeyId::new("ed25519:LAPTOP");
    for padded in [false, true] {
        let mut auth_data = auth_data(&real);
        if padded {
            auth_data["public_key"] = format!("{}=", real.public_key().to_base64()).into();
        }
        // Another client's signature, and what is not signed.
        let mut signed = signed(&auth_data, &evil(), &device);
        signed["unsigned"] = members_of_keys();
        let info = info(&signed);
        let diagnosis = look(&info, typed.expose_str());
        let remedy = Remedy::SignBackup(info.version().clone());
        // Somebody has signed it, so that nothing asks for it; without that signature it is asked for.
        let unsigned_info = self::info(&auth_data);
        let plan = repair(&look(&unsigned_info, typed.expose_str()), &remedy).unwrap();
        let RepairPlan::Sign(_, unsigned) = plan else { panic!("{plan:?}") };
        assert_ours(unsigned.to_sign().bytes(), &real);
        drop(diagnosis);

        let trusted = TrustedBackup::by_decryption_key(&info, &typed_key(&real), &[]).unwrap();
        let unsigned = UnsignedAuthData::of_trusted(&trusted, &info, None).unwrap();
        assert_ours(unsigned.to_sign().bytes(), &real);
        let by_master = signature(&master(), unsigned.to_sign().bytes());
        let written = unsigned.with_signature(&USER.into(), &label(&master()), &by_master);
        let written: Value = serde_json::from_str(written.auth_data().as_json()).unwrap();
        let of_user = &written["signatures"][USER];
        assert_eq!(of_user[device.as_str()], signed["signatures"][USER][device.as_str()]);
        assert_eq!(written["unsigned"], signed["unsigned"], "nothing is written smaller");
        let (info, signers) = (self::info(&written), [signer(&master())]);
        let limits = Limits::default();
        assert!(TrustedBackup::by_signature(&info, &USER.into(), &signers, &[], &limits).is_ok());
        assert_eq!(readers_of(&written), [""; 0]);
    }
}

fn typed_key(key: &BackupDecryptionKey) -> BackupDecryptionKey {
    let bytes = SecretBytes::from_slice(key.to_recovery_key().as_secret().expose_bytes());
    BackupDecryptionKey::typed_by_user(bytes.unwrap())
}

#[test]
fn the_documented_way_to_add_a_signature_signs_no_member_of_the_homeservers() {
    let real = typed_key(&BackupDecryptionKey::generate().unwrap());
    for name in ["key", "user_id", "device_id", "algorithms", "keys", "usage"] {
        let member = json!({ name: members_of_keys()[name] });
        let info = info(&with(auth_data(&real), &member));
        let trusted = TrustedBackup::by_decryption_key(&info, &real, &[]).unwrap();
        let error = UnsignedAuthData::of_trusted(&trusted, &info, None).unwrap_err();
        let TrustError::OtherMembers(names) = &error else { panic!("{error:?}") };
        assert_eq!(names.len(), 1);
        assert_eq!(names[0].as_str(), name);
    }
}

#[test]
fn only_the_trusted_backup_is_signed_and_a_planted_key_makes_none_new() {
    let real = typed_key(&BackupDecryptionKey::generate().unwrap());
    let (own, servers) = (info(&auth_data(&real)), BackupDecryptionKey::generate().unwrap());
    let trusted = TrustedBackup::by_decryption_key(&own, &real, &[]).unwrap();
    let other = info(&auth_data(&servers));
    let error = UnsignedAuthData::of_trusted(&trusted, &other, None).unwrap_err();
    assert_eq!(error, TrustError::OtherBackup);
    let bytes = servers.to_base64();
    let planted = BackupDecryptionKey::from_base64(bytes.expose_str()).unwrap();
    let error = UnsignedAuthData::new(&planted).unwrap_err();
    assert_eq!(error, TrustError::KeyNotAuthentic);
}

/// An old backup whose key comes from a passphrase: what is signed of it was typed and derived in this run.
#[test]
fn the_members_of_a_passphrase_are_signed_once_it_was_typed_and_not_before() {
    let limits = Limits::default();
    let old = |iterations: i64, salt: &str| {
        let read = PassphraseParameters::from_parts(iterations, salt, None, &limits).unwrap();
        let derived = read.value.derive("correct horse");
        let key = BackupDecryptionKey::from_bytes(
            SecretBytes::from_slice(derived.expose_bytes()).unwrap(),
        );
        let mut auth_data = auth_data(&key);
        auth_data["private_key_salt"] = salt.into();
        auth_data["private_key_iterations"] = iterations.into();
        (typed_key(&key), auth_data)
    };
    let (key, auth_data) = old(10_000, "salt");
    let info = info(&auth_data);
    let trusted = TrustedBackup::by_decryption_key(&info, &key, &[]).unwrap();
    let error = UnsignedAuthData::of_trusted(&trusted, &info, None).unwrap_err();
    assert_eq!(error, TrustError::PassphraseNeeded);
    let fits = BackupDecryptionKey::from_passphrase(info.auth_data().unwrap(), "correct horse");
    let fits = fits.unwrap();
    let unsigned = UnsignedAuthData::of_trusted(&trusted, &info, Some(&fits)).unwrap();
    assert_ours(unsigned.to_sign().bytes(), &key);
    let members: Value = serde_json::from_slice(unsigned.to_sign().bytes()).unwrap();
    assert_eq!(members, auth_data);
    // Typed, the repair signs it as well.
    let remedy = Remedy::SignBackup(info.version().clone());
    let plan = repair(&look(&info, "correct horse"), &remedy).unwrap();
    let RepairPlan::Sign(_, unsigned) = plan else { panic!("{plan:?}") };
    assert_eq!(serde_json::from_slice::<Value>(unsigned.to_sign().bytes()).unwrap(), auth_data);

    // Other parameters than those that gave the key, as a number or as a text, and one member more.
    for change in [
        json!({ "private_key_salt": "another" }),
        json!({ "private_key_iterations": 10_001 }),
        json!({ "private_key_iterations": "10000" }),
        json!({ "private_key_bits": 512 }),
        json!({ "usage": ["master"] }),
    ] {
        let info = self::info(&with(auth_data.clone(), &change));
        let refused = UnsignedAuthData::of_trusted(&trusted, &info, Some(&fits)).unwrap_err();
        assert!(matches!(refused, TrustError::OtherMembers(_)), "{change}: {refused:?}");
    }
    // Few rounds are signed by nobody, though the user has accepted their risk.
    let (key, few) = old(9_999, "salt");
    let info = self::info(&few);
    let accepted = key.accept_unauthenticated();
    let trusted = TrustedBackup::by_decryption_key(&info, &accepted, &[]).unwrap();
    let fits = BackupDecryptionKey::from_passphrase(info.auth_data().unwrap(), "correct horse");
    for passphrase in [None, Some(&fits.unwrap())] {
        let refused = UnsignedAuthData::of_trusted(&trusted, &info, passphrase).unwrap_err();
        assert!(matches!(refused, TrustError::OtherMembers(_)), "{refused:?}");
    }
}

/// What the machine asks to be signed when it makes a backup beside one of the homeserver's.
#[test]
fn a_new_backup_is_signed_without_a_member_of_the_old_one() {
    let mut machine =
        Backup::new(USER.into(), "PHONE".into(), BackupOptions::default(), Limits::default());
    let servers = BackupDecryptionKey::generate().unwrap();
    let body = version(&with(auth_data(&servers), &members_of_keys())).to_string();
    let to_sign = until_sign(&mut machine, &mut |_| (200, body.clone()), true);
    let ToSign::BackupAuthData(own) = to_sign.unwrap() else { panic!() };
    assert_ne!(own.public_key(), servers.public_key().as_curve25519());
}

/// Lets a machine work, with a homeserver that answers what it likes, until something is to be signed.
fn until_sign(
    machine: &mut Backup,
    answer: &mut impl FnMut(&str) -> (u16, String),
    rotates: bool,
) -> Option<ToSign> {
    let (mut rng, mut now) = (StdRng::seed_from_u64(1), 1_000);
    if rotates {
        machine.rotate();
    }
    for _ in 0..60 {
        now += 60_000;
        match machine.next_with_rng(now, &mut rng) {
            Next::Save(_) => machine.saved(),
            Next::Send(operation) => {
                let url = api::BaseUrl::new("https://h.example").unwrap();
                let request = operation.to_http(&url, &"t".into()).unwrap();
                let (status, body) = answer(request.uri().path());
                let body = http::Response::builder().status(status).body(body.into_bytes());
                let _ = machine.answer(operation.id(), Some(body.unwrap()), now);
            }
            Next::Sign(_, to_sign) => return Some(to_sign),
            Next::Ask(id, _) => {
                let _ = machine.reply(id, strongroom::client::backup::Reply::Create);
            }
            _ => {}
        }
    }
    None
}

/// JSON as a hostile homeserver writes it: with names that mean something somewhere.
fn any_member() -> impl Strategy<Value = (String, Value)> {
    let key = public(&evil()).to_base64();
    let names = prop_oneof![
        Just("keys"),
        Just("key"),
        Just("usage"),
        Just("user_id"),
        Just("device_id"),
        Just("algorithms"),
        Just("private_key_salt"),
        Just("private_key_iterations"),
        Just("private_key_bits"),
        Just("signatures"),
        Just("unsigned"),
        Just("public_key"),
        Just("fallback"),
        Just("backup_version"),
        Just("x"),
    ];
    let values = prop_oneof![
        Just(json!(USER)),
        Just(json!("PHONE")),
        Just(json!(["self_signing"])),
        Just(json!(["master"])),
        Just(json!({ (label(&evil()).as_str()): key.clone() })),
        Just(json!({ "ed25519:PHONE": key.clone() })),
        Just(json!(key)),
        Just(json!(10_000)),
        Just(json!("10000")),
        Just(json!(1.5)),
        Just(Value::Null),
        Just(json!({ USER: { (label(&evil()).as_str()): "x" } })),
        any::<i64>().prop_map(|n| json!(n)),
    ];
    (names.prop_map(str::to_owned), values)
}

proptest! {
    /// For any JSON that a homeserver sends as the backup, what a host is asked to sign has the members above alone.
    #[test]
    fn whatever_a_homeserver_shows_what_is_signed_is_ours(
        members in vec(any_member(), 0..6), typed_passphrase in any::<bool>(), bytes in any::<[u8; 32]>(),
    ) {
        let key = BackupDecryptionKey::typed_by_user(SecretBytes::init_with(|b| *b = bytes));
        let mut auth_data = auth_data(&key);
        for (name, value) in members {
            auth_data[&name] = value;
        }
        let info = info(&auth_data);
        let typed = key.to_recovery_key().to_text();
        let typed = if typed_passphrase { "pass" } else { typed.expose_str() };
        let diagnosis = look(&info, typed);
        if let Ok(RepairPlan::Sign(version, unsigned)) = repair(&diagnosis, &Remedy::SignBackup(info.version().clone())) {
            assert_ours(unsigned.to_sign().bytes(), &key);
            let signature = signature(&master(), unsigned.to_sign().bytes());
            let signed = unsigned.with_signature(&USER.into(), &label(&master()), &signature);
            let put = api::update_backup_version(&version, &signed.into_auth_data());
            let body: Value = serde_json::from_slice(put.body()).unwrap();
            assert_eq!(readers_of(&body["auth_data"]), [""; 0]);
            for (name, value) in auth_data.as_object().unwrap() {
                // Nothing is written smaller, but for signatures of the user that are no signatures.
                assert!(name == "signatures" || body["auth_data"][name] == *value, "{name}");
            }
        }
        if let Ok(trusted) = TrustedBackup::by_decryption_key(&info, &key, &[])
            && let Ok(unsigned) = UnsignedAuthData::of_trusted(&trusted, &info, None)
        {
            assert_ours(unsigned.to_sign().bytes(), &key);
        }
    }

    /// The same for the account's machine, whatever is sent anywhere and stands in the public part of its state.
    #[test]
    fn whatever_a_machine_meets_what_it_asks_to_be_signed_is_ours(
        members in vec(any_member(), 0..6), state in vec(any_member(), 0..6),
        status in prop_oneof![Just(200), Just(404), Just(403)], begins in any::<bool>(),
    ) {
        let mut phone = Driver::new();
        phone.set_up();
        let mut public: Value = serde_json::from_slice(&phone.disk.public).unwrap();
        for (name, value) in state {
            public[&name] = value;
        }
        public["stage"] = "signing".into();
        let key = BackupDecryptionKey::generate().unwrap();
        let mut auth_data = auth_data(&key);
        for (name, value) in members {
            auth_data[&name] = value;
        }
        public["draft"] = json!({ "auth_data": auth_data, "public_key": key.public_key().to_base64() });
        let saved = SavedBackup { public: public.to_string().into_bytes(), secret: phone.disk.secret.clone() };
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let mut machine = Backup::from_saved(&saved, USER.into(), "PHONE".into(), options, limits).unwrap();
        let body = version(&auth_data).to_string();
        let mut answer = |path: &str| match path {
            path if path.contains("account_data") => (404, r#"{"errcode":"M_NOT_FOUND"}"#.to_owned()),
            _ => (status, body.clone()),
        };
        if let Some(to_sign) = until_sign(&mut machine, &mut answer, begins) {
            let ToSign::BackupAuthData(own) = &to_sign else { panic!("{to_sign:?}") };
            let object: Value = serde_json::from_slice(to_sign.bytes()).unwrap();
            assert_eq!(object, json!({ "public_key": own.public_key().to_base64() }));
            assert_ne!(own.public_key(), key.public_key().as_curve25519());
        }
    }
}

#[test]
fn an_answer_to_a_creation_changes_nothing_of_what_was_signed() {
    let mut phone = Driver::new();
    phone.run();
    let lie = with(json!({ "version": "9" }), &members_of_keys()).to_string();
    phone.lie = Some(Box::new(move |request, homeserver| {
        // It makes the version, and says more than it was asked.
        (request.method() == "POST").then(|| {
            homeserver.respond(request);
            let Lied::Answer(answer) = response(200, &lie) else { unreachable!() };
            Lied::Answer(answer)
        })
    }));
    phone.reply(strongroom::client::backup::Reply::Create);
    let posts = phone.sent.iter().filter(|(line, _)| line.starts_with("POST"));
    for (line, body) in posts {
        let mut auth_data = body["auth_data"].clone();
        auth_data.as_object_mut().unwrap().remove("signatures");
        let names: Vec<_> = auth_data.as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["public_key"], "{line}");
    }
}
