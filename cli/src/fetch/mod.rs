//! `strongroom fetch`: what a homeserver has of an account, in a folder.

mod account;
mod keys;
mod place;
mod rooms;
mod snapshot;
mod versions;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use strongroom::ids::RoomId;

pub(crate) use self::{account::account_data, snapshot::Snapshot};
use self::{place::Place, versions::Described};
use crate::{
    failure::{Failure, Status, named, shown, tell},
    input,
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
    #[arg(long, value_name = "ID")]
    room: Vec<String>,
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
    let rooms = options.room.iter().map(|id| RoomId::from(id.as_str())).collect();
    let extent = if options.current_only { Extent::CurrentVersion } else { Extent::Everything };
    let wanted = Wanted { rooms, extent };
    let snapshot = take(&account, place, &wanted).map_err(|failure| {
        if !failure.is_of_homeserver() {
            return failure;
        }
        let name = named(&to);
        failure.and(format!(
            "what is finished in {name} stays, and the same command goes on from there"
        ))
    })?;
    let mut out = io::stdout().lock();
    for version in &snapshot.versions {
        writeln!(out, "{version}")?;
    }
    if snapshot.versions.is_empty() {
        writeln!(out, "The account has no backup: there are no message keys on the homeserver.")?;
    } else {
        let name = named(&to);
        writeln!(out, "\nNext: strongroom rescue --from {name} --out keys.txt")?;
    }
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
    let current = versions::current(account)?;
    place.settle(current.as_ref().map(|current| current.info.version()))?;
    let mut all_complete = true;
    if let Some(current) = current {
        let number = current.info.version().as_str().parse::<u64>().ok();
        let mut take = |version: &Described, with_keys: bool| {
            let recorded =
                place.put_info(&version.info, version.is_current, version.json.expose_bytes())?;
            if with_keys {
                all_complete &= keys::fetch(account, &mut place, recorded, wanted)?;
            }
            Ok::<_, Failure>(())
        };
        take(&current, wanted.extent != Extent::NoKeys)?;
        if wanted.extent != Extent::CurrentVersion {
            for older in versions::older(account, number) {
                take(&older?, wanted.extent == Extent::Everything)?;
            }
        }
    }
    place.finish(all_complete)
}

/// What is not known is not shown.
fn of_count(sessions: u64, count: Option<u64>) -> String {
    match count {
        Some(count) if count > sessions => {
            format!("{sessions} of {count} message keys; {} could not be reached", count - sessions)
        }
        _ => format!("{sessions} message keys"),
    }
}

impl std::fmt::Display for snapshot::Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_current = if self.current { ", the current one" } else { "" };
        write!(
            f,
            "Version {}{is_current}: {}",
            shown(&self.version),
            of_count(self.sessions, self.count)
        )?;
        if !self.complete && self.count.is_none_or(|count| count <= self.sessions) {
            f.write_str("; there may be more")?;
        }
        if !self.missing_rooms.is_empty() {
            write!(f, "; rooms that could not be reached: {}", self.missing_rooms.len())?;
        }
        f.write_str(".")
    }
}
