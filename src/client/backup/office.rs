//! What all parts of the machine use: the account, the way out, and the desk where the host is served.

// docs/decisions.md, 24: the table is the transition, and each part has one owner.

use std::collections::{BTreeSet, VecDeque};

use super::{
    Next, NotStored, Question, TaskId,
    seen::{Hopeless, SeenSession},
};
use crate::{
    Limits,
    backup::RestoredSession,
    client::{
        courier::{Backoff, Blame, Courier},
        failure::Failure,
        waiting::RequestKind,
    },
    ids::{BackupVersion, DeviceId, UserId},
};

pub(super) struct Office {
    pub(super) user_id: UserId,
    pub(super) device_id: DeviceId,
    pub(super) options: BackupOptions,
    pub(super) limits: Limits,
    pub(super) courier: Courier,
    pub(super) desk: Desk,
    /// What versions do not take: it is known of a version that is in use again, too.
    pub(super) hopeless: Hopeless,
    /// What follows from what one part has done for others, until [`Backup`](super::Backup) applies it.
    pub(super) effects: Vec<Effect>,
}

/// What the host and the user are asked for and given.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) asked: Vec<(TaskId, Question)>,
    /// The backup about which the host was asked who is trusted by now.
    pub(super) refreshed_for: Option<BackupVersion>,
    pub(super) deliveries: VecDeque<Next>,
    /// What the host was told of its sessions, and has not worked on yet.
    pub(super) told: BTreeSet<TaskId>,
    /// Sessions that the host has not put away yet.
    pub(super) imports: BTreeSet<TaskId>,
    /// Whether the state has changed since it was saved.
    pub(super) is_unsaved: bool,
    pub(super) is_saving: bool,
}

#[derive(Debug)]
pub(super) enum Effect {
    /// The current version is asked for.
    Look,
    /// So it is, and not for each session that is missing.
    LookSoon,
    /// The version is gone or was replaced.
    Gone,
    /// What the backup holds has changed.
    Etag(Option<String>),
    /// The version has these sessions, at least so good.
    Seen(BackupVersion, Vec<SeenSession>),
}

/// How much at once, how often, and how long to wait. All times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupOptions {
    /// How many sessions go into one request. Default: 100.
    pub batch_sessions: usize,
    /// How many bytes of JSON go into one request, if it holds more than one session. Default: 1,000,000.
    pub batch_bytes: usize,
    /// The longest time that new sessions wait, drawn at random so that the devices of a room do not upload all at
    /// once. Default: 10 seconds, as
    /// [the specification](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups) has it.
    pub upload_delay_ms: u64,
    /// How soon to look whether another device made a backup, when the user was asked. Default: 30 seconds. While nothing
    /// changes, each wait is as long as the question has been open, up to [`check_ms`](Self::check_ms): otherwise it would be
    /// 20,000 requests a week for a user who does not answer. What the homeserver shows makes them short again once in that
    /// time, and no more often.
    pub poll_ms: u64,
    /// How often to look whether the backup in use is still the current one. Default: an hour. Uploads find it out
    /// at once.
    pub check_ms: u64,
    /// The first wait after a request that failed; it doubles with each further one. Default: a second.
    pub backoff_ms: u64,
    /// The longest wait after a request that failed, unless the server asks for a longer one. Default: ten
    /// minutes.
    pub longest_backoff_ms: u64,
    /// How long a session is not asked for again that the backup did not have, unless the backup has changed since.
    /// Default: an hour.
    pub missing_ms: u64,
    /// How many sessions are remembered, with how good they were, that were uploaded or seen in the backup: 40
    /// bytes each. Default: 500,000.
    pub seen_sessions: usize,
    /// How many times a download of a room or of everything is tried that ends early. Default: 5.
    pub download_attempts: u32,
}

impl BackupOptions {
    pub(super) fn backoff(&self) -> Backoff {
        Backoff { first_ms: self.backoff_ms, longest_ms: self.longest_backoff_ms }
    }
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            batch_sessions: 100,
            batch_bytes: 1_000_000,
            upload_delay_ms: 10_000,
            poll_ms: 30_000,
            check_ms: 60 * 60 * 1_000,
            backoff_ms: 1_000,
            longest_backoff_ms: 10 * 60 * 1_000,
            missing_ms: 60 * 60 * 1_000,
            seen_sessions: 500_000,
            download_attempts: 5,
        }
    }
}

impl Office {
    /// Marks the state as changed, so that it is saved before anything else is sent.
    pub(super) fn touch(&mut self) {
        self.desk.is_unsaved = true;
    }

    pub(super) fn deliver(&mut self, next: Next) {
        self.desk.deliveries.push_back(next);
    }

    /// Gives what the host is to acknowledge before it is asked for more.
    pub(super) fn tell(&mut self, next: impl FnOnce(TaskId) -> Next) {
        let id = self.courier.new_id();
        self.desk.told.insert(id);
        self.deliver(next(id));
    }

    pub(super) fn deliver_stored(&mut self, version: &BackupVersion, tokens: Vec<u64>) {
        if !tokens.is_empty() {
            self.tell(|id| Next::Stored(id, version.clone(), tokens));
        }
    }

    /// Returns whether there was room to remember them.
    pub(super) fn deliver_not_stored(
        &mut self,
        version: &BackupVersion,
        failures: Vec<(u64, NotStored)>,
    ) -> bool {
        let (now, mut has_room) = (self.courier.now(), true);
        for (token, reason) in &failures {
            has_room &= self.hopeless.add(*token, reason, now);
        }
        self.tell(|id| Next::NotStored(id, version.clone(), failures));
        has_room
    }

    pub(super) fn deliver_import(
        &mut self,
        version: &BackupVersion,
        sessions: Vec<RestoredSession>,
    ) {
        let id = self.courier.new_id();
        self.desk.imports.insert(id);
        self.deliver(Next::Import(id, version.clone(), sessions));
    }

    /// Counts a failure, and returns whether the request is to blame for it, and not the network. If that is not known, the
    /// server is asked.
    pub(super) fn blames_request(&mut self, kind: RequestKind, failure: &Failure) -> bool {
        let blame = self.courier.blamed(kind, failure);
        self.courier.failed(kind, failure.wait_ms());
        if blame == Blame::Unknown {
            self.effects.push(Effect::Look);
        }
        blame == Blame::Request
    }
}
