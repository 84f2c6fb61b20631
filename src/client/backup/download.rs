//! Sessions on their way from the backup, for messages that cannot be decrypted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sha2::{Digest as _, Sha256};

use super::{
    Backup, Call, DeliveryId, FetchOutcome, Lane, Question, RestoreChoice, Scope,
    by_room::{restore_options, scope_call},
    missing::{Missing, MissingSessions},
    saved::remembered,
};
use crate::{
    backup::{BackupDecryptionKey, BackupVersionInfo, Restore},
    ids::{self, BackupVersion, RoomId, SessionId},
};

/// Sessions on their way from the backup.
#[derive(Debug, Default)]
pub(super) struct Download {
    pub(super) lane: Lane,
    /// Messages for which the user has not said how much to fetch.
    undecided: VecDeque<(RoomId, SessionId)>,
    /// What is in flight.
    pub(super) current: Option<(Scope, BackupDecryptionKey)>,
    pub(super) restore: Option<Restore>,
    /// Whether anything of the response has come.
    pub(super) has_begun: bool,
    pub(super) attempts: u32,
    version: Option<BackupVersion>,
    /// A hash of it: a server may make it as long as a response.
    pub(super) etag: Option<[u8; 32]>,
    pub(super) missing: MissingSessions,
    /// Imports that the host has not worked on yet.
    pub(super) unacked: BTreeSet<DeliveryId>,
    /// What has come, until the last of it is in the host's store.
    pub(super) finished: Option<(Scope, FetchOutcome)>,
    /// Sessions for which a room or everything is fetched.
    pub(super) sought: BTreeSet<(RoomId, SessionId)>,
    /// Sessions that are looked for in all of their room, since a proxy may have spoilt the request for one.
    pub(super) by_room: BTreeSet<Scope>,
    /// Rooms that were looked through for such a session, with what was known of the backup then.
    pub(super) rooms: BTreeMap<RoomId, Missing>,
    /// What was wanted, or is missing, beyond what is kept.
    pub(super) dropped: u64,
}

impl Download {
    /// What the server says of the backup. Another version may have what this one did not have.
    pub(super) fn knows(&mut self, found: Option<&BackupVersionInfo>) {
        let version = found.map(BackupVersionInfo::version);
        if self.version.as_ref() != version {
            self.missing.clear();
            self.rooms.clear();
            self.version = version.cloned();
        }
        self.etag_is(found.and_then(BackupVersionInfo::etag));
    }

    pub(super) fn etag_is(&mut self, etag: Option<&str>) {
        self.etag = etag.map(|etag| Sha256::digest(etag).into());
    }

    /// A session that the backup did not have lately.
    fn missing(&self, scope: &Scope, now: u64) -> Option<&Missing> {
        let Scope::Session(room_id, session_id) = scope else { return None };
        self.missing.get(&(room_id.clone(), session_id.clone()), now)
    }
}

impl Backup {
    /// A message cannot be decrypted. The user is asked how much to fetch, the first time.
    pub fn undecryptable(&mut self, room_id: RoomId, session_id: SessionId, now_ms: u64) {
        if ![room_id.as_str(), session_id.as_str()].into_iter().all(ids::is_segment) {
            self.download.dropped += 1;
            return;
        }
        match self.kept.restore_choice {
            Some(choice) => self.seek(choice, room_id, session_id, now_ms),
            None if self.download.undecided.len() < MAX_UNDECIDED => {
                let session = (room_id, session_id);
                if !self.download.undecided.contains(&session) {
                    self.download.undecided.push_back(session);
                }
            }
            None => self.download.dropped += 1,
        }
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

    /// Fetches what the user has chosen for a session, unless the backup did not have it lately.
    fn seek(&mut self, choice: RestoreChoice, room_id: RoomId, session_id: SessionId, now_ms: u64) {
        let Some(scope) = choice.scope(&room_id, &session_id) else { return };
        let now = self.courier.advance(now_ms);
        let session = Scope::Session(room_id.clone(), session_id.clone());
        let is_larger = scope != session;
        if is_larger && self.download.missing(&session, now).is_some() {
            // Whether it has come since is asked for alone.
            return self.fetch(session, now_ms);
        }
        if is_larger && self.download.sought.len() < MAX_UNDECIDED {
            self.download.sought.insert((room_id, session_id));
        }
        self.fetch(scope, now_ms);
    }

    /// Fetches sessions from the backup. What is on its way already is not fetched twice.
    pub fn fetch(&mut self, scope: Scope, now_ms: u64) {
        self.courier.advance(now_ms);
        if scope.is_covered_by(&self.kept.wanted) {
            return;
        }
        self.forget_covered(&scope);
        if self.kept.wanted.len() >= MAX_WANTED && scope != Scope::Everything {
            self.download.dropped += 1;
            return;
        }
        self.kept.wanted.insert(scope.clone());
        if remembered(&self.kept.wanted).any(|saved| *saved == scope) {
            self.touch();
        }
    }

    /// Takes out what comes with something larger, unless it is on its way.
    fn forget_covered(&mut self, scope: &Scope) {
        let current = self.download.current.as_ref().map(|(scope, _)| scope);
        let first = match scope {
            Scope::Everything => Scope::Everything,
            Scope::Room(room_id) => Scope::Session(room_id.clone(), "".into()),
            Scope::Session(..) => return,
        };
        let covered = self.kept.wanted.range(first..).take_while(|wanted| scope.covers(wanted));
        let covered: Vec<_> = covered.filter(|it| Some(*it) != current).cloned().collect();
        for wanted in covered {
            self.kept.wanted.remove(&wanted);
            self.download.forgets(&wanted);
        }
    }

    /// Forgets how much the user wanted to be fetched, so that the next time asks again.
    pub fn forget_restore_choice(&mut self) {
        self.kept.restore_choice = None;
        self.touch();
    }

    pub(super) fn choose_restore(&mut self, choice: RestoreChoice) {
        self.kept.restore_choice = Some(choice);
        self.touch();
        let now = self.courier.host_now_ms();
        for (room_id, session_id) in std::mem::take(&mut self.download.undecided) {
            self.seek(choice, room_id, session_id, now);
        }
    }

    pub(super) fn restore_question(&self) -> Option<Question> {
        let (room_id, session_id) = self.download.undecided.front()?.clone();
        let count = self.found.as_ref()?.count();
        Some(Question::Restore { room_id, session_id, count })
    }

    pub(super) fn decryption_key_question(&self) -> Option<Question> {
        let info = self.found.as_ref().filter(|_| !self.kept.wanted.is_empty())?;
        let public_key = *info.auth_data().ok()?.public_key();
        let version = info.version().clone();
        let is_missing = self.kept.key_of(&public_key).is_none();
        is_missing.then_some(Question::DecryptionKey { version, public_key })
    }

    /// When the next download may be sent.
    pub(super) fn download_due(&self) -> Option<u64> {
        let due = self.download.lane.due().filter(|_| self.download_is_due())?;
        if self.has_no_backup() {
            return Some(due);
        }
        let kinds = self.download.kinds(&self.kept.wanted);
        let sent = kinds.into_iter().filter_map(|kind| self.courier.due(kind)).min()?;
        Some(sent.max(due))
    }

    fn download_is_due(&self) -> bool {
        let can_go = self.download_key().is_some() || self.has_no_backup();
        let can = self.download.unacked.is_empty() && self.download.finished.is_none() && can_go;
        can && !self.kept.wanted.is_empty()
    }

    /// Whether nothing can be fetched from anywhere.
    fn has_no_backup(&self) -> bool {
        self.found.is_none() && self.look.is_done
    }

    /// Whether what is known of the backup is fresh, or cannot be made so.
    fn is_up_to_date(&self, now: u64) -> bool {
        let is_fresh = now.saturating_sub(self.found_at_ms) < self.options.poll_ms;
        is_fresh || !self.version_is_due()
    }

    /// What is fetched next: what has failed comes after the rest.
    fn next_scope(&mut self) -> Option<Scope> {
        let kinds = self.download.kinds(&self.kept.wanted);
        if !kinds.into_iter().any(|kind| self.courier.may_send(kind)) {
            return None;
        }
        let may_send = |scope: &&Scope| self.courier.may_send(self.download.kind(scope));
        self.kept.wanted.next(may_send).cloned()
    }

    /// Whether the backup may have what it did not have lately. What it still does not have is told at once, and where that is
    /// not known the version is looked at first.
    fn is_worth_asking(&mut self, scope: &Scope, now: u64) -> bool {
        let Some(missing) = self.download.missing(scope, now) else { return true };
        let is_unchanged = missing.etag == self.download.etag;
        if !self.is_up_to_date(now) {
            self.look_again();
            self.download.lane.due_ms = now.saturating_add(self.options.backoff_ms);
            return false;
        }
        if is_unchanged {
            self.fetched(scope, FetchOutcome::NotInBackup);
        }
        !is_unchanged
    }

    /// The next request of a download, if one is due: single sessions first, since somebody waits for them.
    pub(super) fn download_call(&mut self, now: u64) -> Option<Call> {
        let is_busy = !self.download.unacked.is_empty() || self.download.finished.is_some();
        if !self.download.lane.is_free(now) || is_busy {
            return None;
        }
        if self.has_no_backup() {
            let wanted: Vec<_> = self.kept.wanted.iter().cloned().collect();
            wanted.iter().for_each(|scope| self.fetched(scope, FetchOutcome::NoBackup));
            return None;
        }
        let key = self.download_key()?.clone();
        let version = self.found.as_ref()?.version().clone();
        let scope = self.next_scope()?;
        if !self.is_worth_asking(&scope, now) {
            return None;
        }
        let call = match &scope {
            Scope::Session(room_id, _) if self.download.is_by_room(&scope) => {
                scope_call(&Scope::Room(room_id.clone()), version)
            }
            scope => scope_call(scope, version),
        };
        let Some(call) = call else {
            self.fetched(&scope, FetchOutcome::NotInBackup);
            return None;
        };
        let expected = self.found.as_ref().and_then(BackupVersionInfo::count);
        let options = restore_options(&scope, &call, expected);
        self.download.restore = Some(Restore::new(key.clone(), options, &self.limits));
        self.download.has_begun = false;
        self.download.current = Some((scope, key));
        Some(call)
    }
}

/// Messages that wait for the user's choice; later ones come back when they are looked at again.
const MAX_UNDECIDED: usize = 1_000;

/// More than anybody waits for one by one.
const MAX_WANTED: usize = 10_000;
