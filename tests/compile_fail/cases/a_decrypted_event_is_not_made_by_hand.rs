use strongroom::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    secret::{SecretString, SecretVec},
    secret_sharing::DecryptedToDevice,
};

fn pretend(curve25519: Curve25519PublicKey, ed25519: Ed25519PublicKey) -> DecryptedToDevice {
    let (event_type, content) = (SecretString::from("m.secret.send"), SecretVec::default());
    DecryptedToDevice { sender: "@a:b.org".into(), curve25519, ed25519, event_type, content } //~ E0451 fields `sender`, `curve25519`, `ed25519`, `event_type` and `content` of struct `DecryptedToDevice` are private
}
