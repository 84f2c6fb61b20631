//! What a backup holds already, as far as it matters.
//!
//! The account's machine (`client::Backup`) asks for each imported session before it stores it, which is right for a client, and
//! 420,000 requests here. So what is there is read room by room, each room once and when its first session comes, and compared
//! by the rule of the specification, which homeservers follow, too; a command that was interrupted needs no other memory.

use std::{
    collections::HashMap,
    io::{self, Read as _},
};

use strongroom::{
    Limits, api,
    backup::{KeyBackupData, KeyBackupMetadata, RoomKeysItem, RoomKeysSplitter},
    encoding::base64,
    ids::{BackupVersion, RoomId, SessionId},
    session_data::{ExportedSession, SessionData},
};

use crate::{
    failure::{Failure, shown, tell},
    network::{Account, Trouble},
};

/// What a version holds of the rooms that were asked for.
pub(super) struct Stored<'a> {
    account: &'a Account,
    version: &'a BackupVersion,
    rooms: HashMap<RoomId, Room>,
    unread_in_a_row: u32,
}

/// What the backup has instead of a session, or of it.
pub(super) enum Place {
    /// Nothing, or what is worse.
    Free,
    /// As good a one.
    Taken,
    /// One that was given before, and is as good.
    Ours,
    /// It could not be asked.
    Unknown,
}

/// What became of the sessions that were sent.
#[derive(Default)]
pub(crate) struct ReadBack {
    pub(super) stored: u64,
    /// The homeserver took them, and does not have them.
    pub(super) lost: Vec<(RoomId, SessionId)>,
    /// How many are in rooms that could not be asked for once more.
    pub(super) unknown: u64,
    /// How many sessions there are for sure.
    pub(super) at_least: u64,
}

enum Room {
    Read(HashMap<PublicKey, Entry>),
    Unread,
}

/// What a session ID stands for.
type PublicKey = [u8; 32];

/// 44 bytes with its key: of 420,000 sessions, with what a map has to spare, 30 MiB.
struct Entry {
    /// `u32::MAX` is not known, or so much that it is as bad.
    first_message_index: u32,
    forwarded_count: u32,
    is_verified: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was there before.
    There,
    Sent,
    ReadBack,
}

impl<'a> Stored<'a> {
    pub(super) fn new(account: &'a Account, version: &'a BackupVersion) -> Self {
        Self { account, version, rooms: HashMap::new(), unread_in_a_row: 0 }
    }

    /// Compares a session with what is there, and takes its place if that is free.
    pub(super) fn take_place(&mut self, exported: &ExportedSession) -> Result<Place, Failure> {
        let ExportedSession { room_id, session } = exported;
        if !self.rooms.contains_key(room_id) {
            let room = self.ask(room_id)?;
            self.rooms.insert(room_id.clone(), room);
        }
        let Some(Room::Read(room)) = self.rooms.get_mut(room_id) else { return Ok(Place::Unknown) };
        let ours = Entry::new(&metadata(session), State::Sent);
        match room.get(&public_key(session)) {
            Some(there) if !ours.replaces(there) => {
                Ok(if there.state == State::There { Place::Taken } else { Place::Ours })
            }
            _ => {
                room.insert(public_key(session), ours);
                Ok(Place::Free)
            }
        }
    }

    /// A session was not stored: its place is free again.
    pub(super) fn give_back(&mut self, room_id: &RoomId, session_id: &SessionId) {
        if let (Some(Room::Read(room)), Some(key)) =
            (self.rooms.get_mut(room_id), key_of(session_id))
        {
            room.remove(&key);
        }
    }

    /// Reads what was sent, and says what of it is there.
    pub(super) fn read_back(&mut self) -> Result<ReadBack, Failure> {
        let mut result = ReadBack::default();
        let rooms: Vec<_> = self.rooms.keys().cloned().collect();
        for room_id in rooms {
            let Some(Room::Read(mut room)) = self.rooms.remove(&room_id) else { continue };
            let sent = room.values().filter(|it| it.state == State::Sent).count() as u64;
            if sent > 0 && !self.read(&room_id, &mut |key, it| confirm(&mut room, &key, it))? {
                result.unknown += sent;
                continue;
            }
            for (key, entry) in &room {
                match entry.state {
                    State::Sent => {
                        let session_id = SessionId::from(base64::encode(key));
                        result.lost.push((room_id.clone(), session_id));
                    }
                    State::ReadBack => result.stored += 1,
                    State::There => {}
                }
            }
            result.at_least += room.len() as u64;
        }
        result.at_least -= result.lost.len() as u64;
        Ok(result)
    }

    fn ask(&mut self, room_id: &RoomId) -> Result<Room, Failure> {
        let mut room = HashMap::new();
        let mut add = |key, metadata: &_| {
            room.insert(key, Entry::new(metadata, State::There));
        };
        Ok(if self.read(room_id, &mut add)? { Room::Read(room) } else { Room::Unread })
    }

    /// Reads a room, once more if that breaks off, and returns whether that could be done; if not, that is told.
    fn read(
        &mut self,
        room_id: &RoomId,
        each: &mut dyn FnMut(PublicKey, &KeyBackupMetadata),
    ) -> Result<bool, Failure> {
        let mut read = self.read_once(room_id, each);
        if read.as_ref().is_err_and(Trouble::is_cut) {
            read = self.read_once(room_id, each);
        }
        let trouble = match read {
            Ok(()) => None,
            Err(Trouble::Refused(error)) if error.is_not_found() => None,
            Err(trouble) => Some(trouble),
        };
        let Some(trouble) = trouble else {
            self.unread_in_a_row = 0;
            return Ok(true);
        };
        self.unread_in_a_row += 1;
        let may_others = trouble.may_be_too_much() && self.unread_in_a_row < UNREAD;
        let failure = self.account.failed(trouble);
        if may_others {
            tell(format_args!("Room {}: {failure}.", shown(room_id.as_str())));
            return Ok(false);
        }
        Err(failure)
    }

    fn read_once(
        &self,
        room_id: &RoomId,
        each: &mut dyn FnMut(PublicKey, &KeyBackupMetadata),
    ) -> Result<(), Trouble> {
        let limits = Limits::default();
        let endpoint = api::get_room_keys_for_room(self.version, room_id);
        let mut splitter = RoomKeysSplitter::for_room(room_id.clone(), &limits);
        let answer = self.account.connection.stream(&endpoint)?;
        let mut answer = answer.take(limits.streamed_response_bytes);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let length = match answer.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ureq::Error::from(error).into()),
            };
            let mut piece = buffer.get(..length).unwrap_or_default();
            while let Some(item) = splitter.next_item(&mut piece)? {
                if let RoomKeysItem::Session { session_id, json, .. } = item
                    && let Some(key) = key_of(session_id)
                    // What cannot be read is not better than ours.
                    && let Ok(data) = KeyBackupData::from_json(json)
                {
                    each(key, data.metadata());
                }
            }
        }
        Ok(splitter.end()?)
    }
}

impl Entry {
    fn new(metadata: &KeyBackupMetadata, state: State) -> Self {
        let number = |it: Option<u64>| it.and_then(|it| it.try_into().ok()).unwrap_or(u32::MAX);
        Self {
            first_message_index: number(metadata.first_message_index),
            forwarded_count: number(metadata.forwarded_count),
            is_verified: metadata.is_verified,
            state,
        }
    }

    fn metadata(&self) -> KeyBackupMetadata {
        let number = |it: u32| (it != u32::MAX).then(|| it.into());
        KeyBackupMetadata {
            is_verified: self.is_verified,
            first_message_index: number(self.first_message_index),
            forwarded_count: number(self.forwarded_count),
        }
    }

    fn replaces(&self, there: &Self) -> bool {
        self.metadata().replaces(&there.metadata())
    }
}

/// What was sent is there if nothing worse is.
fn confirm(room: &mut HashMap<PublicKey, Entry>, key: &PublicKey, there: &KeyBackupMetadata) {
    if let Some(ours) = room.get_mut(key)
        && ours.state == State::Sent
        && !ours.metadata().replaces(there)
    {
        ours.state = State::ReadBack;
    }
}

/// As the session is sealed: nothing that comes from a file or a backup says that a device is verified.
fn metadata(session: &SessionData) -> KeyBackupMetadata {
    KeyBackupMetadata {
        is_verified: false,
        first_message_index: Some(session.session_key().first_known_index().into()),
        forwarded_count: session.forwarding_chain().len().try_into().ok(),
    }
}

/// Which session it is. Of an ID in another form there is none of ours: we have only one form.
fn key_of(session_id: &SessionId) -> Option<PublicKey> {
    let key = base64::decode_array(session_id.as_str()).ok()?;
    (base64::encode(&key) == session_id.as_str()).then_some(key)
}

/// The same from a session, without a text.
fn public_key(session: &SessionData) -> PublicKey {
    session.session_key().expose_bytes().last_chunk().copied().unwrap_or_default()
}

/// After so many rooms it is not the rooms that are too much.
const UNREAD: u32 = 3;

const BUFFER_BYTES: usize = 64 << 10;
