//! What a file is.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::value::RawValue;

use super::{SavedFileError, SavedPart, SavedRefusal};
use crate::{
    Limits,
    api::{AccountDataEvent, Endpoint as _, QueryKeys},
    backup::BackupVersionInfo,
    encoding::{
        json::{self, RawObject, RawObjectError},
        json_object::JsonObject,
        text_file,
    },
    excerpt::Excerpt,
    secret::{SecretString, SecretVec},
    session_data::ExportedSession,
};

type Parts = Vec<SavedPart>;

impl SavedPart {
    /// Reads a file, in UTF-8 or UTF-16, with or without a byte-order mark: the parts that it holds.
    ///
    /// # Errors
    ///
    /// [`SavedFileError`] if nothing in it is known, or what it holds cannot be read.
    pub fn read_all(bytes: &[u8], limits: &Limits) -> Result<Vec<Self>, SavedFileError> {
        if bytes.len() > limits.saved_file_bytes {
            let (bytes, max) = (bytes.len(), limits.saved_file_bytes);
            return Err(SavedFileError::TooLarge { bytes, max });
        }
        let text = text_file::read_text(bytes)?;
        let text = text.expose_str().trim_matches(is_around);
        match text.as_bytes().first() {
            None => Err(SavedFileError::Empty),
            Some(b'-') if text.starts_with(KEY_FILE) => {
                Ok(vec![Self::EncryptedKeyFile(SecretString::from(text))])
            }
            Some(b'{' | b'[') => read_value(text, 0, limits),
            Some(_) => Err(SavedFileError::NotJson),
        }
    }
}

fn is_around(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

/// Reads a value that stands in so many others.
fn read_value(text: &str, depth: usize, limits: &Limits) -> Result<Parts, SavedFileError> {
    match RawObject::parse(text.as_bytes()) {
        Ok(object) => read_object(text, object, depth, limits),
        Err(RawObjectError::NotAnObject) => {
            let list = serde_json::from_str(text).ok().and_then(json::array);
            read_list(&list.ok_or(SavedFileError::UnknownKind)?, limits)
        }
        // Whatever is whole in the response of a restore is worth having.
        Err(RawObjectError::Syntax) if begins_with_rooms(text) => {
            Ok(vec![SavedPart::RoomKeys(SecretVec::from(text.as_bytes()))])
        }
        Err(RawObjectError::Syntax) => Err(SavedFileError::NotJson),
    }
}

fn begins_with_rooms(text: &str) -> bool {
    text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with("\"rooms\""))
}

fn read_object(
    text: &str,
    mut object: RawObject<'_>,
    depth: usize,
    limits: &Limits,
) -> Result<Parts, SavedFileError> {
    let names = known_names(&object);
    let has = |name: &str| names.contains(name);
    let body = || SecretVec::from(text.as_bytes());
    if let Some(refusal) = refusal(&object) {
        return Ok(vec![SavedPart::Refused(refusal)]);
    }
    if PARTS.iter().any(|name| has(name)) {
        return read_parts(object, depth, limits);
    }
    Ok(vec![if has("rooms") {
        SavedPart::RoomKeys(body())
    } else if has("sessions") {
        SavedPart::KeysOfRoom(body())
    } else if has("auth_data") || (has("version") && has("algorithm")) {
        SavedPart::Version(Box::new(BackupVersionInfo::from_json(text.as_bytes(), limits)?))
    } else if has("device_keys") || has("master_keys") {
        let response = http::Response::new(text.as_bytes());
        SavedPart::Keys(Box::new(QueryKeys::new().read_response(&response, limits)?))
    } else if has("cross_signing") {
        SavedPart::SecretsBundle(SecretString::from(text))
    } else if let Some(events) = object.take("events").and_then(json::array) {
        account_data(events.into_iter().map(event))
    } else if has("type") && has("content") {
        account_data([event_of(object)].into_iter())
    } else {
        contents_by_type(object)?
    }])
}

/// The names that tell what an object is.
fn known_names(object: &RawObject<'_>) -> BTreeSet<&'static str> {
    let known = |name: Cow<'_, str>| PARTS.iter().chain(&KINDS).copied().find(|it| *it == name);
    object.iter().filter_map(|(name, _)| known(json::public_string(name).ok()?)).collect()
}

/// Account data as `{TYPE: CONTENT}`, which may be empty.
fn contents_by_type(object: RawObject<'_>) -> Result<SavedPart, SavedFileError> {
    let members = object.into_members();
    let is_empty = members.is_empty();
    let events = members.into_iter().map(|(name, content)| {
        let event_type = json::public_string(name).ok()?.into_owned().into();
        Some(AccountDataEvent { event_type, content: JsonObject::from_raw(content)? })
    });
    let part = account_data(events);
    match &part {
        SavedPart::AccountData { events, .. } if events.is_empty() && !is_empty => {
            Err(SavedFileError::UnknownKind)
        }
        _ => Ok(part),
    }
}

/// A list of sessions or of events; whatever else is in it costs itself.
fn read_list(elements: &[&RawValue], limits: &Limits) -> Result<Parts, SavedFileError> {
    let has = |name: &str| {
        elements.iter().any(|element| {
            let object = RawObject::parse(element.get().as_bytes());
            object.is_ok_and(|mut object| object.take(name).is_some())
        })
    };
    Ok(vec![if elements.is_empty() || has("session_key") {
        sessions(elements, limits.findings)
    } else if has("type") {
        account_data(elements.iter().map(|element| event(element)))
    } else {
        return Err(SavedFileError::UnknownKind);
    }])
}

/// Sessions, with so many refusals at most: one takes far more memory than what is refused.
fn sessions(elements: &[&RawValue], named: usize) -> SavedPart {
    let (mut sessions, mut refused) = (Vec::new(), 0);
    for element in elements {
        let read = ExportedSession::from_json(element.get().as_bytes());
        refused += usize::from(read.is_err());
        if read.is_ok() || refused <= named {
            sessions.push(read);
        }
    }
    SavedPart::Sessions { sessions, unnamed: refused.saturating_sub(named) }
}

/// One object with several parts. Names that are not known say nothing.
fn read_parts(
    mut object: RawObject<'_>,
    depth: usize,
    limits: &Limits,
) -> Result<Parts, SavedFileError> {
    if depth == MAX_DEPTH {
        return Err(SavedFileError::UnknownKind);
    }
    let mut parts = Vec::new();
    for name in PARTS {
        let Some(value) = object.take_present(name) else { continue };
        let read = read_value(value.get(), depth + 1, limits);
        let read = read.map_err(|error| SavedFileError::Member(name, Box::new(error)))?;
        let is_version = matches!(name, "room_keys_version" | "backup_info");
        parts.extend(read.into_iter().map(|part| match part {
            SavedPart::Refused(refusal) if is_version && refusal.errcode.as_str() == NOT_FOUND => {
                SavedPart::NoBackup
            }
            other => other,
        }));
    }
    let mut public = |name| Some(json::public_string(object.take(name)?).ok()?.into_owned());
    parts.extend(public("user_id").map(|id| SavedPart::User(id.into())));
    parts.extend(public("device_id").map(|id| SavedPart::Device(id.into())));
    let mut secret = |name| {
        let text = json::string(object.take(name)?).ok()?;
        Some(SecretString::from(text.as_str()))
    };
    parts.extend(secret("recovery_key").map(SavedPart::RecoveryKey));
    parts.extend(secret("passphrase").map(SavedPart::Passphrase));
    Ok(parts)
}

fn account_data(events: impl Iterator<Item = Option<AccountDataEvent>>) -> SavedPart {
    let (mut read, mut broken) = (Vec::new(), 0);
    for event in events {
        match event {
            Some(event) => read.push(event),
            None => broken += 1,
        }
    }
    SavedPart::AccountData { events: read, broken }
}

fn event(value: &RawValue) -> Option<AccountDataEvent> {
    event_of(RawObject::parse(value.get().as_bytes()).ok()?)
}

fn event_of(mut event: RawObject<'_>) -> Option<AccountDataEvent> {
    let event_type = json::public_string(event.take("type")?).ok()?.into_owned().into();
    Some(AccountDataEvent { event_type, content: JsonObject::from_raw(event.take("content")?)? })
}

fn refusal(object: &RawObject<'_>) -> Option<SavedRefusal> {
    let text = |name: &str| {
        let is_it = |key| json::public_string(key).is_ok_and(|key| key == name);
        let (_, value) = object.iter().filter(|(key, _)| is_it(key)).last()?;
        json::public_string(value).ok()
    };
    let (errcode, message) = (text("errcode")?, text("error").unwrap_or_default());
    Some(SavedRefusal { errcode: Excerpt::new(&errcode), message: Excerpt::new(&message) })
}

/// How an encrypted key file begins.
const KEY_FILE: &str = "-----BEGIN MEGOLM SESSION DATA-----";

/// The members under which one object holds several parts.
const PARTS: [&str; 6] = [
    "account_data",
    "room_keys_version",
    "backup_info",
    "room_keys",
    "keys_query",
    "exported_room_keys",
];

/// The other members that tell what an object is.
const KINDS: [&str; 11] = [
    "rooms",
    "sessions",
    "auth_data",
    "version",
    "algorithm",
    "device_keys",
    "master_keys",
    "cross_signing",
    "events",
    "type",
    "content",
];

/// A whole `/sync` body may stand in the place of the account data; nothing stands deeper.
const MAX_DEPTH: usize = 2;

const NOT_FOUND: &str = "M_NOT_FOUND";
