//! What is fetched for the host, and how far the machine is with it and with uploads.

use super::{Backup, DeliveryId, Next, Scope, download::Job, upload::InUse};
use crate::{
    backup::{RestoreProgress, RestoredSession},
    ids::{BackupVersion, RoomId, SessionId},
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
    /// A message cannot be decrypted. The user is asked how much to fetch, the first time.
    pub fn undecryptable(&mut self, room_id: RoomId, session_id: SessionId, now_ms: u64) {
        self.office.courier.advance(now_ms);
        self.download.seek(&mut self.office, room_id, session_id);
    }

    /// How often something was dropped, since the machine was made or restored: 1,000 messages wait for the user's word at
    /// most, and 10,000 sessions and rooms for the homeserver's. It is no more than that, since everybody in a room can send
    /// what nobody can decrypt. Offer the messages again later. It counts, too, how often a session was not in the backup
    /// and is not remembered as missing, since 10,000 are: the next time it is asked for again. And it counts messages whose
    /// room or session cannot be asked for, since its ID is empty, made of dots, or longer than 1,024 bytes.
    #[must_use]
    pub fn dropped_wants(&self) -> u64 {
        self.download.dropped
    }

    /// Fetches sessions from the backup. What is on its way already is not fetched twice.
    pub fn fetch(&mut self, scope: Scope, now_ms: u64) {
        self.office.courier.advance(now_ms);
        self.download.want(&mut self.office, scope);
    }

    /// Forgets how much the user wanted to be fetched, so that the next time asks again.
    pub fn forget_restore_choice(&mut self) {
        self.download.restore_choice = None;
        self.office.touch();
    }

    /// How far the download is that is under way, and what is fetched. One session alone has no progress to speak of.
    #[must_use]
    pub fn fetching(&self) -> Option<(&Scope, RestoreProgress)> {
        match &self.download.job {
            Job::Session { scope, .. } => Some((scope, RestoreProgress::default())),
            Job::Stream { scope, restore, .. } => Some((scope, restore.progress())),
            Job::Idle | Job::Handing { .. } => None,
        }
    }

    /// How far the upload is; nothing if there is no backup to upload to.
    #[must_use]
    pub fn uploading(&self) -> Option<UploadProgress> {
        self.state.in_use().map(InUse::progress)
    }

    /// The host has worked on a delivery.
    pub fn ack(&mut self, id: DeliveryId) {
        self.office.desk.told.remove(&id);
        if self.office.desk.imports.remove(&id) {
            self.download.finish(&mut self.office);
        }
    }

    /// The sessions that have come since the last time, without the steps that are due before them: for a host that takes
    /// them between two [pieces](Self::part) of a response. Each batch is as that of [`Next::Import`], and is
    /// [acknowledged](Self::ack) in the same way.
    #[must_use]
    pub fn take_imports(&mut self) -> Vec<(DeliveryId, BackupVersion, Vec<RestoredSession>)> {
        let (mut imports, mut others) = (Vec::new(), Vec::new());
        for next in self.office.desk.deliveries.drain(..) {
            match next {
                Next::Import(id, version, sessions) => imports.push((id, version, sessions)),
                other => others.push(other),
            }
        }
        self.office.desk.deliveries.extend(others);
        imports
    }
}
