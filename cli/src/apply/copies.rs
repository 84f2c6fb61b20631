//! Whether what was put into a backup comes out of it again.

use std::{
    collections::{HashMap, hash_map::Entry},
    convert::Infallible,
    hash::{BuildHasher as _, RandomState},
};

use strongroom::{
    Limits, api,
    backup::{BackupDecryptionKey, RestoreOptions, RestoredSession, restore_reader},
    ids::{BackupVersion, RoomId, SessionId},
    session_data::ExportedSession,
};

use crate::{
    failure::{Failure, shown},
    network::{Account, Trouble},
};

/// What must come out.
#[derive(Default)]
pub(super) struct Copies {
    rooms: HashMap<RoomId, HashMap<SessionId, Copy>>,
    /// How many have the ID of another one, and are no copies of it: a backup has room for one.
    displaced: u64,
    /// What nobody outside knows, so that no other session has the same number.
    hasher: RandomState,
}

/// A copy of a session, as much of it as is compared.
pub(super) struct Copy {
    /// The first index, and how often it was forwarded: the lower the better.
    rank: (u32, usize),
    /// What stands for the key.
    key: u64,
    /// What stands for the part of the ratchet that all copies have in common, as far as clients get.
    ratchet: u64,
    /// Whether the backup said that it had one as good before.
    was_there: bool,
}

/// What came out.
pub(super) struct ReadBack {
    /// How many sessions there are.
    pub(super) sessions: u64,
    /// How many are not in the backup, since it has something else under their ID that it keeps.
    pub(super) displaced: u64,
}

impl Copies {
    pub(super) fn copy(&self, exported: &ExportedSession) -> Copy {
        let session = &exported.session;
        let bytes = session.session_key().expose_bytes();
        Copy {
            rank: (session.session_key().first_known_index(), session.forwarding_chain().len()),
            key: self.hasher.hash_one(bytes),
            ratchet: self.hasher.hash_one(bytes.get(SLOW_PART).unwrap_or_default()),
            was_there: false,
        }
    }

    /// Of several copies, the best one counts.
    pub(super) fn add(&mut self, (room_id, session_id): (RoomId, SessionId), copy: Copy) {
        match self.rooms.entry(room_id).or_default().entry(session_id) {
            Entry::Vacant(entry) => drop(entry.insert(copy)),
            Entry::Occupied(mut there) => {
                self.displaced += u64::from(copy.ratchet != there.get().ratchet);
                if copy.rank < there.get().rank {
                    there.insert(copy);
                }
            }
        }
    }

    /// Opens everything with the key, room by room, and compares it. A better copy of a session is as good. In a backup that
    /// was there before, what it has kept instead is counted.
    pub(super) fn require(
        mut self,
        account: &Account,
        (version, is_new): (&BackupVersion, bool),
        key: &BackupDecryptionKey,
    ) -> Result<ReadBack, Failure> {
        let mut read_back = ReadBack { sessions: 0, displaced: self.displaced };
        let rooms = std::mem::take(&mut self.rooms);
        for (room_id, mut room) in rooms {
            read_back.sessions += room.len() as u64;
            let opened = open(account, version, &room_id, key).map_err(|it| account.failed(it))?;
            for exported in opened {
                let (there, id) = (self.copy(&exported), exported.session_id());
                if room.get(&id).is_some_and(|ours| ours.is_kept_by(&there)) {
                    room.remove(&id);
                }
            }
            let mut lost = room.iter().filter(|(_, copy)| is_new || !copy.was_there);
            if let Some((id, _)) = lost.next() {
                return Err(not_as_sent(&room_id, id, 1 + lost.count()));
            }
            read_back.displaced += room.len() as u64;
        }
        Ok(read_back)
    }
}

impl Copy {
    pub(super) fn was_there(self, was_there: bool) -> Self {
        Self { was_there, ..self }
    }

    /// Whether another copy opens all that this one opens.
    fn is_kept_by(&self, there: &Self) -> bool {
        self.key == there.key || self.ratchet == there.ratchet && there.rank.0 < self.rank.0
    }
}

fn not_as_sent(room_id: &RoomId, session_id: &SessionId, count: usize) -> Failure {
    Failure::other(format!(
        "the homeserver does not have the message keys as they were sent: session {} in room {}, and in that room {count} in all. \
         Nothing more was sent; keep this folder, which has them",
        shown(session_id.as_str()),
        shown(room_id.as_str()),
    ))
}

/// What opens of a room.
fn open(
    account: &Account,
    version: &BackupVersion,
    room_id: &RoomId,
    key: &BackupDecryptionKey,
) -> Result<Vec<ExportedSession>, Trouble> {
    let limits = Limits::default();
    let answer = account.connection.stream(&api::get_room_keys_for_room(version, room_id))?;
    let mut options = RestoreOptions::default();
    options.room_id = Some(room_id.clone());
    let mut sessions = Vec::new();
    let keep = |verdicts: Vec<Result<RestoredSession, _>>, _| {
        sessions.extend(verdicts.into_iter().flatten().map(RestoredSession::into_exported));
        Ok::<_, Infallible>(())
    };
    let Ok(report) = restore_reader(key, answer, options, &limits, keep);
    match report.ended_early() {
        Some(error) => Err(error.into()),
        None => Ok(sessions),
    }
}

/// In the export format, the part of the ratchet that changes after 2^24 messages.
const SLOW_PART: std::ops::Range<usize> = 5..37;
