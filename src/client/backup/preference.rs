//! The preference of the account: `m.key_backup`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#mkey_backup)), and what one client family wrote
//! before there was one and still reads. The latter is written only where it is there; of both, other members are kept.

use super::{
    Backup, Call, Lane, Next, Stage,
    blame::{FAILURES, LOST},
};
use crate::client::failure::Failure;
use crate::{
    api::{GetAccountData, PutAccountData},
    encoding::{json, json_object::JsonObject},
};

/// The requests about the preference.
#[derive(Debug, Default)]
pub(super) struct PreferenceLane {
    pub(super) lane: Lane,
    step: PreferenceStep,
    /// How many times the server has failed on it since it was read or written last.
    failures: u32,
    /// How many answers had come when a request failed last.
    heard: u64,
}

/// What is done next about the two events.
#[derive(Debug, Default)]
enum PreferenceStep {
    /// `m.key_backup` is read.
    #[default]
    ReadStandard,
    /// The older event is read.
    ReadOlder { standard: JsonObject },
    /// Both were read just now, and `m.key_backup` is written.
    WriteStandard { standard: JsonObject, older: JsonObject, enabled: bool },
    /// The older event is written.
    WriteOlder { older: JsonObject, enabled: bool },
}

impl Backup {
    /// The next request about the preference, if one is due.
    pub(super) fn preference_call(&self, now: u64) -> Option<Call> {
        if !self.preference.lane.is_free(now) || !self.preference_is_due() {
            return None;
        }
        let user_id = self.user_id.clone();
        let read = |user_id, event: &str| GetAccountData::new(user_id, event.into());
        let write = |user_id, event: &str, content: &JsonObject, name, value: bool| {
            let content = json::with_member(Some(content.as_raw()), name, &value.to_string());
            PutAccountData::new(user_id, event.into(), JsonObject::from_our_own(&content))
        };
        Some(match &self.preference.step {
            PreferenceStep::ReadStandard => Call::Preference(read(user_id, M_KEY_BACKUP)),
            PreferenceStep::ReadOlder { .. } => Call::Preference(read(user_id, BACKUP_DISABLED)),
            PreferenceStep::WriteStandard { standard, enabled, .. } => {
                Call::SetPreference(write(user_id, M_KEY_BACKUP, standard, ENABLED, *enabled))
            }
            PreferenceStep::WriteOlder { older, enabled } => {
                Call::SetPreference(write(user_id, BACKUP_DISABLED, older, DISABLED, !enabled))
            }
        })
    }

    /// Whether the preference is known, or fails so often that nothing waits for it.
    pub(super) fn preference_is_settled(&self) -> bool {
        self.kept.preference.was_read || self.preference.lane.failures() >= FAILURES
    }

    pub(super) fn preference_is_due(&self) -> bool {
        let is_wanted = self.kept.stage == Stage::Looking && !self.kept.preference.was_read;
        self.kept.preference.write.is_some() || is_wanted
    }

    pub(super) fn preference_read(&mut self, read: Result<Option<JsonObject>, Failure>, now: u64) {
        match read {
            Ok(content) => {
                self.preference_answered(now);
                self.preference_content_is(content.unwrap_or_else(JsonObject::empty));
            }
            // A server that has none to give, or always fails on it, does not keep anybody from a backup.
            Err(failure) => {
                if self.preference_is_given_up(&failure, now) {
                    self.preference_is_hidden(now);
                }
            }
        }
    }

    /// Whether a request about the preference is not tried again: the server refuses, or has failed on it some times.
    fn preference_is_given_up(&mut self, failure: &Failure, now: u64) -> bool {
        let last = std::mem::replace(&mut self.preference.heard, self.heard);
        let is_final = match failure {
            Failure::Refused(_) | Failure::TooLarge => true,
            Failure::Later { .. } | Failure::NotFound | Failure::OtherVersion => {
                self.preference.failures = self.preference.failures.saturating_add(1);
                self.preference.failures >= FAILURES
            }
            // Something on the way may drop this one alone.
            Failure::NoAnswer | Failure::RateLimited { .. } => {
                self.preference.lane.failures() >= LOST && self.is_heard_since(last)
            }
            Failure::Unauthorized => false,
        };
        if !is_final {
            self.preference.lane.failed(now, failure.wait_ms(), self.options.backoff());
        }
        is_final
    }

    /// What is not a boolean says nothing. The older event counts where the standard one says nothing; before something
    /// is written, both are read.
    fn preference_content_is(&mut self, content: JsonObject) {
        let write = self.kept.preference.write;
        match (std::mem::take(&mut self.preference.step), write) {
            (PreferenceStep::ReadStandard, write) => match boolean(&content, ENABLED) {
                Some(enabled) if write.is_none() => self.preference_is(Some(enabled)),
                _ => self.preference.step = PreferenceStep::ReadOlder { standard: content },
            },
            (PreferenceStep::ReadOlder { standard }, None) => {
                let older = || boolean(&content, DISABLED).map(|disabled| !disabled);
                self.preference_is(boolean(&standard, ENABLED).or_else(older));
            }
            (PreferenceStep::ReadOlder { standard }, Some(enabled)) => {
                self.preference.step =
                    PreferenceStep::WriteStandard { standard, older: content, enabled };
            }
            (PreferenceStep::WriteStandard { .. } | PreferenceStep::WriteOlder { .. }, _) => {}
        }
    }

    /// That it can be read says nothing of whether it can be written.
    fn preference_answered(&mut self, now: u64) {
        match self.kept.preference.write {
            Some(_) => self.preference.lane.answered(now),
            None => self.preference.lane.succeeded(now),
        }
    }

    fn preference_is_hidden(&mut self, now: u64) {
        self.preference_answered(now);
        match self.kept.preference.write {
            Some(_) => self.preference_content_is(JsonObject::empty()),
            None => self.preference_is(self.kept.preference.enabled),
        }
    }

    fn preference_is(&mut self, enabled: Option<bool>) {
        self.kept.preference.enabled = enabled;
        self.kept.preference.was_read = true;
        self.preference.step = PreferenceStep::ReadStandard;
        self.preference.failures = 0;
        self.touch();
    }

    /// The older event is written where it is there. After a failure both are read again, since another device may write
    /// them meanwhile. The preference may have been changed, too: then it is written again.
    pub(super) fn preference_written(&mut self, written: Result<(), Failure>, now: u64) {
        let refused = match written {
            Ok(()) => None,
            Err(failure) if self.preference_is_given_up(&failure, now) => Some(failure),
            Err(_) => return self.preference.step = PreferenceStep::ReadStandard,
        };
        self.preference.lane.succeeded(now);
        let (enabled, is_written) = match std::mem::take(&mut self.preference.step) {
            PreferenceStep::WriteStandard { older, enabled, .. }
                if refused.is_none() && !older.is_empty() =>
            {
                self.preference.step = PreferenceStep::WriteOlder { older, enabled };
                return;
            }
            PreferenceStep::WriteStandard { enabled, .. } => (enabled, refused.is_none()),
            PreferenceStep::WriteOlder { enabled, .. } => (enabled, true),
            PreferenceStep::ReadStandard | PreferenceStep::ReadOlder { .. } => return,
        };
        self.preference_is(if is_written { Some(enabled) } else { self.kept.preference.enabled });
        if self.kept.preference.write != Some(enabled) {
            return;
        }
        self.kept.preference.write = None;
        if let Some(failure) = refused {
            let refused = match failure {
                Failure::Refused(error) => Some(error),
                _ => None,
            };
            self.deliver(Next::PreferenceNotSet { enabled, refused });
        }
    }
}

fn boolean(content: &JsonObject, name: &str) -> Option<bool> {
    match content.member(name)?.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The standard event, `{"enabled": bool}`.
const M_KEY_BACKUP: &str = "m.key_backup";
const ENABLED: &str = "enabled";

/// The event of one client family, `{"disabled": bool}`.
const BACKUP_DISABLED: &str = "m.org.matrix.custom.backup_disabled";
const DISABLED: &str = "disabled";
