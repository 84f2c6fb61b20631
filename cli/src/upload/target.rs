//! The backup that message keys are put into, and the proof that it is the user's.

use strongroom::{
    Limits, api,
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustedBackup},
    client::rescue::KeySource,
    secret::SecretString,
    secret_storage::SecretStorage,
};

use crate::{
    failure::{Failure, shown, tell},
    fetch::account_data,
    input::Key,
    network::Account,
    rescue::keys_typed,
    terminal::TRIES,
};

/// The current backup of an account, and what was typed to open it.
pub(crate) struct Target {
    pub(crate) backup: TrustedBackup,
    pub(crate) key: BackupDecryptionKey,
    pub(crate) opened_by: KeySource,
    pub(crate) typed: Vec<SecretString>,
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
        let info = account.connection.send(&api::get_current_backup_version()).map_err(failed)?;
        let info = info.ok_or_else(|| {
            Failure::other(format!(
                "{whose} has no backup that message keys could be put into: turn it on in a client (Element: Settings > \
                 Encryption > Key storage), write the recovery key down, and repeat this command"
            ))
        })?;
        info.auth_data().map_err(|error| {
            Failure::other(format!(
                "nothing can be put into the backup of {whose}, version {}: {error}; set it up anew in a client",
                shown(info.version().as_str())
            ))
        })?;
        let sync = account.connection.send(&account_data()?).map_err(failed)?;
        let storage = SecretStorage::from_account_data(&sync.account_data, limits);
        let mut may_ask = if typed.is_empty() { TRIES } else { 0 };
        loop {
            if may_ask > 0 {
                may_ask -= 1;
                typed.clear();
                typed.extend(Key::asked_for(&whose)?);
            }
            let failure = match proven(&info, &storage, &typed, limits) {
                Ok((backup, key, opened_by)) => return Ok(Self { backup, key, opened_by, typed }),
                Err(reason) => unproven(&whose, reason),
            };
            if may_ask == 0 || typed.is_empty() {
                return Err(failure);
            }
            tell(failure);
        }
    }
}

fn unproven(whose: &str, reason: Option<String>) -> Failure {
    match reason {
        Some(reason) => Failure::other(format!(
            "{reason}; message keys are put into the backup of {whose} only with a key of yours that fits it, its own or that of \
             the key storage"
        )),
        None => Failure::usage(format!(
            "there is no key of {whose} to try: name a file with --recovery-key-file or --passphrase-file"
        )),
    }
}

/// The proof by the first text that gives one, or why there is none.
fn proven(
    info: &BackupVersionInfo,
    storage: &SecretStorage,
    typed: &[SecretString],
    limits: &Limits,
) -> Result<(TrustedBackup, BackupDecryptionKey, KeySource), Option<String>> {
    let (found, reason) = keys_typed(storage, &[info], typed, limits);
    let is_stored = |source: &KeySource| matches!(source, KeySource::SecretStorage { .. });
    match found.of_version(info) {
        Some((key, source)) => match TrustedBackup::by_decryption_key(info, key, &[]) {
            Ok(backup) => Ok((backup, key.clone(), source.clone())),
            Err(error) => Err(Some(error.to_string())),
        },
        // Repeating the command with the same key would say the same again.
        None if found.iter().any(|(_, source)| is_stored(source)) => Err(Some(STALE.to_owned())),
        None => Err(reason),
    }
}

const STALE: &str = "the key storage holds the key of another backup, not of the current one: name the current backup\u{2019}s own \
                     key, or turn the key storage off and on again in a client, which makes a new one";
