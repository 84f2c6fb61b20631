//! States as they are written.

use super::backup::SavedBackup;
use crate::secret::SecretVec;

/// A state to be written: that of the account's machine, and what a flow keeps of its own.
///
/// The machine's two parts go on to count when a flow has ended; its own part is deleted then. Nothing is sent before
/// all of it is written.
#[derive(Debug, Clone, Copy)]
pub struct StateToSave<'a> {
    /// The state of the account's machine, whoever has it in hand.
    pub backup: &'a SavedBackup,
    /// What the flow keeps of its own, as [`SavedSetUp::secret`](super::flow::SavedSetUp::secret) and
    /// [`SavedShareIn::requester`](super::flow::SavedShareIn::requester); nothing for a recovery, and for the machine
    /// without a flow.
    pub flow: Option<&'a SecretVec>,
}
