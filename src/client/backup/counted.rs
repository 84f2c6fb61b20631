//! How many sessions the backup in use has. A homeserver whose database was put back has fewer than it had.

use super::{Backup, OperationId, UploadProgress, seen::Seen};
use crate::ids::BackupVersion;

/// How many sessions the backup in use has, by the word of the server.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) sessions: Option<u64>,
    /// The same when the state was to be saved for it: not for each upload.
    noted: Option<u64>,
    /// The last request that was made before that was heard. What comes back for one up to it may be older.
    last_id: u64,
    /// When some of them were missing last, by the courier's clock.
    lost_at_ms: Option<u64>,
}

impl Counted {
    pub(super) fn saved(sessions: Option<u64>) -> Self {
        Self { sessions, noted: sessions, ..Self::default() }
    }
}

impl Backup {
    /// The server has said, in answer to this request, which backup is the current one. What it has by now is saved.
    pub(super) fn count_again(&mut self, id: OperationId) {
        let found = self.look.found().map(|info| (info.version().clone(), info.count()));
        found.into_iter().for_each(|(version, count)| self.count_is(id, &version, count));
        let Counted { sessions, noted, .. } = &mut self.kept.counted;
        if *noted != *sessions {
            *noted = *sessions;
            self.office.touch();
        }
    }

    /// The server has said, in answer to this request, how many sessions a version has. If these are fewer than before, what
    /// is missing nobody knows: the host is asked for all of them again. One that counts wrongly is believed once a day.
    pub(super) fn count_is(
        &mut self,
        id: OperationId,
        version: &BackupVersion,
        count: Option<u64>,
    ) {
        let in_use = self.state.in_use_mut().filter(|in_use| in_use.version() == version);
        let counted = &mut self.kept.counted;
        let (Some(in_use), Some(count), true) = (in_use, count, id.0 > counted.last_id) else {
            return;
        };
        counted.last_id = self.office.courier.last_id();
        let before = counted.sessions.replace(count);
        let now = self.office.courier.now();
        let may_tell = counted.lost_at_ms.is_none_or(|at| now.saturating_sub(at) >= DAY_MS);
        if may_tell && before > Some(count) {
            counted.lost_at_ms = Some(now);
            (in_use.seen, in_use.progress) = (Seen::default(), UploadProgress::default());
            in_use.is_asked_anew();
            self.office.deliver_lost(version);
        }
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
