//! Sessions on their way from the backup, for messages that cannot be decrypted.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    mem,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Backup, Call, Scope,
    office::{Effect, Office},
    saved::remembered,
    scopes::{Missing, MissingSessions, Scopes},
};
use crate::{
    api,
    backup::{BackupDecryptionKey, BackupVersionInfo, Restore, RestoreOptions, RestoreReport},
    client::waiting::RequestFailure,
    ids::{self, BackupVersion, RoomId, SessionId},
};

#[derive(Debug, Default)]
pub(super) struct Download {
    /// Nothing is sent before, by the courier's clock.
    due_ms: u64,
    pub(super) wanted: Scopes,
    /// What the user has said of messages that cannot be decrypted.
    pub(super) restore_choice: Option<RestoreChoice>,
    /// The sessions of messages for which the user has not said how much to fetch.
    undecided: HashSet<Scope>,
    /// The first of them, which the user is asked about.
    pub(super) first_undecided: Option<Scope>,
    pub(super) job: Job,
    /// How many responses in a row ended early.
    pub(super) attempts: u32,
    pub(super) version: Option<BackupVersion>,
    /// A hash of it: a server may make it as long as a response.
    pub(super) etag: Option<[u8; 32]>,
    pub(super) missing: MissingSessions,
    /// Sessions for which a room or everything is fetched.
    pub(super) sought: BTreeSet<Scope>,
    /// Rooms that were looked through for a session, with what was known of the backup then.
    pub(super) rooms: BTreeMap<RoomId, Missing>,
    /// What was wanted, or is missing, beyond what is kept.
    pub(super) dropped: u64,
}

/// How much is fetched when a message cannot be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RestoreChoice {
    Session,
    Room,
    Everything,
    Nothing,
}

#[derive(Debug, Default)]
pub(super) enum Job {
    #[default]
    Idle,
    Session {
        asked: Asked,
        key: BackupDecryptionKey,
    },
    Stream {
        asked: Asked,
        restore: Box<Restore>,
        has_begun: bool,
    },
    /// All has come, until the last of it is in the host's store.
    Handing {
        asked: Asked,
        outcome: Outcome,
    },
}

/// What was restored, or why nothing was.
pub(super) type Outcome = Result<Box<RestoreReport>, RequestFailure>;

/// What is fetched, and what was known of the backup when it was asked for it: what is not there says no more than that.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) scope: Scope,
    pub(super) etag: Option<[u8; 32]>,
}

impl Job {
    fn asked(&self) -> Option<&Scope> {
        match self {
            Self::Session { asked, .. } | Self::Stream { asked, .. } => Some(&asked.scope),
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

    pub(super) fn seek(&mut self, office: &mut Office, room_id: RoomId, session_id: SessionId) {
        let is_valid = [room_id.as_str(), session_id.as_str()].into_iter().all(ids::is_segment);
        let session = Scope::Session(room_id, session_id);
        match self.restore_choice {
            _ if !is_valid => self.dropped += 1,
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
    fn seek_by(&mut self, office: &mut Office, choice: RestoreChoice, session: Scope) {
        let scope = match (choice, &session) {
            (RestoreChoice::Nothing, _) => return,
            (RestoreChoice::Everything, _) => Scope::Everything,
            (RestoreChoice::Room, Scope::Session(room_id, _)) => Scope::Room(room_id.clone()),
            (RestoreChoice::Session | RestoreChoice::Room, _) => return self.want(office, session),
        };
        if self.missing.get(&session, office.courier.now()).is_some() {
            // Whether it has come since is asked for alone.
            return self.want(office, session);
        }
        if self.sought.len() < MAX_UNDECIDED {
            self.sought.insert(session);
        }
        self.want(office, scope);
    }

    /// What is on its way already is not fetched twice.
    pub(super) fn want(&mut self, office: &mut Office, scope: Scope) {
        if scope.is_covered_by(&self.wanted) {
            return;
        }
        // What comes with it is taken out, unless it is on its way.
        for covered in scope.covered(&self.wanted).collect::<Vec<_>>() {
            if self.job.asked() != Some(&covered) {
                self.wanted.remove(&covered);
            }
        }
        if self.wanted.len() >= MAX_WANTED && scope != Scope::Everything {
            self.dropped += 1;
            return;
        }
        self.wanted.insert(scope.clone());
        if remembered(&self.wanted).any(|saved| *saved == scope) {
            office.touch();
        }
    }

    /// Whether nothing is asked for, and the host has put away what came.
    fn is_free(&self, office: &Office) -> bool {
        matches!(self.job, Job::Idle) && office.desk.imports.is_empty()
    }

    fn call(&self, scope: &Scope, version: &BackupVersion) -> Option<Call> {
        let v = version.clone();
        match scope {
            Scope::Everything => {
                Some(Call::FetchEverything(v.clone(), valid(api::get_room_keys(version))?))
            }
            Scope::Session(room_id, session_id) if !self.wanted.is_sought_in_room(scope) => {
                let (room_id, session_id) = (room_id.clone(), session_id.clone());
                let call = api::get_room_keys_for_session(&v, &room_id, &session_id);
                Some(Call::FetchSession(v, valid(call)?))
            }
            Scope::Room(room_id) | Scope::Session(room_id, _) => {
                let call = api::get_room_keys_for_room(&v, room_id);
                Some(Call::FetchRoom(v, valid(call)?))
            }
        }
    }
}

impl Backup {
    /// What the user has chosen for messages that cannot be decrypted counts from now on, and for those that have waited.
    pub(super) fn restores(&mut self, choice: RestoreChoice) {
        let Self { office, download, .. } = self;
        download.restore_choice = Some(choice);
        office.touch();
        download.first_undecided = None;
        for session in mem::take(&mut download.undecided) {
            download.seek_by(office, choice, session);
        }
    }

    pub(super) fn download_due(&self) -> Option<u64> {
        let Self { office, download, .. } = self;
        let has_no_backup = self.look.found.is_none() && self.look.is_done;
        let can_go = self.has_key() || has_no_backup;
        if !can_go || !download.is_free(office) || download.wanted.is_empty() {
            return None;
        }
        if has_no_backup {
            return Some(download.due_ms);
        }
        let sent = download.wanted.kinds();
        let sent = sent.filter_map(|kind| office.courier.due(kind)).min()?;
        Some(sent.max(download.due_ms))
    }

    /// The next request, if one is due: single sessions first, since somebody waits for them. What the backup did not have
    /// lately, and still does not have, is told at once; where that is not known the version is looked at first.
    pub(super) fn download_call(&mut self) -> Option<Call> {
        let now = self.office.courier.now();
        let age = now.saturating_sub(self.look.found_at_ms);
        let is_fresh = age < self.office.options.poll_ms || !self.version_is_due();
        let (office, download) = (&mut self.office, &mut self.download);
        if download.due_ms > now || !download.is_free(office) {
            return None;
        }
        let Some(found) = self.look.found() else {
            let wanted = download.wanted.iter().filter(|_| self.look.is_done).cloned();
            for scope in wanted.collect::<Vec<_>>() {
                let asked = Asked { scope, etag: download.etag };
                download.fetched(office, asked, Err(RequestFailure::OtherBackup));
            }
            return None;
        };
        let key = self.kept.key_of(&self.look.public_key()?)?.clone();
        let scope = download.wanted.next(|kind| office.courier.may_send(kind))?;
        let missing = download.missing.get(&scope, now).map(|it| it.etag == download.etag);
        if missing.is_some() && !is_fresh {
            download.due_ms = now.saturating_add(office.options.backoff_ms);
            self.apply(Effect::Look);
            return None;
        }
        let call = download.call(&scope, found.version()).filter(|_| missing != Some(true));
        let asked = Asked { scope, etag: download.etag };
        let Some(call) = call else {
            download.fetched(office, asked, Err(RequestFailure::NotInBackup));
            return None;
        };
        download.job = if matches!(call, Call::FetchSession(..)) {
            Job::Session { asked, key }
        } else {
            let options = restore_options(&asked.scope, found.count());
            let restore = Box::new(Restore::new(key, options, &office.limits));
            Job::Stream { asked, restore, has_begun: false }
        };
        Some(call)
    }
}

/// How the response for so much of the backup is read, which has so many sessions in all.
fn restore_options(scope: &Scope, count: Option<u64>) -> RestoreOptions {
    let mut options = RestoreOptions::default();
    match scope {
        Scope::Everything => options.expected = count,
        Scope::Room(room_id) | Scope::Session(room_id, _) => {
            options.room_id = Some(room_id.clone());
        }
    }
    options
}

/// The request, unless an ID cannot stand in one.
fn valid<T>(call: api::Request<T>) -> Option<api::Request<T>> {
    call.path_and_query().is_ok().then_some(call)
}

/// Messages that wait for the user's choice; later ones come back when they are looked at again.
const MAX_UNDECIDED: usize = 1_000;

/// More than anybody waits for one by one.
const MAX_WANTED: usize = 10_000;
