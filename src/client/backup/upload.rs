//! Sessions on their way to the backup.

use std::collections::{BTreeSet, VecDeque};

use rand_core::CryptoRng;

use super::{
    Backup, Call, DeliveryId, HostToken, Lane, NotStored, blame::FAILURES, hopeless::Hopeless,
    seen::Seen, stage::Event,
};
use crate::client::failure::Failure;
use crate::{
    api::{Endpoint as _, GetRoomKeysForSession, StoredRoomKeys},
    backup::{BackedUpSession, KeyBackupData, SealedSession},
    ids::BackupVersion,
};

/// Sessions on their way to the backup.
#[derive(Debug, Default)]
pub(super) struct Upload {
    pub(super) lane: Lane,
    /// Whether the host was asked for sessions and has not answered.
    pub(super) is_wished: bool,
    /// Whether the host had no more, when it was asked last.
    pub(super) is_drained: bool,
    /// Whether a random delay is to be drawn.
    needs_delay: bool,
    /// Of these the stored entry is read first.
    pub(super) to_look: VecDeque<Pending>,
    /// That whose entry is being read; nothing if the version has changed since.
    looking: Option<Pending>,
    pub(super) ready: Vec<Pending>,
    pub(super) batches: VecDeque<Vec<Pending>>,
    /// What is in flight.
    sending: Vec<Pending>,
    /// Deliveries that the host has not worked on yet.
    pub(super) unacked: BTreeSet<DeliveryId>,
    /// What the current version is known to have.
    pub(super) seen: Seen,
    pub(super) hopeless: Hopeless,
    /// How many answers had come when a request failed last.
    pub(super) heard: u64,
}

/// One session on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) token: HostToken,
    pub(super) sealed: SealedSession,
    /// How many times the server has failed on it alone.
    pub(super) failures: u32,
}

impl Upload {
    /// What comes after a pause waits for a random time.
    pub(super) fn has_news(&mut self) {
        self.needs_delay |= self.is_drained;
        (self.is_drained, self.is_wished) = (false, false);
    }

    /// The host is asked for sessions again.
    pub(super) fn is_asked_anew(&mut self) {
        (self.is_drained, self.is_wished) = (false, false);
    }

    pub(super) fn wants_more(&self) -> bool {
        let is_busy = self.is_wished || self.lane.in_flight.is_some() || self.has_work();
        !self.is_drained && !is_busy && self.unacked.is_empty()
    }

    pub(super) fn has_to_look(&self) -> bool {
        self.looking.is_some() || !self.to_look.is_empty()
    }

    fn has_work(&self) -> bool {
        self.has_to_look() || !self.batches.is_empty()
    }
}

impl Backup {
    /// The host has worked on a delivery.
    pub fn ack(&mut self, id: DeliveryId) {
        self.upload.unacked.remove(&id);
        if self.download.unacked.remove(&id) {
            self.finish_download();
        }
    }

    /// Nothing more goes to the version that was used. What is in flight is still reported.
    pub(super) fn stop_uploads(&mut self) {
        self.in_use = None;
        let upload = &mut self.upload;
        upload.to_look.clear();
        upload.looking = None;
        upload.ready.clear();
        upload.batches.clear();
        upload.seen.clear();
        (upload.is_wished, upload.is_drained, upload.needs_delay) = (false, false, false);
    }

    pub(super) fn delay_upload(&mut self, now: u64, rng: &mut impl CryptoRng) {
        if std::mem::take(&mut self.upload.needs_delay) {
            let longest = self.options.upload_delay_ms.saturating_add(1);
            let due = now.saturating_add(rng.next_u64() % longest);
            self.upload.lane.due_ms = self.upload.lane.due_ms.max(due);
        }
    }

    pub(super) fn upload_due(&self) -> Option<u64> {
        let upload = &self.upload;
        let due = upload.lane.due().filter(|_| self.in_use.is_some())?;
        if upload.has_work() || upload.wants_more() {
            return Some(due);
        }
        let is_idle = upload.is_drained && upload.unacked.is_empty();
        upload.hopeless.due_ms().filter(|_| is_idle).map(|again| again.max(due))
    }

    /// The next request of an upload, if one is due.
    pub(super) fn upload_call(&mut self, now: u64) -> Option<Call> {
        let version = self.in_use.as_ref()?.backup.version().clone();
        if !self.upload.lane.is_free(now) {
            return None;
        }
        // What is ready does not wait for a look that has failed.
        let has_failed = self.upload.lane.failures() > 0;
        while (!has_failed || self.upload.batches.is_empty())
            && let Some(pending) = self.upload.to_look.pop_front()
        {
            let (room_id, session_id) = (pending.sealed.room_id(), pending.sealed.session_id());
            let call =
                GetRoomKeysForSession::new(version.clone(), room_id.clone(), session_id.clone());
            if call.path_and_query().is_ok() {
                self.upload.looking = Some(pending);
                return Some(Call::Look(call));
            }
            self.not_stored(vec![(pending.token, NotStored::Unusable)]);
            self.make_batches();
        }
        let batch = self.upload.batches.pop_front()?;
        let put = self.put(&batch)?;
        self.upload.sending = batch;
        Some(Call::Upload(version, put))
    }

    /// The backup has said what it has of a session that is to be uploaded.
    pub(super) fn looked(&mut self, seen: Result<BackedUpSession, Failure>, now: u64) {
        let Some(pending) = self.upload.looking.take() else {
            return self.upload.lane.succeeded(now);
        };
        match seen {
            Err(Failure::OtherVersion) => {
                if self.upload.hopeless.is_denied() {
                    self.are_failing(&[pending]);
                }
                return self.gone(now);
            }
            Err(
                failure @ (Failure::NoAnswer
                | Failure::Later { .. }
                | Failure::RateLimited { .. }
                | Failure::Unauthorized),
            ) => {
                self.upload.lane.failed(now, failure.wait_ms(), self.options.backoff());
                return self.look_failed(pending, &failure);
            }
            _ => self.upload.lane.succeeded(now),
        }
        // What cannot be read is not better than ours.
        let stored = seen.ok().and_then(|stored| KeyBackupData::from_json(&stored.json).ok());
        let stored = stored.map(|stored| *stored.metadata());
        if let Some(stored) = stored {
            let (room_id, session_id) = (pending.sealed.room_id(), pending.sealed.session_id());
            self.upload.seen.add(room_id, session_id, stored, self.options.seen_sessions);
        }
        let ours = pending.sealed.data().metadata();
        if stored.is_some_and(|stored| !ours.replaces(&stored)) {
            self.report_stored(vec![pending.token]);
        } else {
            self.upload.ready.push(pending);
        }
        self.make_batches();
    }

    /// The server has answered an upload.
    pub(super) fn uploaded(
        &mut self,
        version: &BackupVersion,
        stored: Result<StoredRoomKeys, Failure>,
        now: u64,
    ) {
        let batch = std::mem::take(&mut self.upload.sending);
        let is_current =
            self.in_use.as_ref().is_some_and(|in_use| in_use.backup.version() == version);
        match stored {
            Ok(stored) => {
                self.upload.lane.succeeded(now);
                if is_current {
                    self.upload.hopeless.is_taken();
                    self.download.etag_is(stored.etag.as_deref());
                    self.remember(&batch);
                }
                let tokens = batch.iter().map(|pending| pending.token).collect();
                self.deliver_stored(version.clone(), tokens);
            }
            Err(failure) if is_current => self.upload_failed(batch, failure, now),
            Err(failure) => self.upload.lane.failed(now, failure.wait_ms(), self.options.backoff()),
        }
    }

    fn upload_failed(&mut self, batch: Vec<Pending>, failure: Failure, now: u64) {
        let losses = self.upload.lane.failures();
        let is_to_blame = self.is_to_blame(&failure);
        match failure {
            Failure::OtherVersion | Failure::NotFound => {
                if self.upload.hopeless.is_denied() {
                    self.are_failing(&batch);
                }
                self.gone(now);
            }
            Failure::TooLarge => self.split_or_drop(batch, NotStored::TooLarge, now),
            Failure::Refused(error) => self.split_or_drop(batch, NotStored::Refused(error), now),
            // One session may be what the server fails on.
            Failure::Later { .. } if losses >= FAILURES && batch.len() > 1 => {
                self.upload.lane.failed(now, failure.wait_ms(), self.options.backoff());
                self.split(batch);
            }
            Failure::Later { .. } if batch.len() == 1 => {
                self.upload.lane.failed(now, failure.wait_ms(), self.options.backoff());
                self.alone_failed(batch);
            }
            // Something on the way may drop what is too large for it, without a word.
            Failure::NoAnswer if batch.len() > 1 && losses > 0 && losses.is_multiple_of(LOSSES) => {
                self.upload.lane.failed(now, 0, self.options.backoff());
                self.split(batch);
            }
            failure => {
                self.upload.lane.failed(now, failure.wait_ms(), self.options.backoff());
                match batch.len() {
                    1 if is_to_blame => self.are_failing(&batch),
                    _ if is_to_blame => self.split(batch),
                    _ => self.upload.batches.push_back(batch),
                }
            }
        }
    }

    fn split_or_drop(&mut self, batch: Vec<Pending>, reason: NotStored, now: u64) {
        self.upload.lane.succeeded(now);
        if batch.len() > 1 {
            return self.split(batch);
        }
        let failures = batch.iter().map(|pending| (pending.token, reason.clone())).collect();
        self.not_stored(failures);
    }

    fn split(&mut self, mut batch: Vec<Pending>) {
        let second = batch.split_off(batch.len() / 2);
        self.upload.batches.push_front(second);
        self.upload.batches.push_front(batch);
    }

    /// The version is gone or was replaced: nothing goes there until it is known what happened.
    fn gone(&mut self, now: u64) {
        self.upload.lane.failed(now, 0, self.options.backoff());
        if self.kept.stage.makes_backup() {
            // What a new backup replaces is not what it was.
            self.stop_uploads();
            self.look.is_done = false;
            self.look_again();
        }
        self.turn(Event::Gone);
    }

    fn remember(&mut self, batch: &[Pending]) {
        for Pending { token: _, sealed, failures: _ } in batch {
            let metadata = *sealed.data().metadata();
            let limit = self.options.seen_sessions;
            self.upload.seen.add(sealed.room_id(), sealed.session_id(), metadata, limit);
        }
    }
}

/// After so many lost answers in a row a batch is split.
const LOSSES: u32 = 3;
