//! [`POST /keys/signatures/upload`](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keyssignaturesupload)

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    identity::{CrossSigningKey, Given},
    signed,
};
use crate::{
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    encoding::canonical_json::JsonValue,
    homeserver::{
        call::{Call, name, object},
        logins::Caller,
        refusal::{ErrorBody, Refusal},
        reply::to_body,
        state::{Account, State},
    },
    ids::{DeviceId, KeyId, UserId},
    signed_json::SignedObject,
};

/// Whose signatures count, by the labels that these have.
type Signers = BTreeMap<KeyId, Ed25519PublicKey>;

/// Adds signatures to keys; one that is refused costs no other. They are verified, so that a client that signs the wrong bytes
/// is found.
pub(super) fn respond(
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
) -> Result<Vec<u8>, Refusal> {
    #[derive(Serialize)]
    struct Reply {
        failures: BTreeMap<UserId, BTreeMap<String, ErrorBody>>,
    }
    let mut failures: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    let signed = read(call)?;
    // Signatures change no keys, so these stay the same for all of them.
    let signers = own_signers(state.account(caller));
    for (user, key, signed) in signed {
        if let Err(refusal) = add(&user, &key, signed, caller, &signers, state) {
            failures.entry(user).or_default().insert(key, refusal.to_error());
        }
    }
    Ok(to_body(&Reply { failures }))
}

/// Reads `{user: {device or key: object}}`.
fn read<'a>(call: &Call<'a>) -> Result<Vec<(UserId, String, &'a RawValue)>, Refusal> {
    let mut read = Vec::new();
    for (user, keys) in call.json_object()?.into_members() {
        let user = UserId::from(name(user)?);
        for (key, signed) in object(keys, "Each user must have an object")?.into_members() {
            read.push((user.clone(), name(key)?, signed));
        }
    }
    Ok(read)
}

fn add(
    user: &UserId,
    key: &str,
    signed: &RawValue,
    caller: &Caller,
    signers: &Signers,
    state: &mut State,
) -> Result<(), Refusal> {
    let signed = signed::read(signed)?;
    if *user != caller.user {
        return add_to_other(user, key, &signed, caller, state);
    }
    add_own(key, &signed, caller, signers, state.account(caller))?;
    state.keys_changed(user);
    Ok(())
}

/// The keys that can sign for a user: that of each device under its name, and the self-signing key.
fn own_signers(account: &Account) -> Signers {
    let devices = account.devices.iter().filter_map(|(id, device)| {
        let key_id = KeyId::ed25519(id);
        let key = signed::ed25519_key(device.keys.identity.as_ref()?, &key_id)?;
        Some((key_id, key))
    });
    devices.chain(account.identity.self_signing.as_ref().map(label)).collect()
}

fn label(key: &CrossSigningKey) -> (KeyId, Ed25519PublicKey) {
    (key.key.key_id().clone(), *key.key.key())
}

/// A device signed by the self-signing key, or the master key signed by a device.
fn add_own(
    key: &str,
    signed: &SignedObject,
    caller: &Caller,
    signers: &Signers,
    account: &mut Account,
) -> Result<(), Refusal> {
    let device = account.devices.get_mut(&DeviceId::from(key));
    let target = match device.and_then(|device| device.keys.identity.as_mut()) {
        Some(target) => target,
        None => {
            let master = account.identity.master.as_mut();
            let master = master.filter(|master| master.key.key_id().name() == key);
            &mut master.ok_or(UNKNOWN_KEY)?.object
        }
    };
    for (id, signature) in valid(signed, target, &caller.user, signers)? {
        *target = target.clone().with_signature(&caller.user, &id, &signature);
    }
    Ok(())
}

/// The master key of another user signed by the user-signing key.
fn add_to_other(
    user: &UserId,
    key: &str,
    signed: &SignedObject,
    caller: &Caller,
    state: &mut State,
) -> Result<(), Refusal> {
    let master = state.accounts.get(user).and_then(|account| account.identity.master.as_ref());
    let master = master.filter(|master| master.key.key_id().name() == key).ok_or(UNKNOWN_KEY)?;
    let (target, master) = (master.object.clone(), master.key.key_id().clone());
    let identity = &mut state.account(caller).identity;
    let signers = identity.user_signing.iter().map(label).collect();
    let new = valid(signed, &target, &caller.user, &signers)?;
    let mut given = Given { master, signatures: new.into_iter().collect() };
    if let Some(old) = identity.given.remove(user).filter(|old| old.master == given.master) {
        given.signatures.extend(old.signatures);
    }
    identity.given.insert(user.clone(), given);
    Ok(())
}

/// The valid signatures of a user on what is stored already; an error if there is none, or a false one.
fn valid(
    signed: &SignedObject,
    stored: &SignedObject,
    user: &UserId,
    signers: &Signers,
) -> Result<Vec<(KeyId, Ed25519Signature)>, Refusal> {
    if !signed::same_but_for_signatures(signed, stored) {
        return Err(Refusal::InvalidParameter("The signed key is not the one that is stored"));
    }
    let message = signed.signed_bytes().map_err(|_| INVALID)?;
    let signatures = signed.get("signatures").and_then(|all| all.get(user.as_str()));
    let mut valid = Vec::new();
    // Each against the one key of its label: what a request costs is in proportion to its size.
    for (id, signature) in signatures.and_then(JsonValue::as_object).unwrap_or_default() {
        let id = KeyId::from(id.as_str());
        let Some(key) = signers.get(&id) else { continue };
        let signature = signature.as_str().map(Ed25519Signature::from_base64);
        let signature = signature.and_then(Result::ok).ok_or(INVALID)?;
        if !key.verifies(&message, &signature) {
            return Err(INVALID);
        }
        valid.push((id, signature));
    }
    if valid.is_empty() { Err(INVALID) } else { Ok(valid) }
}

const UNKNOWN_KEY: Refusal = Refusal::NotFound("There is no such key");

const INVALID: Refusal = Refusal::InvalidSignature("No signature of the right key is valid");
