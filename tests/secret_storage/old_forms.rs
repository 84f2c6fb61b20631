//! What old clients for Android and iOS left in account data (row 61 of the malformations).

use serde_json::json;
use strongroom::{
    Limits, api,
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    ids::{EventType, KeyId, SecretName},
    secret_storage::{KeyStanding, SecretStorageFinding},
    secret_value::PublicKeys,
    signed_json::{CrossSigningKey, CrossSigningUsage, SignedObject, TrustedSigner},
};
use vodozemac::Ed25519SecretKey;

use crate::{
    account::{Account, ID, KEY, object, recovery_key},
    specification,
    support::signing::SignAnything as _,
};

const NAME: &str = "org.example.a";
const USER: &str = "@a:example.org";

#[test]
fn row_61_a_secret_without_an_iv_opens_with_zeros_and_is_a_finding() {
    let entry = specification::entry(KEY, NAME, &[0; 16], "caf\u{e9}");
    let (mut without, mut null) = (entry.clone(), entry.clone());
    without.as_object_mut().unwrap().remove("iv").unwrap();
    null["iv"] = json!(null);
    for entry in [without, null, entry] {
        let mut account = Account::default().with_key(ID, KEY);
        account.put_json(NAME, json!({ "encrypted": { ID: entry } }));
        assert_eq!(opened(&account), "caf\u{e9}");
        let finding = SecretStorageFinding::WithoutIv(NAME.into(), ID.into());
        assert!(account.storage().findings().contains(&finding));
    }
}

#[test]
fn row_61_an_iv_with_bit_63_set_is_read_without_a_finding() {
    let mut iv = [0xa5; 16];
    for byte in [0x80, 0xff] {
        iv[8] = byte;
        let mut account = Account::default().with_key(ID, KEY);
        let entry = specification::entry(KEY, NAME, &iv, "a text of more than one block of AES");
        account.put_json(NAME, json!({ "encrypted": { ID: entry } }));
        assert_eq!(opened(&account), "a text of more than one block of AES");
        let of_secret =
            |it: &&SecretStorageFinding| matches!(it, SecretStorageFinding::WithoutIv(..));
        assert_eq!(account.storage().findings().iter().find(of_secret), None);
    }
}

#[test]
fn row_61_key_ids_may_have_any_character_of_base64() {
    for id in ["a/b+c=", "+/==", "sL1gUpa4YUY/lbDKRqAQgQ==", "a%2Fb c"] {
        let account = Account::default().with_key(id, KEY).with_secret(NAME, id, KEY, "text");
        let storage = account.storage();
        assert!(storage.key(&id.into()).is_some(), "{id}");
        assert_eq!(opened(&account), "text", "{id}");

        let event_type = EventType::from(format!("m.secret_storage.key.{id}").as_str());
        let request = api::put_account_data(&USER.into(), &event_type, &object("{}"));
        let path = request.path_and_query().unwrap();
        let (_, last) = path.rsplit_once('/').unwrap();
        assert!(!last.contains(['+', '=', ' ']), "{path}");
        assert_eq!(percent_decoded(last), format!("m.secret_storage.key.{id}"));
    }
}

#[test]
fn row_61_a_signed_key_description_is_read_and_checked() {
    let key = Ed25519SecretKey::from_slice(&[7; 32]);
    let public = Ed25519PublicKey::from_bytes(key.public_key().as_bytes()).unwrap();
    let signer = TrustedSigner::of_cross_signing_key(public);
    let mut account = Account::default().with_key(ID, KEY).with_secret(NAME, ID, KEY, "text");
    let content = SignedObject::from_json(
        &account.content(&format!("m.secret_storage.key.{ID}")),
        &Limits::default(),
    );
    let content = signed(content.unwrap(), &key, signer.key_id());
    account.put_text(&format!("m.secret_storage.key.{ID}"), content.as_json());
    assert_eq!(opened(&account), "text");
    let storage = account.storage();
    let description = storage.key(&ID.into()).unwrap();
    let report = description.check_signatures(&USER.into(), &[signer], &Limits::default());
    assert!(report.all_valid());
}

#[test]
fn row_61_padded_ids_of_cross_signing_keys_are_those_of_the_key() {
    let master = Ed25519SecretKey::from_slice(&[1; 32]);
    let own = Ed25519SecretKey::from_slice(&[2; 32]);
    let public =
        |key: &Ed25519SecretKey| Ed25519PublicKey::from_bytes(key.public_key().as_bytes()).unwrap();
    let padded = |key: &Ed25519SecretKey| format!("{}=", public(key).to_base64());
    let json = json!({
        "user_id": USER,
        "usage": ["self_signing"],
        "keys": { format!("ed25519:{}", padded(&own)): padded(&own) },
    });
    let object = SignedObject::from_json(&json.to_string(), &Limits::default()).unwrap();
    let label = KeyId::from(format!("ed25519:{}", padded(&master)).as_str());
    let object = signed(object, &master, &label);
    let limits = Limits::default();
    let usage = CrossSigningUsage::SelfSigning;
    let read = CrossSigningKey::from_json(&USER.into(), usage, object.as_json(), &limits).unwrap();
    assert_eq!(*read.ed25519(), public(&own));
    assert!(read.is_signed_by(&public(&master), &limits));
    assert!(!read.is_signed_by(&public(&own), &limits));
}

/// The text of the secret, opened by the recovery key.
fn opened(account: &Account) -> String {
    let (storage, name) = (account.storage(), SecretName::from(NAME));
    let typed = recovery_key(KEY);
    let mut unlocked = storage.unlock(&typed, &PublicKeys::default(), &Limits::default()).unwrap();
    assert_eq!(unlocked.keys[0].standing(), KeyStanding::Checked);
    let opened = storage.open(&name, &mut unlocked.keys, &PublicKeys::default()).unwrap();
    opened.text().expose_str().to_owned()
}

fn signed(object: SignedObject, key: &Ed25519SecretKey, label: &KeyId) -> SignedObject {
    let signature = key.sign(&object.bytes_to_sign().unwrap()).to_bytes();
    object.with_signature(&USER.into(), label, &Ed25519Signature::from_bytes(signature))
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}
