//! What a host has beside this crate: a way to its homeserver, Olm, and cross-signing. A client has all of it
//! already; here Olm is vodozemac's, and the rest is as little as the specification lets it be.
#![allow(dead_code, reason = "each that includes it uses a part")]

mod cross_signing;
mod device;
mod olm;
mod own_devices;
mod server;

use std::error::Error;

use strongroom::{
    Limits,
    crypto::ed25519::Ed25519Signature,
    ids::{KeyId, UserId},
    signed_json::SignedObject,
};

pub(crate) use self::{
    cross_signing::CrossSigning,
    device::{Device, Received},
    own_devices::Snapshot,
    server::Server,
};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Adds a signature to an object.
fn signed(
    object: SignedObject,
    user_id: &UserId,
    key_id: &KeyId,
    sign: impl FnOnce(&[u8]) -> vodozemac::Ed25519Signature,
) -> Result<SignedObject> {
    let signature = Ed25519Signature::from_bytes(sign(&object.bytes_to_sign()?).to_bytes());
    Ok(object.with_signature(user_id, key_id, &signature))
}

/// Makes an object that can be signed.
fn object(value: &serde_json::Value) -> Result<SignedObject> {
    Ok(SignedObject::from_json(&value.to_string(), &Limits::default())?)
}
