//! Account data as hosts hold them: pairs of a type and a content, however they are owned, or the JSON of all of them.

use std::borrow::Borrow;

use serde_json::value::RawValue;

use super::SecretStorage;
use crate::{
    Limits,
    encoding::{
        format::{FormatError, FormatProblem},
        json::{self, RawObject},
        json_object::JsonObject,
    },
    ids::EventType,
};

/// One event of an account's data, with its type: a pair of both, owned or borrowed, or a reference to such a pair.
///
/// So a map of contents by type can be given by reference, and so can a list of pairs.
pub trait AccountDataPair {
    /// The type of the event.
    fn event_type(&self) -> &str;

    /// Its content.
    fn content(&self) -> &JsonObject;
}

impl<T: AsRef<str>, C: Borrow<JsonObject>> AccountDataPair for (T, C) {
    fn event_type(&self) -> &str {
        self.0.as_ref()
    }

    fn content(&self) -> &JsonObject {
        self.1.borrow()
    }
}

impl<P: AccountDataPair> AccountDataPair for &P {
    fn event_type(&self) -> &str {
        (**self).event_type()
    }

    fn content(&self) -> &JsonObject {
        (**self).content()
    }
}

impl SecretStorage {
    /// Reads account data that are one JSON text: an object with the content of each event under its type, a list of events
    /// with `type` and `content`, or an object with that list as `events`, as `/sync` has it. Otherwise as
    /// [`SecretStorage::from_account_data`]; what is no event is ignored.
    ///
    /// ```
    /// use strongroom::{Limits, secret_storage::SecretStorage};
    ///
    /// let snapshot = br#"{"m.secret_storage.default_key": {"key": "abc"}}"#;
    /// let storage = SecretStorage::from_json(snapshot, &Limits::default())?;
    /// assert_eq!(storage.default_key().map(AsRef::as_ref), Some("abc"));
    /// # Ok::<(), strongroom::encoding::format::FormatError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FormatError`] if the text is no JSON, or neither an object nor a list.
    pub fn from_json(snapshot: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        Ok(Self::from_account_data(events_of(snapshot)?, limits))
    }
}

/// The events of a snapshot: `{TYPE: CONTENT}`, a list of events, or such a list as the member `events`. What is no event
/// costs itself.
fn events_of(snapshot: &[u8]) -> Result<Vec<(EventType, JsonObject)>, FormatError> {
    let raw: &RawValue =
        serde_json::from_slice(snapshot).map_err(|_| FormatProblem::NotJson.of(WHAT))?;
    let list = |list: Vec<&RawValue>| list.into_iter().filter_map(event).collect();
    if let Some(events) = json::array(raw) {
        return Ok(list(events));
    }
    let mut object =
        RawObject::parse(snapshot).map_err(|error| FormatProblem::of_object(error, WHAT))?;
    if let Some(events) = object.take("events") {
        return json::array(events).map(list).ok_or(FormatProblem::Unusable("events").of(WHAT));
    }
    let members = object.into_members().into_iter();
    Ok(members.filter_map(|(name, content)| pair(name, content)).collect())
}

fn event(event: &RawValue) -> Option<(EventType, JsonObject)> {
    let mut event = RawObject::parse(event.get().as_bytes()).ok()?;
    pair(event.take("type")?, event.take("content")?)
}

fn pair(event_type: &RawValue, content: &RawValue) -> Option<(EventType, JsonObject)> {
    let event_type = json::public_string(event_type).ok()?.into_owned().into();
    Some((event_type, JsonObject::from_raw(content)?))
}

const WHAT: &str = "the account data";
