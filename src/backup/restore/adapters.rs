//! A restore in one call, from a slice or a reader.

use std::{
    convert::Infallible,
    io::{ErrorKind, Read},
};

use super::{FailedSession, Restore, RestoreOptions, RestoreProgress, RestoreReport};
use crate::{
    Limits,
    backup::{BackupDecryptionKey, RestoredSession},
};

/// Restores the sessions of a response that is there as a whole.
///
/// Each batch of verdicts is handed on with the progress so far. The last call has the final
/// progress, and no verdicts if there are none left.
///
/// # Errors
///
/// What `each` returns, to stop: the disk is full, or the user has seen enough.
pub fn restore_slice<E>(
    key: &BackupDecryptionKey,
    response: &[u8],
    options: RestoreOptions,
    limits: &Limits,
    mut each: impl FnMut(Vec<Result<RestoredSession, FailedSession>>, RestoreProgress) -> Result<(), E>,
) -> Result<RestoreReport, E> {
    let mut restore = Restore::new(key.clone(), options, limits);
    feed(&mut restore, response, &mut each)?;
    finish(restore, None, &mut each)
}

/// Restores all sessions of a response that is there as a whole, within the default [`Limits`].
///
/// The sessions are those that could be restored, in the order of the response; what became of the others is in the
/// report. All of them are in memory at once: an account of many years is better served by [`restore_slice`].
#[must_use]
pub fn restore_all(
    key: &BackupDecryptionKey,
    response: &[u8],
) -> (Vec<RestoredSession>, RestoreReport) {
    let mut sessions = Vec::new();
    let keep = |verdicts: Vec<Result<RestoredSession, FailedSession>>, _| {
        sessions.extend(verdicts.into_iter().flatten());
        Ok::<(), Infallible>(())
    };
    let (options, limits) = (RestoreOptions::default(), Limits::default());
    let Ok(report) = restore_slice(key, response, options, &limits, keep);
    (sessions, report)
}

/// Restores the sessions of a response while it is read.
///
/// As [`restore_slice`], with 64 KiB of the response in memory at a time. A reader that fails ends
/// the restore as a response that is cut off does: what came before is delivered, and the report says
/// [`StreamError::Read`](super::StreamError::Read). After any [`StreamError`](super::StreamError)
/// nothing more is read.
///
/// # Errors
///
/// What `each` returns, to stop.
pub fn restore_reader<E>(
    key: &BackupDecryptionKey,
    mut response: impl Read,
    options: RestoreOptions,
    limits: &Limits,
    mut each: impl FnMut(Vec<Result<RestoredSession, FailedSession>>, RestoreProgress) -> Result<(), E>,
) -> Result<RestoreReport, E> {
    let mut restore = Restore::new(key.clone(), options, limits);
    let mut buffer = vec![0; BUFFER_BYTES];
    while restore.ended_early().is_none() {
        match response.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                feed(&mut restore, buffer.get(..length).unwrap_or(&buffer), &mut each)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return finish(restore, Some(error.kind()), &mut each),
        }
    }
    finish(restore, None, &mut each)
}

fn feed<E>(
    restore: &mut Restore,
    mut bytes: &[u8],
    each: &mut impl FnMut(Vec<Result<RestoredSession, FailedSession>>, RestoreProgress) -> Result<(), E>,
) -> Result<(), E> {
    while let Some(verdicts) = restore.next_batch(&mut bytes) {
        each(verdicts, restore.progress())?;
    }
    Ok(())
}

fn finish<E>(
    restore: Restore,
    error: Option<ErrorKind>,
    each: &mut impl FnMut(Vec<Result<RestoredSession, FailedSession>>, RestoreProgress) -> Result<(), E>,
) -> Result<RestoreReport, E> {
    let progress = restore.progress();
    let (verdicts, report) = match error {
        Some(error) => restore.fail(error),
        None => restore.finish(),
    };
    let sessions = report.total() + report.skipped();
    each(verdicts, RestoreProgress { sessions, is_over: true, ..progress })?;
    Ok(report)
}

const BUFFER_BYTES: usize = 64 << 10;
