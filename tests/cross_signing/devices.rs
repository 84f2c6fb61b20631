//! Which devices are signed, and what of them.

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    proptest,
};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    cross_signing::{CrossSigningError, ExpectedDevice, SignedKey},
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Signature},
    },
    encoding::canonical_json::JsonValue,
    signed_json::{DeviceKeys, ToSign},
};
use vodozemac::{Ed25519SecretKey, olm};

use crate::account::{Account, USER, public};

/// The members that are signed, and nothing else than them and one signature of the self-signing key.
#[track_caller]
fn assert_ours(account: &Account, signed: &SignedKey, algorithms: &Value) {
    let mut object: Value = serde_json::from_str(signed.as_json()).unwrap();
    let signatures = object.as_object_mut().unwrap().remove("signatures").unwrap();
    let id = account.device_id.as_str();
    let typed = json!({
        "user_id": USER,
        "device_id": id,
        "algorithms": algorithms,
        "keys": {
            (format!("curve25519:{id}")): account.olm.curve25519_key().to_base64(),
            (format!("ed25519:{id}")): account.olm.ed25519_key().to_base64(),
        },
    });
    assert_eq!(object, typed);
    let label = format!("ed25519:{}", account.self_signing.public_key().to_base64());
    let of_user = signatures[USER].as_object().unwrap();
    assert_eq!((signatures.as_object().unwrap().len(), of_user.len()), (1, 1), "{signatures}");
    // Vodozemac verifies the canonical bytes of the typed parts.
    let bytes = JsonValue::parse(&typed.to_string(), &Limits::default()).unwrap();
    let bytes = bytes.to_canonical().unwrap();
    let made = of_user[&label].as_str().unwrap();
    let made = vodozemac::Ed25519Signature::from_base64(made).unwrap();
    assert!(account.self_signing.public_key().verify(&bytes, &made).is_ok());
    // Ed25519 is deterministic, so it makes the same signature.
    assert_eq!(made, account.self_signing.sign(&bytes));
}

fn default_algorithms() -> Value {
    json!(["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"])
}

#[test]
fn the_hosts_own_device_is_signed_and_so_is_one_whose_fingerprint_was_typed() {
    let account = Account::new();
    for expected in [account.own(), account.typed()] {
        let signed = account.sign(&expected).unwrap().unwrap();
        assert_ours(&account, &signed, &default_algorithms());
        assert_eq!((signed.user_id().as_str(), signed.name()), (USER, "PHONE"));
    }
}

#[test]
fn a_fingerprint_is_read_as_clients_show_it_and_nothing_else_is() {
    let account = Account::new();
    let text = account.ed25519().to_base64();
    let groups: Vec<_> = text.as_bytes().chunks(4).map(|it| str::from_utf8(it).unwrap()).collect();
    let read =
        |typed: &str| ExpectedDevice::with_fingerprint(USER.into(), account.device_id(), typed);
    for typed in [
        text.clone(),
        format!("{text}="),
        groups.join(" "),
        format!(" {}=\r\n", groups.join("\u{a0}")),
        groups.join("\n"),
    ] {
        let expected = read(&typed).unwrap();
        assert_eq!(*expected.ed25519(), account.ed25519(), "{typed:?}");
        assert!(account.sign(&expected).unwrap().is_ok());
    }
    for typed in ["", " ", &text[..42], &format!("{text}A"), &format!("{text}=A"), &text.repeat(9)]
    {
        assert!(read(typed).is_err(), "{typed:?}");
    }
}

#[test]
fn a_device_with_other_keys_than_the_hosts_own_is_not_signed() {
    let account = Account::new();
    let other = olm::Account::new();
    let curve25519 = Curve25519PublicKey::from_bytes(other.curve25519_key().to_bytes());
    let ed25519 = Ed25519PublicKey::from_bytes(other.ed25519_key().as_bytes()).unwrap();
    let own = Curve25519PublicKey::from_bytes(account.olm.curve25519_key().to_bytes());
    let expect = |curve25519, ed25519| {
        ExpectedDevice::own(USER.into(), account.device_id(), curve25519, ed25519)
    };
    let refusal = account.refusal(&expect(curve25519, account.ed25519()));
    assert_eq!(refusal, CrossSigningError::OtherIdentityKey);
    for curve25519 in [own, curve25519] {
        let refusal = account.refusal(&expect(curve25519, ed25519));
        assert_eq!(refusal, CrossSigningError::OtherFingerprint);
    }
    let typed = ExpectedDevice::with_fingerprint(USER.into(), "PHONE".into(), &ed25519.to_base64());
    assert_eq!(account.refusal(&typed.unwrap()), CrossSigningError::OtherFingerprint);
}

/// A device of the homeserver's under the name of the user's, which has signed itself as it should.
#[test]
fn a_device_that_the_homeserver_made_is_not_signed() {
    let (account, evil) = (Account::new(), Account::new());
    for expected in [account.own(), account.typed()] {
        let lied = Account { device: evil.device.clone(), ..Account::new() };
        assert_eq!(lied.refusal(&expected), CrossSigningError::OtherFingerprint);
    }
    // With the real Ed25519 key it cannot sign.
    let mut account = account;
    account.device["keys"]["curve25519:PHONE"] = evil.device["keys"]["curve25519:PHONE"].clone();
    assert_eq!(account.refusal(&account.own()), CrossSigningError::OtherIdentityKey);
    assert_eq!(account.refusal(&account.typed()), CrossSigningError::NotSelfSigned);
}

/// Each of these is one change of what is published, signed by the device itself, so that nothing else is wrong.
#[test]
fn one_change_of_what_a_device_publishes_is_enough_for_it_not_to_be_signed() {
    type Change = (&'static str, fn(&mut Value));
    let changes: [Change; 16] = [
        ("members", |it| it["x"] = json!(1)),
        ("members", |it| it[""] = json!(null)),
        ("members", |it| it["keys\u{202e}"] = json!({})),
        ("members", |it| it["dehydrated"] = json!(false)),
        ("dehydrated", |it| it["dehydrated"] = json!(true)),
        ("dehydrated", |it| it["dehydrated"] = json!("yes")),
        ("members", |it| it["algorithms"] = json!("m.megolm.v1.aes-sha2")),
        ("members", |it| it["algorithms"] = json!(["m.megolm.v1.aes-sha2", "x"])),
        ("members", |it| {
            it["algorithms"] = json!(["m.megolm.v1.aes-sha2", "m.megolm.v1.aes-sha2"])
        }),
        ("members", |it| it["algorithms"] = json!([["m.megolm.v1.aes-sha2"]])),
        ("members", |it| drop(it.as_object_mut().unwrap().remove("algorithms"))),
        ("members", |it| {
            let padded = format!("{}=", it["keys"]["curve25519:PHONE"].as_str().unwrap());
            it["keys"]["curve25519:PHONE"] = padded.into();
        }),
        ("two", |it| it["keys"]["ed25519:OTHER"] = it["keys"]["ed25519:PHONE"].clone()),
        ("two", |it| drop(it["keys"].as_object_mut().unwrap().remove("curve25519:PHONE"))),
        ("two", |it| {
            let key = it["keys"].as_object_mut().unwrap().remove("curve25519:PHONE").unwrap();
            it["keys"]["curve25519:OTHER"] = key;
        }),
        ("two", |it| it["keys"]["curve25519:PHONE"] = json!(7)),
    ];
    for (index, (kind, change)) in changes.into_iter().enumerate() {
        let mut account = Account::new();
        account.device.as_object_mut().unwrap().remove("signatures");
        change(&mut account.device);
        account.sign_device_itself();
        for expected in [account.own(), account.typed()] {
            let refusal = account.refusal(&expected);
            let found = match &refusal {
                CrossSigningError::DeviceMembers(names) => {
                    let text = refusal.to_string();
                    assert!(names.len() == 1 && !text.contains('\u{202e}'), "{text}");
                    "members"
                }
                CrossSigningError::Dehydrated => "dehydrated",
                CrossSigningError::NotTwoKeys => "two",
                other => panic!("{index}: {other:?}"),
            };
            assert_eq!(found, kind, "{index}: {refusal:?}");
        }
    }
}

#[test]
fn a_member_with_a_number_that_cannot_be_signed_is_named() {
    let mut account = Account::new();
    account.device["x"] = json!(1.5);
    let refusal = account.refusal(&account.own());
    let CrossSigningError::DeviceMembers(names) = &refusal else { panic!("{refusal:?}") };
    assert_eq!(names.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["x"]);
}

#[test]
fn keys_of_another_user_or_device_are_not_signed() {
    for (name, value) in [("user_id", "@bob:example.org"), ("device_id", "LAPTOP")] {
        let mut account = Account::new();
        account.device[name] = value.into();
        assert!(account.sign(&account.own()).is_none(), "it is not even read");
    }
    let limits = Limits::default();
    let account = Account::new();
    let published = |text: &str, user: &str, device: &str| {
        DeviceKeys::from_json(&user.into(), &device.into(), text, &limits).unwrap()
    };
    let text = account.device.to_string();
    let own = published(&text, USER, "PHONE");
    let bob = published(&text.replace("@alice", "@bob"), "@bob:example.org", "PHONE");
    let laptop = published(&text.replace("PHONE", "LAPTOP"), USER, "LAPTOP");
    let fingerprint = account.ed25519().to_base64();
    let of_bob =
        ExpectedDevice::with_fingerprint("@bob:example.org".into(), "PHONE".into(), &fingerprint);
    let key = account.key();
    let of_bob = of_bob.unwrap();
    for (keys, expected, refusal) in [
        (&bob, &account.own(), CrossSigningError::OtherUser),
        (&bob, &of_bob, CrossSigningError::OtherUser),
        (&own, &of_bob, CrossSigningError::OtherUser),
        (&laptop, &account.own(), CrossSigningError::OtherDevice),
    ] {
        assert_eq!(key.sign_device(keys, expected, &limits).unwrap_err(), refusal);
    }
}

#[test]
fn a_device_that_did_not_sign_itself_is_not_signed() {
    let account = Account::new();
    let other = Ed25519SecretKey::new();
    let by_other = crate::account::signed(account.device.clone(), "ed25519:PHONE", &other);
    let mut elsewhere = account.device.clone();
    let signature = elsewhere["signatures"][USER]["ed25519:PHONE"].take();
    elsewhere["signatures"] = json!({ "@bob:example.org": { "ed25519:PHONE": signature } });
    let mut without = account.device.clone();
    without.as_object_mut().unwrap().remove("signatures");
    let by_owner = crate::account::signed(
        without.clone(),
        &crate::account::label(&account.self_signing),
        &account.self_signing,
    );
    let mut broken = without.clone();
    broken["signatures"] = json!([1.5]);
    for device in [by_other, elsewhere, without, by_owner, broken] {
        let lied = Account { device, ..clone_of(&account) };
        assert_eq!(lied.refusal(&account.own()), CrossSigningError::NotSelfSigned);
        assert_eq!(lied.refusal(&account.typed()), CrossSigningError::NotSelfSigned);
    }
}

/// The same account with the same keys.
fn clone_of(account: &Account) -> Account {
    let copy = |key: &Ed25519SecretKey| Ed25519SecretKey::from_slice(&key.to_bytes());
    Account {
        master: copy(&account.master),
        self_signing: copy(&account.self_signing),
        olm: olm::Account::from_pickle(account.olm.pickle()),
        device_id: account.device_id.clone(),
        master_object: account.master_object.clone(),
        self_signing_object: account.self_signing_object.clone(),
        device: account.device.clone(),
    }
}

#[test]
fn what_is_not_signed_of_a_device_may_be_anything_and_is_not_sent_back() {
    let mut account = Account::new();
    account.device["unsigned"] = json!({ "device_display_name": "x", "y": 1.5, "keys": {} });
    account.device["signatures"]["@bob:example.org"] = json!({ "ed25519:X": 1e300 });
    account.device["signatures"][USER]["ed25519:Y"] = json!("AAAA");
    let signed = account.sign(&account.own()).unwrap().unwrap();
    assert_ours(&account, &signed, &default_algorithms());
}

#[test]
fn a_device_may_know_any_of_the_algorithms_that_clients_publish() {
    for algorithms in [
        json!([]),
        json!(["m.megolm.v1.aes-sha2"]),
        json!(["m.megolm.v1.aes-sha2", "m.olm.v1.curve25519-aes-sha2"]),
        json!(["m.olm.v2.curve25519-aes-sha2", "m.megolm.v2.aes-sha2"]),
        json!(["m.olm.curve25519-aes-sha256", "m.megolm.v1.aes-sha"]),
    ] {
        let mut account = Account::new();
        account.device["algorithms"] = algorithms.clone();
        account.sign_device_itself();
        let signed = account.sign(&account.own()).unwrap().unwrap();
        assert_ours(&account, &signed, &algorithms);
    }
}

/// CVE-2022-39250: a device with the name of a key is verified, and the key with it.
#[test]
fn a_device_with_the_name_of_a_cross_signing_key_is_not_signed() {
    let url_safe = |text: &str| text.replace('+', "-").replace('/', "_");
    let keys = Account::new();
    let user_signing = Ed25519SecretKey::new();
    for key in [&keys.master, &keys.self_signing, &user_signing] {
        let name = public(key).to_base64();
        let padded = ["", "=", "=="].map(|padding| format!("{name}{padding}"));
        for name in padded.iter().cloned().chain(padded.iter().map(|name| url_safe(name))) {
            let account = Account::with_device_id(&name);
            for expected in [account.own(), account.typed()] {
                assert_eq!(account.refusal(&expected), CrossSigningError::DeviceIdIsAKey, "{name}");
                let signature = master_signature(&account);
                let refusal = account.key().master_key_signed_by(&expected, &signature);
                assert_eq!(refusal.unwrap_err(), CrossSigningError::DeviceIdIsAKey);
            }
        }
    }
    for name in ["A", "ABCDEFGHIJ", "ed25519:PHONE", "\u{202e}\n", "x y", &"A".repeat(42)] {
        let account = Account::with_device_id(name);
        assert!(account.sign(&account.own()).unwrap().is_ok(), "{name}");
    }
}

#[test]
fn a_cross_signing_key_is_no_key_of_a_device() {
    let mut account = Account::new();
    for key in [&account.master, &account.self_signing] {
        let key = Ed25519SecretKey::from_slice(&key.to_bytes());
        account.device["keys"]["ed25519:PHONE"] = key.public_key().to_base64().into();
        let mut device = account.device.clone();
        device.as_object_mut().unwrap().remove("signatures");
        let device = crate::account::signed(device, "ed25519:PHONE", &key);
        let fingerprint = public(&key).to_base64();
        let typed = ExpectedDevice::with_fingerprint(USER.into(), "PHONE".into(), &fingerprint);
        let lied = Account { device, ..clone_of(&account) };
        assert_eq!(lied.refusal(&typed.unwrap()), CrossSigningError::CrossSigningKey);
    }
}

fn master_signature(account: &Account) -> Ed25519Signature {
    let to_sign = account.key().master_key_to_sign();
    Ed25519Signature::from_bytes(account.olm.sign(to_sign.bytes()).to_bytes())
}

#[test]
fn the_device_signs_the_master_key_that_was_proven_and_nothing_else_of_it() {
    let mut account = Account::new();
    account.master_object["unsigned"] = json!({ "x": 1.5 });
    let to_sign = account.key().master_key_to_sign();
    let ToSign::CrossSigningKey(keys) = &to_sign else { panic!("{to_sign:?}") };
    let name = public(&account.master).to_base64();
    assert_eq!((keys.user_id().as_str(), keys.name()), (USER, name.as_str()));
    let text = format!(
        r#"{{"keys":{{"ed25519:{name}":"{name}"}},"usage":["master"],"user_id":"{USER}"}}"#
    );
    assert_eq!(str::from_utf8(to_sign.bytes()), Ok(text.as_str()));

    let signature = master_signature(&account);
    let signed = account.key().master_key_signed_by(&account.own(), &signature).unwrap();
    let object: Value = serde_json::from_str(signed.as_json()).unwrap();
    let expected = json!({ USER: { "ed25519:PHONE": signature.to_base64() } });
    assert_eq!((signed.name(), &object["signatures"]), (name.as_str(), &expected));

    let stranger = Ed25519SecretKey::new().sign(to_sign.bytes()).to_bytes();
    for wrong in [stranger, account.olm.sign(b"{}").to_bytes(), [0; 64]] {
        let wrong = Ed25519Signature::from_bytes(wrong);
        let refusal = account.key().master_key_signed_by(&account.own(), &wrong);
        assert_eq!(refusal.unwrap_err(), CrossSigningError::OtherSigner);
    }
}

/// Members that a homeserver adds, replaces or takes away.
fn edits() -> impl Strategy<Value = Vec<(String, Option<Value>)>> {
    let name = prop_oneof![
        Just("user_id"),
        Just("device_id"),
        Just("algorithms"),
        Just("keys"),
        Just("signatures"),
        Just("unsigned"),
        Just("usage"),
        Just("dehydrated"),
        Just("x"),
    ];
    let value = prop_oneof![
        Just(None),
        any::<i32>().prop_map(|number| Some(json!(number))),
        any::<f64>().prop_map(|number| Some(json!(number))),
        Just(Some(json!(USER))),
        Just(Some(json!("PHONE"))),
        Just(Some(json!([]))),
        Just(Some(json!({}))),
        Just(Some(json!(["m.megolm.v1.aes-sha2"]))),
        Just(Some(json!(["self_signing"]))),
    ];
    vec((name.prop_map(str::to_owned), value), 0..4)
}

proptest! {
    /// Whatever is published, signed by the device itself or not: what is signed are the typed parts.
    #[test]
    fn what_is_signed_is_the_canonical_form_of_the_typed_parts(edits in edits(), again: bool) {
        let mut account = Account::new();
        for (name, value) in edits {
            let members = account.device.as_object_mut().unwrap();
            match value {
                Some(value) => drop(members.insert(name, value)),
                None => drop(members.remove(&name)),
            }
        }
        let has_float = account.device.as_object().unwrap().iter().any(|(name, value)| {
            value.is_f64() && !["signatures", "unsigned"].contains(&name.as_str())
        });
        if again && !has_float {
            account.sign_device_itself();
        }
        for expected in [account.own(), account.typed()] {
            if let Some(Ok(signed)) = account.sign(&expected) {
                assert_ours(&account, &signed, &account.device["algorithms"]);
            }
        }
    }
}
