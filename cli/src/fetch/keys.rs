//! The message keys of one version: all at once, or, where that is too much for somebody on the way, room by room.

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use indicatif::ProgressBar;
use strongroom::{
    Limits,
    api::{Endpoint, GetRoomKeys},
    backup::{RoomKeysItem, RoomKeysSplitter},
    ids::{BackupVersion, RoomId},
};

use super::{Wanted, place::Place, rooms, snapshot::Version};
use crate::{
    failure::{Failure, shown, tell},
    network::{Account, Trouble},
    output::NewFile,
};

/// Why a response did not come to its end.
pub(super) enum Broken {
    /// It could not be written.
    Here(Failure),
    /// It did not come.
    There(Trouble),
}

/// What one response brought so far.
#[derive(Default)]
pub(super) struct Came {
    pub(super) sessions: u64,
    pub(super) rooms: BTreeSet<RoomId>,
}

/// Fetches the message keys of a version unless they are here, and returns whether they are complete then.
pub(super) fn fetch(
    account: &Account,
    place: &mut Place,
    mut version: Version,
    wanted: &Wanted,
) -> Result<bool, Failure> {
    if place.has(&version) {
        tell(format_args!(
            "The message keys of version {} are here already.",
            shown(&version.version)
        ));
        return Ok(true);
    }
    let progress = version.count.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let number = BackupVersion::from(version.version.as_str());
    let mut rooms = wanted.rooms.iter().cloned().collect();
    for tries_left in (0..TRIES).rev() {
        let (came, broken) = whole(account, place, &version, &number, &progress)?;
        match broken {
            None => {
                progress.finish_and_clear();
                version.complete = true;
                return keep(place, version, came.sessions);
            }
            Some(trouble) if trouble.is_refusal() => {
                let name = shown(&version.version);
                tell(format_args!(
                    "The message keys of version {name} are refused: {}.",
                    account.failed(trouble)
                ));
                let sessions = place.sessions_of(&version);
                return keep(place, version, sessions);
            }
            Some(trouble) if !trouble.may_be_too_much() => return Err(account.failed(trouble)),
            Some(trouble) => {
                // What is missing after a cut may come the next time.
                let is_last = tries_left == 0 || !trouble.is_cut();
                rooms = came.rooms.union(&rooms).cloned().collect();
                if is_last {
                    progress.suspend(|| {
                        tell(format_args!(
                            "The message keys of version {} do not come as a whole: {}. Now room by room.",
                            shown(&version.version),
                            account.failed(trouble)
                        ));
                    });
                    break;
                }
            }
        }
    }
    rooms::fetch(account, place, version, rooms, &progress)
}

/// Records what came, unless there was more before, and returns whether all is complete.
pub(super) fn keep(
    place: &mut Place,
    mut version: Version,
    sessions: u64,
) -> Result<bool, Failure> {
    version.sessions = sessions;
    version.complete &= version.count.is_none_or(|count| sessions >= count);
    let complete = version.complete;
    place.record(version)?;
    Ok(complete)
}

/// Asks for everything at once. What came before a cut is kept if there was less before.
fn whole(
    account: &Account,
    place: &mut Place,
    version: &Version,
    number: &BackupVersion,
    progress: &ProgressBar,
) -> Result<(Came, Option<Trouble>), Failure> {
    let mut came = Came::default();
    let mut file = place.start_keys(version)?;
    progress.set_position(0);
    let endpoint = GetRoomKeys::new(number.clone());
    let splitter = RoomKeysSplitter::new(&Limits::default());
    let broken = match copy(account, &endpoint, splitter, &mut file, &mut came, progress) {
        Ok(()) => None,
        Err(Broken::Here(failure)) => return Err(failure),
        Err(Broken::There(trouble)) => Some(trouble),
    };
    if broken.is_none() || came.sessions > place.sessions_of(version) {
        file.finish()?;
        if broken.is_some() {
            keep(place, version.clone(), came.sessions)?;
        }
    }
    Ok((came, broken))
}

/// Writes a response into a file while it comes, and counts what is in it.
pub(super) fn copy(
    account: &Account,
    endpoint: &impl Endpoint,
    mut splitter: RoomKeysSplitter,
    file: &mut NewFile,
    came: &mut Came,
    progress: &ProgressBar,
) -> Result<(), Broken> {
    let there = |trouble: Trouble| Broken::There(trouble);
    let answer = account.connection.stream(endpoint).map_err(there)?;
    let mut answer = answer.take(Limits::default().streamed_response_bytes);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = match answer.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(there(ureq::Error::from(error).into())),
        };
        let mut piece = buffer.get(..length).unwrap_or_default();
        file.put(piece).map_err(Broken::Here)?;
        while let Some(item) = splitter.next_item(&mut piece).map_err(|it| there(it.into()))? {
            let room = match item {
                RoomKeysItem::Session { room_id, .. } => room_id.clone(),
                RoomKeysItem::FailedSession(session) => session.room_id,
                _ => continue,
            };
            came.sessions += 1;
            progress.inc(1);
            if !came.rooms.contains(&room) {
                came.rooms.insert(room);
            }
        }
    }
    splitter.end().map_err(|error| there(error.into()))
}

const BUFFER_BYTES: usize = 64 << 10;

/// How often everything at once is asked for, if it is cut.
const TRIES: u32 = 2;
