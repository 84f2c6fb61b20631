//! Which versions of the backup there are.

use strongroom::{api, backup::BackupVersionInfo, secret::SecretVec};

use crate::{
    failure::{Failure, tell},
    network::{Account, Trouble},
};

/// A version, as the homeserver describes it.
pub(super) struct Described {
    pub(super) info: BackupVersionInfo,
    pub(super) json: SecretVec,
    pub(super) is_current: bool,
}

/// The one that clients use, if there is any.
pub(super) fn current(account: &Account) -> Result<Option<Described>, Failure> {
    described(account, &api::get_current_backup_version(), true)
}

/// Those before it that are still there: deleted ones leave gaps, which end nothing. Homeservers count from 1.
pub(super) fn older(
    account: &Account,
    current: Option<u64>,
) -> impl Iterator<Item = Result<Described, Failure>> {
    let newest = current.unwrap_or(1);
    let oldest = newest.saturating_sub(MOST).max(1);
    if oldest > 1 {
        tell(format_args!("Of the versions of the backup only the newest {MOST} are looked for."));
    }
    (oldest..newest).rev().filter_map(move |number| {
        let version = number.to_string().as_str().into();
        described(account, &api::get_backup_version(&version), false).transpose()
    })
}

fn described(
    account: &Account,
    endpoint: &api::Request<Option<BackupVersionInfo>>,
    is_current: bool,
) -> Result<Option<Described>, Failure> {
    let (info, json) = match account.connection.send_raw(endpoint) {
        Ok(answer) => answer,
        // Not every homeserver shows its older versions.
        Err(Trouble::Refused(error))
            if !is_current && matches!(error.status(), Some(400 | 404 | 405)) =>
        {
            return Ok(None);
        }
        Err(trouble) => return Err(account.failed(trouble)),
    };
    Ok(info.map(|info| Described { info, json, is_current }))
}

/// Nobody has made so many: each takes somebody who resets their key storage.
const MOST: u64 = 1_000;
