//! `strongroom fetch`: what a homeserver has of an account, in a folder.

mod account;
mod collected;
mod keys;
mod place;
mod rooms;
mod snapshot;
mod told;
mod versions;

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use strongroom::ids::RoomId;

pub(crate) use self::{
    account::account_data,
    snapshot::{SNAPSHOT, Snapshot},
};
use self::{
    place::Place,
    versions::{Described, Versions},
};
use crate::{
    arguments,
    failure::{Failure, Status, named, tell},
    input, interrupt,
    network::{Access, Account},
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// The folder to write, readable by you alone. If the last time did not come to its end, it goes on there.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// A room to ask for if all message keys at once are too much for the homeserver, beside those that you are or were in.
    /// Can be given several times.
    #[arg(long, value_name = "ID", value_parser = arguments::room_id)]
    room: Vec<RoomId>,
    /// Only the current version of the backup.
    #[arg(long)]
    current_only: bool,
    /// Writes into a folder that is finished already, or has other files in it.
    #[arg(long)]
    force: bool,
}

/// What is to be fetched.
pub(crate) struct Wanted {
    /// Rooms to ask for beside those that the homeserver names.
    rooms: Vec<RoomId>,
    extent: Extent,
}

/// How much of the backup, beside the account data and the public keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All versions and their message keys.
    Everything,
    /// The current version and its message keys.
    CurrentVersion,
    /// All versions, and the message keys of the current one.
    CurrentKeys,
    /// All versions without message keys.
    NoKeys,
}

impl From<Extent> for Wanted {
    fn from(extent: Extent) -> Self {
        Self { rooms: Vec::new(), extent }
    }
}

pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    // Whether it can be written shows before anybody logs in.
    let to = input::place(options.to.as_deref(), "A folder to write:", "--to")?;
    let place = Place::open(&to, options.force)?;
    let account = options.access.connect()?;
    interrupt::will_say("Interrupted: what has come is kept; the same line goes on.");
    let rooms = options.room.clone();
    let extent = if options.current_only { Extent::CurrentVersion } else { Extent::Everything };
    let wanted = Wanted { rooms, extent };
    let snapshot = take(&account, place, &wanted).map_err(|failure| {
        if !failure.is_of_homeserver() {
            return failure;
        }
        let name = named(&to);
        failure.and(format!(
            "what has come is kept in {name}, and the same command goes on from there"
        ))
    })?;
    told::print(&mut io::stdout().lock(), &snapshot, &to, options.access.login())?;
    let is_empty = snapshot.versions.iter().all(|version| version.sessions == 0);
    Ok(if is_empty || !snapshot.complete { Status::NotAllGood } else { Status::Good })
}

/// Fetches everything into a folder for one command.
pub(crate) fn take_into(folder: &Path, account: &Account, wanted: &Wanted) -> Result<(), Failure> {
    let place = Place::open(folder, false)?;
    let snapshot = take(account, place, wanted)?;
    for version in snapshot.versions.iter().filter(|version| !version.complete) {
        tell(format_args!("{version}"));
    }
    Ok(())
}

/// Fetches everything, and returns what there is then.
fn take(account: &Account, mut place: Place, wanted: &Wanted) -> Result<Snapshot, Failure> {
    place.begin(account)?;
    account::fetch(account, &place)?;
    let known: Vec<_> = place.versions().collect();
    let mut versions = Versions::new(account, known.iter());
    let current = versions.current()?;
    place.settle(current.as_ref().map(|current| current.info.version()))?;
    let mut all_complete = true;
    let mut take = |version: &Described, with_keys: bool| {
        let recorded =
            place.put_info(&version.info, version.is_current, version.json.expose_bytes())?;
        if with_keys {
            all_complete &= keys::fetch(account, &mut place, recorded, wanted)?;
        }
        Ok::<_, Failure>(())
    };
    if let Some(current) = current {
        take(&current, wanted.extent != Extent::NoKeys)?;
    }
    if wanted.extent != Extent::CurrentVersion {
        for older in versions {
            take(&older?, wanted.extent == Extent::Everything)?;
        }
    }
    place.finish(all_complete)
}
