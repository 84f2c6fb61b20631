//! The seeds out of the key storage.

use strongroom::{
    Limits,
    secret::SecretString,
    secret_storage::{SecretStorage, SecretStorageKey},
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING, PublicKeys,
        SecretValue,
    },
};

use crate::failure::{Failure, tell};

/// The keys of the key storage that were entered.
pub(super) fn unlocked(
    storage: &SecretStorage,
    typed: &[SecretString],
    limits: &Limits,
) -> Result<Vec<SecretStorageKey>, Failure> {
    let (mut keys, mut reason) = (Vec::new(), None);
    for text in typed {
        match storage.unlock(text.expose_str(), &PublicKeys::default(), limits) {
            Ok(unlocked) => keys.extend(unlocked.keys),
            Err(error) => drop(reason.get_or_insert(error)),
        }
    }
    match reason {
        Some(reason) if keys.is_empty() => Err(Failure::other(reason.to_string())),
        None if keys.is_empty() => Err(Failure::usage(
            "there is neither a recovery key nor a passphrase: name a file with --recovery-key-file or --passphrase-file",
        )),
        _ => Ok(keys),
    }
}

/// The cross-signing seeds, each of which has to belong to the key that is published. What does not open is told.
pub(super) fn compared(
    storage: &SecretStorage,
    keys: &mut [SecretStorageKey],
    published: &PublicKeys,
) -> Result<Vec<SecretValue>, Failure> {
    let mut seeds = Vec::new();
    for verdict in storage.open_all(keys, &PublicKeys::default()) {
        let name = verdict.name.as_str();
        if !SEEDS.contains(&name) {
            continue;
        }
        let read = verdict.outcome.map_err(|error| error.to_string());
        match read.and_then(|opened| opened.value().map_err(|error| error.to_string())) {
            Ok(read) => {
                published.check(&read.value).map_err(|error| {
                    Failure::other(format!(
                        "{name} in the key storage: {error}; \u{201c}strongroom diagnose\u{201d} says what helps"
                    ))
                })?;
                seeds.push(read.value);
            }
            Err(error) => tell(format_args!("{name}: {error}")),
        }
    }
    Ok(seeds)
}

const SEEDS: [&str; 3] =
    [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING];
