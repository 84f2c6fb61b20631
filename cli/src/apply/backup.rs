//! The backup: made if there is to be a new one, and filled.

use std::path::Path;

use strongroom::{
    Limits, api,
    backup::{AuthData, BackupDecryptionKey, BackupVersionInfo, RestoredSession, TrustedBackup},
    client::rescue::{BackupKeys, KeySource},
    recovery_key::RecoveryKey,
    session_data::ExportedSession,
};

use super::{
    copies::{Copies, ReadBack},
    goes_on,
};
use crate::{
    failure::{Failure, shown, tell},
    input::{Loaded, Wanted, secret_in},
    network::Account,
    rescue::{Bodies, Versions},
    to_apply::{ARCHIVE, BACKUP_KEY, Backup, SESSIONS, SeenVersion},
    upload::{Sending, Target},
};

/// What becomes of each session.
type Take<'a> = &'a mut dyn FnMut(ExportedSession) -> Result<(), Failure>;

/// Message keys, and the backup that they are put into.
pub(super) struct Filling<'a> {
    account: &'a Account,
    folder: &'a Path,
    plan: &'a Backup,
    key: BackupDecryptionKey,
}

impl<'a> Filling<'a> {
    pub(super) fn read(
        account: &'a Account,
        folder: &'a Path,
        plan: &'a Backup,
    ) -> Result<Self, Failure> {
        let path = folder.join(BACKUP_KEY);
        let text = secret_in(&path, Wanted::RecoveryKey)?;
        // It was proven to be the user's when it was written here.
        let key = RecoveryKey::typed_by_user(text.expose_str())
            .map_err(|error| Failure::content(&path, error))?;
        let key = BackupDecryptionKey::from_recovery_key(key);
        if key.public_key().to_base64() != plan.public_key {
            return Err(Failure::content(&path, "this is not the key that the plan was made with"));
        }
        Ok(Self { account, folder, plan, key })
    }

    /// Sees that the current backup is the one that it was, or the one that was made by this plan, and that all that is put into
    /// it is here.
    pub(super) fn check(&self, is_filled: bool) -> Result<(), Failure> {
        self.each_session(&mut |_| Ok(()))?;
        match self.current()? {
            Some(info) if self.is_ours(&info) => Ok(()),
            other if self.plan.is_new && !is_filled && self.is_former(other.as_ref()) => Ok(()),
            other => Err(changed(other.as_ref())),
        }
    }

    /// Makes the backup if there is to be a new one, puts the message keys into it, opens them again and compares. What was in
    /// a backup that stays must still be there, too.
    pub(super) fn fill(&self) -> Result<ReadBack, Failure> {
        let info = self.made().map_err(goes_on)?;
        let backup = TrustedBackup::by_decryption_key(&info, &self.key, &[])
            .map_err(|error| Failure::other(error.to_string()))?;
        let (key, opened_by) = (self.key.clone(), KeySource::Typed);
        let target = Target { backup, key, opened_by, typed: Vec::new() };
        let (mut sending, mut copies) = (Sending::new(self.account, &target), Copies::default());
        self.each_session(&mut |exported| {
            // What the backup has of other rooms, clients cannot have put there; it stays.
            if !exported.room_id.is_read_by_clients() {
                return Ok(());
            }
            let copy = copies.copy(&exported);
            let name = (exported.room_id.clone(), exported.session_id());
            copies.add(name, copy.was_there(sending.take(exported)?));
            Ok(())
        })?;
        let (mut report, read_back) = sending.finish()?;
        report.conclude(read_back, None);
        if !report.is_all_that_can_be() {
            let mut text = Vec::new();
            report.print(&mut text)?;
            tell(String::from_utf8_lossy(&text).trim_end());
            return Err(Failure::other(
                "not all message keys are in the backup, so nothing more was sent: the same command tries again",
            ));
        }
        let version = (target.backup.version(), self.plan.is_new);
        copies.require(self.account, version, &self.key).map_err(goes_on)
    }

    /// All that must be in the backup, if it is all there.
    fn each_session(&self, take: Take<'_>) -> Result<(), Failure> {
        let mut folders = vec![(SESSIONS, false, self.plan.count)];
        if !self.plan.is_new {
            folders.push((ARCHIVE, true, self.plan.kept));
        }
        for (folder, current_only, count) in folders {
            let opened = self.each(folder, current_only, take)?;
            if opened != count {
                return Err(Failure::other(format!(
                    "of the message keys in {folder} {opened} open, and there were {count}: the folder was changed; make another plan"
                )));
            }
        }
        Ok(())
    }

    /// Everything in a folder that the key of the backup opens, and how much that is.
    fn each(&self, folder: &str, current_only: bool, take: Take<'_>) -> Result<u64, Failure> {
        let (limits, mut saved) = (Limits::default(), Loaded::default());
        saved.add(&[self.folder.join(folder)], &limits)?;
        let versions = Versions::new(&saved.files, current_only);
        let mut keys = BackupKeys::new(&limits);
        keys.add(self.key.clone(), KeySource::Typed);
        // Of the current version there may be nothing.
        let Ok(bodies) = Bodies::new(&saved, &versions, &keys) else { return Ok(0) };
        let mut sessions = bodies.rescue(None);
        sessions.by_ref().map(RestoredSession::into_exported).try_for_each(take)?;
        Ok(sessions.into_report()?.restored())
    }

    /// The versions of which every message key is in the current backup now, which must still be the one that was read back.
    pub(super) fn dispensable(&self, filled: &ReadBack) -> Result<Vec<SeenVersion>, Failure> {
        let is_as_filled = |info: &BackupVersionInfo| {
            self.is_ours(info) && info.count().is_none_or(|count| count >= filled.sessions)
        };
        let current = self.current()?;
        if !current.as_ref().is_some_and(is_as_filled) {
            return Err(changed(current.as_ref()));
        }
        let mut dispensable = Vec::new();
        if filled.displaced > 0 {
            return Ok(dispensable);
        }
        for seen in self.plan.others().filter(|seen| seen.is_all_open) {
            let get = api::get_backup_version(&seen.version.as_str().into());
            let info = self.account.connection.send(&get).map_err(|it| self.account.failed(it))?;
            if info.is_some_and(|info| is_as_seen(&info, seen) && seen.is_countable()) {
                dispensable.push(seen.clone());
            }
        }
        Ok(dispensable)
    }

    /// The backup, after it was made unless it was before: that shows by its key.
    fn made(&self) -> Result<BackupVersionInfo, Failure> {
        let current = self.current()?;
        if let Some(info) = current.as_ref().filter(|info| self.is_ours(info)) {
            return Ok(info.clone());
        }
        if !self.plan.is_new || !self.is_former(current.as_ref()) {
            return Err(changed(current.as_ref()));
        }
        let create = api::create_backup_version(&AuthData::new(self.key.public_key()));
        self.account.connection.send(&create).map_err(|it| self.account.failed(it))?;
        let made = self.current()?;
        match made {
            Some(info) if self.is_ours(&info) => Ok(info),
            other => Err(changed(other.as_ref())),
        }
    }

    fn current(&self) -> Result<Option<BackupVersionInfo>, Failure> {
        let get = api::get_current_backup_version();
        self.account.connection.send(&get).map_err(|it| self.account.failed(it))
    }

    /// Whether a version is the one that takes the message keys.
    fn is_ours(&self, info: &BackupVersionInfo) -> bool {
        let has_key = info.auth_data().is_ok_and(|it| it.public_key() == self.key.public_key());
        let planned = self.plan.versions.first();
        let is_it = |seen: &SeenVersion| seen.version == info.version().as_str();
        has_key && (self.plan.is_new || planned.is_some_and(is_it))
    }

    /// Whether nothing has come into the current backup since its message keys were taken out of it.
    fn is_former(&self, info: Option<&BackupVersionInfo>) -> bool {
        match (info, self.plan.versions.first()) {
            (Some(info), Some(seen)) => is_as_seen(info, seen),
            (None, None) => true,
            _ => false,
        }
    }
}

fn is_as_seen(info: &BackupVersionInfo, seen: &SeenVersion) -> bool {
    info.version().as_str() == seen.version
        && info.etag() == seen.etag.as_deref()
        && info.count() == seen.count
}

fn changed(current: Option<&BackupVersionInfo>) -> Failure {
    let now = current.map_or_else(
        || "there is none now".to_owned(),
        |info| format!("version {} is the current one now", shown(info.version().as_str())),
    );
    Failure::other(format!(
        "the backup of the account has changed since this was planned ({now}): nothing more was sent; make another plan with \
         \u{201c}strongroom repair\u{201d}, which starts from what there is now"
    ))
}
