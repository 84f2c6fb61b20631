//! A life of keys over HTTP: set up by the crate, recovered by recovery key and by passphrase, rotated. On the in-memory
//! homeserver, and on a real one if `STRONGROOM_SYNAPSE` names it.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

#[path = "support/account_client.rs"]
mod account_client;
mod support;

use account_client::Client;
use strongroom::{
    Limits,
    api::PutRoomKeys,
    backup::{SealOptions, TrustedBackup},
    client::{
        Backup,
        backup::BackupOptions,
        flow::{Recover, SetUp},
    },
    homeserver::Homeserver,
    ids::KeyId,
    secret_storage::{NewKey, VerifiedPublicKeys},
    secret_value::{PublicKeys, SecretValue},
    session_data::{ExportedSession, SessionData, SessionKey},
};
use support::synapse::Synapse;
use vodozemac::{Ed25519SecretKey, megolm::GroupSession};

#[test]
fn a_life_of_keys_in_memory() {
    live(&mut Client::in_memory(&mut Homeserver::new()));
}

#[test]
fn a_life_of_keys_on_a_real_homeserver() {
    let Some(synapse) = Synapse::from_environment("flows over HTTP") else { return };
    live(&mut Client::on(&synapse));
}

fn live(client: &mut Client<'_>) {
    let key = NewKey::from_passphrase("correct horse", None).unwrap();
    let flow = SetUp::bootstrap(machine(client, "PHONE"), key, vec![master()], Limits::default());
    let made = client.run(flow, &sign, "");
    let (done, recovery_key) = (made.outcome.unwrap(), made.shown.unwrap());
    let sessions = upload(client, done.backup.trusted().unwrap());

    for typed in [recovery_key.as_str(), "correct horse"] {
        assert_eq!(recover(client, typed), sessions);
    }

    let new_key = NewKey::generate(None).unwrap();
    let (old, limits) = ([done.storage_key], Limits::default());
    let flow = SetUp::rotate_everything(done.backup, new_key, &old, Vec::new(), limits);
    let rotated = client.run(flow, &sign, "");
    let (done, new_recovery_key) = (rotated.outcome.unwrap(), rotated.shown.unwrap());
    let storage = client.storage();
    storage.unlock(&recovery_key, &PublicKeys::default(), &limits).unwrap_err();
    assert_eq!((storage.keys().count(), done.notes.len()), (1, 0));
    let sessions = upload(client, done.backup.trusted().unwrap());
    assert_eq!(recover(client, &new_recovery_key), sessions);
}

/// What a new device gets back, in the order of the session IDs.
fn recover(client: &mut Client<'_>, typed: &str) -> Vec<ExportedSession> {
    let nobody = VerifiedPublicKeys::none(client.user_id.clone());
    let flow = Recover::new(machine(client, "TABLET"), nobody, Limits::default());
    let recovered = client.run(flow, &sign, typed);
    let Some(report) = &recovered.outcome.fetched else { panic!() };
    assert!(report.is_everything());
    assert!(recovered.outcome.secrets.iter().all(|verdict| verdict.outcome.is_ok()));
    assert!(recovered.outcome.backup.trusted().is_some());
    sorted(recovered.imported)
}

fn machine(client: &Client<'_>, device: &str) -> Backup {
    let (user_id, options) = (client.user_id.clone(), BackupOptions::default());
    Backup::new(user_id, device.into(), options, Limits::default())
}

fn upload(client: &mut Client<'_>, backup: &TrustedBackup) -> Vec<ExportedSession> {
    let session = |_| {
        let key = GroupSession::new(Default::default()).session_key().to_base64();
        let session = SessionData::of_unknown_sender(SessionKey::from_base64(&key).unwrap());
        ExportedSession { room_id: "!room:example.org".into(), session }
    };
    let sessions: Vec<_> = (0..5).map(session).collect();
    let sealed = sessions.iter().map(|ExportedSession { room_id, session }| {
        backup.seal(room_id.clone(), session, &SealOptions::default()).unwrap()
    });
    client.host.send(&PutRoomKeys::new(backup, sealed).unwrap().request());
    sorted(sessions)
}

fn sorted(mut sessions: Vec<ExportedSession>) -> Vec<ExportedSession> {
    sessions.sort_by_key(ExportedSession::session_id);
    sessions
}

fn master() -> SecretValue {
    let text = strongroom::encoding::base64::encode(&[1; 32]);
    SecretValue::kept_by_host(&"m.cross_signing.master".into(), text.as_bytes()).unwrap().value
}

fn sign(bytes: &[u8]) -> Vec<(KeyId, strongroom::crypto::ed25519::Ed25519Signature)> {
    let signature = Ed25519SecretKey::from_slice(&[4; 32]).sign(bytes).to_base64();
    let signature = strongroom::crypto::ed25519::Ed25519Signature::from_base64(&signature);
    vec![("ed25519:PHONE".into(), signature.unwrap())]
}
