//! `strongroom verify-device` with what was saved.

use std::fs;

use serde_json::{Value, json};
use strongroom::{
    Limits,
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    encoding::canonical_json::JsonValue,
};

use crate::{
    kit::{Folder, fixture, run},
    tablet::{TABLET, Tablet, self_signing_key},
};

/// What was saved of the account of a fixture that has a new device, and the key of its key storage.
struct Saved {
    folder: Folder,
    user: String,
    tablet: Tablet,
    account: Value,
}

impl Saved {
    fn new(test: &str) -> Self {
        let mut account = fixture("random");
        let user = account["user_id"].as_str().unwrap().to_owned();
        let tablet = Tablet::of(&user);
        account["keys_query"]["device_keys"][&user][TABLET] = tablet.keys(&Value::Null);
        let folder = Folder::new(&format!("verify-{test}"));
        folder.write("key.txt", account["recovery_key"].as_str().unwrap().as_bytes());
        Self { folder, user, tablet, account }
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.folder.path())
    }

    /// Calls the command for a device, if its fingerprint is given with it.
    fn verify(&self, fingerprint: &str, more: &[&str]) -> (i32, String, String) {
        let saved = self.folder.write("account.json", self.account.to_string().as_bytes());
        let (key, out) = (self.file("key.txt"), self.file("body.json"));
        let files = ["--from", &saved, "--recovery-key-file", &key, "--out", &out];
        let device = ["--device", TABLET, "--fingerprint", fingerprint, "--yes"];
        run(&[&["verify-device"], &files[..], &device, more].concat(), None)
    }

    fn body(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file("body.json")).unwrap()).unwrap()
    }
}

#[test]
fn what_is_to_be_sent_is_written_and_signed_by_the_self_signing_key() {
    let saved = Saved::new("written");
    let (status, out, errors) = saved.verify(&saved.tablet.fingerprint(), &[]);
    assert_eq!(status, 0, "{out}{errors}");
    assert!(out.contains("Nothing was sent") && out.contains("/keys/signatures/upload"), "{out}");
    let master = "UP7HVY2BSG8iweIccreyI49tbO+FZBuEANa8EXqm9Co";
    for shown in [&saved.user[..], TABLET, &saved.tablet.fingerprint(), master, "MUNFVGMWMS"] {
        assert!(errors.contains(shown), "{shown}: {errors}");
    }
    let body = saved.body();
    let keys = &body[&saved.user][TABLET];
    let signer = self_signing_key(&saved.account["keys_query"], &saved.user);
    let signatures = keys["signatures"][&saved.user].as_object().unwrap();
    assert_eq!(signatures.keys().collect::<Vec<_>>(), [&format!("ed25519:{signer}")]);
    let signature = signatures.values().next().unwrap().as_str().unwrap();
    let mut unsigned = keys.clone();
    unsigned.as_object_mut().unwrap().remove("signatures");
    let signed = JsonValue::parse(&unsigned.to_string(), &Limits::default()).unwrap();
    assert!(Ed25519PublicKey::from_base64(&signer).unwrap().verifies(
        &signed.to_canonical().unwrap(),
        &Ed25519Signature::from_base64(signature).unwrap()
    ));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(saved.file("body.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // What is there stays, and goes only if that is said.
    let (status, _, errors) = saved.verify(&saved.tablet.fingerprint(), &[]);
    assert_eq!((status, errors.contains("--force")), (1, true), "{errors}");
    let (status, out, _) = saved.verify(&saved.tablet.fingerprint(), &["--force", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &report["outcome"]), (0, &json!("written")));
    assert_eq!((&report["master_key"], &report["device_id"]), (&json!(master), &json!(TABLET)));
}

#[test]
fn a_fingerprint_is_read_in_groups_and_nothing_else_is_one() {
    let saved = Saved::new("groups");
    let grouped: Vec<_> =
        saved.tablet.fingerprint().as_bytes().chunks(4).map(<[u8]>::to_vec).collect();
    let grouped = String::from_utf8(grouped.join(&b' ')).unwrap();
    let (status, _, errors) = saved.verify(&grouped, &[]);
    assert_eq!(status, 0, "{errors}");
    for none in ["", "abcd", &saved.tablet.fingerprint()[1..], TABLET] {
        let (status, out, errors) = saved.verify(none, &["--force"]);
        assert_eq!((status, out.as_str()), (2, ""), "{errors}");
        assert!(errors.contains("--fingerprint: this is no fingerprint"), "{errors}");
    }
}

#[test]
fn a_device_is_not_signed_with_less_or_something_else() {
    let saved = Saved::new("refused");
    let (file, key, out) = (
        saved.folder.write("account.json", saved.account.to_string().as_bytes()),
        saved.file("key.txt"),
        saved.file("body.json"),
    );
    let other = fixture("passphrase")["recovery_key"].as_str().unwrap().to_owned();
    let other = saved.folder.write("other.txt", other.as_bytes());
    let storage = json!({ "account_data": saved.account["account_data"] }).to_string();
    let without_keys = saved.folder.write("no_keys.json", storage.as_bytes());
    let fingerprint = saved.tablet.fingerprint();
    let before = saved.folder.names();
    let flags = |from: &str, key: &str, device: &str, fingerprint: &str| {
        [
            "--from",
            from,
            "--recovery-key-file",
            key,
            "--device",
            device,
            "--fingerprint",
            fingerprint,
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let good = flags(&file, &key, TABLET, &fingerprint);
    let own = "gzaGCY7T+KZbRXNlM2gvfbfyq8hL7fSj+5bypF81Z9U";
    let cases = [
        (good.clone(), false, 2, "--yes"),
        (good[..6].to_vec(), true, 2, "--fingerprint"),
        ([&good[..4], &good[6..]].concat(), true, 2, "--device"),
        // A key that a file brings is nobody's.
        ([&good[..2], &good[4..]].concat(), true, 2, "--recovery-key-file"),
        (flags(&file, &other, TABLET, &fingerprint), true, 1, "does not open anything here"),
        (flags(&file, &key, TABLET, own), true, 1, "another fingerprint for this device"),
        (flags(&file, &key, "LAPTOP", &fingerprint), true, 1, "no device LAPTOP"),
        (flags(&without_keys, &key, TABLET, &fingerprint), true, 1, "keys_query.json"),
        ([&good[..], &["--master-key".into(), own.into()]].concat(), true, 1, "another master key"),
    ];
    for (flags, yes, expected, says) in cases {
        let mut arguments = vec!["verify-device", "--out", &out];
        arguments.extend(flags.iter().map(String::as_str));
        arguments.extend(yes.then_some("--yes"));
        let (status, text, errors) = run(&arguments, None);
        assert_eq!((status, text.as_str()), (expected, ""), "{flags:?}: {errors}");
        assert!(errors.contains(says) && errors.lines().count() == 1, "{flags:?}: {errors}");
        assert_eq!(saved.folder.names(), before, "{flags:?}");
    }
}

#[test]
fn a_verified_device_stays_as_it_is() {
    let saved = Saved::new("already");
    let file = saved.folder.write("account.json", saved.account.to_string().as_bytes());
    let (key, out) = (saved.file("key.txt"), saved.file("body.json"));
    let files = ["verify-device", "--from", &file, "--recovery-key-file", &key, "--out", &out];
    let own = "gzaGCY7T+KZbRXNlM2gvfbfyq8hL7fSj+5bypF81Z9U";
    let device = ["--device", "MUNFVGMWMS", "--fingerprint", own, "--yes"];
    let (status, text, errors) = run(&[&files[..], &device].concat(), None);
    assert_eq!((status, errors.as_str()), (0, ""), "{text}");
    assert!(text.contains("verified already"), "{text}");
    assert_eq!(saved.folder.names(), ["account.json", "key.txt"]);
}

#[cfg(unix)]
#[test]
fn at_a_terminal_what_is_missing_is_asked_for_and_nothing_is_signed_without_a_yes() {
    use crate::{kit::strongroom, terminal::Terminal};

    for (answer, expected) in [("n", 1), ("y", 0)] {
        let saved = Saved::new(&format!("terminal-{answer}"));
        let file = saved.folder.write("account.json", saved.account.to_string().as_bytes());
        let mut terminal = Terminal::start(strongroom(&["verify-device", "--from", &file]));
        terminal.expect("The ID of the device to verify:");
        terminal.type_line(TABLET);
        terminal.expect("The fingerprint (session key) that the device itself shows:");
        terminal.type_line("not a fingerprint");
        terminal.expect("this is no fingerprint");
        terminal.type_line(&saved.tablet.fingerprint());
        terminal
            .expect_hidden("Recovery key (formerly Security Key) or passphrase (Security Phrase):");
        terminal.type_line(saved.account["recovery_key"].as_str().unwrap());
        terminal.expect("A file to write:");
        terminal.type_line(&saved.file("body.json"));
        terminal.expect("Does the device show exactly this fingerprint?");
        terminal.type_line(answer);
        let (status, text) = terminal.end();
        assert_eq!(status, expected, "{text}");
        assert_eq!(saved.folder.names().contains(&"body.json".to_owned()), expected == 0, "{text}");
    }
}
