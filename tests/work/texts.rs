//! Pieces of text and JSON, each read for itself.

use http::Response;
use serde_json::json;
use strongroom::{
    Limits, api,
    backup::{AuthData, BackupVersionInfo, EncryptedSessionData, KeyBackupData},
    crypto::ed25519::Ed25519Seed,
    encoding::{base64, canonical_json::JsonValue, json_object::JsonObject, text_file::read_text},
    excerpt::Excerpt,
    passphrase::{PassphraseParameters, candidates},
    recovery_key::RecoveryKey,
    saved_state::StateKey,
    secret::SecretBytes,
    secret_sharing::{DecryptedToDevice, SecretRequest},
    secret_storage::{EncryptedSecret, KeyDescription},
    secret_value::SecretValue,
    session_data::{ExportedSession, SessionData},
};

use super::{
    Entry, Work,
    entries::{USER, join},
    sharing,
};

pub(crate) const ALL: &[Entry] = &[
    Entry { name: "text: a recovery key with gaps", of: recovery_key, times: 28 },
    Entry { name: "text: a recovery key of wrong characters", of: wrong_characters, times: 28 },
    Entry { name: "text: forms of a passphrase", of: forms, times: 32 },
    Entry { name: "text: a file of UTF-16", of: file, times: 8 },
    Entry { name: "text: an excerpt of a name", of: excerpt, times: 1 },
    Entry { name: "text: a sealed state", of: sealed_state, times: 4 },
    Entry { name: "text: a secret that is none", of: stored_secret, times: 8 },
    Entry { name: "error: what a homeserver says", of: error, times: 8 },
    Entry { name: "JSON: canonical", of: canonical, times: 24 },
    Entry { name: "JSON: members of one name", of: one_name, times: 24 },
    Entry { name: "JSON: auth_data", of: auth_data, times: 24 },
    Entry { name: "JSON: a version", of: version, times: 24 },
    Entry { name: "JSON: parameters of a passphrase", of: parameters, times: 24 },
    Entry { name: "JSON: a session in the backup", of: key_backup_data, times: 24 },
    Entry { name: "JSON: a sealed session", of: sealed_session, times: 24 },
    Entry { name: "JSON: an opened session", of: session, times: 24 },
    Entry { name: "JSON: the chain of an opened session", of: chain, times: 24 },
    Entry { name: "JSON: an exported session", of: exported, times: 24 },
    Entry { name: "JSON: a description of a key", of: description, times: 24 },
    Entry { name: "JSON: an encrypted secret", of: encrypted, times: 24 },
    Entry { name: "JSON: a request for a secret", of: request, times: 24 },
    Entry { name: "JSON: what comes out of Olm", of: olm, times: 24 },
];

/// The members of a sealed session, whose MAC fits nothing.
const SEALED: &str = r#""ciphertext":"AAAAAAAAAAAAAAAAAAAAAA","ephemeral":"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo","mac":"AAAAAAAAAAA""#;

/// A piece of text, and what reads it. That it cannot be read is an answer as well.
fn text<T>(text: String, read: impl FnOnce(&str) -> T + 'static) -> Work {
    (text.len(), Box::new(move || drop(read(&text))))
}

/// Nothing is too large, so that it is the reading that is counted.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.signed_object_bytes = usize::MAX;
    limits.secret_request_bytes = usize::MAX;
    limits
}

/// An object with these members and so many others.
fn object(known: &str, count: usize) -> String {
    let others = join(count, |n| format!(r#""org.example.{n}":[{{"a":{n}}}]"#));
    format!("{{{known}{}{others}}}", if known.is_empty() { "" } else { "," })
}

/// Between two powers of two, so that a list has about as much room to spare whether it is short or long.
fn between(count: usize) -> usize {
    count + count / 5
}

fn recovery_key(count: usize) -> Work {
    let count = between(count);
    text("EsTc 5rr1 ".repeat(count), RecoveryKey::typed_by_user)
}

fn wrong_characters(count: usize) -> Work {
    let count = between(count);
    text("0OIl é\u{200b}".repeat(count), RecoveryKey::typed_by_user)
}

fn forms(count: usize) -> Work {
    text(" \u{fb01}\u{212b} e\u{301}".repeat(count), |typed| candidates(typed).len())
}

fn file(count: usize) -> Work {
    let bytes: Vec<u8> =
        "\u{feff}key ".repeat(count).encode_utf16().flat_map(u16::to_le_bytes).collect();
    (bytes.len(), Box::new(move || drop(read_text(&bytes).unwrap())))
}

fn excerpt(count: usize) -> Work {
    text("\u{202e}name".repeat(count), |name| Excerpt::new(name).to_string())
}

fn sealed_state(count: usize) -> Work {
    let sealed = vec![1; count * 100];
    let key = StateKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = [1; 32]));
    (sealed.len(), Box::new(move || assert!(key.open(&sealed).is_err())))
}

fn stored_secret(count: usize) -> Work {
    text("AAAA ".repeat(count), |stored| {
        SecretValue::read(&"m.megolm_backup.v1".into(), stored.as_bytes()).unwrap_err().to_string()
    })
}

fn error(count: usize) -> Work {
    let count = between(count);
    let body = object(r#""errcode":"M_\u001b","error":"\u202e""#, count);
    let length = body.len();
    let response = Response::builder().status(400).body(body.into_bytes()).unwrap();
    let run = move || {
        let error = api::get_current_backup_version().read_response(&response, &Limits::default());
        drop(error.unwrap_err().to_string());
    };
    (length, Box::new(run))
}

fn canonical(count: usize) -> Work {
    let limits = limits();
    text(object("", count), move |text| {
        JsonValue::parse(text, &limits).unwrap().to_canonical().unwrap()
    })
}

fn one_name(count: usize) -> Work {
    let count = between(count);
    let members = join(count, |n| format!(r#""name":{n}"#));
    let limits = limits();
    text(format!("{{{members}}}"), move |text| JsonValue::parse(text, &limits))
}

fn auth_data(count: usize) -> Work {
    let known = r#""public_key":"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo""#;
    let limits = limits();
    text(object(known, count), move |text| AuthData::from_json(text, &limits).unwrap())
}

fn version(count: usize) -> Work {
    let auth_data = object(r#""public_key":"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo""#, count);
    let known = format!(
        r#""algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","version":"1","count":0,"etag":"1","auth_data":{auth_data}"#
    );
    let limits = limits();
    text(object(&known, count), move |text| {
        BackupVersionInfo::from_json(text.as_bytes(), &limits).unwrap()
    })
}

fn parameters(count: usize) -> Work {
    let known = r#""algorithm":"m.pbkdf2","iterations":500000,"salt":"salt","bits":256"#;
    let limits = limits();
    text(object(known, count), move |text| {
        PassphraseParameters::from_json(text.as_bytes(), &limits).unwrap()
    })
}

fn key_backup_data(count: usize) -> Work {
    let sealed = object(SEALED, count);
    let known = format!(
        r#""first_message_index":0,"forwarded_count":0,"is_verified":true,"session_data":{sealed}"#
    );
    text(object(&known, count), |text| KeyBackupData::from_json(text.as_bytes()).unwrap())
}

fn sealed_session(count: usize) -> Work {
    text(object(SEALED, count), |text| EncryptedSessionData::from_json(text.as_bytes()).unwrap())
}

pub(crate) fn session_members() -> String {
    let seed = Ed25519Seed::from_bytes(SecretBytes::init_with(|bytes| *bytes = [1; 32]));
    let signing_key = base64::decode(&seed.public_key().to_base64()).unwrap();
    let session_key = [&[1, 0, 0, 0, 0][..], &[7; 128], &signing_key].concat();
    let key = json!({
        "algorithm": "m.megolm.v1.aes-sha2",
        "sender_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo",
        "sender_claimed_keys": { "ed25519": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" },
        "session_key": base64::encode(&session_key),
    });
    // Only the outer braces.
    key.to_string()[1..].strip_suffix('}').unwrap().to_owned()
}

fn session(count: usize) -> Work {
    text(object(&session_members(), count), |text| SessionData::from_json(text.as_bytes()).unwrap())
}

fn chain(count: usize) -> Work {
    let count = between(count);
    let key = r#""hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo""#;
    let chain = join(count, |_| key.to_owned());
    let known = format!(r#"{},"forwarding_curve25519_key_chain":[{chain}]"#, session_members());
    text(object(&known, 1), |text| SessionData::from_json(text.as_bytes()).unwrap())
}

fn exported(count: usize) -> Work {
    let known = format!(r#"{},"room_id":"!r:example.org","session_id":"s""#, session_members());
    text(object(&known, count), |text| ExportedSession::from_json(text.as_bytes()).unwrap())
}

fn description(count: usize) -> Work {
    let known = r#""algorithm":"m.secret_storage.v1.aes-hmac-sha2","iv":"","mac":"""#;
    let content = JsonObject::from_json(object(known, count).as_bytes()).unwrap();
    let limits = limits();
    let length = content.as_str().len();
    (length, Box::new(move || drop(KeyDescription::from_json("key".into(), &content, &limits))))
}

fn encrypted(count: usize) -> Work {
    let entries =
        join(count, |n| format!(r#""{n}":{{"iv":"AAAA","ciphertext":"AAAA","mac":"AAAA"}}"#));
    let content = format!(r#"{{"encrypted":{{{entries}}}}}"#);
    let content = JsonObject::from_json(content.as_bytes()).unwrap();
    (content.as_str().len(), Box::new(move || drop(EncryptedSecret::from_json(&content))))
}

fn request(count: usize) -> Work {
    let known = r#""action":"request","name":"m.megolm_backup.v1","requesting_device_id":"D","request_id":"1""#;
    let content = JsonObject::from_json(object(known, count).as_bytes()).unwrap();
    let limits = limits();
    let length = content.as_str().len();
    (length, Box::new(move || drop(SecretRequest::from_json(&content, &limits).unwrap())))
}

fn olm(count: usize) -> Work {
    let count = between(count);
    let content = object(r#""secret":"A""#, count);
    let known = format!(
        r#""type":"m.secret.send","sender":"{USER}","recipient":"{USER}","recipient_keys":{{"ed25519":"{}"}},"keys":{{"ed25519":"{}"}},"content":{content}"#,
        sharing::signing_key(1).to_base64(),
        sharing::signing_key(2).to_base64(),
    );
    let devices = sharing::devices(1);
    text(object(&known, count), move |text| {
        let session_key = devices.trusted().next().unwrap().identity.curve25519;
        DecryptedToDevice::from_olm(USER.into(), session_key, text.as_bytes(), &devices).unwrap()
    })
}
