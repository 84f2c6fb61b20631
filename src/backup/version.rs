//! What a server says of a backup version.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::value::RawValue;

use super::{MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, auth_data::AuthData, trust::TrustError};
use crate::{
    Limits,
    encoding::{
        format::{FormatError, FormatProblem},
        json::{self, RawObject, UnknownMembers},
    },
    excerpt::Excerpt,
    ids::BackupVersion,
};

/// A backup version as a server returns it
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keysversion)).
///
/// A version whose `auth_data` cannot be used, or that has none or no algorithm, is still one: it can be listed, replaced
/// and deleted.
#[derive(Debug, Clone)]
pub struct BackupVersionInfo {
    version: BackupVersion,
    algorithm: Option<String>,
    auth_data: Result<AuthData, TrustError>,
    raw_auth_data: Option<Box<RawValue>>,
    etag: Option<String>,
    count: Option<u64>,
    unknown: UnknownMembers,
}

impl BackupVersionInfo {
    /// Reads the body of `GET /room_keys/version`. Early servers send `version` and `etag` as numbers
    /// and `count` as a string; an `algorithm` that is no string is none. `{}` is a version that is [unusable](Self::auth_data) and has no name:
    /// as an error it would be asked for without end.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is nothing that could be a version.
    pub fn from_json(text: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        let mut object =
            RawObject::parse(text).map_err(|error| FormatProblem::of_object(error, WHAT))?;
        let is_empty = object.iter().next().is_none();
        let version = match object.take("version") {
            None if is_empty => Some(BackupVersion::from("")),
            None => None,
            Some(version) => json::lenient_token(version).and_then(BackupVersion::of_server),
        };
        let version = version.ok_or(FormatProblem::Unusable("version").of(WHAT))?;
        let algorithm = object.take_present("algorithm").map(json::public_string);
        let algorithm = algorithm.and_then(|name| Some(name.ok()?.into_owned()));
        let raw_auth_data = object.take_present("auth_data").map(ToOwned::to_owned);
        let auth_data = read_auth_data(algorithm.as_deref(), raw_auth_data.as_deref(), limits);
        let etag = object.take("etag").and_then(json::lenient_token);
        let count = object.take("count").and_then(json::lenient_integer);
        let unknown =
            UnknownMembers::from_rest(object).ok_or(FormatProblem::Unkeepable.of(WHAT))?;
        Ok(Self { version, algorithm, auth_data, raw_auth_data, etag, count, unknown })
    }

    /// The version; empty if the server answered with `{}`.
    #[must_use]
    pub fn version(&self) -> &BackupVersion {
        &self.version
    }

    /// The algorithm's name, known or not; empty if the server did not say.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.algorithm.as_deref().unwrap_or_default()
    }

    /// The `auth_data`, if it can be used.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn auth_data(&self) -> Result<&AuthData, &TrustError> {
        self.auth_data.as_ref()
    }

    /// The JSON of `auth_data` as it came, usable or not; `null` if there is none.
    #[must_use]
    pub fn raw_auth_data(&self) -> &str {
        self.raw_auth_data.as_deref().map_or("null", RawValue::get)
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
        if let Some(algorithm) = &self.algorithm {
            map.serialize_entry("algorithm", algorithm)?;
        }
        if let Some(auth_data) = &self.raw_auth_data {
            map.serialize_entry("auth_data", auth_data)?;
        }
        if let Some(count) = self.count {
            map.serialize_entry("count", &count)?;
        }
        if let Some(etag) = &self.etag {
            map.serialize_entry("etag", etag)?;
        }
        if !self.version.as_str().is_empty() {
            map.serialize_entry("version", &self.version)?;
        }
        for (name, value) in self.unknown.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn read_auth_data(
    algorithm: Option<&str>,
    auth_data: Option<&RawValue>,
    limits: &Limits,
) -> Result<AuthData, TrustError> {
    match (algorithm, auth_data.filter(|auth_data| !json::is_nothing(auth_data))) {
        (None | Some(""), _) => Err(TrustError::Missing("algorithm")),
        (Some(MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2), Some(auth_data)) => {
            AuthData::from_json(auth_data.get(), limits)
        }
        (Some(MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2), None) => {
            Err(TrustError::Missing("public data"))
        }
        (Some(other), _) => Err(TrustError::UnsupportedAlgorithm(Excerpt::new(other))),
    }
}

const WHAT: &str = "the backup version";
