//! The preference of the account: `m.key_backup`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#mkey_backup)), or what one client wrote
//! before there was one. Only the former is written.

use super::{Backup, Call, Lane, Next, RequestKind, Stage, upload::FAILURES};
use crate::client::failure::Failure;
use crate::{
    api::{GetAccountData, PutAccountData},
    encoding::json_object::JsonObject,
};

/// The requests about the preference.
#[derive(Debug, Default)]
pub(super) struct PreferenceLane {
    pub(super) lane: Lane,
    /// What is being written.
    sent: Option<bool>,
    /// How many times the server has failed on it since it was read or written last.
    failures: u32,
    /// Whether `m.key_backup` was read, and says nothing.
    asks_old: bool,
    /// When it was read or written last, by the machine's clock.
    known_at_ms: Option<u64>,
    /// Whether it is to be read again, since the user is to be asked.
    is_wanted: bool,
}

impl Backup {
    /// The next request about the preference, if one is due.
    pub(super) fn preference_call(&mut self, now: u64) -> Option<Call> {
        let is_free = self.preference.lane.is_free(now) && self.preference_is_due();
        if !is_free || !self.courier.may_send(self.preference_kind()) {
            return None;
        }
        let (user_id, event_type) = (self.user_id.clone(), M_KEY_BACKUP.into());
        Some(match self.kept.preference.write {
            Some(enabled) => {
                self.preference.sent = Some(enabled);
                let content = JsonObject::from_our_own(&format!(r#"{{"enabled":{enabled}}}"#));
                Call::SetPreference(PutAccountData::new(user_id, event_type, content))
            }
            None if self.preference.asks_old => {
                Call::Preference(GetAccountData::new(user_id, BACKUP_DISABLED.into()))
            }
            None => Call::Preference(GetAccountData::new(user_id, event_type)),
        })
    }

    pub(super) fn preference_kind(&self) -> RequestKind {
        match self.kept.preference.write {
            Some(_) => RequestKind::WritePreference,
            None => RequestKind::ReadPreference,
        }
    }

    /// When the next request about the preference may be sent.
    pub(super) fn preference_due(&self) -> Option<u64> {
        let due = self.preference.lane.due().filter(|_| self.preference_is_due())?;
        Some(self.courier.due(self.preference_kind())?.max(due))
    }

    pub(super) fn preference_is_due(&self) -> bool {
        let is_first = self.kept.stage == Stage::Looking && !self.kept.preference.was_read;
        let is_wanted = is_first || self.preference.is_wanted;
        self.kept.preference.write.is_some() || is_wanted
    }

    /// Whether the user can be asked: another client may have written the preference since it was read, and an answer that is
    /// on its way may make the question void.
    pub(super) fn has_todays_facts(&mut self, now: u64) -> bool {
        let known = self.preference.known_at_ms;
        let is_read = known.is_some_and(|at| now.saturating_sub(at) < self.options.poll_ms);
        self.preference.is_wanted = !is_read;
        let is_looking = self.version.in_flight.is_some();
        let looks_now = self.version_due().is_some_and(|due| due <= now);
        is_read && !is_looking && !looks_now
    }

    /// What is not a boolean says nothing. The old event counts where the standard one says nothing.
    pub(super) fn preference_read(&mut self, read: Result<Option<JsonObject>, Failure>, now: u64) {
        match read {
            Ok(content) => {
                let is_old = std::mem::take(&mut self.preference.asks_old);
                let found = boolean(content.as_ref(), if is_old { "disabled" } else { "enabled" });
                self.preference.lane.answered(now);
                self.courier.succeeded(RequestKind::ReadPreference);
                if found.is_none() && !is_old {
                    self.preference.asks_old = true;
                } else {
                    self.preference_is(found.map(|found| found != is_old));
                }
            }
            // A server that has none to give, or always fails on it, does not keep anybody from a backup.
            Err(failure) => {
                if self.preference_is_given_up(RequestKind::ReadPreference, &failure, now) {
                    self.preference_is(self.kept.preference.enabled);
                }
            }
        }
    }

    /// Whether a request about the preference is not tried again: the server refuses, or has failed on it some times.
    fn preference_is_given_up(&mut self, kind: RequestKind, failure: &Failure, now: u64) -> bool {
        let is_final = match failure {
            Failure::Refused(_) | Failure::TooLarge => true,
            Failure::Later { .. } | Failure::NotFound | Failure::OtherVersion => {
                self.preference.failures = self.preference.failures.saturating_add(1);
                self.preference.failures >= FAILURES
            }
            Failure::NoAnswer | Failure::RateLimited { .. } | Failure::Unauthorized => false,
        };
        self.preference.lane.answered(now);
        if is_final {
            self.courier.succeeded(kind);
        } else {
            self.courier.failed(kind, failure.wait_ms());
        }
        is_final
    }

    fn preference_is(&mut self, enabled: Option<bool>) {
        self.kept.preference.enabled = enabled;
        self.kept.preference.was_read = true;
        (self.preference.asks_old, self.preference.failures) = (false, 0);
        self.preference.known_at_ms = Some(self.courier.now());
        self.preference.is_wanted = false;
        self.touch();
    }

    /// The preference may have been changed while it was written: then it is written again.
    pub(super) fn preference_written(&mut self, written: Result<(), Failure>, now: u64) {
        let refused = match written {
            Ok(()) => {
                self.preference.lane.answered(now);
                self.courier.succeeded(RequestKind::WritePreference);
                self.preference_is(self.preference.sent);
                None
            }
            Err(failure)
                if self.preference_is_given_up(RequestKind::WritePreference, &failure, now) =>
            {
                self.preference_is(self.kept.preference.enabled);
                Some(failure)
            }
            Err(_) => return,
        };
        if self.kept.preference.write != self.preference.sent {
            return;
        }
        let enabled = self.kept.preference.write.take();
        if let (Some(enabled), Some(failure)) = (enabled, refused) {
            let refused = match failure {
                Failure::Refused(error) => Some(error),
                _ => None,
            };
            self.deliver(Next::PreferenceNotSet { enabled, refused });
        }
    }
}

fn boolean(content: Option<&JsonObject>, name: &str) -> Option<bool> {
    match content?.member(name)?.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

const M_KEY_BACKUP: &str = "m.key_backup";

/// The event of one client family, `{"disabled": bool}`.
const BACKUP_DISABLED: &str = "m.org.matrix.custom.backup_disabled";
