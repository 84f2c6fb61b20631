//! Message keys room by room, put together to what would have come as a whole.

use std::collections::BTreeSet;

use indicatif::ProgressBar;
use serde_json::Value;
use strongroom::{
    Limits, api,
    backup::RoomKeysSplitter,
    ids::{BackupVersion, RoomId},
};

use super::{
    collected::Collected,
    keys::{Broken, Came, copy, keep},
    place::Place,
    snapshot::Version,
};
use crate::{
    failure::{Failure, shown, tell},
    network::{Account, Trouble},
};

/// Fetches what can be had, and returns whether it is all. `rooms` are asked for beside those that the homeserver names.
pub(super) fn fetch(
    account: &Account,
    place: &mut Place,
    mut version: Version,
    mut rooms: BTreeSet<RoomId>,
    (mut collected, progress): (Collected, &ProgressBar),
) -> Result<bool, Failure> {
    rooms.extend(collected.named().iter().cloned());
    rooms.extend(known(account)?);
    rooms.retain(|room| !collected.has(room));
    progress.set_position(collected.sessions);
    let ended = add_all(account, &mut version, rooms, (&mut collected, progress));
    progress.finish_and_clear();
    // Rooms that nobody knows any more may have keys, too: only their number tells.
    version.complete = ended.is_ok() && version.missing_rooms.is_empty() && version.count.is_some();
    version.is_by_rooms = true;
    let (sessions, before) = (collected.sessions, place.sessions_of(&version));
    let is_all = version.count.is_some_and(|count| sessions >= count);
    let is_better = sessions > before || (ended.is_ok() && (is_all || sessions == before));
    let mut complete = Ok(false);
    if is_better {
        let mut file = place.start_keys(&version)?;
        // What has come is of use, though it be not all.
        complete = collected.write(&mut file).and_then(|()| {
            file.finish()?;
            keep(place, version, sessions)
        });
    }
    ended?;
    if complete? {
        collected.remove();
        return Ok(true);
    }
    collected.end()?;
    Ok(false)
}

/// Asks for each of the rooms, and names those that cannot be had.
fn add_all(
    account: &Account,
    version: &mut Version,
    rooms: BTreeSet<RoomId>,
    (collected, progress): (&mut Collected, &ProgressBar),
) -> Result<(), Failure> {
    let number = BackupVersion::from(version.version.as_str());
    for room in rooms {
        match add(account, &number, &room, (collected, progress))? {
            None => {}
            Some(trouble) if trouble.may_be_too_much() || trouble.is_refusal() => {
                let id = shown(room.as_str());
                progress.suspend(|| tell(format_args!("Room {id}: {}.", account.failed(trouble))));
                version.missing_rooms.push(room.as_str().to_owned());
            }
            Some(trouble) => return Err(account.failed(trouble)),
        }
    }
    Ok(())
}

/// Adds a room, or nothing of it.
fn add(
    account: &Account,
    version: &BackupVersion,
    room: &RoomId,
    (collected, progress): (&mut Collected, &ProgressBar),
) -> Result<Option<Trouble>, Failure> {
    let head = format!("{}{}:", collected.separator(), Value::from(room.as_str()));
    collected.put(head.as_bytes())?;
    let mut came = Came::default();
    let endpoint = api::get_room_keys_for_room(version, room);
    let splitter = RoomKeysSplitter::for_room(room.clone(), &Limits::default());
    let mut put = |bytes: &[u8]| collected.put(bytes);
    let copied = copy(account, &endpoint, splitter, &mut put, (&mut came, progress));
    if copied.is_err() || came.sessions == 0 {
        collected.take_back()?;
    }
    let is_nothing =
        |trouble: &Trouble| matches!(trouble, Trouble::Refused(error) if error.is_not_found());
    match copied {
        Err(Broken::Here(failure)) => return Err(failure),
        Err(Broken::There(trouble)) if !is_nothing(&trouble) => {
            // What is taken back is not there.
            progress.set_position(collected.sessions);
            return Ok(Some(trouble));
        }
        Ok(()) | Err(Broken::There(_)) => {}
    }
    collected.keep(room, came.sessions)?;
    Ok(None)
}

/// The rooms that the user is in, and those that they have left as far as the homeserver remembers.
fn known(account: &Account) -> Result<BTreeSet<RoomId>, Failure> {
    let joined = account.connection.get("v3/joined_rooms").map_err(|it| account.failed(it))?;
    let joined = joined.get("joined_rooms").and_then(Value::as_array);
    let joined = joined.into_iter().flatten().filter_map(Value::as_str);
    let mut rooms: BTreeSet<RoomId> = joined.map(RoomId::from).collect();
    match account.connection.get(&left_path()) {
        Ok(sync) => {
            let of = sync.get("rooms").and_then(Value::as_object);
            let of = of.into_iter().flat_map(|of| of.values()).filter_map(Value::as_object);
            rooms.extend(of.flat_map(|of| of.keys()).map(|id| RoomId::from(id.as_str())));
        }
        Err(trouble) if trouble.may_be_too_much() => tell(format_args!(
            "Rooms that you have left are not asked for, except those that --room names: {}.",
            account.failed(trouble)
        )),
        Err(trouble) => return Err(account.failed(trouble)),
    }
    Ok(rooms)
}

/// `/sync` with nothing of the rooms but their names.
fn left_path() -> String {
    let filter = r#"{"presence":{"types":[]},"account_data":{"types":[]},"room":{"include_leave":true,"state":{"types":[],"lazy_load_members":true},"timeline":{"types":[],"limit":1},"ephemeral":{"types":[]},"account_data":{"types":[]}}}"#;
    let filter = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
    format!("v3/sync?filter={filter}&set_presence=offline&timeout=0")
}
