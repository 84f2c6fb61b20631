//! So much of the backup as is wanted.

use std::{collections::BTreeSet, mem, ops::Deref};

use super::Scope;

/// So much of the backup as is wanted. How many single sessions are among it, and what has not failed yet, is kept beside
/// it: a set of thousands is not looked through each time.
#[derive(Debug, Clone, Default)]
pub(super) struct Scopes {
    scopes: BTreeSet<Scope>,
    sessions: usize,
    /// What has not failed in this round.
    fresh: BTreeSet<Scope>,
}

impl Scopes {
    pub(super) fn insert(&mut self, scope: Scope) {
        let is_session = matches!(scope, Scope::Session(..));
        if self.scopes.insert(scope.clone()) {
            self.sessions += usize::from(is_session);
            self.fresh.insert(scope);
        }
    }

    pub(super) fn remove(&mut self, scope: &Scope) {
        if self.scopes.remove(scope) {
            self.sessions -= usize::from(matches!(scope, Scope::Session(..)));
            self.fresh.remove(scope);
        }
    }

    /// A scope has failed, so that the others come before it.
    pub(super) fn failed(&mut self, scope: &Scope) {
        self.fresh.remove(scope);
    }

    /// What comes next of what may be sent. What has failed has its turn when nothing else is left, and a new round begins.
    pub(super) fn next(&mut self, may_send: impl Fn(&&Scope) -> bool) -> Option<&Scope> {
        if !self.fresh.iter().rev().any(|scope| may_send(&scope)) {
            self.fresh.clone_from(&self.scopes);
        }
        self.fresh.iter().rev().find(may_send)
    }

    /// All of it; then nothing is wanted any more.
    pub(super) fn take(&mut self) -> BTreeSet<Scope> {
        mem::take(self).scopes
    }

    /// How many single sessions are wanted.
    pub(super) fn sessions(&self) -> usize {
        self.sessions
    }
}

impl Deref for Scopes {
    type Target = BTreeSet<Scope>;

    fn deref(&self) -> &BTreeSet<Scope> {
        &self.scopes
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        let mut all = Self::default();
        scopes.into_iter().for_each(|scope| all.insert(scope));
        all
    }
}
