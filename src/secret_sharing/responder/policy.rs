//! Which secrets may be shared, and whether to ask first.

// docs/decisions.md, 17: a secret goes encrypted to one device, or nowhere.

use std::collections::BTreeMap;

use crate::{
    ids::SecretName,
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        MEGOLM_BACKUP_V1,
    },
};

/// What the host wants of its [`Responder`](super::Responder).
///
/// No rule opens a way to a device that is not the user's own and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharePolicy {
    /// What to do for each name. A name that is not here is never shared.
    pub rules: BTreeMap<SecretName, ShareRule>,
    /// How many requests of one device are looked at in [`window_ms`](Self::window_ms). Default: 20; a new
    /// device asks for four secrets, each once or twice. A cancellation of what is not known counts as one.
    pub requests_per_window: usize,
    /// How long that window is, in milliseconds. Default: ten minutes.
    pub window_ms: u64,
    /// How long a request waits for the user or for an Olm session, in milliseconds. Default: a day.
    pub lifetime_ms: u64,
    /// How long a request is remembered that is done with, so that it is answered once, in
    /// milliseconds. Default: a week.
    pub memory_ms: u64,
    /// How many requests of one device are remembered. Default: 100. The oldest that is done with makes
    /// room.
    pub requests_per_device: usize,
}

/// What to do when a verified device of the user asks for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ShareRule {
    /// Share it at once.
    Share,
    /// Ask the user first.
    AskUser,
    /// Do not share it.
    Never,
}

impl Default for SharePolicy {
    /// The four secrets of the specification, each after the user was asked: a homeserver can ask in the name of a verified
    /// device whenever it likes.
    fn default() -> Self {
        Self::known_secrets(ShareRule::AskUser)
    }
}

impl SharePolicy {
    /// The four secrets of the specification without a question. It suits a host where the user has
    /// verified each device in person, which is the question already.
    #[must_use]
    pub fn without_questions() -> Self {
        Self::known_secrets(ShareRule::Share)
    }

    /// The rule for a name.
    #[must_use]
    pub fn rule(&self, name: &SecretName) -> ShareRule {
        self.rules.get(name).copied().unwrap_or(ShareRule::Never)
    }

    fn known_secrets(rule: ShareRule) -> Self {
        Self {
            rules: KNOWN.into_iter().map(|name| (name.into(), rule)).collect(),
            requests_per_window: 20,
            window_ms: 10 * 60 * 1_000,
            lifetime_ms: DAY_MS,
            memory_ms: 7 * DAY_MS,
            requests_per_device: 100,
        }
    }
}

const KNOWN: [&str; 4] = [
    CROSS_SIGNING_MASTER,
    CROSS_SIGNING_SELF_SIGNING,
    CROSS_SIGNING_USER_SIGNING,
    MEGOLM_BACKUP_V1,
];

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
