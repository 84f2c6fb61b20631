//! An account is broken over HTTP, in one way after the other: each time the diagnosis names what is wrong, and its
//! repair mends it. On the in-memory homeserver, and on a real one if `STRONGROOM_SYNAPSE` names it.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

#[path = "support/account.rs"]
mod account;
#[path = "support/account_client.rs"]
mod account_client;
#[path = "support/primitives.rs"]
mod primitives;
mod support;

use account::{Account, OTHER_ID, OTHER_KEY};
use account_client::Client;
use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    backup::{AuthData, BackupDecryptionKey},
    client::{
        Backup,
        backup::BackupOptions,
        diagnose::{Diagnosis, DiagnosisVerdict, Finding, RepairParts, RepairPlan, diagnose},
        flow::SetUp,
    },
    crypto::{
        ed25519::{Ed25519PublicKey, Ed25519Signature},
        key_material::KeyMaterial,
    },
    encoding::{base64, json_object::JsonObject},
    homeserver::Homeserver,
    ids::{KeyId, SecretName},
    secret_storage::{NewKey, SecretStorageKey},
    secret_value::{PublicKeys, SecretValue},
};
use support::{asserted::StoreText as _, signing::SignAnything as _, synapse::Synapse};
use vodozemac::Ed25519SecretKey;

/// A way to break an account, and the finding whose remedy mends it.
type Breakage = (&'static str, fn(&mut User<'_>));

const BREAKAGES: [Breakage; 11] = [
    ("storage.default_key_missing", |user| {
        user.write(DEFAULT_KEY, json!({ "key": "gone" }));
    }),
    ("backup.key_differs", |user| user.store(BACKUP, &base64::encode(&[99; 32]))),
    ("secret.missing", |user| user.write(BACKUP, json!({}))),
    ("secret.does_not_open", |user| {
        let mut secret = user.read(MASTER);
        let id = user.key.id().as_str().to_owned();
        secret["encrypted"][id]["mac"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        user.write(MASTER, secret);
    }),
    ("secret.unreadable", |user| user.write(MASTER, json!({ "encrypted": "no" }))),
    ("secret.under_other_key", |user| {
        let other = Account::default().with_key(OTHER_ID, OTHER_KEY);
        let other = other.with_secret(MASTER, OTHER_ID, OTHER_KEY, &base64::encode(&[1; 32]));
        for (event_type, content) in other.events() {
            user.client.put(&event_type, content);
        }
        user.has_other_key = true;
    }),
    ("storage.key_unverifiable", |user| {
        let event_type = format!("m.secret_storage.key.{}", user.key.id());
        let mut description = user.read(&event_type);
        for member in ["iv", "mac"] {
            description.as_object_mut().unwrap().remove(member).unwrap();
        }
        user.write(&event_type, description);
    }),
    ("storage.few_rounds", |user| {
        let event_type = format!("m.secret_storage.key.{}", user.key.id());
        let mut description = user.read(&event_type);
        description["passphrase"] =
            json!({ "algorithm": "m.pbkdf2", "iterations": 1, "salt": "salt" });
        user.write(&event_type, description);
    }),
    ("secret.legacy", |user| {
        let text = user.backup_key.to_base64();
        let bytes = base64::decode(text.expose_str()).unwrap();
        let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
        let numbers = numbers.join(",");
        let key = user.key.key().expose_bytes().try_into().unwrap();
        let mut account = Account::default();
        account.put_bytes(BACKUP, user.key.id().as_str(), key, numbers.as_bytes());
        user.write(BACKUP, serde_json::from_str(&account.content(BACKUP)).unwrap());
    }),
    ("backup.not_signed", |user| {
        let auth_data = AuthData::new(user.backup_key.public_key());
        user.update(auth_data);
    }),
    ("backup.wrong_signature", |user| {
        let wrong = Ed25519Signature::from_bytes([7; 64]);
        let auth_data = AuthData::new(user.backup_key.public_key());
        user.update(auth_data.with_signature(&user.client.user_id, &master_id(), &wrong));
    }),
];

#[test]
fn what_breaks_in_memory_is_named_and_mended() {
    let mut homeserver = Homeserver::new();
    for breakage in BREAKAGES {
        break_and_mend(&mut User::new(Client::in_memory(&mut homeserver)), breakage);
        homeserver = Homeserver::new();
    }
}

#[test]
fn what_breaks_on_a_real_homeserver_is_named_and_mended() {
    let Some(synapse) = Synapse::from_environment("diagnosis and repair") else { return };
    for breakage in BREAKAGES {
        break_and_mend(&mut User::new(Client::on(&synapse)), breakage);
    }
}

fn break_and_mend(user: &mut User<'_>, (code, break_it): Breakage) {
    let well = user.diagnose();
    assert_eq!(codes(&well), ["input.storage_key_fits", "sessions.would_restore"], "{code}");
    break_it(user);
    let broken = user.diagnose();
    let named = broken.findings().iter().find(|finding| finding.code() == code);
    let named = named.unwrap_or_else(|| panic!("{code}: {broken:#?}")).clone();
    user.repair(&broken, &named);
    let mended = user.diagnose();
    assert!(mended.findings().iter().all(|finding| *finding != named), "{code}: {mended:#?}");
    assert_eq!(mended.verdict(), DiagnosisVerdict::Well, "{code}: {mended:#?}");
}

fn codes(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.findings().iter().map(Finding::code).collect()
}

/// Somebody with a secret storage and a backup.
struct User<'a> {
    client: Client<'a>,
    key: NewKey,
    backup_key: BackupDecryptionKey,
    has_other_key: bool,
}

impl<'a> User<'a> {
    /// Somebody whom the flow of the crate has set up.
    fn new(mut client: Client<'a>) -> Self {
        let (key, limits) = (NewKey::generate(None).unwrap(), Limits::default());
        let options = BackupOptions::default();
        let machine = Backup::new(client.user_id.clone(), "PHONE".into(), options, limits);
        let secrets = vec![secret(MASTER, MASTER_SEED)];
        let flow = SetUp::bootstrap(machine, key.clone(), secrets, limits);
        let sign = |bytes: &[u8]| vec![(master_id(), sign(bytes))];
        let done = client.run(flow, &sign, "").outcome.unwrap();
        let mut keys = vec![key.key().clone()];
        let stored = client.storage().open(&BACKUP.into(), &mut keys, &PublicKeys::default());
        let backup_key = stored.unwrap().backup_key().unwrap();
        assert_eq!(backup_key.public_key(), done.backup.trusted().unwrap().public_key());
        Self { client, key, backup_key, has_other_key: false }
    }

    /// All that a client can ask the homeserver for, with the recovery key typed.
    fn diagnose(&mut self) -> Diagnosis {
        let mut evidence = self.client.host.collect(self.client.user_id.clone());
        // The digital identity of this account is known to this device alone.
        evidence.keys = None;
        let storage = self.client.storage();
        if self.has_other_key {
            let description = storage.key(&OTHER_ID.into()).unwrap();
            let other = description.accept(&KeyMaterial::from_slice(OTHER_KEY).unwrap());
            evidence.storage_keys.push(other.unwrap());
        }
        evidence.storage = Some(storage);
        evidence.master_key = Some(master());
        let typed = self.key.to_recovery_key().unwrap().to_text();
        diagnose(&evidence, Some(typed.expose_str()), &Limits::default())
    }

    fn repair(&mut self, found: &Diagnosis, finding: &Finding) {
        let mut parts = RepairParts::default();
        let new_key = NewKey::generate(None).unwrap();
        parts.new_key = Some(new_key.clone());
        let text = self.backup_key.to_base64();
        let backup_key = SecretValue::kept_by_host(&BACKUP.into(), text.expose_str().as_bytes());
        parts.secrets = vec![secret(MASTER, MASTER_SEED), backup_key.unwrap().value];
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        match found.repair(&finding.remedy().unwrap(), &parts, rng).unwrap() {
            RepairPlan::AccountData(plan) => self.client.carry_out(plan),
            RepairPlan::Sign(version, unsigned) => {
                let signature = sign(unsigned.to_sign().bytes());
                let user_id = &self.client.user_id;
                let signed = unsigned.clone().with_signature(user_id, &master_id(), &signature);
                let put = api::update_backup_version(&version, &signed.into_auth_data());
                self.client.host.send(&put);
            }
            other => panic!("{other:?}"),
        }
        if self.client.storage().default_key() == Some(new_key.id()) {
            self.key = new_key;
        }
    }

    fn update(&mut self, auth_data: AuthData) {
        let current = self.client.host.send(&api::get_current_backup_version()).unwrap();
        self.client.host.send(&api::update_backup_version(current.version(), &auth_data));
    }

    fn store(&mut self, name: &str, text: &str) {
        let keys: [SecretStorageKey; 1] = [self.key.key().clone()];
        let plan = self
            .client
            .storage()
            .plan(&keys, &Limits::default(), |change| change.store_text(&name.into(), text));
        self.client.carry_out(plan.unwrap());
    }

    fn read(&mut self, event_type: &str) -> Value {
        let content = self.client.get(&event_type.into()).unwrap();
        serde_json::from_slice(content.as_bytes()).unwrap()
    }

    fn write(&mut self, event_type: &str, content: Value) {
        let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
        self.client.put(&event_type.into(), content);
    }
}

fn secret(name: &str, byte: u8) -> SecretValue {
    let text = base64::encode(&[byte; 32]);
    SecretValue::kept_by_host(&SecretName::from(name), text.as_bytes()).unwrap().value
}

fn master() -> Ed25519PublicKey {
    let key = Ed25519SecretKey::from_slice(&[MASTER_SEED; 32]).public_key().to_base64();
    Ed25519PublicKey::from_base64(&key).unwrap()
}

fn master_id() -> KeyId {
    KeyId::new(format!("ed25519:{}", master().to_base64()))
}

fn sign(message: &[u8]) -> Ed25519Signature {
    let signature = Ed25519SecretKey::from_slice(&[MASTER_SEED; 32]).sign(message).to_base64();
    Ed25519Signature::from_base64(&signature).unwrap()
}

const DEFAULT_KEY: &str = "m.secret_storage.default_key";
const BACKUP: &str = "m.megolm_backup.v1";
const MASTER: &str = "m.cross_signing.master";
const MASTER_SEED: u8 = 1;
