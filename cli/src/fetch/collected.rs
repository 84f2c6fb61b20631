//! The rooms of a version that have come so far: whatever ends the program, the next run goes on after them.
//!
//! Beside the rooms is a list of them, a line for each, written when all of a room is there. Nothing that stands behind the last
//! whole line, or in the file behind what the lines say, counts, and what comes next is written over it.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use strongroom::ids::RoomId;

use super::snapshot::Version;
use crate::{
    failure::Failure,
    output::{NewFile, make_private_folder},
};

/// The rooms that have come, and those that are known of.
pub(super) struct Collected {
    rooms: File,
    list: File,
    paths: [PathBuf; 2],
    /// Those that need not be asked for again.
    asked: BTreeSet<RoomId>,
    /// Those that a response named which broke off.
    named: BTreeSet<RoomId>,
    pub(super) sessions: u64,
    /// How much of the file is whole rooms.
    length: u64,
    /// Whether the last run asked for all rooms that it knew.
    pub(super) is_ended: bool,
}

/// What the rooms are of. Of a version that has changed meanwhile, all are asked for again.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Of {
    version: String,
    etag: Option<String>,
    count: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    /// A room, how many sessions it has, and where it ends in the file.
    Came(RoomId, u64, u64),
    Named(RoomId),
    /// All rooms were asked for.
    Ended(bool),
}

impl Collected {
    /// Takes up what there is of this version as the homeserver has it now.
    pub(super) fn take_up(folder: &Path, version: &Version) -> Result<Option<Self>, Failure> {
        let paths = paths(folder, version);
        if version.etag.is_none() || !paths.iter().all(|path| path.is_file()) {
            return Ok(None);
        }
        let mut collected = Self::open(paths, false)?;
        let is_same = collected.read(&Of::from(version));
        Ok(is_same.map_err(|error| collected.failed(&error))?.then_some(collected))
    }

    /// Begins with nothing.
    pub(super) fn start(folder: &Path, version: &Version) -> Result<Self, Failure> {
        let of = folder.join(FOLDER);
        if !of.is_dir() {
            make_private_folder(&of).map_err(|error| Failure::file(&of, "written", &error))?;
        }
        let mut collected = Self::open(paths(folder, version), true)?;
        collected.line(&Of::from(version))?;
        Ok(collected)
    }

    fn open(paths: [PathBuf; 2], anew: bool) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(anew).truncate(anew);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let open = |path: &Path| {
            options.open(path).map_err(|error| Failure::file(path, "written", &error))
        };
        let [rooms, list] = &paths;
        Ok(Self {
            rooms: open(rooms)?,
            list: open(list)?,
            paths,
            asked: BTreeSet::new(),
            named: BTreeSet::new(),
            sessions: 0,
            length: 0,
            is_ended: false,
        })
    }

    /// Reads the list as far as it is whole, and returns whether it is of the same.
    fn read(&mut self, of: &Of) -> io::Result<bool> {
        let there = self.rooms.metadata()?.len();
        let mut lines = BufReader::new(&self.list);
        let (mut line, mut end) = (Vec::new(), 0);
        lines.read_until(b'\n', &mut line)?;
        if serde_json::from_slice::<Of>(&line).ok().as_ref() != Some(of) {
            return Ok(false);
        }
        loop {
            end += line.len() as u64;
            line.clear();
            lines.read_until(b'\n', &mut line)?;
            let Some(whole) = line.strip_suffix(b"\n") else { break };
            match serde_json::from_slice(whole) {
                Ok(Line::Came(room, sessions, length)) if length <= there => {
                    self.asked.insert(room);
                    self.sessions += sessions;
                    self.length = length;
                    self.is_ended = false;
                }
                Ok(Line::Named(room)) => {
                    self.named.insert(room);
                    self.is_ended = false;
                }
                Ok(Line::Ended(is_ended)) => self.is_ended = is_ended,
                Ok(Line::Came(..)) | Err(_) => break,
            }
        }
        self.list.set_len(end)?;
        self.list.seek(SeekFrom::Start(end))?;
        self.rooms.seek(SeekFrom::Start(self.length))?;
        Ok(true)
    }

    pub(super) fn has(&self, room: &RoomId) -> bool {
        self.asked.contains(room)
    }

    /// How many rooms there are.
    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }

    pub(super) fn named(&self) -> &BTreeSet<RoomId> {
        &self.named
    }

    /// Keeps in mind rooms that nobody else may name.
    pub(super) fn name(&mut self, rooms: BTreeSet<RoomId>) -> Result<(), Failure> {
        self.is_ended = false;
        // The list says so, too, though there be no room.
        self.line(&Line::Ended(false))?;
        for room in rooms {
            if self.named.insert(room.clone()) {
                self.line(&Line::Named(room))?;
            }
        }
        Ok(())
    }

    /// What stands before the next room.
    pub(super) fn separator(&self) -> &'static str {
        if self.length == 0 { "" } else { "," }
    }

    /// Writes a piece of a room.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.rooms.write_all(bytes).map_err(|error| self.failed(&error))
    }

    /// All of a room is there: it stays.
    pub(super) fn keep(&mut self, room: &RoomId, sessions: u64) -> Result<(), Failure> {
        let written = self.rooms.sync_data().and_then(|()| self.rooms.stream_position());
        let length = written.map_err(|error| self.failed(&error))?;
        self.line(&Line::Came(room.clone(), sessions, length))?;
        self.asked.insert(room.clone());
        self.sessions += sessions;
        self.length = length;
        Ok(())
    }

    /// Takes back what was written of a room.
    pub(super) fn take_back(&mut self) -> Result<(), Failure> {
        let sought = self.rooms.seek(SeekFrom::Start(self.length));
        sought.map(drop).map_err(|error| self.failed(&error))
    }

    /// All rooms were asked for.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        self.line(&Line::Ended(true))
    }

    /// Puts the rooms together to what would have come as a whole.
    pub(super) fn write(&mut self, file: &mut NewFile) -> Result<(), Failure> {
        file.put(b"{\"rooms\":{")?;
        self.rooms.seek(SeekFrom::Start(0)).map_err(|error| self.failed(&error))?;
        let copied = io::copy(&mut (&self.rooms).take(self.length), file);
        copied.map_err(|error| file.failed(&error))?;
        file.put(b"}}\n")
    }

    /// They are not needed any more.
    pub(super) fn remove(self) {
        let [path, list] = &self.paths;
        // Without its list, nobody takes a file up.
        let _ = fs::remove_file(list).and_then(|()| fs::remove_file(path));
        let _ = path.parent().map(fs::remove_dir);
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let written = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.list.write_all(&line)
        });
        written.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        let [path, _] = &self.paths;
        Failure::file(path, "written", error)
    }
}

impl From<&Version> for Of {
    fn from(version: &Version) -> Self {
        let Version { version, etag, count, .. } = version.clone();
        Self { version, etag, count }
    }
}

/// The file of the rooms, and its list. The version has the same name when it is no longer the current one.
fn paths(folder: &Path, version: &Version) -> [PathBuf; 2] {
    let number = version.number();
    ["rooms", "list"].map(|kind| folder.join(FOLDER).join(format!("{number}.{kind}")))
}

/// Where they are, in the folder of a snapshot.
pub(super) const FOLDER: &str = ".rooms";
