//! Backup versions: create, read, change, delete.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    NO_BACKUP, Opaque, UNKNOWN_VERSION,
    backups::{Backup, Backups},
};
use crate::{
    encoding::json,
    homeserver::{
        call::Call,
        refusal::Refusal,
        reply::{empty, to_body},
    },
    ids::BackupVersion,
};

pub(super) fn create(
    call: &Call<'_>,
    opaque: Opaque,
    backups: &mut Backups,
) -> Result<Vec<u8>, Refusal> {
    #[derive(Serialize)]
    struct Reply {
        version: BackupVersion,
    }
    let mut body = call.json_object()?;
    let algorithm = body.take("algorithm").and_then(|value| json::public_string(value).ok());
    let algorithm = algorithm.ok_or(ALGORITHM)?.into_owned();
    let auth_data = body.take("auth_data").filter(|value| opaque.takes(value)).ok_or(AUTH_DATA)?;
    let version = backups.create(algorithm, auth_data.to_owned());
    Ok(to_body(&Reply { version }))
}

pub(super) fn get_current(backups: &Backups) -> Result<Vec<u8>, Refusal> {
    let (version, backup) = backups.current().ok_or(NO_BACKUP)?;
    Ok(version_info(&version, backup))
}

pub(super) fn get(version: &BackupVersion, backups: &Backups) -> Result<Vec<u8>, Refusal> {
    let backup = backups.get(version).ok_or(NO_BACKUP)?;
    Ok(version_info(version, backup))
}

/// Changes the `auth_data` of any version, old ones too; the etag is that of the keys and stays.
pub(super) fn update(
    version: &BackupVersion,
    call: &Call<'_>,
    opaque: Opaque,
    backups: &mut Backups,
) -> Result<Vec<u8>, Refusal> {
    let mut body = call.json_object()?;
    if let Some(named) = body.take("version")
        && json::public_string(named).ok().as_deref() != Some(version.as_str())
    {
        return Err(Refusal::InvalidParameter("The body is about another version than the path"));
    }
    let backup = backups.get_mut(version).ok_or(UNKNOWN_VERSION)?;
    let algorithm = body.take("algorithm").ok_or(ALGORITHM)?;
    if json::public_string(algorithm).ok().as_deref() != Some(backup.algorithm()) {
        return Err(Refusal::InvalidParameter("The algorithm of a version cannot be changed"));
    }
    let auth_data = body.take("auth_data").filter(|value| opaque.takes(value)).ok_or(AUTH_DATA)?;
    backup.set_auth_data(auth_data.to_owned());
    Ok(empty())
}

/// Deletes a version with its keys; one that is gone already is deleted again with success.
pub(super) fn delete(version: &BackupVersion, backups: &mut Backups) -> Result<Vec<u8>, Refusal> {
    if backups.delete(version) { Ok(empty()) } else { Err(UNKNOWN_VERSION) }
}

fn version_info(version: &BackupVersion, backup: &Backup) -> Vec<u8> {
    #[derive(Serialize)]
    struct Reply<'a> {
        algorithm: &'a str,
        auth_data: &'a RawValue,
        version: &'a BackupVersion,
        etag: String,
        count: usize,
    }
    to_body(&Reply {
        algorithm: backup.algorithm(),
        auth_data: backup.auth_data(),
        version,
        etag: backup.etag(),
        count: backup.keys().count(),
    })
}

const ALGORITHM: Refusal = Refusal::BadJson("algorithm must be a string");
const AUTH_DATA: Refusal = Refusal::BadJson("auth_data must be an object");
