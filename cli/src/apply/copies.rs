//! Whether what was put into a backup comes out of it again.

use std::{
    collections::HashMap,
    convert::Infallible,
    hash::{BuildHasher as _, RandomState},
};

use strongroom::{
    Limits, api,
    backup::{BackupDecryptionKey, RestoreOptions, restore_reader},
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
    /// What nobody outside knows, so that no other session has the same number.
    hasher: RandomState,
}

/// The first index, and what stands for the key.
#[derive(PartialEq, Eq)]
struct Copy(u32, u64);

impl Copies {
    pub(super) fn add(&mut self, exported: &ExportedSession) {
        let copy = copy(exported, &self.hasher);
        let room = self.rooms.entry(exported.room_id.clone()).or_default();
        room.insert(exported.session_id(), copy);
    }

    /// Opens everything with the key, room by room, and compares it. A better copy of a session is as good.
    pub(super) fn require(
        mut self,
        account: &Account,
        version: &BackupVersion,
        key: &BackupDecryptionKey,
    ) -> Result<(), Failure> {
        for (room_id, room) in &mut self.rooms {
            let opened = open(account, version, room_id, key).map_err(|it| account.failed(it))?;
            for exported in opened {
                let there = copy(&exported, &self.hasher);
                let id = exported.session_id();
                if room.get(&id).is_some_and(|ours| *ours == there || there.0 < ours.0) {
                    room.remove(&id);
                }
            }
            if let Some(id) = room.keys().next() {
                return Err(Failure::other(format!(
                    "the homeserver does not have the message keys as they were sent: session {} in room {}, and in that room {} in \
                     all. Nothing more was sent; keep this folder, which has them",
                    shown(id.as_str()),
                    shown(room_id.as_str()),
                    room.len()
                )));
            }
        }
        Ok(())
    }
}

fn copy(exported: &ExportedSession, hasher: &RandomState) -> Copy {
    let key = exported.session.session_key();
    Copy(key.first_known_index(), hasher.hash_one(key.expose_bytes()))
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
    let keep = |verdicts: Vec<Result<strongroom::backup::RestoredSession, _>>, _| {
        let opened = verdicts.into_iter().flatten();
        sessions.extend(opened.map(strongroom::backup::RestoredSession::into_exported));
        Ok::<_, Infallible>(())
    };
    let Ok(report) = restore_reader(key, answer, options, &limits, keep);
    match report.ended_early() {
        Some(error) => Err(error.into()),
        None => Ok(sessions),
    }
}
