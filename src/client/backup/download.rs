//! Sessions on their way from the backup, for messages that cannot be decrypted.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    mem,
};

use sha2::{Digest as _, Sha256};

use super::{
    Call, FetchOutcome, Question, RestoreChoice, Scope,
    by_room::{kind, restore_options},
    kept::Kept,
    look::Look,
    missing::{Missing, MissingSessions},
    office::{Effect, Office},
    saved::remembered,
    scopes::Scopes,
};
use crate::{
    backup::{BackupDecryptionKey, BackupVersionInfo, Restore},
    ids::{self, BackupVersion, RoomId, SessionId},
};

/// Sessions on their way from the backup.
#[derive(Debug, Default)]
pub(super) struct Download {
    /// Nothing is sent before, by the courier's clock.
    due_ms: u64,
    /// What is to be fetched.
    pub(super) wanted: Scopes,
    /// What the user has said of messages that cannot be decrypted.
    pub(super) restore_choice: Option<RestoreChoice>,
    /// The sessions of messages for which the user has not said how much to fetch.
    undecided: HashSet<(RoomId, SessionId)>,
    /// The first of them, which the user is asked about.
    first_undecided: Option<(RoomId, SessionId)>,
    pub(super) job: Job,
    /// How many responses in a row ended early.
    pub(super) attempts: u32,
    version: Option<BackupVersion>,
    /// A hash of it: a server may make it as long as a response.
    pub(super) etag: Option<[u8; 32]>,
    pub(super) missing: MissingSessions,
    /// Sessions for which a room or everything is fetched.
    pub(super) sought: BTreeSet<(RoomId, SessionId)>,
    /// Sessions that are looked for in all of their room, since a proxy may have spoilt the request for one.
    pub(super) by_room: BTreeSet<Scope>,
    /// Rooms that were looked through for such a session, with what was known of the backup then.
    pub(super) rooms: BTreeMap<RoomId, Missing>,
    /// What was wanted, or is missing, beyond what is kept.
    pub(super) dropped: u64,
}

/// What is being fetched.
#[derive(Debug, Default)]
pub(super) enum Job {
    #[default]
    Idle,
    /// One session was asked for.
    Session { scope: Scope, key: BackupDecryptionKey },
    /// A response with many is read as it comes.
    Stream {
        scope: Scope,
        restore: Box<Restore>,
        /// Whether anything of it has come.
        has_begun: bool,
    },
    /// All has come, until the last of it is in the host's store.
    Handing { scope: Scope, outcome: Box<FetchOutcome> },
}

impl Job {
    /// What was asked for, while the answer is awaited.
    fn asked(&self) -> Option<&Scope> {
        match self {
            Self::Session { scope, .. } | Self::Stream { scope, .. } => Some(scope),
            Self::Idle | Self::Handing { .. } => None,
        }
    }
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
    fn known_missing(&self, scope: &Scope, now: u64) -> Option<&Missing> {
        let Scope::Session(room_id, session_id) = scope else { return None };
        self.missing.get(&(room_id.clone(), session_id.clone()), now)
    }
}

/// What is known of the backup to fetch from.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    found: Option<&'a BackupVersionInfo>,
    /// The decryption key that fits it.
    key: Option<&'a BackupDecryptionKey>,
    /// Whether nothing can be fetched from anywhere.
    has_no_backup: bool,
    /// Whether all of this is fresh, or cannot be made so.
    is_fresh: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn new(look: &'a Look, kept: &'a Kept, is_fresh: bool) -> Self {
        let key = look.public_key().and_then(|public_key| kept.key_of(&public_key));
        let has_no_backup = look.found.is_none() && look.is_done;
        Self { found: look.found(), key, has_no_backup, is_fresh }
    }
}

impl Download {
    /// A message cannot be decrypted.
    pub(super) fn seek(&mut self, office: &mut Office, room_id: RoomId, session_id: SessionId) {
        if ![room_id.as_str(), session_id.as_str()].into_iter().all(ids::is_segment) {
            self.dropped += 1;
            return;
        }
        let session = (room_id, session_id);
        match self.restore_choice {
            Some(choice) => self.seek_by(office, choice, session),
            None if self.undecided.contains(&session) => {}
            None if self.undecided.len() < MAX_UNDECIDED => {
                self.first_undecided.get_or_insert_with(|| session.clone());
                self.undecided.insert(session);
            }
            None => self.dropped += 1,
        }
    }

    /// Fetches what the user has chosen for a session, unless the backup did not have it lately.
    fn seek_by(
        &mut self,
        office: &mut Office,
        choice: RestoreChoice,
        (room_id, session_id): (RoomId, SessionId),
    ) {
        let Some(scope) = choice.scope(&room_id, &session_id) else { return };
        let session = Scope::Session(room_id.clone(), session_id.clone());
        let is_larger = scope != session;
        if is_larger && self.known_missing(&session, office.courier.now()).is_some() {
            // Whether it has come since is asked for alone.
            return self.want(office, session);
        }
        if is_larger && self.sought.len() < MAX_UNDECIDED {
            self.sought.insert((room_id, session_id));
        }
        self.want(office, scope);
    }

    /// What is on its way already is not fetched twice.
    pub(super) fn want(&mut self, office: &mut Office, scope: Scope) {
        if scope.is_covered_by(&self.wanted) {
            return;
        }
        self.forget_covered(&scope);
        if self.wanted.len() >= MAX_WANTED && scope != Scope::Everything {
            self.dropped += 1;
            return;
        }
        self.wanted.insert(scope.clone());
        if remembered(&self.wanted).any(|saved| *saved == scope) {
            office.touch();
        }
    }

    /// Takes out what comes with something larger, unless it is on its way.
    fn forget_covered(&mut self, scope: &Scope) {
        let current = self.job.asked();
        let first = match scope {
            Scope::Everything => Scope::Everything,
            Scope::Room(room_id) => Scope::Session(room_id.clone(), "".into()),
            Scope::Session(..) => return,
        };
        let covered = self.wanted.range(first..).take_while(|wanted| scope.covers(wanted));
        let covered: Vec<_> = covered.filter(|it| Some(*it) != current).cloned().collect();
        for wanted in covered {
            self.wanted.remove(&wanted);
            self.forgets(&wanted);
        }
    }

    /// Nothing is wanted any more.
    pub(super) fn forget_all(&mut self) {
        for scope in self.wanted.take() {
            self.forgets(&scope);
        }
    }

    pub(super) fn choose(&mut self, office: &mut Office, choice: RestoreChoice) {
        self.restore_choice = Some(choice);
        office.touch();
        self.first_undecided = None;
        for session in mem::take(&mut self.undecided) {
            self.seek_by(office, choice, session);
        }
    }

    pub(super) fn restore_question(&self, facts: Facts<'_>) -> Option<Question> {
        let (room_id, session_id) = self.first_undecided.clone()?;
        let count = facts.found?.count();
        Some(Question::Restore { room_id, session_id, count })
    }

    pub(super) fn key_question(&self, facts: Facts<'_>) -> Option<Question> {
        let info = facts.found.filter(|_| !self.wanted.is_empty() && facts.key.is_none())?;
        let public_key = *info.auth_data().ok()?.public_key();
        Some(Question::DecryptionKey { version: info.version().clone(), public_key })
    }

    /// When the next request may be sent.
    pub(super) fn due(&self, office: &Office, facts: Facts<'_>) -> Option<u64> {
        let can_go = facts.key.is_some() || facts.has_no_backup;
        if !can_go || !self.is_free(office) || self.wanted.is_empty() {
            return None;
        }
        if facts.has_no_backup {
            return Some(self.due_ms);
        }
        let kinds = self.kinds().into_iter();
        let sent = kinds.filter_map(|kind| office.courier.due(kind)).min()?;
        Some(sent.max(self.due_ms))
    }

    /// Whether nothing is asked for, and the host has put away what came.
    fn is_free(&self, office: &Office) -> bool {
        matches!(self.job, Job::Idle) && office.desk.imports.is_empty()
    }

    /// What is fetched next: what has failed comes after the rest.
    fn next_scope(&mut self, office: &Office) -> Option<Scope> {
        if !self.kinds().into_iter().any(|kind| office.courier.may_send(kind)) {
            return None;
        }
        let by_room = &self.by_room;
        self.wanted.next(|scope| office.courier.may_send(kind(scope, by_room))).cloned()
    }

    /// The next request, if one is due: single sessions first, since somebody waits for them. What the backup did not have
    /// lately, and still does not have, is told at once; where that is not known the version is looked at first.
    pub(super) fn next(&mut self, office: &mut Office, facts: Facts<'_>) -> Option<Call> {
        let now = office.courier.now();
        if self.due_ms > now || !self.is_free(office) {
            return None;
        }
        if facts.has_no_backup {
            let wanted: Vec<_> = self.wanted.iter().cloned().collect();
            wanted.iter().for_each(|scope| self.fetched(office, scope, FetchOutcome::NoBackup));
            return None;
        }
        let (key, found) = (facts.key?.clone(), facts.found?);
        let scope = self.next_scope(office)?;
        let missing = self.known_missing(&scope, now).map(|missing| missing.etag == self.etag);
        if missing.is_some() && !facts.is_fresh {
            office.then(Effect::Look);
            self.due_ms = now.saturating_add(office.options.backoff_ms);
            return None;
        }
        let call = self.call(&scope, found.version()).filter(|_| missing != Some(true));
        let Some(call) = call else {
            self.fetched(office, &scope, FetchOutcome::NotInBackup);
            return None;
        };
        self.job = if matches!(call, Call::Session(..)) {
            Job::Session { scope, key }
        } else {
            let options = restore_options(&scope, found.count());
            let restore = Box::new(Restore::new(key, options, &office.limits));
            Job::Stream { scope, restore, has_begun: false }
        };
        Some(call)
    }
}

/// Messages that wait for the user's choice; later ones come back when they are looked at again.
const MAX_UNDECIDED: usize = 1_000;

/// More than anybody waits for one by one.
const MAX_WANTED: usize = 10_000;
