//! Message keys on their way into a backup.

use std::mem;

use strongroom::{
    api::{ApiError, PutRoomKeys},
    backup::{SealOptions, SealedSession, SessionSealer, TrustedBackup},
    session_data::ExportedSession,
};

use super::{
    entry::Place,
    report::Report,
    stored::{ReadBack, Stored},
    target::Target,
};
use crate::{
    failure::{Failure, shown},
    network::{Account, Trouble},
};

/// Seals sessions and sends them, some at a time.
pub(crate) struct Sending<'a> {
    account: &'a Account,
    backup: &'a TrustedBackup,
    sealer: SessionSealer,
    stored: Stored<'a>,
    waiting: Vec<ExportedSession>,
    /// How many go into one request: fewer where they were too many.
    at_most: usize,
    has_stored: bool,
    pub(super) report: Report,
}

/// A request, and whether it was sent before, and its answer lost.
type Part = (PutRoomKeys, bool);

impl<'a> Sending<'a> {
    pub(crate) fn new(account: &'a Account, target: &'a Target) -> Self {
        let Target { backup, key, opened_by, .. } = target;
        Self {
            account,
            backup,
            sealer: SessionSealer::new(backup),
            stored: Stored::new(account, backup.version(), key),
            waiting: Vec::new(),
            at_most: SESSIONS,
            has_stored: false,
            report: Report::new(backup.version(), opened_by.clone()),
        }
    }

    /// Takes a session, which is sent if the backup has none that is as good; returns whether one stays that it takes for as
    /// good.
    pub(crate) fn take(&mut self, exported: ExportedSession) -> Result<bool, Failure> {
        self.report.given += 1;
        let (room_id, session_id) = (&exported.room_id, exported.session_id());
        if !room_id.is_read_by_clients() {
            self.report.refuse(room_id, &session_id, "its room has no ID that clients take");
            return Ok(false);
        }
        let place = self.stored.take_place(&exported).map_err(|it| self.interrupted(it))?;
        let is_there = matches!(place, Place::Taken | Place::Blocked);
        match place {
            Place::Taken => self.report.already_there += 1,
            // It is counted as what is neither of the others.
            Place::Ours => {}
            Place::Unknown => self.report.refuse(
                room_id,
                &session_id,
                "what the backup has of its room could not be read; repeat the command",
            ),
            Place::Blocked => self.report.block(room_id, &session_id),
            Place::Free => self.waiting.push(exported),
        }
        if self.waiting.len() >= self.at_most {
            self.send()?;
        }
        Ok(is_there)
    }

    /// Sends what is left, and reads back what was sent.
    pub(crate) fn finish(mut self) -> Result<(Report, ReadBack), Failure> {
        self.send()?;
        let read_back = self.stored.read_back().map_err(|it| {
            it.and("all was sent, but could not be read back: the same command sees what is there")
        })?;
        Ok((self.report, read_back))
    }

    fn send(&mut self) -> Result<(), Failure> {
        let batch = mem::take(&mut self.waiting);
        if batch.is_empty() {
            return Ok(());
        }
        let to_seal = batch.iter().map(|it| (&it.room_id, &it.session, SealOptions::default()));
        let sealed = self.sealer.seal(&to_seal.collect::<Vec<_>>());
        let sealed = sealed.map_err(|error| Failure::other(error.to_string()))?;
        let put = PutRoomKeys::new(self.backup, sealed);
        let put = put.map_err(|error| Failure::other(error.to_string()))?;
        let (mut parts, mut refused) = (vec![(put, false)], 0);
        while let Some((part, was_sent)) = parts.pop() {
            let too_much = part.len() > 1 && part.body_len() > BODY_BYTES;
            let sent =
                if too_much { None } else { Some(self.account.connection.send(&part.request())) };
            match sent {
                None => halve(part, &mut parts),
                Some(Ok(_)) => self.has_stored = true,
                Some(Err(trouble)) => {
                    refused += self.not_sent((part, was_sent), trouble, &mut parts)?;
                }
            }
            if refused == batch.len() && refused > 1 && !self.has_stored {
                let why = self.report.last_refusal();
                return Err(Failure::refused(format!("no message key is taken: {why}")));
            }
        }
        Ok(())
    }

    /// What becomes of a request that failed; returns how many sessions are refused for good.
    fn not_sent(
        &mut self,
        (part, was_sent): Part,
        trouble: Trouble,
        parts: &mut Vec<Part>,
    ) -> Result<usize, Failure> {
        let (is_single, is_cut) = (part.len() == 1, trouble.is_cut());
        match trouble {
            // What was stored of it stays: the homeserver keeps the better of two.
            _ if is_cut && !was_sent => parts.push((part, true)),
            _ if is_cut && !is_single => halve(part, parts),
            Trouble::Refused(error) if is_too_much(&error) && !is_single => {
                self.at_most = (part.len() / 2).max(1);
                halve(part, parts);
            }
            Trouble::Refused(error) if error.means_other_version() => {
                return Err(replaced(self.backup));
            }
            Trouble::Refused(error) if is_refusal(error.status()) && !is_single => {
                halve(part, parts);
            }
            Trouble::Refused(error) if is_refusal(error.status()) => {
                let why = error.to_string();
                let sessions = part.into_sessions();
                sessions.iter().for_each(|session| self.refuse(session, &why));
                return Ok(sessions.len());
            }
            trouble => return Err(self.interrupted(self.account.failed(trouble))),
        }
        Ok(0)
    }

    fn refuse(&mut self, session: &SealedSession, why: &str) {
        let (room_id, session_id) = (session.room_id(), session.session_id());
        self.stored.give_back(room_id, session_id);
        self.report.refuse(room_id, session_id, why);
    }

    fn interrupted(&self, failure: Failure) -> Failure {
        if self.has_stored {
            failure.and("what was stored so far stays, and the same command goes on from there")
        } else {
            failure
        }
    }
}

/// Nobody has seen who made the new one.
pub(super) fn replaced(backup: &TrustedBackup) -> Failure {
    Failure::other(format!(
        "the backup was replaced or deleted meanwhile, and version {} is not the current one any more: nothing more is sent; repeat \
         the command with a key of the new backup if you have set it up yourself",
        shown(backup.version().as_str())
    ))
}

fn halve(part: PutRoomKeys, parts: &mut Vec<Part>) {
    match part.split() {
        Ok((first, second)) => parts.extend([(second, false), (first, false)]),
        // Nobody halves one session.
        Err(part) => parts.push((part, true)),
    }
}

/// Whether less at once may come through: it is too long, or takes too long for a proxy.
fn is_too_much(error: &ApiError) -> bool {
    error.is_request_too_large() || matches!(error.status(), Some(502 | 504 | 524))
}

/// Whether a homeserver refuses what is sent, not who sends it or when.
fn is_refusal(status: Option<u16>) -> bool {
    status.is_some_and(|status| (400..500).contains(&status) && ![401, 408, 429].contains(&status))
}

/// How many sessions go into one request, and how many bytes: what clients send, and proxies let through.
const SESSIONS: usize = 100;
const BODY_BYTES: usize = 1_000_000;
