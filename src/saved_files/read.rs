//! What a file is.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::value::RawValue;

use super::{
    SavedFileError, SavedPart,
    account_data::{account_data, contents_by_type, event, event_of, read_sync},
};
use crate::{
    Limits, api,
    backup::BackupVersionInfo,
    encoding::{
        format::FormatError,
        json::{self, RawObject, RawObjectError},
        text_file,
    },
    excerpt::Excerpt,
    secret::{SecretString, SecretVec},
    secrets_bundle::SecretsBundle,
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
        let text = text_of(bytes).map_err(SavedFileError::NotText)?;
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

/// Where a file is cut, or read up to, may be in the middle of a character, and what came before counts.
fn text_of(bytes: &[u8]) -> Result<SecretString, FormatError> {
    text_file::read_text(bytes).or_else(|error| {
        let cut = |left_out| bytes.len().checked_sub(left_out).and_then(|end| bytes.get(..end));
        let mut cuts = (1..4).filter_map(cut);
        cuts.find_map(|cut| text_file::read_text(cut).ok()).ok_or(error)
    })
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
    if has("next_batch") || has("pos") {
        return read_sync(object);
    }
    Ok(vec![if has("rooms") {
        SavedPart::RoomKeys(body())
    } else if has("sessions") {
        SavedPart::KeysOfRoom(body())
    } else if has("device_keys") || has("master_keys") {
        let response = http::Response::new(text.as_bytes());
        SavedPart::Keys(Box::new(api::query_keys([], None).read_response(&response, limits)?))
    } else if has("cross_signing") {
        read_bundle(text, limits)?
    } else if let Some(events) = object.take("events") {
        let events = json::array(events).ok_or(SavedFileError::UnknownKind)?;
        account_data(events.into_iter().map(event))
    } else if has("type") && has("content") {
        account_data([event_of(object)].into_iter())
    } else if has("auth_data") || has("version") {
        read_version(text, limits)?
    } else if OWNER.iter().any(|name| has(name)) {
        return Ok(read_owner(object));
    } else {
        contents_by_type(object, false)?
    }])
}

fn read_version(text: &str, limits: &Limits) -> Result<SavedPart, SavedFileError> {
    let info = BackupVersionInfo::from_json(text.as_bytes(), limits);
    Ok(SavedPart::Version(Box::new(info.map_err(SavedFileError::Version)?)))
}

fn read_bundle(text: &str, limits: &Limits) -> Result<SavedPart, SavedFileError> {
    let bundle = SecretsBundle::read(text.as_bytes(), limits);
    Ok(SavedPart::SecretsBundle(Box::new(bundle.map_err(SavedFileError::Bundle)?)))
}

/// The names that tell what an object is.
fn known_names(object: &RawObject<'_>) -> BTreeSet<&'static str> {
    let all = || PARTS.iter().chain(&KINDS).chain(&OWNER).copied();
    let known = |name: Cow<'_, str>| all().find(|it| *it == name);
    object.iter().filter_map(|(name, _)| known(json::public_string(name).ok()?)).collect()
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

/// One object with several parts, of which each that cannot be read costs itself. Names that are not known say nothing.
fn read_parts(
    mut object: RawObject<'_>,
    depth: usize,
    limits: &Limits,
) -> Result<Parts, SavedFileError> {
    if depth == MAX_DEPTH {
        return Err(SavedFileError::UnknownKind);
    }
    let (mut parts, mut broken) = (Vec::new(), Vec::new());
    for name in PARTS {
        let Some(value) = object.take_present(name) else { continue };
        match read_part(name, value, depth + 1, limits) {
            Ok(read) => parts.extend(read),
            Err(error) => broken.push(SavedFileError::Member(name, Box::new(error))),
        }
    }
    parts.extend(read_owner(object));
    if parts.is_empty() && !broken.is_empty() {
        return Err(broken.swap_remove(0));
    }
    parts.extend(broken.into_iter().map(SavedPart::Broken));
    Ok(parts)
}

/// What stands under a name is what the name says, whatever it looks like.
fn read_part(
    name: &str,
    value: &RawValue,
    depth: usize,
    limits: &Limits,
) -> Result<Parts, SavedFileError> {
    let text = value.get();
    let object = RawObject::parse(text.as_bytes()).ok();
    if let Some(refusal) = object.as_ref().and_then(refusal) {
        let is_none = VERSIONS.contains(&name)
            && matches!(&refusal, SavedFileError::Refused { errcode, .. } if errcode.as_str() == NOT_FOUND);
        return Ok(vec![if is_none { SavedPart::NoBackup } else { SavedPart::Refused(refusal) }]);
    }
    match (name, object) {
        _ if VERSIONS.contains(&name) => {
            let info = BackupVersionInfo::from_json(text.as_bytes(), limits)
                .map_err(SavedFileError::Version)?;
            Ok(vec![SavedPart::Version(Box::new(info))])
        }
        ("account_data", None) if text.starts_with('[') => {
            let events = json::array(value).ok_or(SavedFileError::UnknownKind)?;
            Ok(vec![account_data(events.into_iter().map(event))])
        }
        ("account_data", Some(object)) if known_names(&object).is_empty() => {
            Ok(vec![contents_by_type(object, true)?])
        }
        _ => read_value(text, depth, limits),
    }
}

/// Whose it is, and what they typed.
fn read_owner(mut object: RawObject<'_>) -> Parts {
    let mut parts = Vec::new();
    let mut public = |name| Some(json::public_string(object.take(name)?).ok()?.into_owned());
    parts.extend(public("user_id").map(|id| SavedPart::User(id.into())));
    parts.extend(public("device_id").map(|id| SavedPart::Device(id.into())));
    let mut secret = |name| {
        let text = json::string(object.take(name)?).ok()?;
        Some(SecretString::from(text.as_str()))
    };
    parts.extend(secret("recovery_key").map(SavedPart::RecoveryKey));
    parts.extend(secret("passphrase").map(SavedPart::Passphrase));
    parts
}

fn refusal(object: &RawObject<'_>) -> Option<SavedFileError> {
    let text = |name: &str| {
        let is_it = |key| json::public_string(key).is_ok_and(|key| key == name);
        let (_, value) = object.iter().filter(|(key, _)| is_it(key)).last()?;
        json::public_string(value).ok()
    };
    let (errcode, message) = (text("errcode")?, text("error").unwrap_or_default());
    Some(SavedFileError::Refused {
        errcode: Excerpt::new(&errcode),
        message: Excerpt::new(&message),
    })
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

/// Two names for the current version.
const VERSIONS: [&str; 2] = ["room_keys_version", "backup_info"];

/// The members that say whose it is, and what was typed.
const OWNER: [&str; 4] = ["user_id", "device_id", "recovery_key", "passphrase"];

/// The other members that tell what an object is.
const KINDS: [&str; 13] = [
    "next_batch",
    "pos",
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
