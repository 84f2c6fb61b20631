//! A digital identity for a user that has none.

use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, QueriedKeys, Request},
    cross_signing::{CrossSigningError, NewIdentity},
    encoding::json_object::JsonObject,
    ids::EventType,
    provenance::Provenance,
    secret_storage::SecretStorage,
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING},
    signed_json::CrossSigningUsage,
};

use crate::account::{Account, USER, read};

fn queried(body: &Value) -> QueriedKeys {
    let response = http::Response::new(body.to_string());
    api::query_keys([], None).read_response(&response, &Limits::default()).unwrap()
}

fn stored(name: &str, content: &Value) -> SecretStorage {
    let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
    SecretStorage::from_account_data([(EventType::from(name), content)], &Limits::default())
}

#[test]
fn a_user_without_any_trace_of_an_identity_gets_one() {
    let storage = stored("m.org.example", &json!({ "encrypted": {} }));
    for body in [
        json!({}),
        json!({ "master_keys": { USER: null }, "self_signing_keys": { USER: {} } }),
        json!({ "master_keys": { "@bob:example.org": Account::new().master_object } }),
    ] {
        let new = queried(&body).new_identity(&USER.into(), &storage);
        assert!(new.is_ok(), "{body}");
    }
    let deleted = stored(CROSS_SIGNING_MASTER, &json!({}));
    let rng = &mut StdRng::seed_from_u64(1);
    assert!(queried(&json!({})).new_identity_with_rng(&USER.into(), &deleted, rng).is_ok());
}

#[test]
fn a_published_key_readable_or_not_is_in_the_way_of_a_new_identity() {
    let account = Account::new();
    for list in ["master_keys", "self_signing_keys", "user_signing_keys"] {
        let mut usage = account.master_object.clone();
        usage["usage"] = json!([list.trim_end_matches("_keys")]);
        for key in [usage, json!({ "x": 1 }), json!(7)] {
            let published = queried(&json!({ (list): { USER: key } }));
            let error = published.new_identity(&USER.into(), &SecretStorage::default());
            assert_eq!(error.unwrap_err(), CrossSigningError::Published, "{list}: {key}");
        }
    }
}

#[test]
fn what_is_not_named_any_more_may_be_a_key_of_the_identity() {
    let others = (0..3).map(|index| (format!("@{index}:example.org"), json!(7)));
    let body = json!({ "master_keys": others.collect::<serde_json::Map<_, _>>() });
    let response = http::Response::new(body.to_string());
    let mut limits = Limits::default();
    for (findings, expected) in [(3, None), (2, Some(CrossSigningError::Published))] {
        limits.findings = findings;
        let published = api::query_keys([], None).read_response(&response, &limits).unwrap();
        let new = published.new_identity(&USER.into(), &SecretStorage::default());
        assert_eq!(new.err(), expected, "{findings}");
    }
}

#[test]
fn a_user_whose_server_was_not_asked_may_have_an_identity() {
    let new = |body: &Value| {
        queried(body).new_identity(&USER.into(), &SecretStorage::default()).map(drop)
    };
    let failing = |server: &str| json!({ "device_keys": { USER: {} }, "failures": { server: {} } });
    assert_eq!(new(&failing("example.org")), Err(CrossSigningError::NotAnswered));
    assert_eq!(new(&failing("example.net")), Ok(()), "another server is nothing to the user");
}

/// Row 52 of the malformations: seeds stored, nothing published.
#[test]
fn a_stored_seed_readable_or_not_is_in_the_way_of_a_new_identity() {
    let entry = json!({ "iv": "AAAA", "ciphertext": "AAAA", "mac": "AAAA" });
    let nothing = queried(&json!({}));
    for name in [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING] {
        for content in
            [json!({ "encrypted": { "key": entry } }), json!({ "encrypted": 7 }), json!({ "x": 1 })]
        {
            let error = nothing.new_identity(&USER.into(), &stored(name, &content));
            assert_eq!(error.unwrap_err(), CrossSigningError::Stored(name.into()), "{content}");
        }
    }
}

#[test]
fn the_new_keys_are_signed_by_the_master_key_and_belong_to_the_secrets() {
    let identity = NewIdentity::replacing_old_identity(USER.into()).unwrap();
    let body: Value = serde_json::from_slice(api::upload_signing_keys(&identity).body()).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 3);
    let secrets = identity.secrets();
    let names = [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING];
    let published = [
        ("master_key", CrossSigningUsage::Master),
        ("self_signing_key", CrossSigningUsage::SelfSigning),
        ("user_signing_key", CrossSigningUsage::UserSigning),
    ];
    for ((secret, name), (member, usage)) in secrets.iter().zip(names).zip(published) {
        assert_eq!((secret.name().as_str(), secret.provenance()), (name, Provenance::Generated));
        let key = read(usage, &body[member]);
        assert_eq!(secret.check_cross_signing_key(key.ed25519()), Ok(()));
        let is_signed = key.is_signed_by(identity.master_key(), &Limits::default());
        assert_eq!(is_signed, usage != CrossSigningUsage::Master);
        assert_eq!(key.key_id().name(), key.ed25519().to_base64());
    }
}

#[test]
fn two_identities_share_no_key() {
    let [one, other] = [(); 2].map(|()| NewIdentity::replacing_old_identity(USER.into()).unwrap());
    let secrets = [one.secrets(), other.secrets()].concat();
    for (index, secret) in secrets.iter().enumerate() {
        let is_same = |other: &&_| secret == *other;
        assert_eq!(secrets.iter().position(|other| is_same(&other)), Some(index));
        let text = secret.to_text();
        let others = secrets.iter().filter(|other| other.to_text() == text);
        assert_eq!(others.count(), 1);
    }
}

#[test]
fn what_the_user_did_to_authenticate_is_sent_along() {
    let identity = NewIdentity::replacing_old_identity(USER.into()).unwrap();
    let auth = |upload: &Request<()>| {
        let mut body: Value = serde_json::from_slice(upload.body()).unwrap();
        body["auth"].take()
    };
    assert_eq!(auth(&api::upload_signing_keys(&identity)), json!(null));
    let with_auth = |auth: &str| api::upload_signing_keys_with_auth(&identity, &auth.into());
    assert!(with_auth("[]").is_err());
    assert!(with_auth("{").is_err());
    let with = with_auth(r#"{"type":"m.login.token","token":"\"x"}"#).unwrap();
    assert_eq!(auth(&with), json!({ "type": "m.login.token", "token": "\"x" }));
    let with = api::upload_signing_keys_with_password(&identity, &"a\"\u{1}ä".into(), None);
    let password = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": USER },
        "password": "a\"\u{1}ä",
    });
    assert_eq!(auth(&with), password);
}
