//! Names that take the place of what tells whose account it is.

use std::collections::{BTreeMap, HashMap};

use crate::{excerpt::Excerpt, ids::SecretStorageKeyId};

/// How the IDs, keys and texts of an account are shown: as they are, or by names that are stable for as long as this lives.
pub(in super::super) struct Names(Option<BTreeMap<&'static str, HashMap<String, usize>>>);

impl Names {
    /// Everything is shown as it is.
    pub(in super::super) fn as_they_are() -> Self {
        Self(None)
    }

    /// Everything is shown by its kind and a number: “device 1”.
    pub(in super::super) fn replaced() -> Self {
        Self(Some(BTreeMap::new()))
    }

    pub(super) fn are_replaced(&self) -> bool {
        self.0.is_some()
    }

    /// A text of this kind as it is, or its name.
    pub(super) fn of(&mut self, kind: &'static str, text: &str) -> String {
        self.number(kind, text).map_or_else(|| text.to_owned(), |number| format!("{kind} {number}"))
    }

    /// The number of a text among those of its kind; `None` if it is shown as it is.
    pub(super) fn number(&mut self, kind: &'static str, text: &str) -> Option<usize> {
        let numbers = self.0.as_mut()?.entry(kind).or_default();
        let next = numbers.len() + 1;
        Some(*numbers.entry(text.to_owned()).or_insert(next))
    }

    pub(super) fn excerpt(&mut self, excerpt: &Excerpt) -> Excerpt {
        match self.number(TEXT, excerpt.as_str()) {
            Some(number) => Excerpt::new(&format!("{TEXT} {number}")),
            None => excerpt.clone(),
        }
    }

    pub(super) fn storage_key(&mut self, key: &SecretStorageKeyId) -> SecretStorageKeyId {
        self.of(KEY, key.as_str()).into()
    }
}

pub(super) const KEY: &str = "key";
const TEXT: &str = "text";
