//! The secrets bundle of a login by QR code.

use matrix_sdk_crypto::{
    OlmMachine,
    store::types::BackupDecryptionKey as TheirKey,
    types::{CrossSigningKey as TheirPublicKey, SecretsBundle as TheirBundle},
};
use ruma::{device_id, user_id};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupVersionInfo,
    secret_storage::VerifiedPublicKeys,
    secrets_bundle::SecretsBundle,
    signed_json::{CrossSigningKey, CrossSigningUsage},
};

use crate::kit::machine;

/// A device of theirs with a digital identity and a backup, and what it publishes.
struct Account {
    machine: OlmMachine,
    verified: VerifiedPublicKeys,
    version: BackupVersionInfo,
}

impl Account {
    async fn new() -> Self {
        let machine = machine().await;
        let published = machine.bootstrap_cross_signing(false).await.unwrap();
        let published = published.upload_signing_keys_req;
        let limits = Limits::default();
        let read = |usage, key: Option<TheirPublicKey>| {
            let json = serde_json::to_string(&key.unwrap()).unwrap();
            CrossSigningKey::from_json(&USER.into(), usage, &json, &limits).unwrap()
        };
        let master = read(CrossSigningUsage::Master, published.master_key);
        let mut verified = VerifiedPublicKeys::with_master(USER.into(), *master.ed25519());
        for (usage, key) in [
            (CrossSigningUsage::SelfSigning, published.self_signing_key),
            (CrossSigningUsage::UserSigning, published.user_signing_key),
        ] {
            verified.add_cross_signing_key(&read(usage, key), &limits).unwrap();
        }
        let key = TheirKey::new();
        let mut version = serde_json::to_value(key.to_backup_info()).unwrap();
        version["version"] = json!(VERSION);
        let version = BackupVersionInfo::from_json(version.to_string().as_bytes(), &limits);
        let backups = machine.backup_machine();
        backups.save_decryption_key(Some(key), Some(VERSION.to_owned())).await.unwrap();
        Self { machine, verified, version: version.unwrap() }
    }

    async fn exported(&self) -> Value {
        serde_json::to_value(self.machine.store().export_secrets_bundle().await.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_secrets_bundle_that_it_exports_we_read_and_it_fits_what_it_published() {
    let account = Account::new().await;
    let exported = account.exported().await;
    let bundle = SecretsBundle::read(exported.to_string().as_bytes(), &Limits::default()).unwrap();
    assert_eq!(bundle.backup_version().unwrap().as_str(), VERSION);
    let key = bundle.backup_key().unwrap();
    assert_eq!(key.public_key(), account.version.auth_data().unwrap().public_key());
    let proven = bundle.verify(&account.verified).unwrap();
    assert_eq!(proven.secrets().count(), 4);

    // A device without a backup.
    let machine = machine().await;
    machine.bootstrap_cross_signing(false).await.unwrap();
    let exported = machine.store().export_secrets_bundle().await.unwrap();
    let exported = serde_json::to_value(exported).unwrap();
    assert_eq!(exported["backup"], Value::Null);
    let bundle = SecretsBundle::read(exported.to_string().as_bytes(), &Limits::default()).unwrap();
    assert!(bundle.backup_key().is_none());
}

#[tokio::test]
async fn a_secrets_bundle_that_we_write_it_imports_and_is_verified_with() {
    let account = Account::new().await;
    let exported = account.exported().await;
    let json = exported.to_string();
    let bundle = SecretsBundle::from_verified_channel(json.as_bytes(), &Limits::default()).unwrap();
    for versions in [&[][..], &[&account.version]] {
        let of_file = bundle.to_json(&account.verified, versions.iter().copied()).unwrap();
        let message = bundle.to_login_secrets(&account.verified, versions.iter().copied()).unwrap();
        for ours in [of_file, message] {
            let theirs: TheirBundle = serde_json::from_slice(ours.expose_bytes()).unwrap();
            let new = OlmMachine::new(user_id!("@alice:example.org"), device_id!("NEW")).await;
            new.store().import_secrets_bundle(&theirs).await.unwrap();
            assert!(new.cross_signing_status().await.is_complete());
            let identity = new.get_identity(new.user_id(), None).await.unwrap().unwrap();
            let identity = identity.own().unwrap();
            assert!(identity.is_verified());
            let master = identity.master_key().get_first_key().unwrap().to_base64();
            let published = bundle.public_keys().master.unwrap();
            assert_eq!(master, published.to_base64());
            let kept = new.backup_machine().get_backup_keys().await.unwrap();
            assert_eq!(kept.backup_version.is_some(), !versions.is_empty());
            if let Some(key) = kept.decryption_key {
                assert_eq!(key.to_base64(), exported["backup"]["key"].as_str().unwrap());
                // What it has imported it exports in the same words.
                let again = new.store().export_secrets_bundle().await.unwrap();
                assert_eq!(serde_json::to_value(again).unwrap(), exported);
            }
        }
    }
}

const USER: &str = "@alice:example.org";
const VERSION: &str = "17";
