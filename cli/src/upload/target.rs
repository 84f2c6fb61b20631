//! The backup that message keys are put into, and the proof that it is the user's.

use strongroom::{
    Limits,
    api::GetBackupVersion,
    backup::{BackupVersionInfo, TrustError, TrustedBackup},
    secret::SecretString,
    secret_storage::SecretStorage,
};

use crate::{
    failure::{Failure, shown},
    fetch::account_data,
    input::Key,
    network::Account,
    rescue::{OpenedBy, candidates_in},
};

/// The current backup of an account, and what was typed to open it.
pub(super) struct Target {
    pub(super) backup: TrustedBackup,
    pub(super) opened_by: OpenedBy,
    pub(super) typed: Vec<SecretString>,
}

impl Target {
    /// Asks for the current version, and sees that a key of the user fits it. What a file brings is not such a key: a
    /// homeserver whose answers were saved could have put it there, and planted the backup that it fits.
    pub(super) fn find(
        account: &Account,
        mut typed: Vec<SecretString>,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let whose = shown(account.user_id.as_str());
        let failed = |trouble| account.failed(trouble);
        let info = account.connection.send(&GetBackupVersion::current()).map_err(failed)?;
        let info = info.ok_or_else(|| {
            Failure::other(format!(
                "{whose} has no key storage that message keys could be put into: turn it on in a client (Element: Settings > \
                 Encryption), write the recovery key down, and repeat this command"
            ))
        })?;
        info.auth_data().map_err(|error| {
            Failure::other(format!(
                "nothing can be put into the key storage of {whose}, version {}: {error}; set it up anew in a client",
                shown(info.version().as_str())
            ))
        })?;
        if typed.is_empty() {
            typed.extend(Key::asked_for(&whose)?);
        }
        let sync = account.connection.send(&account_data()?).map_err(failed)?;
        let storage = SecretStorage::from_account_data(&sync.account_data, limits);
        match proven(&info, &storage, &typed, limits) {
            Ok((backup, opened_by)) => Ok(Self { backup, opened_by, typed }),
            Err(Some(reason)) => Err(Failure::other(format!(
                "{reason}; message keys are put into the backup of {whose} only with a key of yours that fits it, its own or \
                 that of the key storage"
            ))),
            Err(None) => Err(Failure::usage(format!(
                "there is no key of {whose} to try: name a file with --recovery-key-file or --passphrase-file"
            ))),
        }
    }
}

/// The proof by the first text that gives one, or why there is none.
fn proven(
    info: &BackupVersionInfo,
    storage: &SecretStorage,
    typed: &[SecretString],
    limits: &Limits,
) -> Result<(TrustedBackup, OpenedBy), Option<String>> {
    let (found, mut reason) = candidates_in(storage, &[info], typed, limits);
    for candidate in found {
        match TrustedBackup::by_decryption_key(info, &candidate.key, &[]) {
            Ok(backup) => return Ok((backup, candidate.opened_by)),
            // A key that fits says more than one that does not.
            Err(error @ TrustError::UnauthenticatedSource) => reason = Some(error.to_string()),
            Err(error) => drop(reason.get_or_insert(error.to_string())),
        }
    }
    Err(reason)
}
