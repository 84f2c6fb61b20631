//! What a backup holds already, as far as it matters.
//!
//! The account's machine (`client::Backup`) asks for each imported session before it stores it, which is right for a client, and
//! 420,000 requests here. So what is there is read room by room, each room once and when its first session comes, and compared
//! by the rule of the specification, which homeservers follow, too; a command that was interrupted needs no other memory. By that
//! rule a homeserver keeps what has better numbers beside it; whether it opens as many messages shows only when it is opened.

use std::{
    collections::HashMap,
    io::{self, Read as _},
    mem,
};

use strongroom::{
    Limits, api,
    backup::{
        BackedUpSession, BackupDecryptionKey, KeyBackupData, KeyBackupMetadata, RoomKeysItem,
        RoomKeysSplitter, Warning,
    },
    encoding::base64,
    ids::{BackupVersion, RoomId, SessionId},
    session_data::{BestCopies, ExportedSession},
};

use super::entry::{Entry, Place, PublicKey, State, key_of, metadata, public_key};
use crate::{
    failure::{Failure, shown, tell},
    network::{Account, Trouble},
};

/// What a version holds of the rooms that were asked for.
pub(super) struct Stored<'a> {
    account: &'a Account,
    version: &'a BackupVersion,
    key: &'a BackupDecryptionKey,
    rooms: HashMap<RoomId, Room>,
    /// What opens of them, and what was sent.
    copies: BestCopies,
    unread_in_a_row: u32,
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

/// Takes what there is of a session, and the session if it opens.
type Each<'e> = dyn FnMut(PublicKey, &KeyBackupMetadata, Option<&ExportedSession>) + 'e;

impl<'a> Stored<'a> {
    pub(super) fn new(
        account: &'a Account,
        version: &'a BackupVersion,
        key: &'a BackupDecryptionKey,
    ) -> Self {
        let (rooms, copies) = (HashMap::new(), BestCopies::default());
        Self { account, version, key, rooms, copies, unread_in_a_row: 0 }
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
        let opens_from = self.copies.first_index(exported);
        let place = match room.get(&public_key(session)) {
            Some(there) => there.place_of(&ours, opens_from),
            None => Place::Free,
        };
        if let Place::Free = place {
            room.insert(public_key(session), ours);
            self.copies.see(0, exported);
        }
        Ok(place)
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
        let (mut result, copies) = (ReadBack::default(), mem::take(&mut self.copies));
        let rooms: Vec<_> = self.rooms.keys().cloned().collect();
        for room_id in rooms {
            let Some(Room::Read(mut room)) = self.rooms.remove(&room_id) else { continue };
            let sent = room.values().filter(|it| it.state == State::Sent).count() as u64;
            let mut confirm = |key, metadata: &_, opened: Option<&_>| {
                if let (Some(ours), Some(opened)) = (room.get_mut(&key), opened)
                    && opens_as_much(opened, &copies)
                {
                    ours.confirm(metadata);
                }
            };
            if sent > 0 && !self.read(&room_id, &mut confirm)? {
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
                    State::There | State::Closed => {}
                }
            }
            result.at_least += room.len() as u64;
        }
        result.at_least -= result.lost.len() as u64;
        Ok(result)
    }

    fn ask(&mut self, room_id: &RoomId) -> Result<Room, Failure> {
        let (mut room, mut copies) = (HashMap::new(), mem::take(&mut self.copies));
        let mut add = |key, metadata: &_, opened: Option<&_>| {
            let state = if opened.is_some() { State::There } else { State::Closed };
            room.insert(key, Entry::new(metadata, state));
            opened.into_iter().for_each(|it| copies.see(0, it));
        };
        let is_read = self.read(room_id, &mut add)?;
        self.copies = copies;
        Ok(if is_read { Room::Read(room) } else { Room::Unread })
    }

    /// Reads a room, once more if that breaks off, and returns whether that could be done; if not, that is told.
    fn read(&mut self, room_id: &RoomId, each: &mut Each<'_>) -> Result<bool, Failure> {
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

    fn read_once(&self, room_id: &RoomId, each: &mut Each<'_>) -> Result<(), Trouble> {
        let limits = Limits::default();
        let endpoint = api::get_room_keys_for_room(self.version, room_id);
        let mut splitter = RoomKeysSplitter::for_room(room_id.clone(), &limits);
        let answer = self.account.connection.stream(&endpoint)?;
        let mut answer = answer.take(limits.streamed_response_bytes);
        let (mut buffer, mut waiting) = (vec![0; BUFFER_BYTES], Vec::new());
        loop {
            let length = match answer.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ureq::Error::from(error).into()),
            };
            let mut piece = buffer.get(..length).unwrap_or_default();
            while let Some(item) = splitter.next_item(&mut piece)? {
                if let RoomKeysItem::Session { room_id, session_id, json } = item {
                    let (room_id, session_id) = (room_id.clone(), session_id.clone());
                    waiting.push(BackedUpSession { room_id, session_id, json: json.to_vec() });
                }
                if waiting.len() == TOGETHER {
                    self.open(&mut waiting, each);
                }
            }
        }
        self.open(&mut waiting, each);
        Ok(splitter.end()?)
    }

    /// Opens sessions together, which is faster.
    fn open(&self, waiting: &mut Vec<BackedUpSession>, each: &mut Each<'_>) {
        let opened = self.key.open_sessions(waiting);
        for (returned, opened) in waiting.drain(..).zip(opened) {
            let Some(key) = key_of(&returned.session_id) else { continue };
            // What cannot be read is not better than ours.
            let Ok(data) = KeyBackupData::from_json(&returned.json) else { continue };
            let is_other = |warning: &Warning| matches!(warning, Warning::OtherSessionId(_));
            let opened = opened.ok().filter(|it| !it.warnings().iter().any(is_other));
            each(key, data.metadata(), opened.as_ref().map(|it| it.exported()));
        }
    }
}

/// Whether it opens every message that the copies of it open. That of another session of the same ID is none of them.
fn opens_as_much(session: &ExportedSession, copies: &BestCopies) -> bool {
    let index = session.session.session_key().first_known_index();
    copies.first_index(session).is_some_and(|best| index <= best)
}

/// After so many rooms it is not the rooms that are too much.
const UNREAD: u32 = 3;

const BUFFER_BYTES: usize = 64 << 10;

/// How many sessions are opened at once.
const TOGETHER: usize = 256;
