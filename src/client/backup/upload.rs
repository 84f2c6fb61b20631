//! Sessions on their way to the backup.

use std::collections::{BTreeSet, VecDeque};

use rand_core::CryptoRng;

use super::{
    Backup, Call, DeliveryId, HostToken, Lane, NotStored, RequestKind, UploadProgress,
    hopeless::Hopeless, refusals::Refusals, seen::Seen,
};
use crate::client::failure::Failure;
use crate::{
    api::{Endpoint as _, GetRoomKeysForSession},
    backup::{BackedUpSession, KeyBackupData, SealedSession},
};

/// Sessions on their way to the backup.
#[derive(Debug, Default)]
pub(super) struct Upload {
    /// Nothing is sent before, by the courier's clock.
    pub(super) due_ms: u64,
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
    pub(super) sending: Vec<Pending>,
    /// Deliveries that the host has not worked on yet.
    pub(super) unacked: BTreeSet<DeliveryId>,
    /// What the current version is known to have.
    pub(super) seen: Seen,
    pub(super) hopeless: Hopeless,
    pub(super) refusals: Refusals,
    /// What became of the sessions that were offered for the backup in use.
    pub(super) progress: UploadProgress,
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
        let is_busy = self.is_wished || self.has_work();
        !self.is_drained && !is_busy && self.unacked.is_empty()
    }

    pub(super) fn has_to_look(&self) -> bool {
        self.looking.is_some() || !self.to_look.is_empty()
    }

    /// How many sessions were offered and are neither stored nor given up.
    pub(super) fn on_their_way(&self) -> usize {
        let waiting = self.to_look.len() + usize::from(self.looking.is_some()) + self.ready.len();
        waiting + self.sending.len() + self.batches.iter().map(Vec::len).sum::<usize>()
    }

    pub(super) fn has_work(&self) -> bool {
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
        upload.refusals = Refusals::default();
        upload.progress = UploadProgress::default();
        upload.seen.clear();
        (upload.is_wished, upload.is_drained, upload.needs_delay) = (false, false, false);
    }

    pub(super) fn delay_upload(&mut self, now: u64, rng: &mut impl CryptoRng) {
        if std::mem::take(&mut self.upload.needs_delay) {
            let longest = self.options.upload_delay_ms.saturating_add(1);
            let due = now.saturating_add(rng.next_u64() % longest);
            self.upload.due_ms = self.upload.due_ms.max(due);
        }
    }

    pub(super) fn upload_is_free(&self, now: u64) -> bool {
        !self.courier.is_busy(Lane::Upload) && self.upload.due_ms <= now
    }

    pub(super) fn upload_due(&self) -> Option<u64> {
        let upload = &self.upload;
        if self.in_use.is_none() || self.courier.is_busy(Lane::Upload) {
            return None;
        }
        let due = upload.due_ms;
        let look = self.courier.due(RequestKind::CompareSession);
        let put = self.courier.due(RequestKind::Upload);
        let look = look.filter(|_| !upload.to_look.is_empty());
        let put = put.filter(|_| !upload.batches.is_empty() || upload.wants_more());
        if let Some(sent) = [look, put].into_iter().flatten().min() {
            return Some(sent.max(due));
        }
        let is_idle = upload.is_drained && upload.unacked.is_empty() && !self.is_paused();
        upload.hopeless.due_ms().filter(|_| is_idle).map(|again| again.max(due))
    }

    /// The next request of an upload, if one is due.
    pub(super) fn upload_call(&mut self, now: u64) -> Option<Call> {
        let version = self.in_use.as_ref()?.backup.version().clone();
        if !self.upload_is_free(now) {
            return None;
        }
        // What is ready does not wait for a look that has failed.
        let has_failed = self.courier.failures(RequestKind::CompareSession) > 0;
        let may_put = self.courier.may_send(RequestKind::Upload);
        while !(has_failed && may_put && !self.upload.batches.is_empty())
            && self.courier.may_send(RequestKind::CompareSession)
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
        if !may_put {
            return None;
        }
        let batch = self.upload.batches.pop_front()?;
        let put = self.put(&batch)?;
        self.upload.sending = batch;
        Some(Call::Upload(version, put))
    }

    /// The backup has said what it has of a session that is to be uploaded.
    pub(super) fn looked(&mut self, seen: Result<BackedUpSession, Failure>) {
        let Some(pending) = self.upload.looking.take() else { return };
        match seen {
            Err(Failure::OtherVersion) => {
                if self.upload.hopeless.is_denied() {
                    self.are_failing(&[pending]);
                }
                return self.gone();
            }
            Err(
                failure @ (Failure::NoAnswer
                | Failure::Later { .. }
                | Failure::RateLimited { .. }
                | Failure::Unauthorized),
            ) => {
                self.look_failed(pending, &failure);
                return self.settle_refusals();
            }
            _ => self.courier.succeeded(RequestKind::CompareSession),
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
        self.settle_refusals();
    }
}
