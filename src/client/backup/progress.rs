//! How far the machine is with what it fetches and uploads.

use super::{Backup, DeliveryId, Next, Scope};
use crate::{
    backup::{RestoreProgress, RestoredSession},
    ids::BackupVersion,
};

/// How far the upload to the backup in use is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UploadProgress {
    /// How many sessions are known to be in the backup, of those that the host has offered since the backup came into use
    /// here. How many there are in all the host knows.
    pub stored: u64,
    /// How many of these sessions cannot be stored, each time that one was given up.
    pub not_stored: u64,
    /// How many the host has offered that are on their way.
    pub on_their_way: usize,
}

impl Backup {
    /// How far the download is that is under way, and what is fetched. One session alone has no progress to speak of.
    #[must_use]
    pub fn fetching(&self) -> Option<(&Scope, RestoreProgress)> {
        let (scope, _) = self.download.current.as_ref()?;
        Some((scope, self.download.restore.as_ref()?.progress()))
    }

    /// How far the upload is; nothing if there is no backup to upload to.
    #[must_use]
    pub fn uploading(&self) -> Option<UploadProgress> {
        let upload = &self.upload;
        self.in_use.as_ref()?;
        Some(UploadProgress { on_their_way: upload.on_their_way(), ..upload.progress })
    }

    /// The sessions that have come since the last time, without the steps that are due before them: for a host that takes
    /// them between two [pieces](Self::part) of a response. Each batch is as that of [`Next::Import`], and is
    /// [acknowledged](Self::ack) in the same way.
    #[must_use]
    pub fn take_imports(&mut self) -> Vec<(DeliveryId, BackupVersion, Vec<RestoredSession>)> {
        let (mut imports, mut others) = (Vec::new(), Vec::new());
        for next in self.out.deliveries.drain(..) {
            match next {
                Next::Import(id, version, sessions) => imports.push((id, version, sessions)),
                other => others.push(other),
            }
        }
        self.out.deliveries.extend(others);
        imports
    }
}
