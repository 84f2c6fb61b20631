//! What a server says of a backup version.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
    auth_data::{AuthData, AuthDataError},
};
use crate::{
    Limits,
    encoding::json::{self, RawObject, RawObjectError, UnknownMembers},
    excerpt::Excerpt,
    ids::BackupVersion,
};

/// A backup version as a server returns it
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keysversion)).
///
/// A version whose `auth_data` cannot be used is still one: it can be listed, replaced and deleted.
#[derive(Debug, Clone)]
pub struct BackupVersionInfo {
    version: BackupVersion,
    algorithm: String,
    auth_data: Result<AuthData, AuthDataError>,
    raw_auth_data: Box<RawValue>,
    etag: Option<String>,
    count: Option<u64>,
    unknown: UnknownMembers,
}

/// Why something is not a backup version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BackupVersionInfoError {
    /// It is no JSON.
    #[error("the backup version is not valid JSON")]
    NotJson,
    /// It is JSON of another type.
    #[error("the backup version is not a JSON object")]
    NotAnObject,
    /// `version`, `algorithm` or `auth_data` is missing or of another type.
    #[error("the backup version has no usable \u{201c}{0}\u{201d}")]
    Member(&'static str),
    /// A text in it has half a character, or it is nested too deep to be kept.
    #[error("the backup version holds text that is not Unicode, or is nested too deep")]
    Unkeepable,
}

impl BackupVersionInfo {
    /// Reads the body of `GET /room_keys/version`. Early servers send `version` and `etag` as numbers
    /// and `count` as a string.
    ///
    /// # Errors
    ///
    /// [`BackupVersionInfoError`] if a member is missing without which it is no version.
    pub fn from_json(text: &[u8], limits: &Limits) -> Result<Self, BackupVersionInfoError> {
        let mut object = RawObject::parse(text).map_err(|error| match error {
            RawObjectError::Syntax => BackupVersionInfoError::NotJson,
            RawObjectError::NotAnObject => BackupVersionInfoError::NotAnObject,
        })?;
        let mut member = |name| object.take(name).ok_or(BackupVersionInfoError::Member(name));
        let version = json::lenient_token(member("version")?)
            .filter(|version| version.len() <= MAX_VERSION_BYTES)
            .map(BackupVersion::new)
            .ok_or(BackupVersionInfoError::Member("version"))?;
        let algorithm = json::public_string(member("algorithm")?)
            .map_err(|_| BackupVersionInfoError::Member("algorithm"))?
            .into_owned();
        let raw_auth_data = member("auth_data")?.to_owned();
        let auth_data = if algorithm == MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2 {
            AuthData::from_json(raw_auth_data.get(), limits)
        } else {
            Err(AuthDataError::UnsupportedAlgorithm(Excerpt::new(&algorithm)))
        };
        let etag = object.take("etag").and_then(json::lenient_token);
        let count = object.take("count").and_then(json::lenient_integer);
        let unknown =
            UnknownMembers::from_rest(object).ok_or(BackupVersionInfoError::Unkeepable)?;
        Ok(Self { version, algorithm, auth_data, raw_auth_data, etag, count, unknown })
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &BackupVersion {
        &self.version
    }

    /// The algorithm's name, known or not.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The `auth_data`, if it can be used.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn auth_data(&self) -> Result<&AuthData, &AuthDataError> {
        self.auth_data.as_ref()
    }

    /// The JSON of `auth_data` as it came, usable or not.
    #[must_use]
    pub fn raw_auth_data(&self) -> &str {
        self.raw_auth_data.get()
    }

    /// An opaque token that changes when the stored sessions do. Without one, everything may have
    /// changed.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// How many sessions the server says it holds.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.count
    }
}

impl Serialize for BackupVersionInfo {
    /// Writes what was read: unknown algorithms and members too, and `auth_data` to the last byte.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("algorithm", &self.algorithm)?;
        map.serialize_entry("auth_data", &self.raw_auth_data)?;
        if let Some(count) = self.count {
            map.serialize_entry("count", &count)?;
        }
        if let Some(etag) = &self.etag {
            map.serialize_entry("etag", etag)?;
        }
        map.serialize_entry("version", &self.version)?;
        for (name, value) in self.unknown.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The longest version that is one, in bytes, as for all identifiers: it is remembered and stands in paths. Homeservers
/// count from 1.
pub(crate) const MAX_VERSION_BYTES: usize = 255;
