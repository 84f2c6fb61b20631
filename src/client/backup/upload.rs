//! Sessions on their way to the backup that is in use.

use std::collections::VecDeque;

use rand_core::CryptoRng;

use super::{
    Call, NotStored, RequestKind, UploadProgress,
    office::Office,
    seen::{Seen, SeenSession, hash},
    uploaded::Refusals,
};
use crate::{
    api::{self, PutRoomKeys},
    backup::{BackedUpSession, KeyBackupData, SealedSession, SessionSealer, TrustedBackup},
    client::{call::Lane, failure::Failure},
    ids::BackupVersion,
};

/// A backup that sessions are uploaded to, and those that are on their way. All of it is dropped with the version; what is
/// in flight is still reported, by the request.
pub(super) struct InUse {
    pub(super) backup: TrustedBackup,
    pub(super) sealer: SessionSealer,
    pub(super) supply: Supply,
    /// Nothing is sent before, by the courier's clock.
    due_ms: u64,
    /// Of these the stored entry is read first.
    pub(super) to_look: VecDeque<Pending>,
    /// That whose entry is being read.
    looking: Option<Pending>,
    pub(super) ready: Vec<Pending>,
    pub(super) batches: VecDeque<Vec<Pending>>,
    pub(super) sending: Vec<Pending>,
    pub(super) seen: Seen,
    pub(super) refusals: Refusals,
    /// What became of the sessions that were offered.
    pub(super) progress: UploadProgress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Supply {
    Unknown,
    /// It has something after a pause, for which a random delay is to be drawn.
    New,
    Asked,
    /// It had no more, when it was asked last.
    Drained,
}

#[derive(Debug)]
pub(super) struct Pending {
    pub(super) token: u64,
    pub(super) sealed: SealedSession,
    /// How many times the server has failed on it alone.
    pub(super) failures: u32,
}

impl Pending {
    pub(super) fn seen(&self) -> SeenSession {
        let session = hash(self.sealed.room_id(), self.sealed.session_id());
        (session, *self.sealed.data().metadata())
    }
}

impl InUse {
    pub(super) fn new(backup: TrustedBackup) -> Box<Self> {
        Box::new(Self {
            sealer: SessionSealer::new(&backup),
            backup,
            supply: Supply::Unknown,
            due_ms: 0,
            to_look: VecDeque::new(),
            looking: None,
            ready: Vec::new(),
            batches: VecDeque::new(),
            sending: Vec::new(),
            seen: Seen::default(),
            refusals: Refusals::default(),
            progress: UploadProgress::default(),
        })
    }

    pub(super) fn or(self: Box<Self>, backup: TrustedBackup) -> Box<Self> {
        let key = |backup: &TrustedBackup| (backup.version().clone(), *backup.public_key());
        if key(&self.backup) == key(&backup) { self } else { Self::new(backup) }
    }

    pub(super) fn version(&self) -> &BackupVersion {
        self.backup.version()
    }

    /// What comes after a pause waits for a random time.
    pub(super) fn has_news(&mut self) {
        self.supply = match self.supply {
            Supply::Drained | Supply::New => Supply::New,
            Supply::Unknown | Supply::Asked => Supply::Unknown,
        };
    }

    pub(super) fn is_asked_anew(&mut self) {
        if self.supply != Supply::New {
            self.supply = Supply::Unknown;
        }
    }

    pub(super) fn wants_more(&self, office: &Office) -> bool {
        let may_have = matches!(self.supply, Supply::Unknown | Supply::New);
        let is_free = !self.has_work() || self.wants_others();
        may_have && is_free && office.desk.told.is_empty()
    }

    pub(super) fn has_to_look(&self) -> bool {
        self.looking.is_some() || !self.to_look.is_empty()
    }

    pub(super) fn has_work(&self) -> bool {
        self.has_to_look() || !self.batches.is_empty()
    }

    pub(super) fn progress(&self) -> UploadProgress {
        let waiting = self.to_look.len() + usize::from(self.looking.is_some()) + self.ready.len();
        let batches = self.batches.iter().map(Vec::len).sum::<usize>();
        UploadProgress { on_their_way: waiting + self.sending.len() + batches, ..self.progress }
    }

    pub(super) fn is_free(&self, office: &Office) -> bool {
        !office.courier.is_busy(Lane::Upload) && self.due_ms <= office.courier.now()
    }

    pub(super) fn due(&self, office: &Office) -> Option<u64> {
        let courier = &office.courier;
        if courier.is_busy(Lane::Upload) {
            return None;
        }
        let look = courier.due(RequestKind::CompareSession);
        let put = courier.due(RequestKind::Upload);
        let look = look.filter(|_| !self.to_look.is_empty());
        let put = put.filter(|_| !self.batches.is_empty() || self.wants_more(office));
        if let Some(sent) = [look, put].into_iter().flatten().min() {
            return Some(sent.max(self.due_ms));
        }
        let is_drained = self.supply == Supply::Drained && office.desk.told.is_empty();
        let again = office.hopeless.due_ms().filter(|_| is_drained && !courier.is_paused());
        again.map(|again| again.max(self.due_ms))
    }

    pub(super) fn next(&mut self, office: &mut Office, rng: &mut impl CryptoRng) -> Option<Call> {
        if self.supply == Supply::New {
            let longest = office.options.upload_delay_ms.saturating_add(1);
            let due = office.courier.now().saturating_add(rng.next_u64() % longest);
            (self.supply, self.due_ms) = (Supply::Unknown, self.due_ms.max(due));
        }
        if !self.is_free(office) {
            return None;
        }
        // What is ready does not wait for a look that has failed.
        let has_failed = office.courier.failures(RequestKind::CompareSession) > 0;
        let may_put = office.courier.may_send(RequestKind::Upload);
        while !(has_failed && may_put && !self.batches.is_empty())
            && office.courier.may_send(RequestKind::CompareSession)
            && let Some(pending) = self.to_look.pop_front()
        {
            let (room_id, session_id) = (pending.sealed.room_id(), pending.sealed.session_id());
            let (room_id, session_id) = (room_id.clone(), session_id.clone());
            let call = api::get_room_keys_for_session(self.version(), &room_id, &session_id);
            if call.path_and_query().is_ok() {
                self.looking = Some(pending);
                return Some(Call::CompareSession(call));
            }
            self.not_stored(office, vec![(pending.token, NotStored::Unusable)]);
            self.make_batches(office);
        }
        if !may_put || self.wants_more(office) {
            return None;
        }
        let batch = self.batches.pop_front()?;
        let sealed = batch.iter().map(|pending| pending.sealed.clone());
        let Ok(put) = PutRoomKeys::new(&self.backup, sealed) else {
            let unusable = |pending: &Pending| (pending.token, NotStored::Unusable);
            self.not_stored(office, batch.iter().map(unusable).collect());
            return None;
        };
        let tokens = batch.iter().map(|pending| pending.token).collect();
        self.sending = batch;
        Some(Call::Upload(self.version().clone(), put, tokens))
    }

    /// The backup has said what it has of a session that is to be uploaded.
    pub(super) fn looked(&mut self, office: &mut Office, seen: Result<BackedUpSession, Failure>) {
        let Some(pending) = self.looking.take() else { return };
        match seen {
            Err(Failure::OtherVersion) => return self.gone(office, &[pending]),
            Err(failure) if failure.passes() => self.look_failed(office, pending, &failure),
            seen => {
                office.courier.settled(RequestKind::CompareSession);
                // What cannot be read is not better than ours.
                let stored = seen.ok().and_then(|it| KeyBackupData::from_json(&it.json).ok());
                let stored = stored.map(|stored| *stored.metadata());
                let (session, ours) = pending.seen();
                if let Some(stored) = stored {
                    self.seen.add((session, stored), office.options.seen_sessions);
                }
                if stored.is_some_and(|stored| !ours.replaces(&stored)) {
                    self.stored(office, vec![pending.token]);
                } else {
                    self.ready.push(pending);
                }
            }
        }
        self.make_batches(office);
        self.settle_refusals(office);
    }
}
