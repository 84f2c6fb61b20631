//! Which versions of the backup there are.

use strongroom::{
    backup::BackupVersionInfo, client::rescue::VersionWalk, ids::BackupVersion, secret::SecretVec,
};

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

/// All of them, the current one first.
pub(super) struct Versions<'a> {
    account: &'a Account,
    walk: VersionWalk,
}

impl<'a> Versions<'a> {
    /// Those that were there before are looked for, too.
    pub(super) fn new<'v>(
        account: &'a Account,
        before: impl Iterator<Item = &'v BackupVersion>,
    ) -> Self {
        Self { account, walk: before.fold(VersionWalk::new(MOST), VersionWalk::known) }
    }

    /// The one that clients use, if there is any. It is asked for before the others.
    pub(super) fn current(&mut self) -> Result<Option<Described>, Failure> {
        if self.walk.is_at_current() { self.step() } else { Ok(None) }
    }

    fn step(&mut self) -> Result<Option<Described>, Failure> {
        let Some(request) = self.walk.request() else { return Ok(None) };
        let is_current = self.walk.is_at_current();
        let (info, json) = match self.account.connection.send_raw(&request) {
            Ok((info, json)) => (info, json),
            // Not every homeserver shows its older versions.
            Err(Trouble::Refused(error))
                if !is_current && matches!(error.status(), Some(400 | 404 | 405)) =>
            {
                (None, SecretVec::default())
            }
            Err(trouble) => return Err(self.account.failed(trouble)),
        };
        Ok(self.walk.answer(info).map(|info| Described { info, json, is_current }))
    }
}

impl Iterator for Versions<'_> {
    type Item = Result<Described, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.walk.request().is_some() {
            if let Some(found) = self.step().transpose() {
                return Some(found);
            }
        }
        if self.walk.left_out() > 0 {
            tell(format_args!(
                "Of the versions of the backup only the newest {MOST} are looked for."
            ));
        }
        None
    }
}

/// Nobody has made so many: each takes somebody who resets their key storage.
const MOST: u64 = 1_000;
