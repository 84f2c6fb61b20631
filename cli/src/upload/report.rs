//! What an upload says of what it did.

use std::io::{self, Write};

use serde_json::{Value, json};
use strongroom::{
    client::rescue::KeySource,
    ids::{BackupVersion, RoomId, SessionId},
};

use super::stored::ReadBack;
use crate::{
    failure::{Status, shown},
    rescue::words,
};

/// What became of every message key that was given.
pub(crate) struct Report {
    version: String,
    opened_by: KeySource,
    /// How many sessions there were.
    pub(super) given: u64,
    pub(super) already_there: u64,
    /// How many were no sessions, or did not open.
    pub(super) unreadable: u64,
    /// Copies that were left out before they came here.
    pub(super) duplicates: u64,
    /// How many were not stored, and why the first ones were not.
    refused: u64,
    /// How many of these are not, because a copy stays in the backup that a homeserver takes for as good.
    blocked: u64,
    refusals: Vec<Refusal>,
    /// What was not good in what was given.
    pub(super) status: Status,
    read_back: ReadBack,
    /// How many sessions the backup has now, by the word of the homeserver.
    count: Option<u64>,
}

struct Refusal {
    room_id: RoomId,
    session_id: SessionId,
    why: String,
}

impl Report {
    pub(super) fn new(version: &BackupVersion, opened_by: KeySource) -> Self {
        Self {
            version: version.as_str().to_owned(),
            opened_by,
            given: 0,
            already_there: 0,
            unreadable: 0,
            duplicates: 0,
            refused: 0,
            blocked: 0,
            refusals: Vec::new(),
            status: Status::Good,
            read_back: ReadBack::default(),
            count: None,
        }
    }

    pub(super) fn refuse(&mut self, room_id: &RoomId, session_id: &SessionId, why: &str) {
        self.refused += 1;
        if self.refusals.len() < NAMED {
            let (room_id, session_id) = (room_id.clone(), session_id.clone());
            self.refusals.push(Refusal { room_id, session_id, why: why.to_owned() });
        }
    }

    pub(super) fn block(&mut self, room_id: &RoomId, session_id: &SessionId) {
        self.blocked += 1;
        self.refuse(room_id, session_id, BLOCKED);
    }

    /// Whether everything is in the backup that can be put there: no repetition does better.
    pub(crate) fn is_all_that_can_be(&self) -> bool {
        let bad = self.refused - self.blocked + self.unreadable + self.read_back.unknown;
        bad == 0 && self.given > 0 && !self.is_short() && self.status == Status::Good
    }

    pub(super) fn last_refusal(&self) -> &str {
        self.refusals.last().map_or("", |refusal| &refusal.why)
    }

    /// What was found when all was sent.
    pub(crate) fn conclude(&mut self, mut read_back: ReadBack, count: Option<u64>) {
        for (room_id, session_id) in read_back.lost.drain(..) {
            self.refuse(&room_id, &session_id, "the homeserver took it and does not have it");
        }
        // What was sent, and is neither there nor refused.
        let is_known = self.already_there + self.refused + read_back.stored + read_back.unknown;
        self.duplicates += self.given.saturating_sub(is_known);
        self.read_back = read_back;
        self.count = count;
    }

    fn total(&self) -> u64 {
        let good = self.read_back.stored + self.already_there + self.duplicates;
        good + self.refused + self.read_back.unknown + self.unreadable
    }

    /// Whether the homeserver counts fewer than there were a moment ago.
    fn is_short(&self) -> bool {
        self.count.is_some_and(|count| count < self.read_back.at_least)
    }

    pub(crate) fn status(&self) -> Status {
        let bad = self.refused + self.unreadable + self.read_back.unknown;
        if bad > 0 && self.read_back.stored + self.already_there == 0 {
            Status::Failed
        } else if bad > 0 || self.given == 0 || self.is_short() {
            Status::NotAllGood
        } else {
            self.status
        }
    }

    /// One JSON document.
    pub(super) fn to_json(&self) -> Value {
        let refusals = self.refusals.iter().map(|it| {
            json!({
                "room_id": it.room_id.as_str(),
                "session_id": it.session_id.as_str(),
                "detail": it.why,
            })
        });
        json!({
            "version": self.version,
            "opened_by": self.opened_by.as_str(),
            "total": self.total(),
            "stored": self.read_back.stored,
            "already_there": self.already_there,
            "duplicates": self.duplicates,
            "refused": self.refused,
            "unconfirmed": self.read_back.unknown,
            "unreadable": self.unreadable,
            "count": self.count,
            "refusals": refusals.collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let version = shown(&self.version);
        writeln!(
            out,
            "The backup, version {version}, opens with {}.",
            words(&self.opened_by, true)
        )?;
        match self.total() {
            0 => writeln!(out, "There are no message keys in what was given.")?,
            total => writeln!(out, "{total} message keys:")?,
        }
        for (number, what) in [
            (self.read_back.stored, "put into the backup"),
            (self.already_there, "in the backup already, as good or better"),
            (self.duplicates, "given more than once"),
            (self.read_back.unknown, "sent, but could not be read back: repeat the command"),
            (self.unreadable, "unreadable"),
            (self.refused, "not put into the backup"),
        ] {
            if number > 0 {
                writeln!(out, "  {number} {what}")?;
            }
        }
        for Refusal { room_id, session_id, why } in self.refusals.iter().take(SHOWN) {
            let (room, session) = (shown(room_id.as_str()), shown(session_id.as_str()));
            writeln!(out, "    session {session} in room {room}: {why}")?;
        }
        let more = self.refused.saturating_sub(SHOWN as u64);
        if more > 0 {
            writeln!(out, "    and {more} more")?;
        }
        match self.count {
            Some(count) if self.is_short() => writeln!(
                out,
                "The homeserver says that the backup has {count} message keys, which is fewer than were just \
                 there: look again with \u{201c}strongroom diagnose\u{201d}."
            ),
            Some(count) => {
                writeln!(out, "The backup has {count} message keys now.")
            }
            None => Ok(()),
        }?;
        self.next_step(out)
    }

    fn next_step(&self, out: &mut impl Write) -> io::Result<()> {
        if self.read_back.stored + self.already_there == 0 {
            return Ok(());
        }
        writeln!(
            out,
            "\nNext: in your client, open a room whose messages could not be read: it takes their keys from the backup.\n  \
             If it does not: Settings > Encryption, and enter your recovery key there, in Element X and in Element Web."
        )
    }
}

/// How many refusals are named in JSON.
const NAMED: usize = 1_000;

/// And for people.
const SHOWN: usize = 10;

const BLOCKED: &str = "another copy stays in the backup, which does not open with its key, opens fewer messages, or contradicts this one";
