//! The public keys of one device.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::{Limits, encoding::canonical_json::JsonValue, signed_json::SignedObject};

/// Identity keys, one-time keys and fallback keys of a device.
#[derive(Clone, Default)]
pub(in crate::homeserver) struct DeviceKeys {
    /// The signed object with the identity keys.
    pub(super) identity: Option<SignedObject>,
    /// In the order in which they came, which is the order in which they are given out.
    one_time: Vec<OneTimeKey>,
    /// By algorithm.
    fallback: BTreeMap<String, FallbackKey>,
}

/// A key as it is claimed: `algorithm:id`, and the object or text behind it.
#[derive(Clone)]
pub(super) struct OneTimeKey {
    pub(super) name: String,
    pub(super) key: Box<RawValue>,
}

#[derive(Clone)]
struct FallbackKey {
    key: OneTimeKey,
    used: bool,
}

/// A one-time key has the name of another one.
pub(super) struct AnotherKey;

impl OneTimeKey {
    /// The part before the colon.
    pub(super) fn algorithm(&self) -> &str {
        self.name.split_once(':').map_or("", |(algorithm, _)| algorithm)
    }

    /// Whether both are one key: the same JSON value, signatures aside, which a client makes anew when it
    /// does not know whether its upload arrived. One with another `unsigned` is another key: nothing says that it may change.
    fn is_same_key(&self, other: &Self) -> bool {
        self.without_signatures() == other.without_signatures()
    }

    /// Something that is equal for equal values; the text of what has no canonical encoding.
    fn without_signatures(&self) -> Vec<u8> {
        let text = self.key.get();
        let canonical = JsonValue::parse(text, &Limits::default()).ok().and_then(|mut key| {
            if let JsonValue::Object(members) = &mut key {
                members.retain(|(name, _)| name != "signatures");
            }
            key.to_canonical().ok()
        });
        canonical.unwrap_or_else(|| text.as_bytes().to_vec())
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.key.get().len()
    }
}

impl DeviceKeys {
    /// Whether the device has told its identity keys.
    pub(in crate::homeserver) fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// How many one-time keys there are, by algorithm.
    pub(in crate::homeserver) fn one_time_key_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for key in &self.one_time {
            *counts.entry(key.algorithm().to_owned()).or_default() += 1;
        }
        counts
    }

    /// The algorithms with a fallback key that nobody was given yet.
    pub(in crate::homeserver) fn unused_fallback_algorithms(&self) -> Vec<&str> {
        let unused = self.fallback.iter().filter(|(_, fallback)| !fallback.used);
        unused.map(|(algorithm, _)| algorithm.as_str()).collect()
    }

    /// About how many bytes they take.
    pub(in crate::homeserver) fn bytes(&self) -> usize {
        let identity = self.identity.as_ref().map_or(0, |object| object.as_json().len());
        let fallback: usize = self.fallback.values().map(|fallback| fallback.key.bytes()).sum();
        identity + fallback + self.one_time.iter().map(OneTimeKey::bytes).sum::<usize>()
    }

    /// Adds one-time keys, or none if a key of the same name is another one. A name that is there
    /// already with the same key stays where it is.
    pub(super) fn add_one_time(&mut self, keys: Vec<OneTimeKey>) -> Result<(), AnotherKey> {
        let stored: BTreeMap<&str, &OneTimeKey> =
            self.one_time.iter().map(|key| (key.name.as_str(), key)).collect();
        let mut new = Vec::new();
        for key in keys {
            match stored.get(key.name.as_str()) {
                None => new.push(key),
                Some(stored) if stored.is_same_key(&key) => {}
                Some(_) => return Err(AnotherKey),
            }
        }
        self.one_time.extend(new);
        Ok(())
    }

    /// Replaces the fallback key of an algorithm. The one that is there already stays, and stays used.
    pub(super) fn set_fallback(&mut self, key: OneTimeKey) {
        let algorithm = key.algorithm().to_owned();
        let stored = self.fallback.get(&algorithm).map(|fallback| &fallback.key);
        if stored.is_none_or(|stored| stored.name != key.name || !stored.is_same_key(&key)) {
            self.fallback.insert(algorithm, FallbackKey { key, used: false });
        }
    }

    /// Takes the oldest one-time key of an algorithm out, or lends the fallback key.
    pub(super) fn claim(&mut self, algorithm: &str) -> Option<OneTimeKey> {
        if let Some(at) = self.one_time.iter().position(|key| key.algorithm() == algorithm) {
            return Some(self.one_time.remove(at));
        }
        let fallback = self.fallback.get_mut(algorithm)?;
        fallback.used = true;
        Some(fallback.key.clone())
    }
}
