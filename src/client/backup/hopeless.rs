//! What a version of the backup does not take.

use std::collections::BTreeSet;

use super::HostToken;
use crate::ids::BackupVersion;

/// What one version of the backup does not take, until another one is in use or the machine is restarted.
#[derive(Debug, Default)]
pub(super) struct Hopeless {
    version: Option<BackupVersion>,
    /// A host that offers them again is not asked for ever.
    tokens: BTreeSet<HostToken>,
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
        self.tokens.contains(&token)
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Remembers a session, and returns whether there was room for it.
    pub(super) fn add(&mut self, token: HostToken) -> bool {
        let has_room = self.tokens.len() < MAX_HOPELESS;
        has_room && self.tokens.insert(token) || self.tokens.contains(&token)
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

/// Over about a quarter of an hour.
const DENIALS: u32 = 10;
