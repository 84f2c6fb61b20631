//! Trust outlives what it rests on: a device or key that vouched for a backup is blocked, removed or not verified any
//! more, and sessions are still sealed for whoever has it.
//!
//! Reproduction `revoke`.

use ed25519_dalek::SigningKey;
use serde_json::json;
use strongroom::{
    backup::BackupDecryptionKey,
    client::backup::{AnswerError, Question, Reply, Stage},
    ids::KeyId,
    provenance::Provenance,
    secret::SecretBytes,
    signed_json::TrustedSigner,
};

use crate::{
    driver::Driver,
    house::{ALGORITHM, auth_data, label, master, public, signed},
};

fn device(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

fn id(byte: u8) -> KeyId {
    KeyId::new(format!("ed25519:DEVICE{byte}"))
}

fn trusts(bytes: &[u8]) -> Vec<TrustedSigner> {
    bytes.iter().map(|byte| TrustedSigner::new(id(*byte), public(&device(*byte)))).collect()
}

/// A phone that uses a backup which these devices have signed.
fn phone(signers: &[u8]) -> (Driver, BackupDecryptionKey) {
    let mut phone = Driver::new();
    let key = BackupDecryptionKey::generate().unwrap();
    let mut auth_data = auth_data(&key);
    for byte in signers {
        auth_data = signed(&auth_data, &device(*byte), &id(*byte));
    }
    let body = json!({ "algorithm": ALGORITHM, "auth_data": auth_data });
    assert_eq!(phone.ask_server("POST", "/room_keys/version", &body).0, 200);
    phone.machine.set_signers(trusts(signers));
    phone.run();
    if !signers.is_empty() {
        assert_eq!(phone.machine.stage(), Stage::Running);
    }
    (phone, key)
}

/// Fails if anything is uploaded, however long and with however many new sessions.
#[track_caller]
fn assert_pauses(phone: &mut Driver) {
    phone.has_session();
    phone.requests();
    phone.live(600_000);
    assert!(phone.machine.trusted().is_none());
    let requests = phone.requests();
    assert!(requests.iter().all(|line| !line.starts_with("PUT /room_keys")), "{requests:?}");
    let is_asked = phone.machine.open_questions().any(|(_, question)| {
        matches!(question, Question::Changed { found: Some(found), .. } if found.problem.is_some())
    });
    assert!(is_asked, "{:?}", phone.machine.open_questions().collect::<Vec<_>>());
}

#[test]
fn a_backup_whose_last_signer_is_blocked_is_a_question_at_once_and_after_a_restart() {
    let (mut phone, _) = phone(&[1]);
    phone.machine.set_signers(Vec::new());
    assert!(phone.machine.trusted().is_none(), "before anything else happens");
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Changed);
    assert_pauses(&mut phone);
    phone.restart();
    assert_pauses(&mut phone);
    let (question, _) = phone.machine.open_questions().next().unwrap();
    assert!(matches!(phone.machine.reply(question, Reply::Use), Err(AnswerError::NotTrusted(_))));
    phone.reload("PHONE");
    phone.machine.set_signers(trusts(&[2]));
    phone.run();
    assert_pauses(&mut phone);
}

#[test]
fn when_one_proof_falls_the_others_hold() {
    let (mut phone, _) = phone(&[1, 2]);
    phone.machine.set_signers(trusts(&[2]));
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.restart();
    phone.machine.set_signers(trusts(&[2]));
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.machine.set_signers(Vec::new());
    phone.run();
    assert_pauses(&mut phone);
}

#[test]
fn a_signature_that_was_not_needed_before_takes_the_place_of_one_that_fell() {
    let (mut phone, _) = phone(&[1, 2]);
    // The second device was never trusted while the first one was.
    phone.machine.set_signers(trusts(&[1]));
    phone.run();
    phone.machine.set_signers(trusts(&[2]));
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
}

#[test]
fn a_typed_key_holds_when_every_signer_is_gone() {
    let (mut phone, key) = phone(&[1]);
    let bytes = SecretBytes::from_slice(key.to_recovery_key().as_secret().expose_bytes()).unwrap();
    phone.machine.give_key(BackupDecryptionKey::typed_by_user(bytes));
    phone.machine.set_signers(Vec::new());
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.restart();
    assert_eq!(phone.machine.stage(), Stage::Running);
}

/// What is remembered is bounded, and the best of it is not what is left out.
#[test]
fn a_proof_that_lasts_is_remembered_however_many_devices_vouch() {
    let many = 1..=60_u8;
    let unpacked = |key: &BackupDecryptionKey| {
        SecretBytes::from_slice(key.to_recovery_key().as_secret().expose_bytes()).unwrap()
    };
    for is_signed_by_user in [false, true] {
        let mut phone = Driver::new();
        let key = BackupDecryptionKey::generate().unwrap();
        let mut auth_data = auth_data(&key);
        let mut signers = Vec::new();
        for byte in many.clone() {
            // Before the master key, in whatever order they are looked at.
            let id = KeyId::new(format!("ed25519:!{byte:02}"));
            signers.push(TrustedSigner::new(id.clone(), public(&device(byte))));
            auth_data = signed(&auth_data, &device(byte), &id);
        }
        if is_signed_by_user {
            auth_data = signed(&auth_data, &master(), &label(&master()));
            signers.push(TrustedSigner::of_cross_signing_key(public(&master())));
        }
        let body = json!({ "algorithm": ALGORITHM, "auth_data": auth_data });
        assert_eq!(phone.ask_server("POST", "/room_keys/version", &body).0, 200);
        phone.machine.set_signers(signers.clone());
        phone.machine.give_key(BackupDecryptionKey::from_bytes(unpacked(&key)));
        phone.run();
        if !is_signed_by_user {
            phone.machine.give_key(BackupDecryptionKey::typed_by_user(unpacked(&key)));
            phone.run();
        }
        phone.restart();
        phone.machine.set_signers(signers);
        phone.machine.secret_found(None);
        phone.live(7_200_000);
        assert!(!phone.secrets.is_empty(), "by the user: {is_signed_by_user}");
    }
}

/// A device that was taken over can share a key of its own and say that it is the backup's.
#[test]
fn a_key_that_a_device_shared_counts_for_as_long_as_the_device() {
    let (mut phone, key) = phone(&[]);
    let shared = || {
        let bytes = SecretBytes::from_slice(key.to_recovery_key().as_secret().expose_bytes());
        BackupDecryptionKey::shared_by_verified_device(bytes.unwrap(), public(&device(3)))
    };
    phone.machine.set_signers(trusts(&[3]));
    phone.machine.give_key(shared());
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.restart();
    assert_eq!(phone.machine.stage(), Stage::Running, "until the host tells who is trusted");
    phone.machine.set_signers(trusts(&[1, 3]));
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.machine.set_signers(trusts(&[1]));
    phone.run();
    assert_pauses(&mut phone);
    phone.machine.give_key(shared());
    phone.restart();
    assert_pauses(&mut phone);
    phone.machine.give_key(shared());
    phone.run();
    assert_pauses(&mut phone);
    let provenance = shared().provenance();
    assert_eq!(provenance, Provenance::SharedByVerifiedDevice(public(&device(3))));
}

/// A homeserver that hides a device for a while can cause a question, and nothing else.
#[test]
fn a_device_that_was_hidden_and_is_back_ends_the_question() {
    let (mut phone, _) = phone(&[1]);
    phone.machine.set_signers(Vec::new());
    phone.run();
    assert_pauses(&mut phone);
    phone.restart();
    phone.machine.set_signers(trusts(&[1]));
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
    assert_eq!(phone.machine.open_questions().count(), 0);
    phone.has_session();
    phone.live(600_000);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()), "what waited is stored");
}

/// A homeserver that takes the signatures away cannot end what they proved.
#[test]
fn a_signature_that_the_homeserver_hides_was_one_all_the_same() {
    let (mut phone, key) = phone(&[1]);
    let body = json!({ "algorithm": ALGORITHM, "version": "1", "auth_data": auth_data(&key) });
    assert_eq!(phone.ask_server("PUT", "/room_keys/version/1", &body).0, 200);
    phone.machine.look_again();
    phone.live(7_200_000);
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.restart();
    phone.machine.set_signers(trusts(&[1]));
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.machine.set_signers(trusts(&[2]));
    phone.run();
    assert_pauses(&mut phone);
}

#[test]
fn while_a_new_backup_is_made_nothing_goes_to_one_that_nothing_proves() {
    let (mut phone, _) = phone(&[1]);
    phone.lie = crate::driver::lie_about("POST /room_keys/version", usize::MAX, || {
        crate::driver::Lied::Nothing
    });
    phone.machine.rotate();
    phone.live(60_000);
    assert!(phone.machine.trusted().is_some(), "the old one takes what there is meanwhile");
    phone.machine.set_signers(Vec::new());
    phone.has_session();
    phone.requests();
    phone.live(600_000);
    let requests = phone.requests();
    assert!(requests.iter().all(|line| !line.starts_with("PUT /room_keys/keys")), "{requests:?}");
    phone.lie = None;
    phone.live(3_600_000);
    assert_eq!(phone.machine.stage(), Stage::Running, "the new one is the user's own");
}
