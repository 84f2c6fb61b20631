//! What is sealed and opened: real sessions.

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
