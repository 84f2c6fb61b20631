//! The secrets bundle: what is read and refused, what is believed, and what is written.

use std::{cell::Cell, fs};

use proptest::{
    collection::vec, prelude::any, prop_assert, prop_assert_eq, proptest, sample::Index,
};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, QueriedKeys},
    backup::{BackupDecryptionKey, BackupVersionInfo},
    crypto::ed25519::{Ed25519PublicKey, Ed25519Seed},
    encoding::{base64, format::FormatProblem, json_object::JsonObject},
    ids::{EventType, UserId},
    provenance::Provenance,
    secret::SecretBytes,
    secret_storage::{SecretStorage, VerifiedPublicKeys},
    secret_value::{CROSS_SIGNING_SELF_SIGNING, MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
    secrets_bundle::{SecretsBundle, SecretsBundleError},
};

/// A member that is changed, what stands there then, and what is said.
type Malformed = (&'static str, Value, FormatProblem);

/// Where the secrets stand in a bundle.
const SECRETS: [&str; 4] = [
    "/cross_signing/master_key",
    "/cross_signing/self_signing_key",
    "/cross_signing/user_signing_key",
    "/backup/key",
];

/// The names of these members.
const MEMBERS: [&str; 4] = ["master_key", "self_signing_key", "user_signing_key", "key"];

/// An account that a client has made, with what its key storage holds.
struct Account {
    user_id: UserId,
    secrets: Vec<SecretValue>,
    keys: QueriedKeys,
    version: BackupVersionInfo,
}

impl Account {
    fn new(name: &str) -> Self {
        let path = format!("{}/tests/vectors/js-sdk/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let account: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let limits = Limits::default();
        let events: Vec<(EventType, JsonObject)> = account["account_data"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(kind, content)| {
                let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
                (kind.as_str().into(), content)
            })
            .collect();
        let events = events.iter().map(|(kind, content)| (kind, content));
        let storage = SecretStorage::from_account_data(events, &limits);
        let typed = account["recovery_key"].as_str().unwrap();
        let mut keys = storage.unlock(typed, &PublicKeys::default(), &limits).unwrap().keys;
        let opened = storage.open_all(&mut keys, &PublicKeys::default()).into_iter();
        let secrets = opened.map(|verdict| verdict.outcome.unwrap().value().unwrap().value);
        let response = http::Response::new(account["keys_query"].to_string());
        let body = account["room_keys_version"].to_string();
        Self {
            user_id: account["user_id"].as_str().unwrap().into(),
            secrets: secrets.collect(),
            keys: api::query_keys([], None).read_response(&response, &limits).unwrap(),
            version: BackupVersionInfo::from_json(body.as_bytes(), &limits).unwrap(),
        }
    }

    fn master(&self) -> Ed25519PublicKey {
        *self.keys.master_keys[&self.user_id].ed25519()
    }

    /// What the master key, which the user has compared, vouches for.
    fn verified(&self) -> VerifiedPublicKeys {
        let mut verified = VerifiedPublicKeys::with_master(self.user_id.clone(), self.master());
        for keys in [&self.keys.self_signing_keys, &self.keys.user_signing_keys] {
            verified.add_cross_signing_key(&keys[&self.user_id], &Limits::default()).unwrap();
        }
        verified
    }

    fn bundle(&self) -> SecretsBundle {
        SecretsBundle::new(self.secrets.clone()).unwrap()
    }

    fn json(&self) -> Value {
        let json = self.bundle().to_json(&self.verified(), [&self.version]).unwrap();
        serde_json::from_slice(json.expose_bytes()).unwrap()
    }
}

fn read(json: &Value) -> SecretsBundle {
    SecretsBundle::read(json.to_string().as_bytes(), &Limits::default()).unwrap()
}

fn refused(json: &str) -> FormatProblem {
    SecretsBundle::read(json.as_bytes(), &Limits::default()).unwrap_err().problem
}

fn texts(bundle: &SecretsBundle) -> Vec<String> {
    bundle.secrets().map(|secret| secret.to_text().expose_str().to_owned()).collect()
}

#[test]
fn what_is_written_is_the_form_of_the_proposal_and_is_read_again() {
    let account = Account::new("random");
    let bundle = account.bundle();
    let texts = texts(&bundle);
    let expected = json!({
        "cross_signing": {
            "master_key": texts[0],
            "self_signing_key": texts[1],
            "user_signing_key": texts[2],
        },
        "backup": {
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "key": texts[3],
            "backup_version": account.version.version().as_str(),
        },
    });
    assert_eq!(account.json(), expected);
    assert!(texts.iter().all(|text| text.len() == 43));
    let message = bundle.to_login_secrets(&account.verified(), [&account.version]).unwrap();
    let mut with_type = expected.clone();
    with_type["type"] = json!("m.login.secrets");
    let message: Value = serde_json::from_slice(message.expose_bytes()).unwrap();
    assert_eq!(message, with_type);
    for json in [expected, with_type] {
        let again = read(&json);
        assert_eq!(self::texts(&again), texts);
        assert_eq!(again.backup_version(), Some(account.version.version()));
    }
}

#[test]
fn a_bundle_is_read_as_clients_have_ever_written_it() {
    let json = Account::new("random").json();
    let texts = texts(&read(&json));
    let mut padded = json.clone();
    for pointer in SECRETS {
        let text = padded.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        *padded.pointer_mut(pointer).unwrap() = json!(text + "=");
    }
    let mut with_more = json.clone();
    with_more["future"] = json!({ "a": [1] });
    with_more["cross_signing"]["future"] = json!(null);
    with_more["backup"]["future"] = json!("x");
    for json in [padded, with_more] {
        assert_eq!(self::texts(&read(&json)), texts, "{json}");
    }
    let mut without = json.clone();
    without.as_object_mut().unwrap().remove("backup");
    let mut null = json;
    null["backup"] = Value::Null;
    for json in [without, null] {
        let bundle = read(&json);
        assert!(bundle.backup_key().is_none() && bundle.backup_version().is_none());
        assert_eq!(self::texts(&bundle), texts[..3]);
    }
}

#[test]
fn each_member_that_is_missing_or_of_another_form_is_named() {
    use FormatProblem::{Missing, Unusable};
    let whole = Account::new("random").json();
    let mut cases: Vec<Malformed> = vec![
        ("/cross_signing", json!([]), Unusable("cross_signing")),
        ("/cross_signing", json!(null), Unusable("cross_signing")),
        ("/backup", json!("x"), Unusable("backup")),
        ("/backup", json!([]), Unusable("backup")),
        ("/backup/algorithm", json!("m.megolm_backup.v2"), Unusable("algorithm")),
        ("/backup/algorithm", json!(7), Missing("algorithm")),
        ("/backup/backup_version", json!(7), Missing("backup_version")),
        ("/backup/backup_version", json!(""), Unusable("backup_version")),
        ("/backup/backup_version", json!(".."), Unusable("backup_version")),
        ("/backup/backup_version", json!("9".repeat(256)), Unusable("backup_version")),
    ];
    for (pointer, member) in SECRETS.into_iter().zip(MEMBERS) {
        for other in [json!(null), json!(7), json!({}), json!(["x"]), json!(true)] {
            cases.push((pointer, other, Missing(member)));
        }
        for found in [0, 31, 33, 64] {
            let text = json!(base64::encode(&vec![7; found]));
            cases.push((pointer, text, Unusable(member)));
        }
        for text in ["!", "7,7,7", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw=="] {
            let problem = refused(&with(&whole, pointer, json!(text)).to_string());
            assert_eq!(problem, Unusable(member));
        }
        cases.push((pointer, json!("BwcH BwcH"), Unusable(member)));
    }
    for (pointer, value, problem) in cases {
        let json = with(&whole, pointer, value).to_string();
        assert_eq!(refused(&json), problem, "{pointer}: {json}");
    }
    for (object, members) in [
        ("", &["cross_signing"][..]),
        ("/cross_signing", &["master_key", "self_signing_key", "user_signing_key"]),
        ("/backup", &["algorithm", "key", "backup_version"]),
    ] {
        for member in members {
            let mut json = whole.clone();
            json.pointer_mut(object).unwrap().as_object_mut().unwrap().remove(*member);
            assert_eq!(refused(&json.to_string()), Missing(member));
        }
    }
}

fn with(whole: &Value, pointer: &str, value: Value) -> Value {
    let mut json = whole.clone();
    *json.pointer_mut(pointer).unwrap() = value;
    json
}

#[test]
fn what_two_programs_could_read_in_two_ways_is_refused() {
    let whole = Account::new("random").json().to_string();
    for (name, member) in [
        ("cross_signing", r#""cross_signing":{"#),
        ("backup", r#""backup":{"#),
        ("master_key", r#""master_key":""#),
        ("key", r#""key":""#),
        ("backup_version", r#""backup_version":""#),
    ] {
        for double in [
            format!("\"{name}\":null,"),
            format!("\"\\u{:04x}{}\":1,", name.as_bytes()[0], &name[1..]),
        ] {
            let json = whole.replacen(member, &format!("{double}{member}"), 1);
            assert_ne!(json, whole);
            assert_eq!(refused(&json), FormatProblem::DuplicateMember, "{json}");
        }
    }
    for message in [json!("m.login.success"), json!(null), json!(7), json!(["m.login.secrets"])] {
        let json = format!("{{\"type\":{message},{}", &whole[1..]);
        assert_eq!(refused(&json), FormatProblem::OtherType, "{json}");
    }
}

#[test]
fn what_is_no_bundle_or_a_huge_one_is_refused_before_it_is_read() {
    for (text, problem) in [
        ("", FormatProblem::NotJson),
        ("{", FormatProblem::NotJson),
        ("null", FormatProblem::NotAnObject),
        ("[]", FormatProblem::NotAnObject),
        ("{}", FormatProblem::Missing("cross_signing")),
    ] {
        assert_eq!(refused(text), problem, "{text}");
    }
    let whole = Account::new("random").json().to_string();
    let limit = Limits::default().secret_send_bytes;
    let padded = |length: usize| whole.clone() + &" ".repeat(length - whole.len());
    assert!(SecretsBundle::read(padded(limit).as_bytes(), &Limits::default()).is_ok());
    let found = limit + 1;
    assert_eq!(refused(&padded(found)), FormatProblem::TooLarge { limit, found });
    let deep = format!("{{\"future\":{}{}", "[".repeat(20_000), &whole[1..]);
    assert_eq!(refused(&deep), FormatProblem::NotJson);
}

#[test]
fn a_bundle_from_a_file_proves_nothing_until_its_seeds_fit_what_the_user_has_compared() {
    let account = Account::new("random");
    let file = read(&account.json());
    assert!(file.secrets().all(|it| it.provenance() == Provenance::Unauthenticated));
    assert_eq!(file.public_keys().master, Some(account.master()), "it is shown to the user");

    let proven = file.clone().verify(&account.verified()).unwrap();
    let provenances: Vec<_> = proven.secrets().map(|it| it.provenance()).collect();
    let seed = Provenance::VerifiedPublicKey;
    assert_eq!(provenances, [seed, seed, seed, Provenance::Unauthenticated]);
    let mut pinned = account.verified();
    let public_key = account.version.auth_data().unwrap().public_key();
    pinned.pin_backup(*public_key.as_curve25519());
    let proven = file.clone().verify(&pinned).unwrap();
    assert!(proven.secrets().all(|it| it.provenance() == Provenance::VerifiedPublicKey));

    let only = VerifiedPublicKeys::with_master(account.user_id.clone(), account.master());
    let error = file.clone().verify(&only).unwrap_err();
    assert_eq!(error, SecretsBundleError::NotVerified("self-signing key"));
    let error =
        file.clone().verify(&VerifiedPublicKeys::none(account.user_id.clone())).unwrap_err();
    assert_eq!(error, SecretsBundleError::NotVerified("master key"));
    let error = file.verify(&Account::new("passphrase").verified()).unwrap_err();
    assert_eq!(error, SecretsBundleError::OtherKey("master key"));
}

#[test]
fn who_asserts_a_verified_channel_says_so_and_its_secrets_say_where_they_came_from() {
    let account = Account::new("random");
    let json = account.json().to_string();
    let bundle = SecretsBundle::from_verified_channel(json.as_bytes(), &Limits::default()).unwrap();
    assert!(bundle.secrets().all(|it| it.provenance() == Provenance::VerifiedChannel));
    assert!(Provenance::VerifiedChannel.is_authentic());
    let (user, device) = ("@a:b.org".into(), "PHONE".into());
    for secret in bundle.secrets() {
        let saved = secret.save(&user, &device);
        let restored = SecretValue::from_saved(&saved, &user, &device).unwrap();
        assert_eq!(restored.provenance(), Provenance::VerifiedChannel);
    }
    // The account may have other keys by now.
    let other = Account::new("passphrase").verified();
    let error = bundle.clone().verify(&other).unwrap_err();
    assert_eq!(error, SecretsBundleError::OtherKey("master key"));
    assert!(bundle.to_json(&account.verified(), [&account.version]).is_ok());
}

#[test]
fn seeds_in_the_place_of_others_or_public_keys_are_neither_believed_nor_written() {
    let (account, json) = (Account::new("random"), Account::new("random").json());
    let published = json!(account.master().to_base64());
    let seeds = &json["cross_signing"];
    let (master, own) = (&seeds["master_key"], &seeds["self_signing_key"]);
    for (changes, words) in [
        (vec![("/cross_signing/master_key", &published)], "master key"),
        (
            vec![("/cross_signing/master_key", own), ("/cross_signing/self_signing_key", master)],
            "master key",
        ),
        (vec![("/cross_signing/self_signing_key", master)], "self-signing key"),
        (vec![("/cross_signing/user_signing_key", own)], "user-signing key"),
    ] {
        let mut changed = json.clone();
        for (pointer, value) in changes {
            changed = with(&changed, pointer, value.clone());
        }
        let error = SecretsBundleError::OtherKey(words);
        let bytes = changed.to_string();
        let channel = SecretsBundle::from_verified_channel(bytes.as_bytes(), &Limits::default());
        for bundle in [read(&changed), channel.unwrap()] {
            assert_eq!(bundle.to_json(&account.verified(), []).unwrap_err(), error);
            assert_eq!(bundle.verify(&account.verified()).unwrap_err(), error);
        }
    }
}

#[test]
fn a_bundle_out_of_a_file_is_written_again_only_as_far_as_it_is_proven() {
    let account = Account::new("random");
    let (file, verified) = (read(&account.json()), account.verified());
    let backup = |it: &SecretsBundle| it.to_json(&verified, [&account.version]).map(|_| ());
    // Its seeds fit; but the backup key could be planted together with the version.
    assert_eq!(backup(&file), Err(SecretsBundleError::Unauthenticated));
    let proven = file.clone().verify(&verified).unwrap();
    assert_eq!(backup(&proven), Err(SecretsBundleError::Unauthenticated));
    // Mixed with authentic seeds it is the same.
    let planted = file.secrets().filter(|secret| secret.name().as_str() == MEGOLM_BACKUP_V1);
    let mixed = SecretsBundle::new(planted.chain(account.secrets.clone())).unwrap();
    assert_eq!(backup(&mixed), Err(SecretsBundleError::Unauthenticated));
    let mut pinned = verified.clone();
    let public_key = account.version.auth_data().unwrap().public_key();
    pinned.pin_backup(*public_key.as_curve25519());
    assert!(file.to_json(&pinned, [&account.version]).is_ok());
    for unproven in [
        VerifiedPublicKeys::none(account.user_id.clone()),
        VerifiedPublicKeys::with_master(account.user_id.clone(), account.master()),
    ] {
        let error = account.bundle().to_json(&unproven, [&account.version]).unwrap_err();
        assert!(matches!(error, SecretsBundleError::NotVerified(_)), "{error:?}");
    }
}

#[test]
fn the_backup_is_that_of_the_version_whose_key_it_is_or_none() {
    let (account, other) = (Account::new("random"), Account::new("passphrase"));
    let (bundle, verified) = (account.bundle(), account.verified());
    let json = |versions: &[&BackupVersionInfo]| -> Value {
        let json = bundle.to_json(&verified, versions.iter().copied()).unwrap();
        serde_json::from_slice(json.expose_bytes()).unwrap()
    };
    let renamed = json!({
        "version": "older\"\n",
        "algorithm": account.version.algorithm(),
        "auth_data": serde_json::from_str::<Value>(account.version.raw_auth_data()).unwrap(),
    });
    let renamed = BackupVersionInfo::from_json(renamed.to_string().as_bytes(), &Limits::default());
    let renamed = renamed.unwrap();
    assert_eq!(json(&[&other.version, &renamed])["backup"]["backup_version"], "older\"\n");
    for none in [&[][..], &[&other.version]] {
        assert_eq!(json(none).get("backup"), None);
    }
    let without = account.secrets.iter().filter(|it| it.name().as_str() != MEGOLM_BACKUP_V1);
    let without = SecretsBundle::new(without.cloned()).unwrap();
    let written = without.to_json(&verified, [&account.version]).unwrap();
    let written: Value = serde_json::from_slice(written.expose_bytes()).unwrap();
    assert_eq!(written.get("backup"), None);
}

#[test]
fn a_backup_key_that_another_device_has_shared_is_that_devices_to_hand_over() {
    let account = Account::new("random");
    let key = account.bundle().backup_key().unwrap().to_base64();
    let bytes = base64::decode(key.expose_str()).unwrap();
    let bytes = SecretBytes::from_slice(&bytes).unwrap();
    let shared = BackupDecryptionKey::shared_by_verified_device(bytes, account.master());
    let secrets = [shared.to_secret()].into_iter().chain(account.secrets.clone());
    let bundle = SecretsBundle::new(secrets).unwrap();
    let error = bundle.to_json(&account.verified(), [&account.version]).unwrap_err();
    assert_eq!(error, SecretsBundleError::OnlyDevice);
}

#[test]
fn a_bundle_lacks_no_seed() {
    let secrets = Account::new("random").secrets;
    let without = secrets.into_iter().filter(|it| it.name().as_str() != CROSS_SIGNING_SELF_SIGNING);
    let error = SecretsBundle::new(without).unwrap_err();
    assert_eq!(error, SecretsBundleError::Missing("self-signing key"));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = SecretsBundle::read(&bytes, &Limits::default());
    }

    #[test]
    fn a_bundle_with_one_byte_changed_is_refused_or_read_as_what_stands_there(
        at in any::<Index>(), byte in any::<u8>(), cut in any::<bool>()
    ) {
        thread_local!(static WHOLE: Cell<Option<Vec<u8>>> = const { Cell::new(None) });
        let whole = WHOLE.take().unwrap_or_else(|| Account::new("random").json().to_string().into());
        WHOLE.set(Some(whole.clone()));
        let (mut changed, at) = (whole.clone(), at.index(whole.len()));
        changed[at] = byte;
        if cut {
            changed.truncate(at);
        }
        let Ok(bundle) = SecretsBundle::read(&changed, &Limits::default()) else { return Ok(()) };
        prop_assert!(!cut);
        let json: Value = serde_json::from_slice(&changed).unwrap();
        let seed = json["cross_signing"]["master_key"].as_str().unwrap();
        let seed: [u8; 32] = base64::decode(seed).unwrap().try_into().unwrap();
        let seed = Ed25519Seed::from_bytes(SecretBytes::init_with(|bytes| *bytes = seed));
        prop_assert_eq!(bundle.public_keys().master, Some(seed.public_key()));
    }
}
