//! What a recovery says to a text that opens nothing: what was expected here.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    client::{
        KeyKind,
        flow::{EnterError, Recover},
    },
    passphrase::PassphraseParameters,
    secret::SecretBytes,
    secret_storage::UnlockFailure,
};

use crate::{
    host::{Host, new_key},
    recover::{account, nobody, recover_with, tablet},
};

const PASSPHRASE: &str = "correct horse battery staple";

#[test]
fn row_54_a_backup_without_key_storage_asks_for_its_own_key() {
    let (auth_data, key) = backup_key(None);
    let mut host = with_backup(Host::new(), &auth_data);
    let other = other_recovery_key();
    let mistyped = format!("Recovery key: {}", &other[..58]);
    let slip = format!("{}{}", &key[..20], &key[21..]);
    let device = recover_with(&mut host, flow(), &["", PASSPHRASE, &other, &mistyped, &slip, &key]);
    let (last, refused) = device.entered.split_last().unwrap();
    assert_eq!(last, &Ok(KeyKind::Backup));
    for (refusal, sentence) in refused.iter().zip([
        "nothing was entered; enter the recovery key of the backup",
        "this looks like a passphrase, which does not help here; enter the recovery key of the backup",
        "this recovery key does not open anything here",
        "this looks like a recovery key but is not a valid one, because a recovery key has 48 letters and digits, but this has 47",
        "this recovery key has one typing mistake: counting groups of four, the 1st character of group 5 is missing",
    ]) {
        assert!(reason(refusal).to_string().starts_with(sentence), "{refusal:?}");
    }
}

#[test]
fn row_54_a_wrong_passphrase_of_the_backup_is_called_one() {
    let (auth_data, _) = backup_key(Some(PASSPHRASE));
    let key = new_key();
    let of_storage = account(&key).0;
    for (host, empty) in [
        (of_storage, "the recovery key of your key storage, or the passphrase of the backup"),
        (Host::new(), "the recovery key or the passphrase of the backup"),
    ] {
        let mut host = with_backup(host, &auth_data);
        let other = other_recovery_key();
        let device = recover_with(&mut host, flow(), &["", "wrong horse", &other, PASSPHRASE]);
        let [first, second, third, last] = &device.entered[..] else {
            panic!("{:?}", device.entered)
        };
        assert_eq!(reason(first).to_string(), format!("nothing was entered; enter {empty}"));
        assert_eq!(reason(second), &UnlockFailure::PassphraseDoesNotFit);
        assert_eq!(reason(third), &UnlockFailure::RecoveryKeyDoesNotFit);
        assert_eq!(last, &Ok(KeyKind::Backup));
    }
}

#[test]
fn row_54_a_passphrase_that_was_not_tried_is_not_called_wrong() {
    let (auth_data, key) = backup_key(Some(PASSPHRASE));
    let mut host = with_backup(Host::new(), &auth_data);
    let mut limits = Limits::default();
    limits.unlock_rounds = 100;
    let flow = Recover::new(tablet(None), nobody(), limits);
    let device = recover_with(&mut host, flow, &["wrong horse", &key]);
    assert_eq!(reason(&device.entered[0]), &UnlockFailure::NothingToTry);
    assert_eq!(device.entered[1], Ok(KeyKind::Backup));
}

fn flow() -> Recover {
    Recover::new(tablet(None), nobody(), Limits::default())
}

fn reason(entered: &Result<KeyKind, EnterError>) -> &UnlockFailure {
    match entered {
        Err(EnterError::OpensNothing(error)) => &error.reason,
        other => panic!("{other:?}"),
    }
}

/// The `auth_data` of a backup that nobody signed, and its key in text.
fn backup_key(passphrase: Option<&str>) -> (Value, String) {
    let parameters = PassphraseParameters::from_parts(10_000, "aBcD", None, &Limits::default());
    let derived = parameters.unwrap().value.derive(passphrase.unwrap_or("none"));
    let bytes = SecretBytes::from_slice(derived.expose_bytes()).unwrap();
    let key = BackupDecryptionKey::typed_by_user(bytes);
    let mut auth_data = json!({ "public_key": key.public_key().to_base64() });
    if passphrase.is_some() {
        auth_data["private_key_salt"] = json!("aBcD");
        auth_data["private_key_iterations"] = json!(10_000);
    }
    (auth_data, key.to_recovery_key().to_text().expose_str().to_owned())
}

fn other_recovery_key() -> String {
    let key = new_key().to_recovery_key().unwrap().to_text();
    key.expose_str().to_owned()
}

/// With a newer version of the backup.
fn with_backup(mut host: Host, auth_data: &Value) -> Host {
    let algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
    let body = json!({ "algorithm": algorithm, "auth_data": auth_data });
    host.ask("POST", "/room_keys/version", &body);
    host
}
