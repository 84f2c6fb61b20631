//! Sealed messages and what is around them beside ruma's: it reads and writes the same JSON.

use ruma::api::client::backup as ruma;
use serde_json::Value;
use strongroom::backup::{EncryptedSessionData, KeyBackupData, UnsignedAuthData};

use crate::kit::{sealed, session, trusted};

#[test]
fn ruma_reads_and_writes_an_encrypted_session_as_we_do() {
    let sealed = trusted("1").1.public_key().seal(&session()).unwrap();
    let ours: Value = serde_json::to_value(&sealed).unwrap();
    let theirs: ruma::EncryptedSessionData = serde_json::from_value(ours.clone()).unwrap();
    assert_eq!(theirs.ephemeral.encode(), ours["ephemeral"]);
    assert_eq!(theirs.ciphertext.encode(), ours["ciphertext"]);
    assert_eq!(theirs.mac.encode(), ours["mac"]);
    let written = serde_json::to_value(&theirs).unwrap();
    assert_eq!(written, ours);
    let read: EncryptedSessionData = serde_json::from_value(written).unwrap();
    assert_eq!(read, sealed);
}

#[test]
fn ruma_reads_and_writes_a_backed_up_session_as_we_do() {
    let (backup, _) = trusted("1");
    let sealed = sealed(&backup, "!room:example.org");
    let ours: Value = serde_json::to_value(sealed.data()).unwrap();
    let theirs: ruma::KeyBackupData = serde_json::from_value(ours.clone()).unwrap();
    let metadata = sealed.data().metadata();
    assert_eq!(Some(theirs.first_message_index.into()), metadata.first_message_index);
    assert_eq!(Some(theirs.forwarded_count.into()), metadata.forwarded_count);
    assert_eq!(theirs.is_verified, metadata.is_verified);
    let written = serde_json::to_vec(&theirs).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), ours);
    assert_eq!(&KeyBackupData::from_json(&written).unwrap(), sealed.data());
}

#[test]
fn ruma_reads_and_writes_signed_auth_data_as_we_do() {
    let account = vodozemac::olm::Account::new();
    let unsigned = UnsignedAuthData::new(&trusted("1").1).unwrap();
    let signature = account.sign(unsigned.to_sign().bytes());
    let signature = strongroom::crypto::ed25519::Ed25519Signature::from_bytes(signature.to_bytes());
    let (user_id, key_id) = ("@alice:example.org".into(), "ed25519:DEVICE".into());
    let auth_data = unsigned.with_signature(&user_id, &key_id, &signature).into_auth_data();
    let ours = serde_json::to_value(&auth_data).unwrap();
    let theirs: ruma::MegolmBackupV1Curve25519AesSha2AuthData =
        serde_json::from_value(ours.clone()).unwrap();
    assert_eq!(theirs.public_key.as_bytes(), auth_data.public_key().as_curve25519().as_bytes());
    assert_eq!(serde_json::to_value(&theirs).unwrap(), ours);
}
