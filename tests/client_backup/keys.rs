//! Keys that the host has before the backup was looked at: which of them is the right one shows then.

use strongroom::{
    backup::BackupDecryptionKey,
    client::backup::{KeyFit, Stage},
    crypto::ed25519::{Ed25519PublicKey, Ed25519Seed},
    ids::KeyId,
    secret::SecretBytes,
    signed_json::TrustedSigner,
};

use crate::driver::Driver;

fn bytes(byte: u8) -> SecretBytes<32> {
    SecretBytes::init_with(|bytes| *bytes = [byte; 32])
}

fn typed(byte: u8) -> BackupDecryptionKey {
    BackupDecryptionKey::typed_by_user(bytes(byte))
}

fn stored(byte: u8) -> BackupDecryptionKey {
    BackupDecryptionKey::from_authenticated_secret_storage(bytes(byte))
}

fn shared(byte: u8, by: u8) -> BackupDecryptionKey {
    BackupDecryptionKey::shared_by_verified_device(bytes(byte), device(by))
}

fn from_anywhere(byte: u8) -> BackupDecryptionKey {
    BackupDecryptionKey::from_bytes(bytes(byte))
}

fn device(byte: u8) -> Ed25519PublicKey {
    Ed25519Seed::from_bytes(bytes(byte)).public_key()
}

fn trusts(devices: &[u8]) -> Vec<TrustedSigner> {
    let signer =
        |byte: &u8| TrustedSigner::new(KeyId::new(format!("ed25519:{byte}")), device(*byte));
    devices.iter().map(signer).collect()
}

/// A phone that has not looked yet, with a backup of this key on the server, which nobody signed.
fn phone(key: &BackupDecryptionKey) -> Driver {
    let mut phone = Driver::new();
    phone.plant(&key.public_key().to_base64());
    phone.machine.set_signers(trusts(&[8, 9]));
    phone
}

#[test]
fn the_key_that_fits_is_found_among_those_that_came_before_the_first_look() {
    let right: [fn() -> BackupDecryptionKey; 3] = [|| typed(1), || stored(1), || shared(1, 8)];
    let wrong = || [typed(2), stored(3), shared(4, 9), from_anywhere(5), stored(6), shared(7, 8)];
    for key in right {
        for place in 0..=wrong().len() {
            for restarts in [false, true] {
                let mut phone = phone(&key());
                let mut keys = wrong().to_vec();
                keys.insert(place, key());
                for key in keys {
                    assert_eq!(phone.machine.give_key(key), KeyFit::NoBackup);
                }
                if restarts {
                    phone.disk = phone.machine.save();
                    phone.reload("PHONE");
                    phone.machine.set_signers(trusts(&[8, 9]));
                }
                phone.run();
                let provenance = key().provenance();
                assert_eq!(phone.machine.stage(), Stage::Running, "{provenance:?} at {place}");
                assert_eq!(phone.machine.trusted().unwrap().public_key(), key().public_key());
            }
        }
    }
}

#[test]
fn a_typed_key_is_there_whatever_else_comes_before_the_first_look() {
    let mut phone = phone(&typed(1));
    phone.machine.give_key(typed(1));
    for byte in 2..100 {
        phone.machine.give_key(from_anywhere(byte));
        phone.machine.give_key(shared(byte, 8));
        phone.machine.give_key(stored(byte));
        // the same once more, from many devices
        phone.machine.give_key(shared(200, byte));
    }
    assert!(phone.machine.save().secret.expose_bytes().len() < 4_096);
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
}

#[test]
fn a_key_that_many_devices_share_takes_the_place_of_no_other() {
    let mut phone = phone(&shared(1, 8));
    phone.machine.give_key(shared(1, 8));
    for byte in 10..60 {
        phone.machine.give_key(shared(2, byte));
    }
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
}

#[test]
fn each_device_that_shared_the_key_proves_it_for_itself() {
    for blocked in [8, 9] {
        let mut phone = phone(&shared(1, 8));
        phone.machine.give_key(shared(1, 8));
        phone.machine.give_key(shared(1, 9));
        phone.run();
        phone.machine.set_signers(trusts(&[17 - blocked]));
        phone.run();
        assert_eq!(phone.machine.stage(), Stage::Running, "{blocked}");
        phone.machine.set_signers(Vec::new());
        phone.run();
        assert_eq!(phone.machine.stage(), Stage::Changed, "{blocked}");
    }
}

#[test]
fn a_key_that_only_fits_makes_nothing_trusted_beside_others_that_do_not_fit() {
    let mut phone = phone(&from_anywhere(1));
    for key in [from_anywhere(1), typed(2), stored(3), shared(4, 8)] {
        phone.machine.give_key(key);
    }
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Untrusted);
    assert!(phone.machine.has_key(), "it opens sessions all the same");
    assert_eq!(phone.machine.give_key(from_anywhere(1)), KeyFit::FitsUnauthenticated);
    assert_eq!(phone.machine.give_key(typed(1)), KeyFit::Fits);
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Running);
}

/// Nothing goes on with a backup that was deleted because its key was given once.
#[test]
fn no_key_that_was_given_is_left_when_everything_was_deleted() {
    let mut phone = phone(&typed(1));
    phone.machine.give_key(typed(1));
    phone.machine.give_key(typed(2));
    phone.run();
    phone.machine.disable();
    phone.live(120_000);
    assert_eq!(phone.machine.stage(), Stage::Off);
    phone.plant(&typed(2).public_key().to_base64());
    phone.machine.enable();
    phone.live(10_000);
    assert_eq!(phone.machine.stage(), Stage::Untrusted);
}
