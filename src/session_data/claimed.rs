//! The keys that the sender of a session claims.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{
    ED25519,
    read::{Repair, SessionDataError, read_text},
};
use crate::{
    crypto::ed25519::{Ed25519PublicKey, PointTest},
    encoding::json::{self, JsonTextError, RawObject},
};

/// The keys that the sender claims, with the one that stands outside of them if they have none of its algorithm.
pub(super) fn read_all_claimed_keys(
    object: &mut RawObject<'_>,
    repairs: &mut Vec<Repair>,
    test: &mut PointTest<'_>,
) -> Result<BTreeMap<String, String>, SessionDataError> {
    let mut keys = read_claimed_keys(object, repairs, test)?;
    let alone = object.take_present("sender_claimed_ed25519_key");
    if let Some(key) = alone.filter(|_| !keys.contains_key(ED25519)) {
        keep_claimed_key(&mut keys, ED25519, key, repairs, test)?;
        if keys.contains_key(ED25519) {
            repairs.push(Repair::SenderClaimedKeyMoved);
        }
    }
    Ok(keys)
}

/// Under the right name or the misspelt one, wherever there are any.
fn read_claimed_keys(
    object: &mut RawObject<'_>,
    repairs: &mut Vec<Repair>,
    test: &mut PointTest<'_>,
) -> Result<BTreeMap<String, String>, SessionDataError> {
    let misspelt = object.take_present("sender_clencaimed_keys");
    let keys = read_claimed_object(object.take_present("sender_claimed_keys"), repairs, test)?;
    if !keys.is_empty() || misspelt.is_none() {
        return Ok(keys);
    }
    let keys = read_claimed_object(misspelt, repairs, test)?;
    if !keys.is_empty() {
        repairs.push(Repair::SenderClaimedKeysRenamed);
    }
    Ok(keys)
}

fn read_claimed_object(
    value: Option<&RawValue>,
    repairs: &mut Vec<Repair>,
    test: &mut PointTest<'_>,
) -> Result<BTreeMap<String, String>, SessionDataError> {
    let mut keys = BTreeMap::new();
    let Some(value) = value else { return Ok(keys) };
    let Ok(members) = RawObject::parse(value.get().as_bytes()) else {
        dropped(repairs);
        return Ok(keys);
    };
    for (algorithm, key) in members.into_members() {
        let algorithm = read_text(algorithm, SessionDataError::Unkeepable)?;
        keep_claimed_key(&mut keys, algorithm.as_str(), key, repairs, test)?;
    }
    Ok(keys)
}

/// Keeps one of the claimed keys. An Ed25519 key that is none is dropped, since clients refuse a session that has one;
/// what stands under other names, nobody reads.
fn keep_claimed_key(
    keys: &mut BTreeMap<String, String>,
    algorithm: &str,
    key: &RawValue,
    repairs: &mut Vec<Repair>,
    test: &mut PointTest<'_>,
) -> Result<(), SessionDataError> {
    let key = match json::string(key) {
        Ok(key) => key,
        Err(JsonTextError::LoneSurrogate) => return Err(SessionDataError::Unkeepable),
        Err(JsonTextError::NotAString) => {
            dropped(repairs);
            return Ok(());
        }
    };
    if algorithm != ED25519 {
        keys.insert(algorithm.to_owned(), key.as_str().to_owned());
    } else if let Ok(key) = Ed25519PublicKey::from_base64_with(key.as_str(), test) {
        keys.insert(algorithm.to_owned(), key.to_base64());
    } else if !key.as_str().is_empty() {
        dropped(repairs);
    }
    Ok(())
}

fn dropped(repairs: &mut Vec<Repair>) {
    if !repairs.contains(&Repair::SenderClaimedKeysDropped) {
        repairs.push(Repair::SenderClaimedKeysDropped);
    }
}
