//! The preference of the account: `m.key_backup`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#mkey_backup)), and what one client family wrote
//! before there was one and still reads. The latter is written only where it is there; of both, other members are kept.

// docs/decisions.md, 27: the user is asked about facts of today.

use super::{
    Backup, Call, Lane, Next, RequestKind, Stage, kept::Preference, office::Office,
    uploaded::FAILURES,
};
use crate::client::{
    failure::Failure,
    preference_events::{BACKUP_DISABLED, DISABLED, ENABLED, M_KEY_BACKUP, boolean},
};
use crate::{
    api,
    encoding::{json, json_object::JsonObject},
};

#[derive(Debug, Default)]
pub(super) struct PreferenceLane {
    pub(super) known: Preference,
    step: PreferenceStep,
    /// How many times the server has failed on it since it was read or written last.
    failures: u32,
    /// When it was read or written last, by the machine's clock.
    pub(super) known_at_ms: Option<u64>,
    /// Whether it is to be read again, since the user is to be asked.
    is_wanted: bool,
    /// Since when a question waits for today's facts.
    pub(super) asked_since: Option<u64>,
}

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

impl PreferenceLane {
    pub(super) fn next(&self, office: &Office, stage: Stage) -> Option<Call> {
        if self.due(office, stage)? > office.courier.now() {
            return None;
        }
        let user_id = office.user_id.clone();
        let read = |user_id, event: &str| api::get_account_data(&user_id, &event.into());
        let write = |user_id, event: &str, content: &JsonObject, name, value: bool| {
            let content = json::with_member(Some(content.as_raw()), name, &value.to_string());
            api::put_account_data(&user_id, &event.into(), &JsonObject::from_our_own(&content))
        };
        Some(match &self.step {
            PreferenceStep::ReadStandard => Call::ReadPreference(read(user_id, M_KEY_BACKUP)),
            PreferenceStep::ReadOlder { .. } => {
                Call::ReadPreference(read(user_id, BACKUP_DISABLED))
            }
            PreferenceStep::WriteStandard { standard, enabled, .. } => {
                Call::WritePreference(write(user_id, M_KEY_BACKUP, standard, ENABLED, *enabled))
            }
            PreferenceStep::WriteOlder { older, enabled } => {
                Call::WritePreference(write(user_id, BACKUP_DISABLED, older, DISABLED, !enabled))
            }
        })
    }

    /// Whether the preference is known, or fails so often that nothing waits for it.
    pub(super) fn is_settled(&self, office: &Office) -> bool {
        let mut kinds = self.kinds().iter();
        let is_failing = kinds.any(|kind| office.courier.failures(*kind) >= FAILURES);
        self.known.was_read || is_failing
    }

    /// The requests about the preference: what is written is read just before.
    pub(super) fn kinds(&self) -> &'static [RequestKind] {
        match self.known.write {
            Some(_) => &[RequestKind::ReadPreference, RequestKind::WritePreference],
            None => &[RequestKind::ReadPreference],
        }
    }

    pub(super) fn due(&self, office: &Office, stage: Stage) -> Option<u64> {
        if office.courier.is_busy(Lane::Preference) || !self.is_due(stage) {
            return None;
        }
        let later = |due: u64, kind: &RequestKind| Some(office.courier.due(*kind)?.max(due));
        self.kinds().iter().try_fold(0, later)
    }

    pub(super) fn is_due(&self, stage: Stage) -> bool {
        let is_first = stage == Stage::Looking && !self.known.was_read;
        let is_wanted = is_first || self.is_wanted;
        self.known.write.is_some() || is_wanted
    }

    pub(super) fn was_read(
        &mut self,
        office: &mut Office,
        read: Result<Option<JsonObject>, Failure>,
    ) {
        match read {
            Ok(content) => {
                office.courier.settled(RequestKind::ReadPreference);
                self.content_is(office, content.unwrap_or_else(JsonObject::empty));
            }
            // A server that has none to give, or always fails on it, does not keep anybody from a backup.
            Err(failure) if self.is_given_up(office, RequestKind::ReadPreference, &failure) => {
                match self.known.write {
                    Some(_) => self.content_is(office, JsonObject::empty()),
                    None => self.is(office, self.known.enabled),
                }
            }
            Err(_) => {}
        }
    }

    /// Whether a request about the preference is not tried again: the server refuses, or has failed on it some times.
    fn is_given_up(&mut self, office: &mut Office, kind: RequestKind, failure: &Failure) -> bool {
        let is_final = match failure {
            Failure::Refused(_) => true,
            Failure::Later { .. } | Failure::NotFound | Failure::OtherVersion => {
                self.failures = self.failures.saturating_add(1);
                self.failures >= FAILURES
            }
            Failure::NoAnswer | Failure::RateLimited { .. } | Failure::Unauthorized => false,
        };
        // Something on the way may drop this one alone.
        let is_final = office.blames_request(kind, failure) || is_final;
        if is_final {
            office.courier.settled(kind);
        }
        is_final
    }

    /// What is not a boolean says nothing. The older event counts where the standard one says nothing; before something
    /// is written, both are read.
    fn content_is(&mut self, office: &mut Office, content: JsonObject) {
        let write = self.known.write;
        match (std::mem::take(&mut self.step), write) {
            (PreferenceStep::ReadStandard, write) => match boolean(&content, ENABLED) {
                Some(enabled) if write.is_none() => self.is(office, Some(enabled)),
                _ => self.step = PreferenceStep::ReadOlder { standard: content },
            },
            (PreferenceStep::ReadOlder { standard }, None) => {
                let older = || boolean(&content, DISABLED).map(|disabled| !disabled);
                self.is(office, boolean(&standard, ENABLED).or_else(older));
            }
            (PreferenceStep::ReadOlder { standard }, Some(enabled)) => {
                self.step = PreferenceStep::WriteStandard { standard, older: content, enabled };
            }
            (PreferenceStep::WriteStandard { .. } | PreferenceStep::WriteOlder { .. }, _) => {}
        }
    }

    fn is(&mut self, office: &mut Office, enabled: Option<bool>) {
        self.known.enabled = enabled;
        self.known.was_read = true;
        self.step = PreferenceStep::ReadStandard;
        self.failures = 0;
        self.known_at_ms = Some(office.courier.now());
        self.is_wanted = false;
        office.touch();
    }

    /// The older event is written where it is there. After a failure both are read again, since another device may write
    /// them meanwhile. The preference may have been changed, too: then it is written again.
    pub(super) fn was_written(&mut self, office: &mut Office, written: Result<(), Failure>) {
        let refused = match written {
            Ok(()) => None,
            Err(failure) if self.is_given_up(office, RequestKind::WritePreference, &failure) => {
                Some(failure)
            }
            Err(_) => return self.step = PreferenceStep::ReadStandard,
        };
        let (enabled, is_written) = match std::mem::take(&mut self.step) {
            PreferenceStep::WriteStandard { older, enabled, .. }
                if refused.is_none() && !older.is_empty() =>
            {
                self.step = PreferenceStep::WriteOlder { older, enabled };
                return;
            }
            PreferenceStep::WriteStandard { enabled, .. } => (enabled, refused.is_none()),
            PreferenceStep::WriteOlder { enabled, .. } => (enabled, true),
            PreferenceStep::ReadStandard | PreferenceStep::ReadOlder { .. } => return,
        };
        office.courier.settled(RequestKind::WritePreference);
        self.is(office, if is_written { Some(enabled) } else { self.known.enabled });
        if self.known.write != Some(enabled) {
            return;
        }
        self.known.write = None;
        if let Some(failure) = refused {
            let refused = match failure {
                Failure::Refused(error) => Some(error),
                _ => None,
            };
            office.deliver(Next::PreferenceNotSet { enabled, refused });
        }
    }
}

impl Backup {
    /// Whether the user can be asked: another client may have written the preference since it was read, and an answer that is
    /// on its way may make the question void. What was read after the question came up is new enough, however slow the host.
    pub(super) fn has_todays_facts(&mut self, now: u64) -> bool {
        let looks_now = self.version_due().is_some_and(|due| due <= now);
        let since = *self.preference.asked_since.get_or_insert(now);
        let since = since.min(now.saturating_sub(self.office.options.poll_ms).saturating_add(1));
        let is_read = self.preference.known_at_ms.is_some_and(|at| at >= since);
        self.preference.is_wanted = !is_read;
        let is_looking = self.office.courier.is_busy(Lane::Version);
        is_read && !is_looking && !(looks_now && self.look.found_at_ms < since)
    }
}
