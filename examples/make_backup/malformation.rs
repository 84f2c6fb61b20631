//! What real clients have written into backups, and the verdict that it must get.

use serde_json::{Value, json};
use strongroom::encoding::base64;

/// One way in which a session of a backup is not as it should be.
pub(crate) struct Malformation {
    pub(crate) edit: Edit,
    /// `restored`, or the cause of its failure.
    pub(crate) verdict: &'static str,
}

/// What is done to a session.
pub(crate) enum Edit {
    /// The plaintext is changed before it is sealed, and the session comes back as it was.
    Plaintext(fn(&mut Value)),
    /// The same, and what comes back is changed by the second function.
    PlaintextAndTruth(fn(&mut Value), fn(&mut Value)),
    /// Something else is sealed in place of the session.
    Sealed(&'static str),
    /// Its key is in the signed sharing format, with a signature that is right or wrong.
    SharedKey { is_right: bool },
    /// It is sealed to another key.
    OtherKey,
    /// Its MAC covers the ciphertext.
    MacOfCiphertext,
    /// The entry is changed after it was sealed.
    Entry(fn(&mut Value)),
    /// The entry's text is changed.
    Text(fn(&str) -> String),
    /// It is returned under another session ID.
    OtherId,
    /// The entry before is there a second time in its place.
    Repeat,
}

/// All of them, in the order in which they are dealt out.
pub(crate) const ALL: &[Malformation] = &[
    failed(Edit::OtherKey, WRONG_KEY),
    restored(Edit::PlaintextAndTruth(
        |plain| remove(plain, CLAIMED),
        |truth| truth[CLAIMED] = json!({}),
    )),
    failed(Edit::Entry(flip_padding), DAMAGED),
    restored(Edit::Plaintext(|plain| rename(plain, CLAIMED, "sender_clencaimed_keys"))),
    failed(Edit::Text(|_| "null".to_owned()), MALFORMED),
    restored(Edit::PlaintextAndTruth(without_sender, without_sender)),
    failed(Edit::Entry(|entry| entry["session_data"] = Value::Null), MALFORMED),
    restored(Edit::Plaintext(|plain| remove(plain, CHAIN))),
    failed(Edit::Sealed("null"), MALFORMED),
    restored(Edit::Plaintext(|plain| rename(plain, CHAIN, "forwardingCurve25519KeyChain"))),
    failed(Edit::Sealed(r#"{"algorithm":"org.example.new","session_key":"x"}"#), UNSUPPORTED),
    restored(Edit::Plaintext(|plain| plain[CHAIN] = json!(["not a key", 7]))),
    failed(Edit::SharedKey { is_right: false }, MALFORMED),
    restored(Edit::SharedKey { is_right: true }),
    failed(Edit::Entry(|entry| entry["session_data"] = json!(entry.to_string())), MALFORMED),
    restored(Edit::Plaintext(|plain| name_shared_history(plain, "m.shared_history"))),
    failed(Edit::Text(|_| "[]".to_owned()), MALFORMED),
    restored(Edit::Plaintext(|plain| name_shared_history(plain, MSC3061))),
    failed(Edit::Entry(|entry| change(entry, "ephemeral", |bytes| bytes.fill(0))), MALFORMED),
    restored(Edit::OtherId),
    failed(Edit::Entry(|entry| change(entry, "mac", |bytes| bytes.truncate(7))), MALFORMED),
    restored(Edit::Entry(|entry| entry["first_message_index"] = json!("0"))),
    failed(Edit::Text(|entry| entry.replacen('{', r#"{"x":"\ud800","#, 1)), MALFORMED),
    restored(Edit::Entry(|entry| entry["forwarded_count"] = json!(0.5))),
    failed(Edit::OtherKey, WRONG_KEY),
    restored(Edit::Entry(|entry| remove(entry, "is_verified"))),
    restored(Edit::PlaintextAndTruth(unknown_member, unknown_member)),
    restored(Edit::Entry(|entry| entry["org.example.x"] = json!([{"a": 1.5}]))),
    restored(Edit::Text(|entry| entry.replace('/', "\\/").replace("mac", "m\\u0061c"))),
    restored(Edit::Repeat),
    restored(Edit::Entry(pad)),
    restored(Edit::Entry(|entry| change(entry, "ephemeral", |bytes| bytes[31] |= 0x80))),
    restored(Edit::MacOfCiphertext),
];

const fn restored(edit: Edit) -> Malformation {
    Malformation { edit, verdict: RESTORED }
}

const fn failed(edit: Edit, verdict: &'static str) -> Malformation {
    Malformation { edit, verdict }
}

fn remove(object: &mut Value, name: &str) {
    if let Some(object) = object.as_object_mut() {
        object.remove(name);
    }
}

fn rename(object: &mut Value, from: &str, to: &str) {
    object[to] = object[from].take();
    remove(object, from);
}

/// Leaves only one of the names of `shared_history`.
fn name_shared_history(plain: &mut Value, name: &str) {
    remove(plain, MSC3061);
    rename(plain, SHARED, name);
}

fn without_sender(plain: &mut Value) {
    remove(plain, "sender_key");
    plain[CLAIMED] = json!({});
}

fn unknown_member(plain: &mut Value) {
    plain["org.example.unknown"] = json!({"kept": [true, null]});
}

/// Changes the bytes of a member of `session_data`.
fn change(entry: &mut Value, name: &str, change: impl Fn(&mut Vec<u8>)) {
    let member = &mut entry["session_data"][name];
    if let Some(Ok(mut bytes)) = member.as_str().map(base64::decode) {
        change(&mut bytes);
        *member = json!(base64::encode(&bytes));
    }
}

/// The last byte of the last block but one decides on the last byte of the plaintext, its padding: with
/// another top bit there is no length that it could be.
fn flip_padding(entry: &mut Value) {
    change(entry, "ciphertext", |bytes| {
        if let Some(byte) = bytes.iter_mut().rev().nth(16) {
            *byte ^= 0x80;
        }
    });
}

fn pad(entry: &mut Value) {
    for name in ["ephemeral", "ciphertext", "mac"] {
        let member = &mut entry["session_data"][name];
        let text = member.as_str().unwrap_or_default();
        *member = json!(format!("{text}{}", "=".repeat(text.len().wrapping_neg() % 4)));
    }
}

const CLAIMED: &str = "sender_claimed_keys";
const CHAIN: &str = "forwarding_curve25519_key_chain";
const SHARED: &str = "shared_history";
const MSC3061: &str = "org.matrix.msc3061.shared_history";

pub(crate) const RESTORED: &str = "restored";
const WRONG_KEY: &str = "wrong_key";
const DAMAGED: &str = "damaged";
const MALFORMED: &str = "malformed";
const UNSUPPORTED: &str = "unsupported_algorithm";
