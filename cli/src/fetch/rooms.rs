//! Message keys room by room, put together to what would have come as a whole.

use std::collections::BTreeSet;

use indicatif::ProgressBar;
use serde_json::Value;
use strongroom::{
    Limits,
    api::GetRoomKeys,
    backup::RoomKeysSplitter,
    ids::{BackupVersion, RoomId},
};

use super::{
    keys::{Broken, Came, copy, keep},
    place::Place,
    snapshot::Version,
};
use crate::{
    failure::{Failure, shown, tell},
    network::{Account, Trouble},
    output::NewFile,
};

/// Fetches what can be had, and returns whether it is all. `rooms` are asked for beside those that the homeserver names.
pub(super) fn fetch(
    account: &Account,
    place: &mut Place,
    mut version: Version,
    mut rooms: BTreeSet<RoomId>,
    progress: &ProgressBar,
) -> Result<bool, Failure> {
    rooms.extend(known(account)?);
    let number = BackupVersion::from(version.version.as_str());
    let mut all =
        Rooms { file: place.start_keys(&version)?, sessions: 0, length: 0, is_first: true };
    all.put(b"{\"rooms\":{")?;
    progress.set_position(0);
    for room in rooms {
        match all.add(account, &number, &room, progress)? {
            None => {}
            Some(trouble) if trouble.may_be_too_much() => {
                let id = shown(room.as_str());
                progress.suspend(|| tell(format_args!("Room {id}: {}.", account.failed(trouble))));
                version.missing_rooms.push(room.as_str().to_owned());
            }
            Some(trouble) => return Err(account.failed(trouble)),
        }
    }
    all.put(b"}}\n")?;
    progress.finish_and_clear();
    // Rooms that nobody knows any more may have keys, too: only their number tells.
    version.complete = version.missing_rooms.is_empty() && version.count.is_some();
    let sessions = all.sessions;
    let is_all = version.count.is_some_and(|count| sessions >= count);
    if !is_all && sessions < place.sessions_of(&version) {
        return Ok(false);
    }
    all.file.finish()?;
    keep(place, version, sessions)
}

/// The file in which rooms are put together.
struct Rooms {
    file: NewFile,
    sessions: u64,
    /// How much of the file is whole rooms.
    length: u64,
    is_first: bool,
}

impl Rooms {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.put(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Adds a room, or nothing of it.
    fn add(
        &mut self,
        account: &Account,
        version: &BackupVersion,
        room: &RoomId,
        progress: &ProgressBar,
    ) -> Result<Option<Trouble>, Failure> {
        let comma = if self.is_first { "" } else { "," };
        self.file.put(format!("{comma}{}:", Value::from(room.as_str())).as_bytes())?;
        let mut came = Came::default();
        let endpoint = GetRoomKeys::for_room(version.clone(), room.clone());
        let splitter = RoomKeysSplitter::for_room(room.clone(), &Limits::default());
        let copied = copy(account, &endpoint, splitter, &mut self.file, &mut came, progress);
        if copied.is_ok() && came.sessions > 0 {
            self.length = self.file.length()?;
            self.sessions += came.sessions;
            self.is_first = false;
            return Ok(None);
        }
        self.file.cut(self.length)?;
        match copied {
            Ok(()) => Ok(None),
            Err(Broken::Here(failure)) => Err(failure),
            Err(Broken::There(Trouble::Refused(error))) if error.is_not_found() => Ok(None),
            Err(Broken::There(trouble)) => Ok(Some(trouble)),
        }
    }
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
