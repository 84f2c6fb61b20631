//! `strongroom verify-device` over a homeserver that lies.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::{api, cross_signing::NewIdentity};

use crate::{
    account::Account,
    kit::{fixture, run},
    login::devices,
    server::{self, Twist},
    tablet::{TABLET, Tablet, self_signing_key},
};

/// The account of a fixture, with the identity that is in its key storage, and a new device.
struct Own {
    account: Account,
    tablet: Tablet,
}

impl Own {
    fn new(test: &str) -> Self {
        let account = Account::new(&format!("verify-online-{test}"));
        let published = &fixture("random")["keys_query"];
        let key = |kind: &str| published[format!("{kind}s")][&account.user].clone();
        let names = ["master_key", "self_signing_key", "user_signing_key"];
        let identity = names.map(|name| (name.to_owned(), key(name)));
        let identity = Value::Object(identity.into_iter().collect());
        let path = "keys/device_signing/upload";
        account.server.send(Method::POST, path, &account.token, &identity);
        let tablet = Tablet::of(&account.user);
        let token = account.server.homeserver().log_in(account.user.as_str(), TABLET);
        let keys = json!({ "device_keys": tablet.keys(&Value::Null) });
        account.server.send(Method::POST, "keys/upload", &token, &keys);
        Self { account, tablet }
    }

    /// What the homeserver shows of the account.
    fn published(&self) -> Value {
        let query = json!({ "device_keys": { &self.account.user: [] } });
        self.account.server.send(Method::POST, "keys/query", &self.account.token, &query)
    }

    /// Whether the homeserver has the signature.
    fn is_verified(&self) -> bool {
        let published = self.published();
        let user = &self.account.user;
        let label = format!("ed25519:{}", self_signing_key(&published, user));
        published["device_keys"][user][TABLET]["signatures"][user].get(&label).is_some()
    }

    fn verify(&self, more: &[&str]) -> (i32, String, String) {
        let fingerprint = self.tablet.fingerprint();
        self.verify_with(&["--fingerprint", &fingerprint], more)
    }

    fn verify_with(&self, fingerprint: &[&str], more: &[&str]) -> (i32, String, String) {
        let (login, key) = (self.account.log_in(), self.account.file("key.txt"));
        self.account.server.seen();
        let command = ["verify-device", "--login", &login, "--device", TABLET];
        let key = ["--recovery-key-file", &key, "--yes"];
        run(&[&command[..], &key, fingerprint, more].concat(), None)
    }

    /// From now on the homeserver shows this in the place of each answer that is so far down.
    fn shows(&self, from: usize, edit: impl FnOnce(&mut Value)) {
        let mut published = self.published();
        edit(&mut published);
        let asked = AtomicUsize::new(0);
        self.account.server.twist(move |request| {
            if is(request, "/keys/query") && asked.fetch_add(1, Ordering::Relaxed) >= from {
                return server::json(200, &published);
            }
            Twist::Nothing
        });
    }

    /// Sees that the command ends with a sentence that says this, and that nothing was sent.
    fn refuses(&self, more: &[&str], says: &str) {
        let (status, out, errors) = self.verify(more);
        assert_eq!((status, out.as_str()), (1, ""), "{errors}");
        assert!(errors.contains(says) && errors.contains("nothing was signed"), "{says}: {errors}");
        assert!(!self.has_sent(), "{says}");
    }

    fn has_sent(&self) -> bool {
        self.account.server.seen().iter().any(|it| it.ends_with("/keys/signatures/upload"))
    }
}

fn is(request: &Request<Vec<u8>>, path: &str) -> bool {
    request.uri().path().ends_with(path)
}

/// The identity of somebody else, who could be the homeserver.
fn show_other_identity(published: &mut Value, user: &str) {
    let other = NewIdentity::replacing_old_identity(user.into()).unwrap();
    let other: Value = serde_json::from_slice(api::upload_signing_keys(&other).body()).unwrap();
    for name in ["master_key", "self_signing_key", "user_signing_key"] {
        published[format!("{name}s")][user] = other[name].clone();
    }
}

const MASTER: &str = "UP7HVY2BSG8iweIccreyI49tbO+FZBuEANa8EXqm9Co";

#[test]
fn a_device_is_verified_with_a_recovery_key_and_its_fingerprint() {
    let own = Own::new("good");
    assert!(!own.is_verified());
    let (status, out, errors) = own.verify(&["--json"]);
    assert_eq!(status, 0, "{out}{errors}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["outcome"], &report["master_key"]), (&json!("verified"), &json!(MASTER)));
    assert_eq!(report["fingerprint"], own.tablet.fingerprint());
    assert!(errors.contains(&own.tablet.fingerprint()) && errors.contains(MASTER), "{errors}");
    assert!(own.is_verified());
    let (status, out, errors) = own.verify(&[]);
    assert_eq!((status, errors.as_str()), (0, ""), "{out}");
    assert!(out.contains("verified already") && !own.has_sent(), "{out}");
}

#[test]
fn a_password_will_do_and_no_device_of_the_program_stays() {
    let own = Own::new("password");
    let before = devices(&own.account);
    let (url, password) = (own.account.server.url(), own.account.file("password.txt"));
    let (key, fingerprint) = (own.account.file("key.txt"), own.tablet.fingerprint());
    let who = ["--user", &own.account.user, "--homeserver", &url, "--password-file", &password];
    let key = ["--recovery-key-file", &key, "--yes", "--master-key", MASTER];
    let device = ["--device", TABLET, "--fingerprint", &fingerprint];
    let (status, out, errors) = run(&[&["verify-device"], &who[..], &key, &device].concat(), None);
    assert_eq!(status, 0, "{out}{errors}");
    assert!(own.is_verified() && devices(&own.account) == before);
}

#[test]
fn what_is_missing_or_wrong_shows_before_anything_is_sent() {
    let own = Own::new("missing");
    let (status, out, errors) = own.verify_with(&[], &[]);
    assert_eq!((status, out.as_str()), (2, ""), "{errors}");
    assert!(errors.contains("--fingerprint") && own.account.server.seen().is_empty(), "{errors}");
    let fingerprint = Tablet::of(&own.account.user).fingerprint();
    let (status, _, errors) = own.verify_with(&["--fingerprint", &fingerprint], &[]);
    assert!(status == 1 && errors.contains("another fingerprint"), "{errors}");
    let more = ["--out", "body.json"];
    let (status, _, errors) = own.verify(&more);
    assert_eq!(status, 2, "{errors}");
    let other = fixture("passphrase")["recovery_key"].as_str().unwrap().to_owned();
    own.account.folder.write("key.txt", other.as_bytes());
    let (status, _, errors) = own.verify(&[]);
    assert!(status == 1 && errors.contains("does not open anything here"), "{errors}");
    assert!(!own.is_verified() && !own.has_sent());
}

#[test]
fn what_the_homeserver_shows_has_to_be_what_is_known() {
    let own = Own::new("lies");
    let user = own.account.user.clone();
    own.shows(0, |it| it["device_keys"][&user] = json!({}));
    own.refuses(&[], "there is no device TABLET");
    for (more, says) in [
        (json!({ "dehydrated": true }), "a dehydrated device"),
        (json!({ "org.example": 1 }), "\u{201c}org.example\u{201d}"),
        (json!({ "usage": ["master"] }), "mistaken for something else"),
    ] {
        own.shows(0, |it| it["device_keys"][&user][TABLET] = own.tablet.keys(&more));
        own.refuses(&[], says);
    }
    let other = Tablet::of(&user).keys(&Value::Null);
    own.shows(0, |it| it["device_keys"][&user][TABLET] = other);
    own.refuses(&[], "another fingerprint");
    own.shows(0, |it| {
        it["device_keys"][&user][TABLET]["signatures"] = json!({});
    });
    own.refuses(&[], "not signed its keys itself");
    own.shows(0, |it| show_other_identity(it, &user));
    own.refuses(&[], "m.cross_signing.master in the key storage");
    own.refuses(&["--master-key", MASTER], "nothing was signed");
    own.shows(0, |it| it["master_keys"] = json!({}));
    own.refuses(&[], "no digital identity");
    assert!(!own.is_verified());
}

#[test]
fn without_a_seed_nothing_is_signed_and_without_the_master_seed_only_under_a_named_master_key() {
    let own = Own::new("seeds");
    let data =
        |name: &str| format!("user/{}/account_data/m.cross_signing.{name}", own.account.user);
    own.account.put(&data("master"), &json!({}));
    own.refuses(&[], "--master-key");
    let other = Tablet::of(&own.account.user).fingerprint();
    own.refuses(&["--master-key", &other], "another master key");
    let (status, out, errors) = own.verify(&["--master-key", MASTER]);
    assert_eq!(status, 0, "{out}{errors}");

    let own = Own::new("no-seed");
    own.account.put(&data("self_signing"), &json!({}));
    own.refuses(&[], "self-signing key is not at hand");
    let stored = fixture("random")["account_data"]["m.cross_signing.master"].clone();
    own.account.put(&data("user_signing"), &stored);
    own.refuses(&[], "nothing was signed");
}

#[test]
fn a_device_counts_as_verified_only_if_the_homeserver_shows_the_same_with_the_signature() {
    let own = Own::new("swapped");
    let user = own.account.user.clone();
    own.shows(1, |it| show_other_identity(it, &user));
    let (status, out, errors) = own.verify(&[]);
    assert_eq!((status, out.as_str()), (1, ""), "{errors}");
    assert!(errors.contains("another master key") && errors.contains("do not rely"), "{errors}");

    let own = Own::new("not-shown");
    own.shows(1, |_| {});
    let (status, out, errors) = own.verify(&[]);
    assert_eq!((status, out.as_str()), (1, ""), "{errors}");
    assert!(errors.contains("does not show it"), "{errors}");
}

#[test]
fn a_homeserver_of_several_processes_may_lag() {
    let own = Own::new("lags");
    let (before, asked) = (own.published(), Arc::new(AtomicUsize::new(0)));
    own.account.server.twist(move |request| {
        if is(request, "/keys/query") && asked.fetch_add(1, Ordering::Relaxed) < 2 {
            return server::json(200, &before);
        }
        Twist::Nothing
    });
    let (status, out, errors) = own.verify(&[]);
    assert_eq!(status, 0, "{out}{errors}");
}

#[test]
fn a_refusal_of_the_homeserver_is_told_whatever_its_form() {
    let own = Own::new("refuses");
    let user = own.account.user.clone();
    let error = json!({ "errcode": "M_INVALID_SIGNATURE", "error": "No such thing" });
    for (status, body) in
        [(200, json!({ "failures": { user: { TABLET: error } } })), (403, error.clone())]
    {
        own.account.server.twist(move |request| {
            let is_upload = is(request, "/keys/signatures/upload");
            if is_upload { server::json(status, &body) } else { Twist::Nothing }
        });
        let (status, out, errors) = own.verify(&["--json"]);
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((status, &report["error"]["code"]), (1, &json!("refused")), "{out}{errors}");
        let message = report["error"]["message"].as_str().unwrap();
        assert!(message.contains("M_INVALID_SIGNATURE"), "{message}");
    }
    assert!(!own.is_verified());
}
