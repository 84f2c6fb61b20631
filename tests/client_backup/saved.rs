//! State as bytes.

use strongroom::{
    Limits,
    client::backup::{Backup, BackupOptions, SavedBackup, Stage},
    provenance::Provenance,
    saved_state::SavedStateError,
    secret::SecretVec,
};

use crate::driver::{Driver, USER};

fn saved() -> SavedBackup {
    let mut phone = Driver::new();
    phone.set_up();
    phone.machine.rotate();
    phone.run();
    phone.disk
}

fn restore(saved: &SavedBackup, user: &str, device: &str) -> Result<Backup, SavedStateError> {
    Backup::from_saved(
        saved,
        user.into(),
        device.into(),
        BackupOptions::default(),
        Limits::default(),
    )
}

#[test]
fn a_machine_goes_on_from_its_state_and_trusts_what_it_trusted() {
    let mut phone = Driver::new();
    phone.set_up();
    let used = phone.machine.trusted().unwrap().public_key().to_base64();
    phone.restart();
    assert_eq!(phone.machine.stage(), Stage::Running, "without signers, and without a question");
    let trusted = phone.machine.trusted().unwrap();
    assert_eq!(trusted.public_key().to_base64(), used);
    assert_eq!(*trusted.reason(), strongroom::backup::TrustReason::UsedBefore);
}

#[test]
fn state_of_another_account_or_device_is_refused() {
    let saved = saved();
    for (user, device) in [("@bob:example.org", "PHONE"), (USER, "LAPTOP")] {
        let error = restore(&saved, user, device).unwrap_err();
        assert_eq!(error, SavedStateError::OtherAccount);
    }
    assert!(restore(&saved, USER, "PHONE").is_ok());
}

#[test]
fn another_format_and_another_part_are_refused() {
    let saved = saved();
    let text = str::from_utf8(saved.secret.expose_bytes()).unwrap();
    let older = SecretVec::from(text.replace("\"format\":3", "\"format\":1").as_bytes());
    let older = SavedBackup { public: saved.public.clone(), secret: older };
    assert_eq!(restore(&older, USER, "PHONE").unwrap_err(), SavedStateError::Format { found: 1 });
    let swapped = SavedBackup {
        public: saved.secret.expose_bytes().to_vec(),
        secret: SecretVec::from(saved.public.as_slice()),
    };
    assert_eq!(restore(&swapped, USER, "PHONE").unwrap_err(), SavedStateError::OtherPart);
}

#[test]
fn the_public_part_holds_no_key() {
    let mut phone = Driver::new();
    phone.set_up();
    let key = phone.stored_key(Provenance::Generated);
    let text = String::from_utf8(phone.disk.public.clone()).unwrap();
    assert!(!text.contains(key.to_base64().expose_str()));
    let secret = str::from_utf8(phone.disk.secret.expose_bytes()).unwrap();
    assert!(secret.contains(key.to_base64().expose_str()));
}

#[test]
fn damaged_state_is_an_error_and_never_a_panic() {
    let saved = saved();
    for length in 0..saved.public.len() {
        let public = saved.public[..length].to_vec();
        let cut = SavedBackup { public, secret: saved.secret.clone() };
        assert!(restore(&cut, USER, "PHONE").is_ok(), "it is a cache");
    }
    let secret = saved.secret.expose_bytes();
    for length in 0..secret.len() {
        let cut = SavedBackup { public: saved.public.clone(), secret: secret[..length].into() };
        assert!(restore(&cut, USER, "PHONE").is_err());
    }
    for index in 0..secret.len() {
        let mut flipped = secret.to_vec();
        flipped[index] ^= 1;
        let flipped = SavedBackup {
            public: saved.public.clone(),
            secret: SecretVec::from(flipped.as_slice()),
        };
        let _ = restore(&flipped, USER, "PHONE");
    }
}
