//! One loop for everybody: a flow, or the account's machine, is driven until it ends or the host leaves.
//!
//! [`drive()`] and [`drive_backup`] block, [`drive_async`] and [`drive_backup_async`] return futures that may be spawned on any
//! runtime. What only the host can do is a trait: [`Host`] for both, [`FlowHost`] and [`BackupHost`] for what one of them
//! wants, and the same three with futures.

// docs/decisions.md, 29: one loop for everybody.

mod async_host;
mod held;
mod host;
mod notice;
mod serve;

use std::ops::ControlFlow;

pub use self::{
    async_host::{AsyncBackupHost, AsyncFlowHost, AsyncHost},
    host::{BackupHost, FlowHost, Host},
    notice::Notice,
};
use self::{
    held::{Held, HeldImports},
    serve::{carry_out, import_pieces, serve_backup, serve_flow},
};
use super::{
    backup::{Backup, Next},
    flow::{Flow, Step, take_back},
    operation::AnswerError,
};

/// Drives a flow until it ends, and returns its outcome; nothing if the host has left, or the flow had ended before.
///
/// The requests are sent one after the other. Operations and sessions that are on their way are the flow's: on an error it
/// stays with the caller, and the next drive goes on with the step that has failed. After a restart the flow is restored, or
/// begun again, from what was saved.
///
/// # Errors
///
/// The host's own, and [`AnswerError`]. Whatever was under way is done again by the next drive.
pub fn drive<F: Flow, H: FlowHost>(
    flow: &mut F,
    host: &mut H,
) -> Result<Option<F::Outcome>, H::Error> {
    serve_flow!(flow, host)
}

/// As [`drive()`], for a host that does not block. The future may be spawned, and dropped at any moment: the step that it was
/// at comes again. A request on its way is lost by that, as by a network that fails, and is sent again each time later; so a
/// host that has something else to do better leaves where it [waits](AsyncHost::wait). To derive a key from a passphrase takes
/// up to some seconds, in which the future does not yield.
///
/// # Errors
///
/// The host's own, and [`AnswerError`]. Whatever was under way is done again by the next drive.
#[expect(clippy::manual_async_fn, reason = "an `async fn` would not promise `Send`")]
pub fn drive_async<F: Flow, H: AsyncFlowHost>(
    flow: &mut F,
    host: &mut H,
) -> impl Future<Output = Result<Option<F::Outcome>, H::Error>> + Send {
    async move { serve_flow!(flow, host, await) }
}

/// Drives the account's machine until the host leaves while it waits. What only the machine takes, as
/// [`Backup::new_sessions`], is told it between two drives.
///
/// The requests are sent one after the other. On an error the machine stays with the caller, and the next drive goes on
/// with the step that has failed.
///
/// # Errors
///
/// The host's own, and [`AnswerError`]. Whatever was under way is done again by the next drive.
pub fn drive_backup<H: BackupHost>(backup: &mut Backup, host: &mut H) -> Result<(), H::Error> {
    serve_backup!(backup, host)
}

/// As [`drive_backup`], for a host that does not block. The future may be spawned, and dropped at any moment, as that of
/// [`drive_async`].
///
/// # Errors
///
/// The host's own, and [`AnswerError`]. Whatever was under way is done again by the next drive.
#[expect(clippy::manual_async_fn, reason = "an `async fn` would not promise `Send`")]
pub fn drive_backup_async<H: AsyncBackupHost>(
    backup: &mut Backup,
    host: &mut H,
) -> impl Future<Output = Result<(), H::Error>> + Send {
    async move { serve_backup!(backup, host, await) }
}
