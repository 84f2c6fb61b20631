//! The message keys of one version: all at once, or, where that is too much for somebody on the way, room by room.

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use indicatif::ProgressBar;
use strongroom::{
    Limits, api,
    backup::{RoomKeysItem, RoomKeysSplitter},
    ids::{BackupVersion, RoomId},
};

use super::{Wanted, collected::Collected, place::Place, rooms, snapshot::Version};
use crate::{
    failure::{Failure, shown, tell},
    network::{Account, Trouble},
    progress,
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
    version: Version,
    wanted: &Wanted,
) -> Result<bool, Failure> {
    let name = shown(&version.version);
    if place.has(&version) {
        tell(format_args!("The message keys of version {name} are here already."));
        return Ok(true);
    }
    let progress = progress::of_message_keys(version.count);
    let mut before = Collected::take_up(place.folder(), &version)?;
    let collected = if let Some(collected) = before.take_if(|it| !it.is_ended) {
        tell(format_args!(
            "The message keys of version {name} go on room by room: rooms that were asked for already: {}.",
            collected.len()
        ));
        collected
    } else {
        let named = match at_once(account, place, &version, &progress)? {
            AtOnce::Done(complete) => return Ok(complete),
            AtOnce::TooMuch(named) => named,
        };
        let mut collected = match before {
            Some(before) => before,
            None => Collected::start(place.folder(), &version)?,
        };
        collected.name(named)?;
        collected
    };
    let rooms = wanted.rooms.iter().cloned().collect();
    rooms::fetch(account, place, version, rooms, (collected, &progress))
}

/// What becomes of asking for everything at once.
enum AtOnce {
    /// It came, or is refused, and this is whether it is complete.
    Done(bool),
    /// It was too much for somebody. What came of it names these rooms.
    TooMuch(BTreeSet<RoomId>),
}

/// Asks for everything at once, and once more after a cut.
fn at_once(
    account: &Account,
    place: &mut Place,
    version: &Version,
    progress: &ProgressBar,
) -> Result<AtOnce, Failure> {
    let name = shown(&version.version);
    let (mut named, mut tries_left) = (BTreeSet::new(), TRIES);
    loop {
        tries_left -= 1;
        let (came, broken) = whole(account, place, version, progress)?;
        let Some(trouble) = broken else {
            progress.finish_and_clear();
            let version = Version { complete: true, ..version.clone() };
            return keep(place, version, came.sessions).map(AtOnce::Done);
        };
        if trouble.is_refusal() {
            let failure = account.failed(trouble);
            tell(format_args!("The message keys of version {name} are refused: {failure}."));
            let sessions = place.sessions_of(version);
            return keep(place, version.clone(), sessions).map(AtOnce::Done);
        }
        if !trouble.may_be_too_much() {
            return Err(account.failed(trouble));
        }
        // What is missing after a cut may come the next time.
        named.extend(came.rooms);
        if tries_left == 0 || !trouble.is_cut() {
            let reason = trouble.reason(account.connection.address());
            progress.suspend(|| {
                tell(format_args!(
                    "The message keys of version {name} do not come as a whole, since {reason}: they are fetched room by room now."
                ));
            });
            return Ok(AtOnce::TooMuch(named));
        }
    }
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
    progress: &ProgressBar,
) -> Result<(Came, Option<Trouble>), Failure> {
    let mut came = Came::default();
    let mut file = place.start_keys(version)?;
    progress.set_position(0);
    let endpoint = api::get_room_keys(&BackupVersion::from(version.version.as_str()));
    let splitter = RoomKeysSplitter::new(&Limits::default());
    let mut put = |bytes: &[u8]| file.put(bytes);
    let broken = match copy(account, &endpoint, splitter, &mut put, (&mut came, progress)) {
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

/// Has a response written while it comes, and counts what is in it.
pub(super) fn copy(
    account: &Account,
    endpoint: &api::Request<impl Sized>,
    mut splitter: RoomKeysSplitter,
    put: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
    (came, progress): (&mut Came, &ProgressBar),
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
        put(piece).map_err(Broken::Here)?;
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
