//! Every module of the floors 0 to 5 at work in WebAssembly, on what a real client has written.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use std::{collections::BTreeMap, slice};

use serde_json::Value;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo, RestoreOptions, restore_slice},
    crypto::ed25519::{Ed25519PublicKey, Ed25519Seed},
    encoding::{base64, canonical_json::JsonValue, json_object::JsonObject},
    excerpt::Excerpt,
    ids::{DeviceId, EventType, KeyId, UserId},
    provenance::Provenance,
    randomness::NoRandomness,
    recovery_key::RecoveryKey,
    saved_state::{SavedStateError, StateKey},
    secret::SecretBytes,
    secret_sharing::{
        Decision, DeviceIdentity, OwnDevice, OwnDevices, Requester, Responder, SECRET_REQUEST,
        SharePolicy, ToDeviceEvent,
    },
    secret_storage::SecretStorage,
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
    session_data::ExportedSession,
    signed_json::TrustedSigner,
};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn a_recovery_key_opens_the_storage_and_every_session_of_the_backup() {
    let account = Account::new(include_str!("../../tests/vectors/js-sdk/random.json"));
    let typed = account.text("recovery_key");
    let key = RecoveryKey::typed_by_user(typed).unwrap();
    assert_eq!(key.provenance(), Provenance::TypedByUser);
    assert_eq!(key.to_text().expose_str(), typed);
    account.restore_with(typed);
}

#[wasm_bindgen_test]
fn a_passphrase_opens_them_too() {
    let account = Account::new(include_str!("../../tests/vectors/js-sdk/passphrase.json"));
    account.restore_with(account.text("passphrase"));
}

#[wasm_bindgen_test]
fn the_signatures_of_the_backup_are_valid() {
    let account = Account::new(include_str!("../../tests/vectors/js-sdk/random.json"));
    let (user, limits) = (UserId::from(account.text("user_id")), Limits::default());
    let keys = &account.0["keys_query"]["master_keys"][user.as_str()]["keys"];
    let (id, key) = keys.as_object().unwrap().iter().next().unwrap();
    let key = Ed25519PublicKey::from_base64(key.as_str().unwrap()).unwrap();
    let signer = TrustedSigner::new(KeyId::from(id.as_str()), key);
    let info = account.info();
    let report =
        info.auth_data().unwrap().check_signatures(&user, slice::from_ref(&signer), &limits);
    assert!(report.is_valid_by(&signer), "{report}");
}

#[wasm_bindgen_test]
fn what_is_sealed_with_randomness_of_the_host_opens_again() {
    let account = Account::new(include_str!("../../tests/vectors/js-sdk/random.json"));
    let session = account.exported().into_values().next().unwrap().session;
    let key = BackupDecryptionKey::generate().unwrap();
    let sealed = [(); 2].map(|()| key.public_key().seal(&session).unwrap());
    assert_ne!(sealed[0].to_json(), sealed[1].to_json());
    for sealed in sealed {
        assert_eq!(key.open(&sealed).unwrap().0.value, session);
    }
    assert!(NoRandomness.to_string().contains("random"));
}

#[wasm_bindgen_test]
fn what_is_written_is_canonical_and_excerpts_are_short() {
    let value = JsonValue::parse(r#"{"b": [1e1, "\u00e9"], "a": null}"#, &Limits::default());
    assert_eq!(value.unwrap().to_canonical().unwrap(), r#"{"a":null,"b":[10,"é"]}"#.as_bytes());
    assert_eq!(base64::encode(b"\xfb\xff"), "+/8");
    let excerpt = Excerpt::new(&"a\n".repeat(1_000));
    assert!(!excerpt.as_str().contains('\n') && excerpt.as_str().len() < 1_000);
}

#[wasm_bindgen_test]
fn a_request_for_a_secret_survives_a_restart_and_is_put_before_the_user() {
    let (phone, laptop) = (identity("PHONE", 1), identity("LAPTOP", 2));
    let user = || UserId::from("@a:b.org");
    let seen = OwnDevices::new(user(), phone.clone()).with_device(verified(&laptop));
    let mut requester = Requester::new(user(), "PHONE".into());
    let request = requester.request(MEGOLM_BACKUP_V1.into(), None, &seen, 0).unwrap();

    let (key, wrong) = (StateKey::generate().unwrap(), StateKey::generate().unwrap());
    let on_disk = key.seal(&requester.save()).unwrap();
    assert!(wrong.open(&on_disk).is_err());
    let saved = key.open(&on_disk).unwrap();
    let other = Requester::from_saved(&saved, user(), "LAPTOP".into());
    assert_eq!(other.err(), Some(SavedStateError::OtherAccount));
    assert!(Requester::from_saved(&saved, user(), "PHONE".into()).is_ok());

    let event = ToDeviceEvent {
        sender: user(),
        event_type: SECRET_REQUEST.into(),
        content: request.content(),
    };
    let seen = OwnDevices::new(user(), laptop).with_device(verified(&phone));
    let mut responder = Responder::new(user(), "LAPTOP".into(), SharePolicy::default());
    let decision = responder.receive(&event, &seen, &Limits::default(), 0);
    let Decision::AskUser(incoming) = decision else { panic!("{decision:?}") };
    assert_eq!(incoming.device, phone);
}

/// An account as matrix-js-sdk has left it.
struct Account(Value);

impl Account {
    fn new(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap())
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    fn info(&self) -> BackupVersionInfo {
        let json = self.0["room_keys_version"].to_string();
        BackupVersionInfo::from_json(json.as_bytes(), &Limits::default()).unwrap()
    }

    /// The sessions as the client exported them.
    fn exported(&self) -> BTreeMap<String, ExportedSession> {
        let sessions = self.0["exported_room_keys"].as_array().unwrap().iter();
        let read = |json: &Value| ExportedSession::from_json(json.to_string().as_bytes());
        sessions
            .map(|json| read(json).unwrap().value)
            .map(|one| (one.session_id().as_str().to_owned(), one))
            .collect()
    }

    /// From what was typed through the secret storage to the sessions, which must be those exported.
    fn restore_with(&self, typed: &str) {
        let limits = Limits::default();
        let mut public_keys = PublicKeys::default();
        let info = self.info();
        let public_key = info.auth_data().unwrap().public_key();
        public_keys.backup = Some(*public_key.as_curve25519());
        let storage = self.storage();
        let mut keys = storage.unlock(typed, &public_keys, &limits).unwrap().keys;
        let secret = storage.open(&MEGOLM_BACKUP_V1.into(), &mut keys, &public_keys).unwrap();
        let key = secret.backup_key().unwrap();
        assert_eq!(key.provenance(), Provenance::AuthenticatedSecretStorage);

        let body = self.0["room_keys"].to_string();
        let mut restored = BTreeMap::new();
        let report =
            restore_slice(&key, body.as_bytes(), RestoreOptions::default(), &limits, |batch, _| {
                for verdict in batch {
                    let Ok(session) = verdict else { return Err("it failed") };
                    let session = session.into_exported();
                    restored.insert(session.session_id().as_str().to_owned(), session);
                }
                Ok(())
            });
        assert!(report.unwrap().is_everything());
        assert_eq!(restored, self.exported());
    }

    fn storage(&self) -> SecretStorage {
        let events = self.0["account_data"].as_object().unwrap().iter();
        let events: Vec<_> = events
            .map(|(name, content)| (EventType::from(name.as_str()), object(content)))
            .collect();
        let events = events.iter().map(|(name, content)| (name, content));
        SecretStorage::from_account_data(events, &Limits::default())
    }
}

fn object(value: &Value) -> JsonObject {
    JsonObject::from_json(value.to_string().as_bytes()).unwrap()
}

fn identity(id: &str, byte: u8) -> DeviceIdentity {
    let secret = SecretBytes::init_with(|bytes| *bytes = [byte; 32]);
    DeviceIdentity {
        device_id: DeviceId::from(id),
        curve25519: *BackupDecryptionKey::from_bytes(secret.clone()).public_key().as_curve25519(),
        ed25519: Ed25519Seed::from_bytes(secret).public_key(),
    }
}

fn verified(identity: &DeviceIdentity) -> OwnDevice {
    OwnDevice { identity: identity.clone(), verified: true, blocked: false, dehydrated: false }
}
