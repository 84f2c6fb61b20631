//! What a drive has in hand: where it ends, by an error or because its future is dropped, that is given back.

// docs/decisions.md, 29: one loop for everybody.

use std::collections::VecDeque;

use crate::{
    backup::RestoredSession,
    client::backup::{Backup, Next, TaskId},
    ids::BackupVersion,
};

/// A step of a flow or of the account's machine that is being carried out.
pub(super) struct Held<'a, W, S> {
    who: &'a mut W,
    step: Option<S>,
    take_back: fn(&mut W, S, u64),
    now_ms: u64,
}

/// Sessions that have come with a piece of a response, on their way to the host's store.
pub(super) struct HeldImports<'a> {
    backup: &'a mut Backup,
    imports: VecDeque<(TaskId, BackupVersion, Vec<RestoredSession>)>,
    now_ms: u64,
}

impl<'a, W, S> Held<'a, W, S> {
    pub(super) fn new(who: &'a mut W, step: S, take_back: fn(&mut W, S, u64), now_ms: u64) -> Self {
        Self { who, step: Some(step), take_back, now_ms }
    }

    /// Whose step it is, and the step.
    pub(super) fn parts(&mut self) -> (&mut W, Option<&S>) {
        (self.who, self.step.as_ref())
    }

    /// The step is carried out.
    pub(super) fn done(mut self) {
        self.step = None;
    }
}

impl<W, S> Drop for Held<'_, W, S> {
    fn drop(&mut self) {
        if let Some(step) = self.step.take() {
            (self.take_back)(self.who, step, self.now_ms);
        }
    }
}

impl<'a> HeldImports<'a> {
    pub(super) fn new(backup: &'a mut Backup, now_ms: u64) -> Self {
        let imports = backup.take_imports().into();
        Self { backup, imports, now_ms }
    }

    pub(super) fn first(&self) -> Option<(&BackupVersion, &[RestoredSession])> {
        let (_, version, sessions) = self.imports.front()?;
        Some((version, sessions))
    }

    /// The host has put the first ones into its store.
    pub(super) fn ack(&mut self) -> &Backup {
        if let Some((id, ..)) = self.imports.pop_front() {
            self.backup.ack(id);
        }
        self.backup
    }
}

impl Drop for HeldImports<'_> {
    fn drop(&mut self) {
        while let Some((id, version, sessions)) = self.imports.pop_back() {
            self.backup.take_back(Next::Import(id, version, sessions), self.now_ms);
        }
    }
}
