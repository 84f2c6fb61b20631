//! [`POST /keys/signatures/upload`](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keyssignaturesupload)

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::signed;
use crate::{
    Limits,
    crypto::ed25519::Ed25519Signature,
    homeserver::{
        call::{Call, name, object},
        logins::Caller,
        refusal::{ErrorBody, Refusal},
        reply::to_body,
        state::{Account, State},
    },
    ids::{DeviceId, KeyId, UserId},
    signed_json::{SignatureVerdict, SignedObject, TrustedSigner},
};

/// Adds signatures to keys; one that is refused costs no other.
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
    for (user, key, signed) in read(call)? {
        if let Err(refusal) = add(&user, &key, signed, caller, state) {
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
    state: &mut State,
) -> Result<(), Refusal> {
    let signed = signed::read(signed)?;
    if *user != caller.user {
        return add_to_other(user, key, &signed, caller, state);
    }
    add_own(key, &signed, caller, state.account(caller))?;
    state.keys_changed(user);
    Ok(())
}

/// A device signed by the self-signing key, or the master key signed by a device.
fn add_own(
    key: &str,
    signed: &SignedObject,
    caller: &Caller,
    account: &mut Account,
) -> Result<(), Refusal> {
    let devices = account.devices.values().filter_map(|device| device.keys.identity.as_ref());
    let mut signers: Vec<_> = devices.flat_map(signed::ed25519_keys).collect();
    signers.extend(account.identity.self_signing.as_ref().map(|key| key.key.clone()));
    let device = account.devices.get_mut(&DeviceId::from(key));
    let target = match device.and_then(|device| device.keys.identity.as_mut()) {
        Some(target) => target,
        None => {
            let master = account.identity.master.as_mut();
            let master = master.filter(|master| master.key.key_id().name() == key);
            &mut master.ok_or(UNKNOWN_KEY)?.object
        }
    };
    for (id, signature) in valid(signed, target, &caller.user, &signers)? {
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
    let target = master.object.clone();
    let identity = &mut state.account(caller).identity;
    let signers: Vec<_> = identity.user_signing.iter().map(|key| key.key.clone()).collect();
    let new = valid(signed, &target, &caller.user, &signers)?;
    identity.given.entry(user.clone()).or_default().extend(new);
    Ok(())
}

/// The valid signatures of a user on what is stored already; an error if there is none, or a false one.
fn valid(
    signed: &SignedObject,
    stored: &SignedObject,
    user: &UserId,
    signers: &[TrustedSigner],
) -> Result<Vec<(KeyId, Ed25519Signature)>, Refusal> {
    if !signed::same_but_for_signatures(signed, stored) {
        return Err(Refusal::InvalidParameter("The signed key is not the one that is stored"));
    }
    let report = signed.verify(user, signers, &Limits::default());
    let mut valid = Vec::new();
    for checked in report.signatures() {
        match &checked.verdict {
            SignatureVerdict::Valid(signer) if *signer.key_id() == checked.key_id => {
                let signature = signed::signature(signed, user, &checked.key_id);
                valid.extend(signature.map(|signature| (checked.key_id.clone(), signature)));
            }
            SignatureVerdict::UnknownSigner => {}
            _ => return Err(INVALID),
        }
    }
    if valid.is_empty() { Err(INVALID) } else { Ok(valid) }
}

const UNKNOWN_KEY: Refusal = Refusal::NotFound("There is no such key");

const INVALID: Refusal = Refusal::InvalidSignature("No signature of the right key is valid");
