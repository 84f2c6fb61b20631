//! Members that this version does not know: of public objects, and of those that hold secrets.

use std::fmt;

use serde_json::value::RawValue;

use super::{MAX_DEPTH, RawObject, is_harmless, public_string};
use crate::secret::SecretVec;

/// Unknown members of a public object, to be written back as they came.
#[derive(Clone, Default)]
pub(crate) struct UnknownMembers(Vec<(String, Box<RawValue>)>);

impl UnknownMembers {
    /// Keeps the members that nobody took; `None` if one of them cannot be kept.
    pub(crate) fn from_rest(object: RawObject<'_>) -> Option<Self> {
        let mut kept = Vec::new();
        for (key, value) in object.into_members() {
            let key = public_string(key).ok()?.into_owned();
            if !is_harmless(value, MAX_DEPTH) {
                return None;
            }
            kept.push((key, value.to_owned()));
        }
        Some(Self(kept))
    }

    /// The members in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_ref()))
    }
}

impl PartialEq for UnknownMembers {
    fn eq(&self, other: &Self) -> bool {
        self.iter()
            .map(|(key, value)| (key, value.get()))
            .eq(other.iter().map(|(key, value)| (key, value.get())))
    }
}

impl Eq for UnknownMembers {}

impl fmt::Debug for UnknownMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

/// Unknown members of an object with secrets in it: wiped, and to be written back as they came.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct UnknownSecretMembers(SecretVec);

impl UnknownSecretMembers {
    /// Keeps the members that nobody took, as the inside of an object; `None` if one of them cannot be
    /// kept.
    pub(crate) fn from_rest(object: RawObject<'_>) -> Option<Self> {
        let members = object.into_members();
        let lengths = members.iter().map(|(key, value)| key.get().len() + value.get().len() + 2);
        let mut kept = SecretVec::with_capacity(lengths.sum());
        for (key, value) in members {
            if !is_harmless(key, 0) || !is_harmless(value, MAX_DEPTH) {
                return None;
            }
            for piece in [key.get(), ":", value.get(), ","] {
                kept.extend_from_slice(piece.as_bytes());
            }
        }
        kept.truncate(kept.expose_bytes().len().saturating_sub(1));
        Some(Self(kept))
    }

    /// How many bytes they take.
    pub(crate) fn len(&self) -> usize {
        self.0.expose_bytes().len()
    }

    /// Appends them to an object that has members already.
    pub(crate) fn append_to(&self, json: &mut SecretVec) {
        if self.len() > 0 {
            json.truncate(json.expose_bytes().len().saturating_sub(1));
            json.extend_from_slice(b",");
            json.extend_from_slice(self.0.expose_bytes());
            json.extend_from_slice(b"}");
        }
    }
}
