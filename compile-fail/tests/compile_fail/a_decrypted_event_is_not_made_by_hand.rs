use strongroom::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    secret::SecretVec,
    secret_sharing::DecryptedToDevice,
};

fn pretend(curve25519: Curve25519PublicKey, ed25519: Ed25519PublicKey) -> DecryptedToDevice {
    let (event_type, content) = ("m.secret.send".to_owned(), SecretVec::default());
    DecryptedToDevice { sender: "@a:b.org".into(), curve25519, ed25519, event_type, content }
}

fn main() {}
