//! Secrets that devices push to each other (MSC4385): the event inside the ciphertext, both ways.

use matrix_sdk_crypto::{
    store::types::BackupDecryptionKey as TheirKey,
    types::events::{EventType as _, olm_v1::AnyDecryptedOlmEvent, secret_push::SecretPushContent},
};
use ruma::events::secret::request::SecretName;
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    secret::SecretVec,
    secret_sharing::{
        DecryptedToDevice, DeviceIdentity, OwnDevice, OwnDevices, SECRET_PUSH_UNSTABLE,
        SecretPushes, SharePolicy,
    },
    secret_value::PublicKeys,
};

use crate::kit::machine;

const USER: &str = "@alice:example.org";

#[tokio::test]
async fn what_we_push_it_reads() {
    let key = BackupDecryptionKey::generate().unwrap();
    let (devices, mut pushes) = (devices().await, pushes());
    let secret = pushes.push(&key.to_secret(), &devices, 0).unwrap().unwrap();
    let payload = secret.expose_olm_payload();
    let event: AnyDecryptedOlmEvent = serde_json::from_slice(payload.expose_bytes()).unwrap();
    let AnyDecryptedOlmEvent::SecretPush(event) = event else { panic!("{event:?}") };
    assert_eq!(event.content.name, SecretName::RecoveryKey);
    let theirs = TheirKey::from_base64(&event.content.secret).unwrap();
    assert_eq!(theirs.megolm_v1_public_key().to_base64(), key.public_key().to_base64());
}

#[tokio::test]
async fn what_it_pushes_we_take() {
    let (theirs, devices) = (TheirKey::new(), devices().await);
    let content = SecretPushContent::new(SecretName::RecoveryKey, theirs.to_base64());
    assert_eq!(SecretPushContent::EVENT_TYPE, SECRET_PUSH_UNSTABLE);
    let from = devices.trusted().next().unwrap().identity.clone();
    let event = DecryptedToDevice::from_checked_parts(
        USER.into(),
        from.curve25519,
        from.ed25519,
        content.event_type(),
        SecretVec::from(serde_json::to_vec(&content).unwrap().as_slice()),
    );
    let mut public_keys = PublicKeys::default();
    let public_key = theirs.megolm_v1_public_key().to_base64();
    public_keys.backup = Some(Curve25519PublicKey::from_base64(&public_key).unwrap());
    let limits = Limits::default();
    let pushed = pushes().receive(&event, &devices, &public_keys, &limits, 0).unwrap().unwrap();
    assert_eq!(pushed.secret.to_text().expose_str(), theirs.to_base64());
    assert_eq!(pushed.from, from);
}

fn pushes() -> SecretPushes {
    SecretPushes::new(USER.into(), "OURS".into(), SharePolicy::default())
}

/// Ours, and theirs, which is verified.
async fn devices() -> OwnDevices {
    let ours = TheirKey::new().megolm_v1_public_key().to_base64();
    let keys = machine().await.identity_keys();
    let ed25519 = Ed25519PublicKey::from_bytes(keys.ed25519.as_bytes()).unwrap();
    let ours = DeviceIdentity {
        device_id: "OURS".into(),
        curve25519: Curve25519PublicKey::from_base64(&ours).unwrap(),
        ed25519,
    };
    let theirs = DeviceIdentity {
        device_id: "ALICE".into(),
        curve25519: Curve25519PublicKey::from_bytes(keys.curve25519.to_bytes()),
        ed25519,
    };
    let theirs = OwnDevice { identity: theirs, verified: true, blocked: false, dehydrated: false };
    OwnDevices::new(USER.into(), ours).with_device(theirs)
}
