//! The machine: bytes of a response in, a verdict for each session out.

use std::io;

use super::{
    FailedSession, RestoreOptions, RestoreReport, RoomKeysItem, RoomKeysSplitter, StreamError,
    batch::{Batch, Opened},
    keys::Keys,
    room_check::RoomCheck,
};
#[cfg(feature = "parallel")]
use crate::backup::open::batch::open_batch_parallel;
use crate::{
    Limits,
    backup::{
        BackupDecryptionKey, OpenError, RestoredSession, ReturnedSession, Warning,
        open::batch::open_batch,
    },
    ids::SessionId,
};

/// Restores the sessions of a response of
/// [`GET /room_keys/keys`](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeys)
/// while it arrives, in pieces of any size.
///
/// Each session gets a verdict, in the order of the response. Memory is bounded by one batch and the
/// largest session, not by the response. To cancel, stop feeding and drop the machine.
///
/// ```
/// use strongroom::{
///     Limits,
///     backup::{BackupDecryptionKey, FailedSession, Restore, RestoreOptions, RestoredSession},
/// };
/// # let key = BackupDecryptionKey::generate()?;
/// # let pieces = [&b"{\"rooms\":{"[..], b"}}"];
///
/// let mut restore = Restore::new(key, RestoreOptions::default(), &Limits::default());
/// let store = |verdicts: Vec<Result<RestoredSession, FailedSession>>| { /* into the host's store */ };
/// for mut piece in pieces {
///     while let Some(verdicts) = restore.next_batch(&mut piece) {
///         store(verdicts);
///     }
/// }
/// let (verdicts, report) = restore.finish();
/// store(verdicts);
/// assert!(report.is_complete() && report.total() == 0);
/// # Ok::<(), strongroom::randomness::NoRandomness>(())
/// ```
#[derive(Debug)]
pub struct Restore {
    pub(super) keys: Keys,
    options: RestoreOptions,
    splitter: RoomKeysSplitter,
    batch: Batch,
    rooms: RoomCheck,
    pub(super) report: RestoreReport,
    bytes: u64,
    max_bytes: u64,
}

impl Restore {
    /// For one response and the key of its backup, beside which [others](Restore::with_other_keys) can be tried.
    #[must_use]
    pub fn new(key: BackupDecryptionKey, options: RestoreOptions, limits: &Limits) -> Self {
        let splitter = match &options.room_id {
            Some(room_id) => RoomKeysSplitter::for_room(room_id.clone(), limits),
            None => RoomKeysSplitter::new(limits),
        };
        Self {
            keys: Keys::new(key, limits.backup_keys),
            options,
            splitter,
            batch: Batch::default(),
            rooms: RoomCheck::default(),
            report: RestoreReport::new(limits.findings),
            bytes: 0,
            max_bytes: limits.streamed_response_bytes,
        }
    }

    /// Takes bytes off the input until there is a batch of verdicts; `None` once the input is used up.
    ///
    /// Where the sessions are cut into batches depends on the bytes alone. After a
    /// [`StreamError`] what follows is ignored: [`Restore::ended_early`] says so.
    pub fn next_batch(
        &mut self,
        input: &mut &[u8],
    ) -> Option<Vec<Result<RestoredSession, FailedSession>>> {
        if self.report.ended_early().is_some() {
            *input = &[];
            return None;
        }
        let left = usize::try_from(self.max_bytes - self.bytes).unwrap_or(usize::MAX);
        let (mut allowed, too_much) = input.split_at(left.min(input.len()));
        let before = allowed.len();
        let is_full = self.fill_batch(&mut allowed);
        let read = before - allowed.len();
        self.bytes += read as u64;
        *input = input.get(read..).unwrap_or_default();
        if !is_full && !too_much.is_empty() {
            self.end_early(StreamError::TooLong { limit: self.max_bytes });
            *input = &[];
        }
        is_full.then(|| self.open_batch())
    }

    /// Opens what is waiting for a batch to become full, for a caller who does not want to wait.
    ///
    /// Sessions that are opened together are opened faster.
    pub fn flush(&mut self) -> Vec<Result<RestoredSession, FailedSession>> {
        self.open_batch()
    }

    /// Why nothing more of the response is read, if so. What is left of it need not be fetched.
    #[must_use]
    pub fn ended_early(&self) -> Option<StreamError> {
        self.report.ended_early()
    }

    /// How far the restore is.
    #[must_use]
    pub fn progress(&self) -> RestoreProgress {
        RestoreProgress {
            bytes: self.bytes,
            sessions: self.report.total() + self.report.skipped(),
            expected: self.options.expected,
            is_over: false,
        }
    }

    /// Says that the response ends here: the last verdicts, and the report.
    #[must_use]
    pub fn finish(mut self) -> (Vec<Result<RestoredSession, FailedSession>>, RestoreReport) {
        if let Err(error) = self.splitter.end() {
            self.end_early(error);
        }
        (self.open_batch(), self.report)
    }

    /// As [`Restore::finish`], for a response that could not be read any further: the connection was
    /// dropped, say. If it had come to its end already, nothing is missing.
    #[must_use]
    pub fn fail(
        mut self,
        error: io::ErrorKind,
    ) -> (Vec<Result<RestoredSession, FailedSession>>, RestoreReport) {
        if self.splitter.end().is_err() {
            self.end_early(StreamError::Read(error));
        }
        self.finish()
    }

    /// Whether the batch is full before the input is used up.
    fn fill_batch(&mut self, input: &mut &[u8]) -> bool {
        while !self.batch.is_full() {
            match self.splitter.next_item(input) {
                Ok(None) => return false,
                Ok(Some(item)) => {
                    take(item, &self.options, &mut self.batch, &mut self.report);
                }
                Err(error) => {
                    self.end_early(error);
                    *input = &[];
                    return false;
                }
            }
        }
        true
    }

    /// The session in the middle of which the response ends counts as one that failed.
    fn end_early(&mut self, error: StreamError) {
        if self.report.ended_early().is_some() {
            return;
        }
        self.report.end_early(error);
        if let Some((room_id, session_id)) = self.splitter.half_read() {
            if self.options.wants(room_id, session_id) {
                let (room_id, session_id) = (room_id.clone(), session_id.clone());
                let error = OpenError::HalfRead;
                self.batch.push_failed(FailedSession { room_id, session_id, error });
            } else {
                self.report.add_skipped();
            }
        }
    }

    fn open_batch(&mut self) -> Vec<Result<RestoredSession, FailedSession>> {
        let Self { batch, keys, options, .. } = self;
        let mut verdicts = batch.open(|sessions| open(keys.as_slice(), sessions, options));
        keys.learn(&verdicts);
        for verdict in &mut verdicts {
            if self.options.check_rooms {
                check_room(verdict, &mut self.rooms);
            }
            self.report.add(verdict);
        }
        verdicts
    }
}

#[cfg_attr(not(feature = "parallel"), expect(unused_variables, reason = "there is one way"))]
fn open(
    keys: &[BackupDecryptionKey],
    sessions: &[ReturnedSession<'_>],
    options: &RestoreOptions,
) -> Opened {
    #[cfg(feature = "parallel")]
    if options.parallel {
        return open_batch_parallel(keys, sessions);
    }
    open_batch(keys, sessions)
}

/// Puts an item where it is counted.
fn take(
    item: RoomKeysItem<'_>,
    options: &RestoreOptions,
    batch: &mut Batch,
    report: &mut RestoreReport,
) {
    match item {
        RoomKeysItem::BrokenRoom(room_id) if options.wants_room(room_id) => {
            report.add_broken_room(room_id);
        }
        RoomKeysItem::BrokenRoom(_) => {}
        RoomKeysItem::Session { room_id, session_id, json }
            if options.wants(room_id, session_id) =>
        {
            batch.push(ReturnedSession { room_id, session_id, json });
        }
        RoomKeysItem::FailedSession(failed)
            if options.wants(&failed.room_id, &failed.session_id) =>
        {
            batch.push_failed(failed);
        }
        RoomKeysItem::Session { .. } | RoomKeysItem::FailedSession(_) => report.add_skipped(),
    }
}

/// How far a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RestoreProgress {
    /// How many bytes of the response were read.
    pub bytes: u64,
    /// How many sessions have a verdict or were passed over.
    pub sessions: u64,
    /// How many there are by what the server said of the version, if the caller told.
    pub expected: Option<u64>,
    /// Whether the restore is over, whether or not the response was whole.
    pub is_over: bool,
}

impl RestoreProgress {
    /// The share of the sessions that are done, from 0 to 1, if a number is expected.
    ///
    /// The expected number is a server's word: the share stops at 1 and is 1 when all is over.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        let expected = self.expected?;
        if self.is_over || self.sessions >= expected {
            return Some(1.0);
        }
        Some(self.sessions as f64 / expected as f64)
    }
}

fn check_room(verdict: &mut Result<RestoredSession, FailedSession>, rooms: &mut RoomCheck) {
    let Ok(session) = verdict else { return };
    let exported = session.exported();
    let session_id: SessionId = exported.session.session_id();
    if rooms.is_under_another_room(&session_id, &exported.room_id) {
        session.warn(Warning::UnderTwoRooms);
    }
}
