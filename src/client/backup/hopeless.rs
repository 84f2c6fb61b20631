//! What a version of the backup does not take.

use std::collections::BTreeMap;

use super::{HostToken, NotStored};
use crate::ids::BackupVersion;

/// What one version of the backup does not take, until another one is in use or the machine is restarted. What the
/// server only fails on is tried again after an hour, and what it refuses after a day: that may have been about the account.
#[derive(Debug, Default)]
pub(super) struct Hopeless {
    version: Option<BackupVersion>,
    /// When each is tried again, if ever. A host that offers them before is not asked for ever.
    tokens: BTreeMap<HostToken, Option<u64>>,
    /// When the first of them is tried again.
    due_ms: Option<u64>,
    /// How many times in a row the server has said of the version that it is not the current one, and has shown it as
    /// the current one.
    denials: u32,
}

impl Hopeless {
    /// This version is in use. What another one did not take says nothing of it.
    pub(super) fn is_about(&mut self, version: &BackupVersion) {
        if self.version.as_ref() != Some(version) {
            *self = Self { version: Some(version.clone()), ..Self::default() };
        }
    }

    pub(super) fn contains(&self, token: HostToken) -> bool {
        self.tokens.contains_key(&token)
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Remembers a session, and returns whether there was room for it.
    pub(super) fn add(&mut self, token: HostToken, reason: &NotStored, now: u64) -> bool {
        if self.tokens.len() >= MAX_HOPELESS && !self.contains(token) {
            return false;
        }
        let until = match reason {
            NotStored::Failing => Some(now.saturating_add(PATIENCE_MS)),
            NotStored::TooLarge | NotStored::Refused(_) => Some(now.saturating_add(REFUSED_MS)),
            NotStored::Unusable => None,
        };
        self.tokens.insert(token, until);
        self.due_ms = self.due_ms.into_iter().chain(until).min();
        true
    }

    /// When something is to be tried again.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }

    /// Forgets what is to be tried again, and returns whether there is any.
    pub(super) fn forgive(&mut self, now: u64) -> bool {
        if self.due_ms.is_none_or(|due| due > now) {
            return false;
        }
        self.tokens.retain(|_, until| until.is_none_or(|until| until > now));
        self.due_ms = self.tokens.values().flatten().min().copied();
        true
    }

    /// The server says that the version is not the current one. Returns whether it has said so too often.
    pub(super) fn is_denied(&mut self) -> bool {
        self.denials = self.denials.saturating_add(1);
        self.denials >= DENIALS
    }

    /// The server has taken something.
    pub(super) fn is_taken(&mut self) {
        self.denials = 0;
    }
}

/// More than a server refuses that means well. A host is asked for so many more sessions than go into a request.
const MAX_HOPELESS: usize = 1_000;

/// As long as a server may be out of order.
const PATIENCE_MS: u64 = 60 * 60 * 1_000;

/// Seldom enough for a thousand sessions that are refused for good.
const REFUSED_MS: u64 = 24 * PATIENCE_MS;

/// Over about a quarter of an hour.
const DENIALS: u32 = 10;
