//! What was typed, and the keys of backups that it leads to.

use strongroom::{
    Limits,
    backup::{BackupPublicKey, BackupVersionInfo},
    client::rescue::{BackupKeys, KeySource},
    saved_files::SavedFiles,
    secret::SecretString,
    secret_storage::SecretStorage,
};

use super::reason::{Attempt, Reason, why};
use crate::failure::Failure;

/// In the words of clients, to stand after *opened with*. `is_own` says whether it is the key of the version that it opened.
pub(crate) fn words(source: &KeySource, is_own: bool) -> String {
    match source {
        KeySource::Typed if is_own => "its own key".to_owned(),
        KeySource::BackupPassphrase if is_own => "its passphrase".to_owned(),
        KeySource::SecretsBundle if is_own => "its key in a secrets bundle".to_owned(),
        source => source.to_string(),
    }
}

/// Every key that what was typed and what was saved leads to, and the first reason why a text leads nowhere.
pub(crate) fn keys_at_hand(
    saved: &SavedFiles,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> (BackupKeys, Option<String>) {
    let (keys, reasons) = of_saved(saved, versions, typed, limits);
    (keys, first(reasons))
}

/// The same of what was typed alone, with a key storage that is known.
pub(crate) fn keys_typed(
    storage: &SecretStorage,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> (BackupKeys, Option<String>) {
    let (keys, reasons) = of_typed(Some(storage), versions, typed, limits);
    (keys, first(reasons))
}

/// The same of what was saved, where there must be a key; and why what was entered opens nothing, if it does not.
pub(super) fn needed_keys(
    saved: &SavedFiles,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> Result<(BackupKeys, Vec<Reason>), Failure> {
    if typed.is_empty() && !is_at_hand(saved) {
        return Err(Failure::usage(
            "there is no key to try: name a file with --recovery-key-file or --passphrase-file",
        ));
    }
    let (keys, mut reasons) = of_saved(saved, versions, typed, limits);
    if typed.is_empty() && !fits_any(&keys, versions) {
        reasons.push(Reason::of_bundle());
    }
    if keys.iter().next().is_none() {
        return Err(Failure::other(format!("nothing was written: {}", why(&reasons))));
    }
    Ok((keys, reasons))
}

/// Whether one of the keys is that of one of the versions.
pub(crate) fn fits_any(keys: &BackupKeys, versions: &[&BackupVersionInfo]) -> bool {
    versions.iter().any(|info| keys.of_version(info).is_some())
}

/// Whether it is the key of this version.
pub(super) fn is_of(key: &BackupPublicKey, info: &BackupVersionInfo) -> bool {
    info.auth_data().is_ok_and(|auth_data| auth_data.public_key() == key)
}

/// Whether a key of a backup is among what was saved, so that none need be typed.
pub(super) fn is_at_hand(saved: &SavedFiles) -> bool {
    saved.secrets_bundles().any(|bundle| bundle.backup_key().is_some())
}

/// Bundles come out of files, so their keys open, and prove nothing.
fn of_saved(
    saved: &SavedFiles,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> (BackupKeys, Vec<Reason>) {
    let storage = saved.secret_storage(limits);
    let (mut keys, reasons) = of_typed(storage.as_ref(), versions, typed, limits);
    saved.secrets_bundles().for_each(|bundle| keys.add_bundle(bundle));
    (keys, reasons)
}

/// Of each text that is that of no version the reason.
fn of_typed(
    storage: Option<&SecretStorage>,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> (BackupKeys, Vec<Reason>) {
    let none = SecretStorage::default();
    // Whoever types many keys wants all of them tried: each one leads to itself and to what is stored under it.
    let mut limits = *limits;
    limits.backup_keys = limits.backup_keys.saturating_add(typed.len().saturating_mul(2));
    let (mut keys, mut reasons) = (BackupKeys::new(&limits), Vec::new());
    for (text, number) in typed.iter().zip(1..) {
        let text = text.expose_str();
        if let Err(error) = keys.add_typed(text, storage.unwrap_or(&none), versions) {
            let error = Some(error).filter(|_| !versions.is_empty());
            let has_account_data = storage.is_some();
            reasons.push(Attempt { number, text, error, has_account_data }.reason());
        }
    }
    (keys, reasons)
}

fn first(reasons: Vec<Reason>) -> Option<String> {
    reasons.into_iter().next().map(|reason| reason.sentence)
}
