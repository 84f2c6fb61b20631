//! A bundle as it is read.

use serde_json::value::RawValue;

use super::{LOGIN_SECRETS, SEEDS, SecretsBundle, Seed};
use crate::{
    Limits,
    backup::{BackupDecryptionKey, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2},
    encoding::{
        format::{FormatError, FormatProblem},
        json::{self, JsonText, RawObject},
        secret_base64,
    },
    ids::BackupVersion,
    provenance::Provenance,
    secret_value::SecretValue,
};

impl SecretsBundle {
    pub(super) fn read_with(
        json: &[u8],
        provenance: Provenance,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        let (found, limit) = (json.len(), limits.secret_send_bytes);
        if found > limit {
            return Err(FormatProblem::TooLarge { limit, found }.of(WHAT));
        }
        Self::read_object(json, provenance).map_err(|problem| problem.of(WHAT))
    }

    fn read_object(json: &[u8], provenance: Provenance) -> Result<Self, FormatProblem> {
        let mut bundle = object(json)?;
        if let Some(message) = bundle.take("type")
            && json::string(message).ok().is_none_or(|message| message.as_str() != LOGIN_SECRETS)
        {
            return Err(FormatProblem::OtherType);
        }
        let mut seeds = inner(bundle.take("cross_signing"), "cross_signing")?;
        let [master, self_signing, user_signing] =
            SEEDS.map(|seed| read_seed(&mut seeds, &seed, provenance));
        let seeds = [master?, self_signing?, user_signing?];
        let backup = bundle.take_present("backup");
        let backup = backup.map(|backup| read_backup(inner(Some(backup), "backup")?, provenance));
        let (backup, version) = backup.transpose()?.unzip();
        Ok(Self { seeds, backup, version })
    }
}

fn read_seed(
    seeds: &mut RawObject<'_>,
    seed: &Seed,
    provenance: Provenance,
) -> Result<SecretValue, FormatProblem> {
    let text = text(seeds, seed.member)?;
    let read = SecretValue::read_with(&seed.name.into(), text.as_str().as_bytes(), provenance);
    match read {
        Ok(read) => Ok(read.value),
        Err(FormatError { problem: FormatProblem::NotAKey, .. }) => {
            Err(FormatProblem::Unusable(seed.member))
        }
        Err(error) => Err(error.problem),
    }
}

fn read_backup(
    mut backup: RawObject<'_>,
    provenance: Provenance,
) -> Result<(BackupDecryptionKey, BackupVersion), FormatProblem> {
    let algorithm = text(&mut backup, "algorithm")?;
    if algorithm.as_str() != MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2 {
        return Err(FormatProblem::Unusable("algorithm"));
    }
    let key = secret_base64::decode_array(text(&mut backup, "key")?.as_str());
    let key = key.map_err(|_| FormatProblem::Unusable("key"))?;
    let version = text(&mut backup, "backup_version")?;
    let version = BackupVersion::of_server(version.as_str().to_owned());
    let version = version.ok_or(FormatProblem::Unusable("backup_version"))?;
    Ok((BackupDecryptionKey::with_provenance(key, provenance), version))
}

/// An object with one member of each name: of several, two programs could read two.
fn object(json: &[u8]) -> Result<RawObject<'_>, FormatProblem> {
    let object =
        RawObject::parse(json).map_err(|error| FormatProblem::of_object(error, WHAT).problem)?;
    if object.clone().into_members().len() < object.iter().count() {
        return Err(FormatProblem::DuplicateMember);
    }
    Ok(object)
}

fn inner<'a>(
    value: Option<&'a RawValue>,
    name: &'static str,
) -> Result<RawObject<'a>, FormatProblem> {
    object(value.ok_or(FormatProblem::Missing(name))?.get().as_bytes()).map_err(|problem| {
        match problem {
            FormatProblem::NotAnObject => FormatProblem::Unusable(name),
            problem => problem,
        }
    })
}

fn text<'a>(object: &mut RawObject<'a>, name: &'static str) -> Result<JsonText<'a>, FormatProblem> {
    let value = object.take(name).ok_or(FormatProblem::Missing(name))?;
    json::string(value).map_err(|error| FormatProblem::of_string(error, name))
}

const WHAT: &str = "the secrets bundle";
