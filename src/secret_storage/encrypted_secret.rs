//! A secret as it stands in account data: encrypted to one key or to several.

use std::collections::{BTreeMap, HashSet};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{
    crypto::{
        aes_hmac_sha2::{Iv, SymmetricSecret},
        curve25519_aes_sha2::SealedMessage,
    },
    encoding::{
        base64,
        format::{FormatError, FormatProblem},
        json::{self, JsonText, RawObject, is_nothing},
        json_object::JsonObject,
    },
    ids::SecretStorageKeyId,
};

/// An encrypted secret ([specification](https://spec.matrix.org/v1.16/client-server-api/#secret-storage)):
/// an entry for each key that can open it.
///
/// It is kept as it came: entries and members that are not known survive.
#[derive(Debug, Clone)]
pub struct EncryptedSecret {
    json: JsonObject,
    entries: Entries,
}

type Entries = BTreeMap<SecretStorageKeyId, Result<SecretEntry, FormatError>>;

/// A secret as one key opens it. Which form it has shows in its members alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretEntry {
    /// `iv`, `ciphertext` and `mac` of `m.secret_storage.v1.aes-hmac-sha2`. Old clients for Android and iOS left `iv` out
    /// and encrypted with 16 zero bytes, which stand in its place.
    AesHmacSha2(SymmetricSecret),
    /// `ephemeral`, `ciphertext` and `mac` of `m.secret_storage.v1.curve25519-aes-sha2`.
    Curve25519AesSha2(SealedMessage),
    /// `{"passthrough": true}`: the secret is the key itself. Old clients made a backup key the key of
    /// the secret storage, and wrote this in its place.
    Passthrough,
}

impl EncryptedSecret {
    /// Reads the content of an event that is named like the secret.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if there is no secret in it. An entry that cannot be read does not keep
    /// the others from being read; one that is there and empty (`{}`, `null`, `""`, `{"iv":"","ciphertext":"","mac":""}`)
    /// is none, as clients leave it behind.
    pub fn from_json(content: &JsonObject) -> Result<Self, FormatError> {
        if content.is_empty() {
            return Err(FormatProblem::Deleted.of("the secret"));
        }
        let mut object = RawObject::parse(content.as_bytes()).unwrap_or_default();
        let had_entries = object.take(ENCRYPTED);
        let encrypted = had_entries.filter(|value| !is_nothing(value));
        let mut entries = match encrypted.map(|json| RawObject::parse(json.get().as_bytes())) {
            Some(Ok(encrypted)) => read_entries(encrypted, |_| true),
            Some(Err(_)) => return Err(FormatProblem::Unusable(ENCRYPTED).of("the secret")),
            None => Entries::new(),
        };
        // matrix-js-sdk 3.0 left out the level `encrypted` for this form alone.
        for (id, entry) in read_entries(object, |entry| entry == &Ok(SecretEntry::Passthrough)) {
            entries.entry(id).or_insert(entry);
        }
        if entries.is_empty() {
            let is_emptied = had_entries.is_some();
            let error = if is_emptied {
                FormatProblem::Deleted.of("the secret")
            } else {
                FormatProblem::Unusable(ENCRYPTED).of("the secret")
            };
            return Err(error);
        }
        Ok(Self { json: content.clone(), entries })
    }

    /// The IDs of the keys that it is encrypted to, in their order.
    pub fn key_ids(&self) -> impl Iterator<Item = &SecretStorageKeyId> {
        self.entries.keys()
    }

    /// The keys among them whose entry cannot be read, and why.
    pub fn unreadable(&self) -> impl Iterator<Item = (&SecretStorageKeyId, &FormatError)> {
        self.entries.iter().filter_map(|(id, entry)| Some((id, entry.as_ref().err()?)))
    }

    /// The entries, each with the ID of the key that opens it, in the order of these.
    pub(crate) fn entries(
        &self,
    ) -> impl Iterator<Item = (&SecretStorageKeyId, Result<&SecretEntry, &FormatError>)> {
        self.entries.iter().map(|(id, entry)| (id, entry.as_ref()))
    }

    /// The entry for a key; `None` if the secret is not encrypted to it.
    pub(crate) fn entry(
        &self,
        id: &SecretStorageKeyId,
    ) -> Option<Result<&SecretEntry, &FormatError>> {
        self.entries.get(id).map(Result::as_ref)
    }

    /// The keys under which the secret is encrypted with an IV of zeros. Two secrets of one name under such a key give each
    /// other away.
    pub fn without_iv(&self) -> impl Iterator<Item = &SecretStorageKeyId> {
        self.entries.keys().filter(|id| self.lacks_iv(id))
    }

    pub(super) fn lacks_iv(&self, id: &SecretStorageKeyId) -> bool {
        matches!(self.entries.get(id), Some(Ok(SecretEntry::AesHmacSha2(secret))) if secret.iv == NO_IV)
    }

    /// The JSON as it came.
    #[must_use]
    pub fn as_json(&self) -> &JsonObject {
        &self.json
    }
}

/// The JSON of a symmetric entry.
pub(super) fn entry_json(secret: &SymmetricSecret) -> String {
    let member = |name, value: &str| format!("\"{name}\":{}", json::to_text(value));
    let (iv, mac) = (secret.iv.to_base64(), secret.mac.to_base64());
    let members = [
        member("iv", &iv),
        member("ciphertext", &base64::encode(&secret.ciphertext)),
        member("mac", &mac),
    ];
    format!("{{{}}}", members.join(","))
}

/// The content of a secret with entries set, each of another key, and all else as it is.
pub(super) fn with_entries<'a>(
    content: Option<&JsonObject>,
    entries: impl IntoIterator<Item = (&'a SecretStorageKeyId, &'a str)>,
) -> JsonObject {
    let entries: Vec<_> = entries.into_iter().map(|(id, entry)| (id.as_str(), entry)).collect();
    let encrypted = content.and_then(|content| content.member(ENCRYPTED));
    let encrypted = json::with_members(encrypted, &entries);
    JsonObject::from_our_own(&json::with_member(
        content.map(JsonObject::as_raw),
        ENCRYPTED,
        &encrypted,
    ))
}

/// The content of a secret without these entries, and all else as it is.
pub(super) fn without_entries(content: &JsonObject, ids: &[SecretStorageKeyId]) -> JsonObject {
    let ids: HashSet<&str> = ids.iter().map(SecretStorageKeyId::as_str).collect();
    let mut text = json::without_members(Some(content.as_raw()), |name, value| {
        name == ENCRYPTED || ids.contains(name) && read_entry(value) == Ok(SecretEntry::Passthrough)
    });
    if let Some(encrypted) = content.member(ENCRYPTED) {
        let encrypted = json::without_members(Some(encrypted), |name, _| ids.contains(name));
        text = json::with_member(
            JsonObject::from_our_own(&text).as_raw().into(),
            ENCRYPTED,
            &encrypted,
        );
    }
    JsonObject::from_our_own(&text)
}

const ENCRYPTED: &str = "encrypted";

/// What stands for an IV that is not there.
const NO_IV: Iv = Iv::from_bytes([0; Iv::LENGTH]);

impl Serialize for EncryptedSecret {
    /// Writes the JSON as it came.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

fn read_entries(
    object: RawObject<'_>,
    is_wanted: impl Fn(&Result<SecretEntry, FormatError>) -> bool,
) -> Entries {
    let members = object.into_members().into_iter().filter(|(_, entry)| !is_emptied(entry));
    let members = members.filter_map(|(id, entry)| {
        let id = json::public_string(id).ok()?;
        Some((SecretStorageKeyId::new(id), read_entry(entry)))
    });
    members.filter(|(_, entry)| is_wanted(entry)).collect()
}

/// Whether an entry is what clients leave in the place of one that they delete: nothing, or what it was encrypted with and
/// an empty ciphertext without a MAC. An empty secret has one.
fn is_emptied(entry: &RawValue) -> bool {
    let lacks_all = |mut object: RawObject<'_>| {
        object.take("ciphertext").is_some_and(is_nothing)
            && object.take_something("mac").is_none()
            && object.take_something("passthrough").is_none()
    };
    is_nothing(entry) || RawObject::parse(entry.get().as_bytes()).is_ok_and(lacks_all)
}

fn read_entry(json: &RawValue) -> Result<SecretEntry, FormatError> {
    let mut entry =
        RawObject::parse(json.get().as_bytes()).map_err(|_| FormatProblem::NotAnObject.of(DATA))?;
    let ciphertext = entry.take_present("ciphertext");
    let (iv, ephemeral) = (entry.take_something("iv"), entry.take_something("ephemeral"));
    let mac = entry.take_something("mac");
    if ciphertext.is_none() && entry.take("passthrough").is_some_and(|value| value.get() == "true")
    {
        return Ok(SecretEntry::Passthrough);
    }
    if iv.is_none() && ephemeral.is_none() && (ciphertext.is_none() || mac.is_none()) {
        return Err(FormatProblem::UnknownForm.of(DATA));
    }
    let (ciphertext, mac) = (string(ciphertext, "ciphertext")?, string(mac, "mac")?);
    if iv.is_none() && ephemeral.is_some() {
        let ephemeral = string(ephemeral, "ephemeral")?;
        // Not as forgivingly as below: no client wrote white space or the URL-safe alphabet here.
        let message =
            SealedMessage::from_base64(ephemeral.as_str(), ciphertext.as_str(), mac.as_str())?;
        return Ok(SecretEntry::Curve25519AesSha2(message));
    }
    let no_iv = NO_IV.to_base64();
    let iv = iv.map(|iv| string(Some(iv), "iv")).transpose()?;
    let iv = iv.as_ref().map_or(no_iv.as_str(), JsonText::as_str);
    let secret = SymmetricSecret::from_base64(iv, ciphertext.as_str(), mac.as_str())?;
    Ok(SecretEntry::AesHmacSha2(secret))
}

fn string<'a>(
    value: Option<&'a RawValue>,
    name: &'static str,
) -> Result<JsonText<'a>, FormatError> {
    value.and_then(|value| json::string(value).ok()).ok_or(FormatProblem::Missing(name).of(DATA))
}

const DATA: &str = "the encrypted data";
