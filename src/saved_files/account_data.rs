//! Account data in all forms in which they are saved.

use serde_json::value::RawValue;

use super::{SavedFileError, SavedPart};
use crate::{
    encoding::{
        json::{self, RawObject},
        json_object::JsonObject,
    },
    ids::EventType,
};

/// The body of a `/sync` without account data at the top: a sliding one has them deeper.
pub(super) fn read_sync(mut object: RawObject<'_>) -> Result<Vec<SavedPart>, SavedFileError> {
    let extensions = object.take("extensions").ok_or(SavedFileError::NoAccountData)?;
    let events = inner(extensions, "account_data").and_then(|value| inner(value, "global"));
    let events = events.and_then(json::array).ok_or(SavedFileError::NoAccountData)?;
    Ok(vec![account_data(events.into_iter().map(event))])
}

/// A member of an object.
fn inner<'a>(object: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    RawObject::parse(object.get().as_bytes()).ok()?.take(name)
}

/// Account data as `{TYPE: CONTENT}`, which may be empty. Unless it is named as such, at least one type has a dot in it,
/// as all have: many other responses are objects of objects, too.
pub(super) fn contents_by_type(
    object: RawObject<'_>,
    is_named: bool,
) -> Result<SavedPart, SavedFileError> {
    let members = object.into_members();
    let is_empty = members.is_empty();
    let is_type = |name: &RawValue| json::public_string(name).is_ok_and(|name| name.contains('.'));
    if !is_named && !is_empty && !members.iter().any(|(name, _)| is_type(name)) {
        return Err(SavedFileError::UnknownKind);
    }
    let events = members.into_iter().map(|(name, content)| {
        let event_type = json::public_string(name).ok()?.into_owned().into();
        Some((event_type, JsonObject::from_raw(content)?))
    });
    let part = account_data(events);
    match &part {
        SavedPart::AccountData { events, .. } if events.is_empty() && !is_empty => {
            Err(SavedFileError::UnknownKind)
        }
        _ => Ok(part),
    }
}

pub(super) fn account_data(
    events: impl Iterator<Item = Option<(EventType, JsonObject)>>,
) -> SavedPart {
    let (mut read, mut broken) = (Vec::new(), 0);
    for event in events {
        match event {
            Some(event) => read.push(event),
            None => broken += 1,
        }
    }
    SavedPart::AccountData { events: read, broken }
}

pub(super) fn event(value: &RawValue) -> Option<(EventType, JsonObject)> {
    event_of(RawObject::parse(value.get().as_bytes()).ok()?)
}

pub(super) fn event_of(mut event: RawObject<'_>) -> Option<(EventType, JsonObject)> {
    let event_type = json::public_string(event.take("type")?).ok()?.into_owned().into();
    Some((event_type, JsonObject::from_raw(event.take("content")?)?))
}
