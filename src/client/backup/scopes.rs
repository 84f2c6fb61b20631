//! So much of the backup as is wanted.

use std::{collections::BTreeSet, mem, ops::Deref};

use super::Scope;

/// So much of the backup as is wanted, and how many single sessions are among it: a set of thousands is not counted each
/// time.
#[derive(Debug, Clone, Default)]
pub(super) struct Scopes {
    scopes: BTreeSet<Scope>,
    sessions: usize,
}

impl Scopes {
    pub(super) fn insert(&mut self, scope: Scope) {
        let is_session = matches!(scope, Scope::Session(..));
        if self.scopes.insert(scope) {
            self.sessions += usize::from(is_session);
        }
    }

    pub(super) fn remove(&mut self, scope: &Scope) {
        if self.scopes.remove(scope) {
            self.sessions -= usize::from(matches!(scope, Scope::Session(..)));
        }
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
