//! Members that this version does not know.

use std::fmt;

use serde_json::value::RawValue;

use super::{MAX_DEPTH, RawObject, is_harmless, public_string};

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
