//! Public keys on the in-memory homeserver: upload, query, claim, cross-signing, signatures.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use crate::support::ask::{Answer, V3, ask, assert_refused};
use crate::support::signing::SignAnything as _;
use serde_json::{Value, json};
use strongroom::{
    Limits,
    crypto::ed25519::Ed25519Signature,
    homeserver::{Homeserver, HomeserverOptions},
    ids::{KeyId, UserId},
    signed_json::SignedObject,
};
use vodozemac::Ed25519SecretKey;

/// A homeserver with two users and their cross-signing keys, not uploaded yet.
struct House {
    homeserver: Homeserver,
    alice: User,
    bob: User,
}

struct User {
    id: &'static str,
    token: String,
    device: Ed25519SecretKey,
    master: Ed25519SecretKey,
    self_signing: Ed25519SecretKey,
    user_signing: Ed25519SecretKey,
}

impl User {
    fn new(id: &'static str, homeserver: &mut Homeserver) -> Self {
        Self {
            id,
            token: homeserver.log_in(id, "PHONE"),
            device: Ed25519SecretKey::new(),
            master: Ed25519SecretKey::new(),
            self_signing: Ed25519SecretKey::new(),
            user_signing: Ed25519SecretKey::new(),
        }
    }

    fn device_keys(&self) -> Value {
        let keys = json!({
            "user_id": self.id,
            "device_id": "PHONE",
            "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
            "keys": { "ed25519:PHONE": self.device.public_key().to_base64() },
        });
        self.sign(&keys, "PHONE", &self.device)
    }

    /// A cross-signing key, signed by the master key unless it is that.
    fn cross_signing_key(&self, key: &Ed25519SecretKey, usage: &str) -> Value {
        let name = key.public_key().to_base64();
        let object = json!({
            "user_id": self.id, "usage": [usage], "keys": { (format!("ed25519:{name}")): name },
        });
        if usage == "master" {
            object
        } else {
            self.sign(&object, &self.master_name(), &self.master)
        }
    }

    fn identity(&self) -> Value {
        json!({
            "master_key": self.cross_signing_key(&self.master, "master"),
            "self_signing_key": self.cross_signing_key(&self.self_signing, "self_signing"),
            "user_signing_key": self.cross_signing_key(&self.user_signing, "user_signing"),
        })
    }

    fn sign(&self, object: &Value, name: &str, key: &Ed25519SecretKey) -> Value {
        let object = SignedObject::from_json(&object.to_string(), &Limits::default()).unwrap();
        let signature = key.sign(&object.bytes_to_sign().unwrap()).to_bytes();
        let signature = Ed25519Signature::from_bytes(signature);
        let key_id = KeyId::new(format!("ed25519:{name}"));
        let object = object.with_signature(&UserId::from(self.id), &key_id, &signature);
        serde_json::from_str(object.as_json()).unwrap()
    }

    fn master_name(&self) -> String {
        self.master.public_key().to_base64()
    }

    fn self_signing_name(&self) -> String {
        self.self_signing.public_key().to_base64()
    }
}

impl House {
    fn new() -> Self {
        Self::with_options(HomeserverOptions::default())
    }

    fn with_options(options: HomeserverOptions) -> Self {
        let mut homeserver = Homeserver::with_options(options);
        let alice = User::new("@alice:example.org", &mut homeserver);
        let bob = User::new("@bob:example.org", &mut homeserver);
        Self { homeserver, alice, bob }
    }

    /// With all keys of both users uploaded; neither has a password.
    fn furnished() -> Self {
        let mut options = HomeserverOptions::default();
        options.password_for_cross_signing = false;
        let mut house = Self::with_options(options);
        for (token, keys, identity) in [&house.alice, &house.bob]
            .map(|user| (user.token.clone(), user.device_keys(), user.identity()))
        {
            let answer = house.post(&token, "upload", &json!({ "device_keys": keys }));
            assert_eq!(answer.0, 200, "{}", answer.1);
            let answer = house.post(&token, "device_signing/upload", &identity);
            assert_eq!(answer, (200, json!({})));
        }
        house
    }

    fn post(&mut self, token: &str, path: &str, body: &Value) -> Answer {
        let path = format!("{V3}/keys/{path}");
        ask(&mut self.homeserver, token, "POST", &path, &body.to_string())
    }

    fn alice_posts(&mut self, path: &str, body: &Value) -> Answer {
        let token = self.alice.token.clone();
        self.post(&token, path, body)
    }

    /// Bob's master key, and the same with Alice's signature, which she uploads.
    fn alice_signs_bob(&mut self) -> (Value, Value) {
        let (alice, bob) = (&self.alice, &self.bob);
        let key = bob.cross_signing_key(&bob.master, "master");
        let signer = alice.user_signing.public_key().to_base64();
        let signed = alice.sign(&key, &signer, &alice.user_signing);
        let body = json!({ "@bob:example.org": { (bob.master_name()): signed } });
        let answer = self.alice_posts("signatures/upload", &body);
        assert_eq!(answer, (200, json!({ "failures": {} })));
        (key, signed)
    }

    /// What a user sees of both users.
    fn query(&mut self, token: &str) -> Value {
        let body = json!({ "device_keys": { "@alice:example.org": [], "@bob:example.org": [] } });
        let (status, answer) = self.post(token, "query", &body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn sync(&mut self, since: &str) -> Value {
        let token = self.alice.token.clone();
        let path = format!("{V3}/sync{since}");
        ask(&mut self.homeserver, &token, "GET", &path, "").1
    }
}

#[test]
fn the_endpoints_are_posts_with_a_token() {
    let mut house = House::new();
    for path in ["upload", "query", "claim", "device_signing/upload", "signatures/upload"] {
        assert_refused(house.post("", path, &json!({})), 401, "M_MISSING_TOKEN");
        let path = format!("{V3}/keys/{path}");
        let answer = ask(&mut house.homeserver, "", "GET", &path, "");
        assert_refused(answer, 405, "M_UNRECOGNIZED");
    }
    assert_refused(house.alice_posts("nothing", &json!({})), 404, "M_UNRECOGNIZED");
}

#[test]
fn keys_of_devices_are_returned_to_everybody_as_they_were_uploaded() {
    let mut house = House::furnished();
    let (alice, bob) = (house.alice.token.clone(), house.bob.token.clone());
    let mut expected = house.alice.device_keys();
    expected["unsigned"] = json!({});
    for token in [&alice, &bob] {
        let answer = house.query(token);
        assert_eq!(answer["device_keys"]["@alice:example.org"]["PHONE"], expected);
        assert_eq!(answer["failures"], json!({}));
    }
    let named = json!({ "device_keys": { "@alice:example.org": ["LAPTOP"], "@no:body": [] } });
    let (_, answer) = house.post(&bob, "query", &named);
    assert_eq!(answer["device_keys"], json!({ "@alice:example.org": {} }));
}

#[test]
fn keys_of_another_device_or_of_a_wrong_shape_are_refused() {
    let mut house = House::new();
    for (member, value) in [("user_id", "@bob:example.org"), ("device_id", "LAPTOP")] {
        let mut keys = house.alice.device_keys();
        keys[member] = json!(value);
        let answer = house.alice_posts("upload", &json!({ "device_keys": keys }));
        assert_refused(answer, 400, "M_INVALID_PARAM");
    }
    for body in [
        json!({ "device_keys": [] }),
        json!({ "device_keys": null }),
        json!({ "one_time_keys": null }),
        json!({ "fallback_keys": null }),
        json!({ "one_time_keys": [] }),
        json!({ "one_time_keys": { "no algorithm": "x" } }),
        json!({ "fallback_keys": { "a:b": 7 } }),
    ] {
        assert_refused(house.alice_posts("upload", &body), 400, "M_BAD_JSON");
    }
    for path in ["query", "claim"] {
        assert_refused(house.alice_posts(path, &json!({})), 400, "M_BAD_JSON");
    }
    assert_eq!(
        house.alice_posts("upload", &json!({})),
        (200, json!({ "one_time_key_counts": {} }))
    );
}

#[test]
fn keys_of_a_device_have_all_their_members_and_each_has_its_type() {
    let mut house = House::new();
    let whole = house.alice.device_keys();
    for member in ["user_id", "device_id", "algorithms", "keys", "signatures"] {
        let mut keys = whole.clone();
        keys.as_object_mut().unwrap().remove(member);
        let answer = house.alice_posts("upload", &json!({ "device_keys": keys }));
        assert_refused(answer, 400, "M_BAD_JSON");
    }
    for (member, value) in [
        ("user_id", json!(null)),
        ("device_id", json!(7)),
        ("algorithms", json!({})),
        ("algorithms", json!([7])),
        ("keys", json!([])),
        ("keys", json!({ "ed25519:PHONE": 7 })),
        ("signatures", json!(null)),
        ("signatures", json!({ "@alice:example.org": "x" })),
        ("signatures", json!({ "@alice:example.org": { "ed25519:PHONE": {} } })),
    ] {
        let mut keys = whole.clone();
        keys[member] = value;
        let answer = house.alice_posts("upload", &json!({ "device_keys": keys }));
        assert_refused(answer, 400, "M_BAD_JSON");
    }
    let token = house.alice.token.clone();
    assert_eq!(house.query(&token)["device_keys"]["@alice:example.org"], json!({}));
    assert_eq!(house.alice_posts("upload", &json!({ "device_keys": whole })).0, 200);
}

#[test]
fn keys_that_are_none_of_their_algorithm_are_the_readers_concern() {
    let mut house = House::new();
    let mut keys = house.alice.device_keys();
    keys["keys"] = json!({ "ed25519:PHONE": "ed25519+key" });
    keys["signatures"] = json!({});
    assert_eq!(house.alice_posts("upload", &json!({ "device_keys": keys })).0, 200);
}

#[test]
fn one_time_keys_are_given_out_once_and_in_order_then_the_fallback_key() {
    let mut house = House::new();
    let bob = house.bob.token.clone();
    let body = json!({
        "one_time_keys": { "signed_curve25519:Z": { "key": "1" } },
        "fallback_keys": { "signed_curve25519:F": { "key": "f", "fallback": true } },
    });
    assert_eq!(house.alice_posts("upload", &body).1["one_time_key_counts"]["signed_curve25519"], 1);
    let body = json!({ "one_time_keys": { "signed_curve25519:A": { "key": "2" }, "x:A": "3" } });
    assert_eq!(
        house.alice_posts("upload", &body).1,
        json!({ "one_time_key_counts": { "signed_curve25519": 2, "x": 1 } })
    );
    let synced = house.sync("");
    assert_eq!(synced["device_one_time_keys_count"], json!({ "signed_curve25519": 2, "x": 1 }));
    assert_eq!(synced["device_unused_fallback_key_types"], json!(["signed_curve25519"]));

    let claim = json!({ "one_time_keys": {
        "@alice:example.org": { "PHONE": "signed_curve25519", "NO": "signed_curve25519" },
        "@bob:example.org": { "PHONE": "signed_curve25519" },
    } });
    for expected in [
        json!({ "signed_curve25519:Z": { "key": "1" } }),
        json!({ "signed_curve25519:A": { "key": "2" } }),
        json!({ "signed_curve25519:F": { "key": "f", "fallback": true } }),
        json!({ "signed_curve25519:F": { "key": "f", "fallback": true } }),
    ] {
        let (status, answer) = house.post(&bob, "claim", &claim);
        assert_eq!(status, 200);
        assert_eq!(answer["one_time_keys"], json!({ "@alice:example.org": { "PHONE": expected } }));
    }
    let synced = house.sync("");
    assert_eq!(synced["device_one_time_keys_count"], json!({ "x": 1 }));
    assert_eq!(synced["device_unused_fallback_key_types"], json!([]));
}

#[test]
fn a_one_time_key_may_be_uploaded_again_but_not_changed() {
    let mut house = House::new();
    let body = |key| json!({ "one_time_keys": { "a:A": key, "a:B": "b" } });
    for _ in 0..2 {
        let (_, answer) = house.alice_posts("upload", &body("1"));
        assert_eq!(answer, json!({ "one_time_key_counts": { "a": 2 } }));
    }
    assert_refused(house.alice_posts("upload", &body("2")), 400, "M_INVALID_PARAM");
}

#[test]
fn a_one_time_key_is_the_same_however_it_is_written_and_whatever_signs_it() {
    let mut house = House::new();
    let (alice, bob) = (house.alice.token.clone(), house.bob.token.clone());
    let path = format!("{V3}/keys/upload");
    let mut upload = |key: &str| {
        let body = format!(r#"{{"one_time_keys":{{"a:1":{key}}}}}"#);
        ask(&mut house.homeserver, &alice, "POST", &path, &body)
    };
    let first = r#"{"key":"k","n":1,"signatures":{"u":{"ed25519:D":"s"}}}"#;
    for same in [
        first,
        r#"{"signatures":{"u":{"ed25519:D":"s"}},"n":1,"key":"k"}"#,
        r#"{ "key": "\u006b", "n": 1e0, "signatures": { "u": { "ed25519:D": "another" } } }"#,
        r#"{"key":"k","n":1}"#,
    ] {
        assert_eq!(upload(same), (200, json!({ "one_time_key_counts": { "a": 1 } })), "{same}");
    }
    for other in [
        r#"{"key":"l","n":1,"signatures":{"u":{"ed25519:D":"s"}}}"#,
        r#"{"key":"k","n":1,"unsigned":{}}"#,
        r#"{"key":"k"}"#,
        r#""k""#,
    ] {
        assert_refused(upload(other), 400, "M_INVALID_PARAM");
    }
    let claim = json!({ "one_time_keys": { "@alice:example.org": { "PHONE": "a" } } });
    let (_, answer) = house.post(&bob, "claim", &claim);
    let claimed = &answer["one_time_keys"]["@alice:example.org"]["PHONE"]["a:1"];
    assert_eq!(*claimed, serde_json::from_str::<Value>(first).unwrap(), "the first stays");
}

#[test]
fn a_one_time_key_that_has_no_canonical_form_is_compared_as_text() {
    let mut house = House::new();
    let mut upload = |key| house.alice_posts("upload", &json!({ "one_time_keys": { "a:1": key } }));
    for _ in 0..2 {
        assert_eq!(upload(json!({ "key": 1.5 })).0, 200);
    }
    assert_refused(upload(json!({ "key": 2.5 })), 400, "M_INVALID_PARAM");
}

#[test]
fn a_fallback_key_that_is_uploaded_again_stays_used_and_another_is_not() {
    let mut house = House::new();
    let bob = house.bob.token.clone();
    let unused = |house: &mut House| house.sync("")["device_unused_fallback_key_types"].clone();
    let upload = |house: &mut House, name: &str, key: Value| {
        let answer = house.alice_posts("upload", &json!({ "fallback_keys": { (name): key } }));
        assert_eq!(answer.0, 200);
    };
    let claim = json!({ "one_time_keys": { "@alice:example.org": { "PHONE": "a" } } });
    upload(&mut house, "a:1", json!({ "key": "k", "signatures": { "u": { "D": "s" } } }));
    house.post(&bob, "claim", &claim);
    upload(&mut house, "a:1", json!({ "key": "k", "signatures": { "u": { "D": "t" } } }));
    assert_eq!(unused(&mut house), json!([]), "the same key");
    for (name, key) in [("a:1", "l"), ("a:2", "l")] {
        upload(&mut house, name, json!({ "key": key }));
        assert_eq!(unused(&mut house), json!(["a"]), "{name} {key}");
        house.post(&bob, "claim", &claim);
    }
}

#[test]
fn a_real_olm_session_is_made_with_a_claimed_key() {
    use vodozemac::{
        Curve25519PublicKey,
        olm::{Account, SessionConfig},
    };
    let mut house = House::new();
    let mut account = Account::new();
    account.generate_one_time_keys(1);
    let key = account.one_time_keys().into_values().next().unwrap().to_base64();
    house.alice_posts("upload", &json!({ "one_time_keys": { "curve25519:AAAA": key } }));
    let claim = json!({ "one_time_keys": { "@alice:example.org": { "PHONE": "curve25519" } } });
    let bob = house.bob.token.clone();
    let (_, answer) = house.post(&bob, "claim", &claim);
    let claimed = &answer["one_time_keys"]["@alice:example.org"]["PHONE"]["curve25519:AAAA"];
    let claimed = Curve25519PublicKey::from_base64(claimed.as_str().unwrap()).unwrap();
    let sender = Account::new();
    let mut session = sender
        .create_outbound_session(SessionConfig::version_1(), account.curve25519_key(), claimed)
        .unwrap();
    let message = session.encrypt("hello").unwrap();
    let vodozemac::olm::OlmMessage::PreKey(message) = message else { unreachable!() };
    let inbound = account
        .create_inbound_session(SessionConfig::version_1(), sender.curve25519_key(), &message)
        .unwrap();
    assert_eq!(inbound.plaintext, b"hello");
}

#[test]
fn cross_signing_keys_are_published_but_the_user_signing_key_to_oneself_only() {
    let mut house = House::furnished();
    let (bob, identity) = (house.bob.token.clone(), house.alice.identity());
    let answer = house.query(&bob);
    assert_eq!(answer["master_keys"]["@alice:example.org"], identity["master_key"]);
    assert_eq!(answer["self_signing_keys"]["@alice:example.org"], identity["self_signing_key"]);
    let visible: Vec<_> = answer["user_signing_keys"].as_object().unwrap().keys().collect();
    assert_eq!(visible, ["@bob:example.org"]);
}

#[test]
fn cross_signing_keys_that_do_not_fit_together_are_refused() {
    let mut house = House::new();
    let good = house.alice.identity();
    let mut refused = |change: &dyn Fn(&mut Value), status, errcode| {
        let mut body = good.clone();
        change(&mut body);
        assert_refused(house.alice_posts("device_signing/upload", &body), status, errcode);
    };
    refused(&|body| body["self_signing_key"]["signatures"] = json!({}), 400, "M_INVALID_SIGNATURE");
    refused(&|body| body["user_signing_key"]["extra"] = json!(1), 400, "M_INVALID_SIGNATURE");
    refused(&|body| body["master_key"]["user_id"] = json!("@b"), 400, "M_INVALID_PARAM");
    refused(&|body| body["master_key"]["usage"] = json!(["x"]), 400, "M_INVALID_PARAM");
    refused(&|body| body["master_key"]["keys"] = json!({}), 400, "M_INVALID_PARAM");
    refused(&|body| body["master_key"]["keys"]["ed25519:b"] = json!("b"), 400, "M_INVALID_PARAM");
    refused(&|body| body["master_key"] = Value::Null, 400, "M_BAD_JSON");
    refused(&|body| body["master_key"] = json!("x"), 400, "M_BAD_JSON");
    let name = house.alice.master_name();
    house.homeserver.log_in("@alice:example.org", name);
    assert_refused(house.alice_posts("device_signing/upload", &good), 403, "M_FORBIDDEN");
}

#[test]
fn a_new_master_key_forgets_the_keys_that_the_old_one_signed() {
    let mut house = House::furnished();
    house.alice.master = Ed25519SecretKey::new();
    let master = house.alice.cross_signing_key(&house.alice.master, "master");
    let body = json!({ "master_key": master });
    assert_eq!(house.alice_posts("device_signing/upload", &body), (200, json!({})));
    let token = house.alice.token.clone();
    let answer = house.query(&token);
    assert_eq!(answer["master_keys"]["@alice:example.org"], master);
    assert_eq!(answer["self_signing_keys"]["@alice:example.org"], Value::Null);
}

#[test]
fn replacing_cross_signing_keys_asks_for_the_password() {
    let mut house = House::new();
    house.homeserver.add_user("@alice:example.org", "p");
    let mut body = house.alice.identity();
    assert_eq!(house.alice_posts("device_signing/upload", &body).0, 200, "the first ones");
    assert_eq!(house.alice_posts("device_signing/upload", &body).0, 200, "the same ones");
    house.alice.master = Ed25519SecretKey::new();
    body = house.alice.identity();
    let (status, answer) = house.alice_posts("device_signing/upload", &body);
    assert_eq!((status, &answer["flows"]), (401, &json!([{ "stages": ["m.login.password"] }])));
    assert_eq!(answer["errcode"], Value::Null, "nothing was tried yet");
    let auth = |user, password| {
        json!({
            "type": "m.login.password", "session": answer["session"], "password": password,
            "identifier": { "type": "m.id.user", "user": user },
        })
    };
    for (user, password) in [("alice", "q"), ("bob", "p")] {
        body["auth"] = auth(user, password);
        assert_refused(house.alice_posts("device_signing/upload", &body), 401, "M_FORBIDDEN");
    }
    body["auth"] = auth("alice", "p");
    assert_eq!(house.alice_posts("device_signing/upload", &body), (200, json!({})));
}

#[test]
fn a_cross_signing_key_beside_a_stored_master_key_asks_for_the_password_too() {
    let mut house = House::new();
    let whole = house.alice.identity();
    let upload = |house: &mut House, body: &Value| house.alice_posts("device_signing/upload", body);
    assert_eq!(upload(&mut house, &json!({ "master_key": whole["master_key"] })).0, 200);
    for member in ["self_signing_key", "user_signing_key"] {
        let body = json!({ (member): whole[member] });
        assert_eq!(upload(&mut house, &body).0, 401, "{member}");
    }
    assert_eq!(upload(&mut house, &whole).0, 401, "with the same master key");
    assert_eq!(upload(&mut house, &json!({ "master_key": whole["master_key"] })).0, 200);
}

#[test]
fn a_user_without_a_password_replaces_cross_signing_keys_only_if_nobody_asks() {
    for (asks, expected) in [(true, 401), (false, 200)] {
        let mut options = HomeserverOptions::default();
        options.password_for_cross_signing = asks;
        let mut house = House::with_options(options);
        let first = house.alice.identity();
        assert_eq!(house.alice_posts("device_signing/upload", &first).0, 200);
        house.alice.master = Ed25519SecretKey::new();
        let mut body = house.alice.identity();
        body["auth"] = json!({ "type": "m.login.password", "user": "alice", "password": "" });
        assert_eq!(house.alice_posts("device_signing/upload", &body).0, expected);
    }
}

#[test]
fn signatures_are_added_to_a_device_and_to_the_master_key() {
    let mut house = House::furnished();
    let user = &house.alice;
    let (phone, master) = (user.device_keys(), user.cross_signing_key(&user.master, "master"));
    let phone = user.sign(&phone, &user.self_signing_name(), &user.self_signing);
    let master = user.sign(&master, "PHONE", &user.device);
    let name = user.master_name();
    let body = json!({ "@alice:example.org": { "PHONE": phone, (name): master } });
    assert_eq!(house.alice_posts("signatures/upload", &body), (200, json!({ "failures": {} })));
    let bob = house.bob.token.clone();
    let answer = house.query(&bob);
    let mut expected = phone;
    expected["unsigned"] = json!({});
    assert_eq!(answer["device_keys"]["@alice:example.org"]["PHONE"], expected);
    assert_eq!(answer["master_keys"]["@alice:example.org"], master);

    let keys = json!({ "device_keys": house.alice.device_keys() });
    assert_eq!(house.alice_posts("upload", &keys).0, 200);
    let answer = house.query(&bob);
    assert_eq!(answer["device_keys"]["@alice:example.org"]["PHONE"], expected, "they stay");
}

#[test]
fn a_signature_on_another_user_is_seen_by_its_maker_alone() {
    let mut house = House::furnished();
    let (key, signed) = house.alice_signs_bob();
    let (alice, bob) = (house.alice.token.clone(), house.bob.token.clone());
    assert_eq!(house.query(&alice)["master_keys"]["@bob:example.org"], signed);
    assert_eq!(house.query(&bob)["master_keys"]["@bob:example.org"], key);
}

#[test]
fn a_signature_goes_when_the_key_that_made_it_or_the_key_it_is_on_goes() {
    let (user_signing, master) = (Ed25519SecretKey::new(), Ed25519SecretKey::new());
    let mut house = House::furnished();
    let (key, _) = house.alice_signs_bob();
    house.alice.user_signing = user_signing;
    let (alice, identity) = (house.alice.token.clone(), house.alice.identity());
    assert_eq!(house.alice_posts("device_signing/upload", &identity), (200, json!({})));
    assert_eq!(house.query(&alice)["master_keys"]["@bob:example.org"], key);

    house.alice_signs_bob();
    house.bob.master = master;
    let (bob, identity) = (house.bob.token.clone(), house.bob.identity());
    assert_eq!(house.post(&bob, "device_signing/upload", &identity), (200, json!({})));
    let seen = house.query(&alice)["master_keys"]["@bob:example.org"].clone();
    assert_eq!(seen, identity["master_key"]);
    let (_, signed) = house.alice_signs_bob();
    assert_eq!(house.query(&alice)["master_keys"]["@bob:example.org"], signed);
}

#[test]
fn keys_that_are_uploaded_again_keep_the_signatures_added_since() {
    let mut house = House::furnished();
    house.alice_signs_bob();
    let user = &house.alice;
    let master = user.cross_signing_key(&user.master, "master");
    let signed = user.sign(&master, "PHONE", &user.device);
    let (alice, identity) = (user.token.clone(), user.identity());
    let body = json!({ "@alice:example.org": { (user.master_name()): signed } });
    assert_eq!(house.alice_posts("signatures/upload", &body), (200, json!({ "failures": {} })));
    let before = house.query(&alice);
    assert_eq!(before["master_keys"]["@alice:example.org"], signed);
    assert_eq!(house.alice_posts("device_signing/upload", &identity), (200, json!({})));
    assert_eq!(house.query(&alice), before);
}

#[test]
fn a_signature_that_is_refused_is_named_and_costs_no_other() {
    let mut house = House::furnished();
    let user = &house.alice;
    let master = user.cross_signing_key(&user.master, "master");
    let good = user.sign(&master, "PHONE", &user.device);
    let stranger = user.sign(&user.device_keys(), &user.self_signing_name(), &user.master);
    let bob = &house.bob;
    let by_master = bob.cross_signing_key(&bob.master, "master");
    let body = json!({
        "@alice:example.org": { (user.master_name()): good, "PHONE": stranger, "NO": master },
        "@bob:example.org": { (bob.master_name()): by_master },
    });
    let bobs = bob.master_name();
    let (status, answer) = house.alice_posts("signatures/upload", &body);
    assert_eq!(status, 200);
    let failures = &answer["failures"];
    assert_eq!(failures["@alice:example.org"].as_object().unwrap().len(), 2, "{failures}");
    assert_eq!(failures["@alice:example.org"]["PHONE"]["errcode"], "M_INVALID_SIGNATURE");
    assert_eq!(failures["@alice:example.org"]["NO"]["errcode"], "M_NOT_FOUND");
    assert_eq!(failures["@bob:example.org"][&bobs]["errcode"], "M_INVALID_SIGNATURE");
    let token = house.bob.token.clone();
    assert_eq!(house.query(&token)["master_keys"]["@alice:example.org"], good);
}

#[test]
fn a_device_signs_with_the_key_under_its_own_name_alone() {
    let mut house = House::furnished();
    let other = Ed25519SecretKey::new();
    let user = &house.alice;
    let mut keys = user.device_keys();
    keys["keys"]["ed25519:LAPTOP"] = json!(other.public_key().to_base64());
    let master = user.cross_signing_key(&user.master, "master");
    let (signed, name) = (user.sign(&master, "LAPTOP", &other), user.master_name());
    let answer = house.alice_posts("upload", &json!({ "device_keys": keys }));
    assert_eq!(answer.0, 200, "{}", answer.1);
    let body = json!({ "@alice:example.org": { (name.as_str()): signed } });
    let (_, answer) = house.alice_posts("signatures/upload", &body);
    let failure = &answer["failures"]["@alice:example.org"][&name];
    assert_eq!(failure["errcode"], "M_INVALID_SIGNATURE");
}

#[test]
fn a_signature_on_something_else_than_what_is_stored_is_refused() {
    let mut house = House::furnished();
    let mut keys = house.alice.device_keys();
    keys["algorithms"] = json!(["another"]);
    let user = &house.alice;
    let signed = user.sign(&keys, &user.self_signing_name(), &user.self_signing);
    let body = json!({ "@alice:example.org": { "PHONE": signed } });
    let (_, answer) = house.alice_posts("signatures/upload", &body);
    assert_eq!(answer["failures"]["@alice:example.org"]["PHONE"]["errcode"], "M_INVALID_PARAM");
    assert_refused(house.alice_posts("signatures/upload", &json!({ "@a": 7 })), 400, "M_BAD_JSON");
}

#[test]
fn a_sync_names_the_user_when_keys_changed() {
    let mut house = House::furnished();
    let first = house.sync("");
    assert_eq!(first["device_lists"]["changed"], json!([]));
    let since = format!("?since={}", first["next_batch"].as_str().unwrap());
    assert_eq!(house.sync(&since)["device_lists"]["changed"], json!([]));
    let keys = json!({ "device_keys": house.alice.device_keys() });
    house.alice_posts("upload", &keys);
    assert_eq!(house.sync(&since)["device_lists"]["changed"], json!([]), "the same keys");
    house.alice.device = Ed25519SecretKey::new();
    let keys = json!({ "device_keys": house.alice.device_keys() });
    house.alice_posts("upload", &keys);
    assert_eq!(house.sync(&since)["device_lists"]["changed"], json!(["@alice:example.org"]));
}
