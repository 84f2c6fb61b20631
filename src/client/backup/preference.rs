//! The preference of the account: `m.key_backup`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#mkey_backup)), and what one client family wrote
//! before there was one and still reads. The latter is written only where it is there; of both, other members are kept.

use super::{Backup, Call, Lane, Next, RequestKind, Stage, uploaded::FAILURES};
use crate::client::{
    failure::Failure,
    preference_events::{BACKUP_DISABLED, DISABLED, ENABLED, M_KEY_BACKUP, boolean},
};
use crate::{
    api::{GetAccountData, PutAccountData},
    encoding::{json, json_object::JsonObject},
};

/// The requests about the preference.
#[derive(Debug, Default)]
pub(super) struct PreferenceLane {
    step: PreferenceStep,
    /// How many times the server has failed on it since it was read or written last.
    failures: u32,
    /// When it was read or written last, by the machine's clock.
    known_at_ms: Option<u64>,
    /// Whether it is to be read again, since the user is to be asked.
    is_wanted: bool,
    /// Since when a question waits for today's facts.
    pub(super) asked_since: Option<u64>,
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
        if self.preference_due()? > now {
            return None;
        }
        let user_id = self.office.user_id.clone();
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
        let mut kinds = self.preference_kinds().iter();
        let is_failing = kinds.any(|kind| self.office.courier.failures(*kind) >= FAILURES);
        self.kept.preference.was_read || is_failing
    }

    /// The requests about the preference: what is written is read just before.
    pub(super) fn preference_kinds(&self) -> &'static [RequestKind] {
        match self.kept.preference.write {
            Some(_) => &[RequestKind::ReadPreference, RequestKind::WritePreference],
            None => &[RequestKind::ReadPreference],
        }
    }

    /// When the next request about the preference may be sent.
    pub(super) fn preference_due(&self) -> Option<u64> {
        if self.office.courier.is_busy(Lane::Preference) || !self.preference_is_due() {
            return None;
        }
        let later = |due: u64, kind: &RequestKind| Some(self.office.courier.due(*kind)?.max(due));
        self.preference_kinds().iter().try_fold(0, later)
    }

    pub(super) fn preference_is_due(&self) -> bool {
        let is_first = self.stage() == Stage::Looking && !self.kept.preference.was_read;
        let is_wanted = is_first || self.preference.is_wanted;
        self.kept.preference.write.is_some() || is_wanted
    }

    /// Whether the user can be asked: another client may have written the preference since it was read, and an answer that is
    /// on its way may make the question void. What was read after the question came up is new enough, however slow the host.
    pub(super) fn has_todays_facts(&mut self, now: u64) -> bool {
        let since = *self.preference.asked_since.get_or_insert(now);
        let since = since.min(now.saturating_sub(self.office.options.poll_ms).saturating_add(1));
        let is_read = self.preference.known_at_ms.is_some_and(|at| at >= since);
        self.preference.is_wanted = !is_read;
        let is_looking = self.office.courier.is_busy(Lane::Version);
        let looks_now = self.version_due().is_some_and(|due| due <= now);
        is_read && !is_looking && !(looks_now && self.look.found_at_ms < since)
    }

    pub(super) fn preference_read(&mut self, read: Result<Option<JsonObject>, Failure>) {
        match read {
            Ok(content) => {
                self.office.courier.succeeded(RequestKind::ReadPreference);
                self.preference_content_is(content.unwrap_or_else(JsonObject::empty));
            }
            // A server that has none to give, or always fails on it, does not keep anybody from a backup.
            Err(failure) => {
                if self.preference_is_given_up(RequestKind::ReadPreference, &failure) {
                    self.preference_is_hidden();
                }
            }
        }
    }

    /// Whether a request about the preference is not tried again: the server refuses, or has failed on it some times.
    fn preference_is_given_up(&mut self, kind: RequestKind, failure: &Failure) -> bool {
        let is_final = match failure {
            Failure::Refused(_) | Failure::TooLarge => true,
            Failure::Later { .. } | Failure::NotFound | Failure::OtherVersion => {
                self.preference.failures = self.preference.failures.saturating_add(1);
                self.preference.failures >= FAILURES
            }
            Failure::NoAnswer | Failure::RateLimited { .. } | Failure::Unauthorized => false,
        };
        let mut effects = Vec::new();
        // Something on the way may drop this one alone.
        let is_final = self.office.failed(kind, failure, &mut effects) || is_final;
        effects.into_iter().for_each(|effect| self.apply(effect));
        if is_final {
            self.office.courier.succeeded(kind);
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

    fn preference_is_hidden(&mut self) {
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
        self.preference.known_at_ms = Some(self.office.courier.now());
        self.preference.is_wanted = false;
        self.office.touch();
    }

    /// The older event is written where it is there. After a failure both are read again, since another device may write
    /// them meanwhile. The preference may have been changed, too: then it is written again.
    pub(super) fn preference_written(&mut self, written: Result<(), Failure>) {
        let refused = match written {
            Ok(()) => None,
            Err(failure) if self.preference_is_given_up(RequestKind::WritePreference, &failure) => {
                Some(failure)
            }
            Err(_) => return self.preference.step = PreferenceStep::ReadStandard,
        };
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
        self.office.courier.succeeded(RequestKind::WritePreference);
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
            self.office.deliver(Next::PreferenceNotSet { enabled, refused });
        }
    }
}
