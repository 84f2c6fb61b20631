//! What is sealed and opened, which is real sessions, and how that is called.

use strongroom::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    session_data::{SessionData, SessionKey},
};
use vodozemac::{megolm::GroupSession, olm::Account};

/// A real session as a device backs it up.
pub(crate) fn session() -> SessionData {
    let device = Account::new();
    let key = GroupSession::new(Default::default()).session_key();
    SessionData::new(
        SessionKey::from_bytes(&key.to_bytes()).unwrap(),
        Curve25519PublicKey::from_bytes(device.curve25519_key().to_bytes()),
        Ed25519PublicKey::from_bytes(device.ed25519_key().as_bytes()).unwrap(),
    )
}

/// A name, with the backend that the library is held to, if it is.
pub(crate) fn named(name: &str) -> String {
    if cfg!(strongroom_backend = "portable") {
        format!("{name}_portable")
    } else if cfg!(strongroom_backend = "avx2") {
        format!("{name}_avx2")
    } else {
        name.to_owned()
    }
}
